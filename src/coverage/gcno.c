/* Reading .gcno files. The comments of GCC's gcov-io.h describe the format, but not all of it; as
 * GCC 9 to 16 write it:
 *
 *     file      magic "gcno", version, stamp, [12 on: checksum], string: folder of the compiler,
 *               1 if blocks that were not executed are told, records, 0
 *     record    tag, length, payload; lengths and those of strings count words, from 12 on bytes
 *     FUNCTION  ident, checksum of lines, checksum of the graph, string: name, 1 if artificial,
 *               string: file, start line, column, end line, column
 *     BLOCKS    how many; 0 is the entry, 1 the exit
 *     ARCS      a block, and for each of its arcs: the block it leads to, flags
 *     LINES     a block; lines, each 0 followed by the name of the file that they are of; 0, ""
 *
 * clang writes the format of GCC 4.8: there is no folder and no 1 behind the stamp, FUNCTION ends with
 * the start line and is never artificial, BLOCKS has a word for each.
 *
 * The records of a function follow its FUNCTION; records of other tags (conditions, paths) are
 * passed over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "coverage/gcnotes.h"

struct reader {
    struct gc_notes *n;
    struct map files;     /* by folded name */
    struct map raw_files; /* by the name as it stands there */
    size_t len;       /* of the whole file: bounds the number of blocks */
    bool has_blocks;  /* the current function's are known */
};

void gc_notes_release(struct gc_notes *n)
{
    arena_release(&n->arena);
    free(n->functions);
    free(n->blocks);
    free(n->arcs);
    free(n->into);
    free(n->places);
    free(n->lines);
    free(n->files);
    free(n->by_ident);
    free(n->counters);
    memset(n, 0, sizeof *n);
}

/* Folds "." and "x/.." away, so that a file has one name however it was included. */
static char *fold_name(const char *name)
{
    struct buf b = BUF_INIT;
    size_t fixed = name[0] == '/'; /* up to here nothing can be taken back */
    if (fixed)
        buf_addc(&b, '/');
    for (const char *end; *name; name = *end ? end + 1 : end) {
        end = strchrnul(name, '/');
        size_t len = (size_t)(end - name);
        if (len == 0 || (len == 1 && name[0] == '.'))
            continue;
        bool up = len == 2 && name[0] == '.' && name[1] == '.';
        if (up && b.len > fixed) {
            while (b.len > fixed && b.data[b.len - 1] != '/')
                b.len--;
            if (b.len > fixed)
                b.len--;
            b.data[b.len] = '\0';
            continue;
        }
        if (b.len && b.data[b.len - 1] != '/')
            buf_addc(&b, '/');
        buf_add(&b, name, len);
        if (up)
            fixed = b.len;
    }
    return b.len ? buf_detach(&b) : xstrdup(".");
}

static uint32_t find_file(struct reader *r, const char *name)
{
    struct gc_notes *n = r->n;
    size_t at = map_get(&r->raw_files, name);
    if (at != MAP_NONE)
        return (uint32_t)at;
    char *folded = fold_name(name);
    at = map_get(&r->files, folded);
    if (at == MAP_NONE) {
        at = n->n_files;
        n->files = xgrow(n->files, n->n_files, &n->cap_files, sizeof *n->files);
        n->files[n->n_files++] = arena_strdup(&n->arena, folded);
        map_put(&r->files, n->files[at], at);
    }
    map_put(&r->raw_files, arena_strdup(&n->arena, name), at);
    free(folded);
    return (uint32_t)at;
}

static bool read_function(struct reader *r, struct gc_bytes *b)
{
    struct gc_notes *n = r->n;
    struct gc_function fn = {.block = n->n_blocks, .place = n->n_places};
    fn.ident = gc_word(b);
    fn.lineno_checksum = gc_word(b);
    fn.cfg_checksum = gc_word(b);
    const char *name = gc_string(b);
    bool clang = n->head.major == GC_CLANG;
    fn.artificial = clang ? 0 : gc_word(b);
    const char *file = gc_string(b);
    fn.start_line = gc_word(b);
    fn.start_column = clang ? 0 : gc_word(b);
    fn.end_line = clang ? 0 : gc_word(b);
    fn.end_column = clang ? 0 : gc_word(b);
    if (b->failed)
        return false;
    fn.name = arena_strdup(&n->arena, name ? name : "");
    fn.file = find_file(r, file ? file : "");
    n->functions = xgrow(n->functions, n->n_functions, &n->cap_functions, sizeof *n->functions);
    n->functions[n->n_functions++] = fn;
    r->has_blocks = false;
    return true;
}

/* Every block but the exit has an arc, which takes bytes of the file: a larger number is a lie. */
static bool read_blocks(struct reader *r, struct gc_function *fn, struct gc_bytes *b)
{
    struct gc_notes *n = r->n;
    uint32_t count = n->head.major == GC_CLANG ? (uint32_t)((b->end - b->p) / 4) : gc_word(b);
    if (b->failed || count > r->len / 8 + 2 || n->n_blocks + count > r->len)
        return false;
    if (r->has_blocks)
        return true;
    r->has_blocks = true;
    fn->n_blocks = count;
    for (uint32_t i = 0; i < count; i++) {
        n->blocks = xgrow(n->blocks, n->n_blocks, &n->cap_blocks, sizeof *n->blocks);
        n->blocks[n->n_blocks++] = (struct gc_block){0};
    }
    return true;
}

/* All arcs of one block. */
static bool read_arcs(struct reader *r, struct gc_function *fn, struct gc_bytes *b)
{
    struct gc_notes *n = r->n;
    uint32_t from = gc_word(b);
    if (b->failed || from >= fn->n_blocks || n->blocks[fn->block + from].n_arcs)
        return false;
    struct gc_block *block = &n->blocks[fn->block + from];
    block->arc = n->n_arcs;
    bool calls = false;
    while (b->end - b->p >= 8) {
        struct gc_arc arc = {.from = from, .to = gc_word(b)};
        arc.flags = gc_word(b) & (GC_ARC_ON_TREE | GC_ARC_FAKE | GC_ARC_FALLTHROUGH);
        if (arc.to >= fn->n_blocks)
            return false;
        if ((arc.flags & GC_ARC_FAKE) && from) {
            arc.flags |= GC_ARC_CALL;
            calls = true;
        }
        n->arcs = xgrow(n->arcs, n->n_arcs, &n->cap_arcs, sizeof *n->arcs);
        n->arcs[n->n_arcs++] = arc;
        block->n_arcs++;
        n->blocks[fn->block + arc.to].n_into++;
        fn->n_counters += !(arc.flags & GC_ARC_ON_TREE);
    }
    /* Where a call may not return, other ways on than the usual one lead to handlers. */
    for (uint32_t i = 0; calls && i < block->n_arcs; i++) {
        struct gc_arc *arc = &n->arcs[block->arc + i];
        if (!(arc->flags & (GC_ARC_FAKE | GC_ARC_FALLTHROUGH))) {
            arc->flags |= GC_ARC_THROW;
            fn->has_catch = true;
        }
    }
    return true;
}

static int compare_numbers(const void *va, const void *vb)
{
    uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
    return (a > b) - (a < b);
}

static bool read_lines(struct reader *r, struct gc_function *fn, struct gc_bytes *b)
{
    struct gc_notes *n = r->n;
    uint32_t block = gc_word(b);
    size_t first = n->n_places;
    struct gc_place *place = NULL;
    if (b->failed || block >= fn->n_blocks)
        return false;
    for (;;) {
        uint32_t line = gc_word(b);
        const char *name = line ? NULL : gc_string(b);
        if (b->failed || (line && !place))
            return false;
        if (!line && !name)
            break;
        if (line) {
            n->lines = xgrow(n->lines, n->n_lines, &n->cap_lines, sizeof *n->lines);
            n->lines[n->n_lines++] = line;
            place->n++;
            continue;
        }
        n->places = xgrow(n->places, n->n_places, &n->cap_places, sizeof *n->places);
        place = &n->places[n->n_places++];
        *place = (struct gc_place){block, find_file(r, name), (uint32_t)n->n_lines, 0};
        fn->n_places++;
    }
    for (size_t i = first; i < n->n_places; i++)
        if (n->places[i].n)
            qsort(n->lines + n->places[i].first, n->places[i].n, sizeof *n->lines,
                  compare_numbers);
    return true;
}

static bool read_records(struct reader *r, struct gc_bytes *b)
{
    uint32_t tag;
    size_t zeros;
    struct gc_bytes part;
    bool ended, in_function = false;
    while (gc_record(b, &tag, &part, &zeros, &ended)) {
        struct gc_notes *n = r->n;
        struct gc_function *fn = n->n_functions ? &n->functions[n->n_functions - 1] : NULL;
        bool ok = true;
        if (tag == GC_TAG_FUNCTION)
            ok = in_function = read_function(r, &part);
        else if (in_function && tag == GC_TAG_BLOCKS)
            ok = read_blocks(r, fn, &part);
        else if (in_function && tag == GC_TAG_ARCS)
            ok = read_arcs(r, fn, &part);
        else if (in_function && tag == GC_TAG_LINES)
            ok = read_lines(r, fn, &part);
        if (!ok)
            return false;
    }
    return !b->failed;
}

/* ---- What follows from the records ------------------------------------------------------------- */

struct start {
    uint32_t file, line;
    size_t function;
};

static int compare_starts(const void *va, const void *vb)
{
    const struct start *a = va, *b = vb;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Functions that start on the same line are instances of one. */
static void find_groups(struct gc_notes *n)
{
    struct start *starts = xcalloc(n->n_functions + 1, sizeof *starts);
    size_t m = 0;
    for (size_t i = 0; i < n->n_functions; i++)
        if (!n->functions[i].artificial)
            starts[m++] = (struct start){n->functions[i].file, n->functions[i].start_line, i};
    if (m)
        qsort(starts, m, sizeof *starts, compare_starts);
    for (size_t i = 1; i < m; i++)
        if (compare_starts(&starts[i - 1], &starts[i]) == 0)
            n->functions[starts[i - 1].function].group = n->functions[starts[i].function].group =
                true;
    free(starts);
}

/* A block with one way out that is no fake has no branch. */
static void find_unconditional(struct gc_notes *n)
{
    for (size_t i = 0; i < n->n_blocks; i++) {
        struct gc_arc *arcs = n->arcs + n->blocks[i].arc;
        uint32_t n_arcs = n->blocks[i].n_arcs, real = 0;
        for (uint32_t k = 0; k < n_arcs; k++)
            real += !(arcs[k].flags & GC_ARC_FAKE);
        for (uint32_t k = 0; real == 1 && k < n_arcs; k++)
            if (!(arcs[k].flags & GC_ARC_FAKE))
                arcs[k].flags |= GC_ARC_UNCONDITIONAL;
    }
}

/* Room for the arcs into each block and for the counters; none of the arrays is NULL after it. */
static void lay_out(struct gc_notes *n)
{
    size_t at = 0;
    n->blocks = xgrow(n->blocks, n->n_blocks, &n->cap_blocks, sizeof *n->blocks);
    n->arcs = xgrow(n->arcs, n->n_arcs, &n->cap_arcs, sizeof *n->arcs);
    n->places = xgrow(n->places, n->n_places, &n->cap_places, sizeof *n->places);
    n->lines = xgrow(n->lines, n->n_lines, &n->cap_lines, sizeof *n->lines);
    n->into = xcalloc(n->n_arcs + 1, sizeof *n->into);
    for (size_t i = 0; i < n->n_blocks; i++) {
        n->blocks[i].into = at;
        at += n->blocks[i].n_into;
        n->blocks[i].n_into = 0;
    }
    for (size_t i = 0; i < n->n_functions; i++) {
        n->functions[i].counter = n->n_counters;
        n->n_counters += n->functions[i].n_counters;
    }
    n->counters = xcalloc(n->n_counters + 1, sizeof *n->counters);
}

struct ident {
    uint32_t ident, function;
};

static int compare_idents(const void *va, const void *vb)
{
    const struct ident *a = va, *b = vb;
    if (a->ident != b->ident)
        return a->ident < b->ident ? -1 : 1;
    return (a->function > b->function) - (a->function < b->function);
}

static void index_idents(struct gc_notes *n)
{
    struct ident *v = xcalloc(n->n_functions + 1, sizeof *v);
    n->by_ident = xcalloc(n->n_functions + 1, sizeof *n->by_ident);
    for (size_t i = 0; i < n->n_functions; i++)
        v[i] = (struct ident){n->functions[i].ident, (uint32_t)i};
    qsort(v, n->n_functions, sizeof *v, compare_idents);
    for (size_t i = 0; i < n->n_functions; i++)
        if (i + 1 == n->n_functions || v[i + 1].ident != v[i].ident)
            n->by_ident[n->n_idents++] = v[i].function;
    free(v);
}

static int compare_places(const void *va, const void *vb)
{
    const struct gc_place *a = va, *b = vb;
    if (a->block != b->block)
        return a->block < b->block ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

const char *gc_version_text(uint32_t version, char text[16])
{
    int tens = (int)(version >> 24) - 'A', ones = (int)(version >> 16 & 0xff) - '0';
    int minor = (int)(version >> 8 & 0xff) - '0';
    if (version == GC_CLANG_VERSION)
        snprintf(text, 16, "4.8 (clang)");
    else if (tens >= 0 && tens < 26 && ones >= 0 && ones <= 9 && minor >= 0 && minor <= 9)
        snprintf(text, 16, "%d.%d", tens * 10 + ones, minor);
    else
        snprintf(text, 16, "0x%08x", version);
    return text;
}

enum gc_result gc_notes_read(struct gc_notes *n, const char *path, const void *data, size_t len,
                             struct error *err)
{
    struct gc_bytes b;
    struct reader r = {.n = n, .len = len};
    memset(n, 0, sizeof *n);
    if (!gc_bytes_open(&b, data, len, GC_NOTES_MAGIC, &n->head)) {
        error_set(err, EXIT_USAGE, "%s: no notes of GCC, or cut off; build it again", path);
        return GC_BAD;
    }
    if (!n->head.major)
        return GC_UNKNOWN;
    bool clang = n->head.major == GC_CLANG;
    const char *cwd = clang ? NULL : gc_string(&b);
    n->cwd = arena_strdup(&n->arena, cwd ? cwd : "");
    n->path = path;
    if (!clang)
        gc_word(&b);
    bool ok = !b.failed && read_records(&r, &b);
    map_release(&r.files);
    map_release(&r.raw_files);
    if (!ok) {
        error_set(err, EXIT_USAGE, "%s: cut off or damaged; build it again", path);
        gc_notes_release(n);
        return GC_BAD;
    }
    for (size_t i = 0; i < n->n_functions; i++)
        if (n->functions[i].n_places)
            qsort(n->places + n->functions[i].place, n->functions[i].n_places, sizeof *n->places,
                  compare_places);
    lay_out(n);
    find_groups(n);
    find_unconditional(n);
    index_idents(n);
    return GC_OK;
}
