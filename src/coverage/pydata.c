/* The tables of a data file (coverage/sqldata.py describes them):
 *
 *     coverage_schema(version)  meta(key, value)  file(id, path)  context(id, context)
 *     line_bits(file_id, context_id, numbits)  arc(file_id, context_id, fromno, tono)
 *     tracer(file_id, tracer)
 *
 * meta has_arcs = 1: arc holds the data, else line_bits. */
#include "coverage/pydata.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"

enum {
    SCHEMA = 7,
    MOST_BITS = (PY_MOST_LINE + 1) / 8, /* bytes of a numbits */
    MOST_PATH = 1 << 16,
    MOST_CONTEXT = 1 << 20, /* bytes of a name; those of tests may be long */
    MOST_SHOWN = 200, /* characters of a message */
    STEPS = 100000 /* of SQLite's machine between two looks at what a query costs */
};

void py_data_init(struct py_data *d)
{
    memset(d, 0, sizeof *d);
}

void py_data_release(struct py_data *d)
{
    for (size_t i = 0; i < d->n_files; i++) {
        for (size_t k = 0; k < d->files[i].n_runs; k++)
            py_run_release(&d->files[i].runs[k]);
        free(d->files[i].runs);
    }
    free(d->files);
    free(d->contexts);
    map_release(&d->by_path);
    map_release(&d->by_context);
    map_release(&d->by_run);
    arena_release(&d->arena);
    py_data_init(d);
}

bool py_data_claims(const char *path)
{
    static const char magic[] = "SQLite format 3"; /* and its NUL */
    char head[sizeof magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
              memcmp(head, magic, sizeof magic) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

/* ---- Adding ----------------------------------------------------------------------------------- */

struct py_file *py_data_file(struct py_data *d, const char *path)
{
    size_t at = map_get(&d->by_path, path);
    if (at != MAP_NONE)
        return &d->files[at];
    if (d->n_files == d->cap_files) {
        d->cap_files = d->cap_files ? 2 * d->cap_files : 16;
        d->files = xreallocarray(d->files, d->cap_files, sizeof *d->files);
    }
    struct py_file *f = &d->files[d->n_files];
    memset(f, 0, sizeof *f);
    f->path = arena_strdup(&d->arena, path);
    map_put(&d->by_path, f->path, d->n_files++);
    return f;
}

uint32_t py_data_context(struct py_data *d, const char *name)
{
    size_t at = map_get(&d->by_context, name);
    if (at != MAP_NONE)
        return (uint32_t)at;
    d->contexts = xgrow(d->contexts, d->n_contexts, &d->cap_contexts, sizeof *d->contexts);
    d->contexts[d->n_contexts] = arena_strdup(&d->arena, name);
    map_put(&d->by_context, d->contexts[d->n_contexts], d->n_contexts);
    return (uint32_t)d->n_contexts++;
}

/* Where contexts are not used, a file has one run, and nothing is looked up. */
struct py_run *py_file_run(struct py_data *d, struct py_file *f, uint32_t context)
{
    char key[48];
    if (f->n_runs && f->runs[0].context == context)
        return &f->runs[0];
    if (f->n_runs) {
        snprintf(key, sizeof key, "%zx:%x", (size_t)(f - d->files), (unsigned)context);
        size_t at = map_get(&d->by_run, key);
        if (at != MAP_NONE)
            return &f->runs[at];
        map_put(&d->by_run, arena_strdup(&d->arena, key), f->n_runs);
    }
    if (f->n_runs == f->cap_runs) {
        f->cap_runs = f->cap_runs ? 2 * f->cap_runs : 1;
        f->runs = xreallocarray(f->runs, f->cap_runs, sizeof *f->runs);
    }
    struct py_run *r = &f->runs[f->n_runs++];
    *r = (struct py_run){.context = context};
    return r;
}

void py_run_add_bits(struct py_run *r, const uint8_t *bits, size_t n)
{
    if (n > r->cap_bits) {
        r->bits = xreallocarray(r->bits, n, 1);
        r->cap_bits = n;
    }
    if (n > r->n_bits) {
        memset(r->bits + r->n_bits, 0, n - r->n_bits);
        r->n_bits = n;
    }
    for (size_t i = 0; i < n; i++)
        r->bits[i] |= bits[i];
}

static int compare_arcs(const void *va, const void *vb)
{
    const struct py_arc *a = va, *b = vb;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

void py_run_finish(struct py_run *r)
{
    size_t out = 0;
    if (r->sorted_arcs == r->n_arcs)
        return;
    qsort(r->arcs, r->n_arcs, sizeof *r->arcs, compare_arcs);
    for (size_t i = 0; i < r->n_arcs; i++)
        if (!out || compare_arcs(&r->arcs[out - 1], &r->arcs[i]) != 0)
            r->arcs[out++] = r->arcs[i];
    r->n_arcs = r->sorted_arcs = out;
}

/* Arcs that come in their order stay sorted for free. Known ones are not added again: hundreds of
 * data files have the same. */
void py_run_add_arc(struct py_run *r, int32_t from, int32_t to)
{
    struct py_arc arc = {from, to};
    if (r->sorted_arcs &&
        bsearch(&arc, r->arcs, r->sorted_arcs, sizeof arc, compare_arcs))
        return;
    if (r->n_arcs == r->cap_arcs) {
        r->cap_arcs = r->cap_arcs ? 2 * r->cap_arcs : 16;
        r->arcs = xreallocarray(r->arcs, r->cap_arcs, sizeof *r->arcs);
    }
    if (r->sorted_arcs == r->n_arcs &&
        (!r->n_arcs || compare_arcs(&r->arcs[r->n_arcs - 1], &arc) < 0))
        r->sorted_arcs++;
    r->arcs[r->n_arcs++] = arc;
    if (r->n_arcs > 2 * r->sorted_arcs + 1024)
        py_run_finish(r);
}

void py_run_add(struct py_run *r, const struct py_run *from)
{
    py_run_add_bits(r, from->bits, from->n_bits);
    for (size_t i = 0; i < from->n_arcs; i++)
        py_run_add_arc(r, from->arcs[i].from, from->arcs[i].to);
}

void py_run_release(struct py_run *r)
{
    free(r->bits);
    free(r->arcs);
    *r = (struct py_run){0};
}

void py_data_finish(struct py_data *d)
{
    for (size_t i = 0; i < d->n_files; i++)
        for (size_t k = 0; k < d->files[i].n_runs; k++)
            py_run_finish(&d->files[i].runs[k]);
}

/* Adds all of from to d. */
static void merge(struct py_data *d, const struct py_data *from)
{
    uint32_t *contexts = xcalloc(from->n_contexts + 1, sizeof *contexts);
    d->has_arcs |= from->has_arcs;
    d->has_lines |= from->has_lines;
    for (size_t i = 0; i < from->n_contexts; i++)
        contexts[i] = py_data_context(d, from->contexts[i]);
    for (size_t i = 0; i < from->n_files; i++) {
        const struct py_file *f = &from->files[i];
        struct py_file *to = py_data_file(d, f->path);
        if (f->tracer && !to->tracer)
            to->tracer = arena_strdup(&d->arena, f->tracer);
        for (size_t k = 0; k < f->n_runs; k++) {
            uint32_t context = f->runs[k].context;
            context = context < from->n_contexts ? contexts[context] : PY_NO_CONTEXT;
            py_run_add(py_file_run(d, to, context), &f->runs[k]);
        }
    }
    free(contexts);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

struct reader {
    sqlite3 *db;
    const char *path; /* of the data file */
    struct py_data *data;
    struct map by_id;      /* keys: ids in decimal; values: indices of data->files */
    struct map context_id; /* likewise, of data->contexts */
    struct py_run *run;    /* of the row before, NULL at first, and its ids */
    sqlite3_int64 run_file, run_context;
    unsigned patience;
    struct error *err;
};

static bool fail(struct reader *r, const char *what)
{
    return error_set(r->err, EXIT_USAGE, "%s: %s", r->path, what);
}

/* SQLite's words may hold what the file calls its tables. */
static bool fail_sqlite(struct reader *r)
{
    struct buf shown = BUF_INIT;
    const char *what = sqlite3_errmsg(r->db);
    text_escape(&shown, what, strlen(what), MOST_SHOWN);
    error_set(r->err, EXIT_USAGE, "%s: no whole data file of coverage.py: %s", r->path,
              buf_cstr(&shown));
    buf_release(&shown);
    return false;
}

/* A forged file may make a query run for ever (a view in place of a table). */
static int look_at_watch(void *arg)
{
    struct reader *r = arg;
    return r->patience-- == 0;
}

static bool prepare(struct reader *r, const char *sql, sqlite3_stmt **s)
{
    return sqlite3_prepare_v2(r->db, sql, -1, s, NULL) == SQLITE_OK || fail_sqlite(r);
}

/* Calls row for every row that sql yields. */
static bool each_row(struct reader *r, const char *sql, bool (*row)(struct reader *, sqlite3_stmt *))
{
    sqlite3_stmt *s = NULL;
    bool ok = prepare(r, sql, &s);
    while (ok) {
        int rc = sqlite3_step(s);
        if (rc == SQLITE_DONE)
            break;
        ok = rc == SQLITE_ROW ? row(r, s) : fail_sqlite(r);
        r->patience = 1000;
    }
    sqlite3_finalize(s);
    return ok;
}

static bool check_tables(struct reader *r, sqlite3_stmt *s)
{
    int n = sqlite3_column_int(s, 0);
    return n == 7 || fail(r, "an SQLite file, but none of coverage.py: tables are missing");
}

static bool check_version(struct reader *r, sqlite3_stmt *s)
{
    int version = sqlite3_column_int(s, 0);
    return version == SCHEMA ||
           error_set(r->err, EXIT_USAGE,
                     "%s: a data file of schema %d, and this reader knows %d; write it again with "
                     "coverage.py 5.0 or newer",
                     r->path, version, SCHEMA);
}

static bool take_has_arcs(struct reader *r, sqlite3_stmt *s)
{
    bool arcs = sqlite3_column_int(s, 0) != 0;
    r->data->has_arcs |= arcs;
    r->data->has_lines |= !arcs;
    return true;
}

static size_t index_of_id(const struct map *m, sqlite3_int64 id)
{
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)id);
    return map_get(m, key);
}

static void name_id(struct reader *r, struct map *m, sqlite3_int64 id, size_t index)
{
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)id);
    map_put(m, arena_strdup(&r->data->arena, key), index);
}

static struct py_file *file_of_id(struct reader *r, sqlite3_int64 id)
{
    size_t at = index_of_id(&r->by_id, id);
    return at == MAP_NONE ? NULL : &r->data->files[at];
}

/* The run of a row that begins with the ids of a file and a context; most rows are of the same one
 * as the row before. NULL: there is no such file. */
static struct py_run *run_of_row(struct reader *r, sqlite3_stmt *s)
{
    sqlite3_int64 file = sqlite3_column_int64(s, 0), context = sqlite3_column_int64(s, 1);
    if (r->run && r->run_file == file && r->run_context == context)
        return r->run;
    struct py_file *f = file_of_id(r, file);
    size_t at = index_of_id(&r->context_id, context);
    r->run = f ? py_file_run(r->data, f, at == MAP_NONE ? PY_NO_CONTEXT : (uint32_t)at) : NULL;
    r->run_file = file;
    r->run_context = context;
    return r->run;
}

static bool take_file(struct reader *r, sqlite3_stmt *s)
{
    const char *path = (const char *)sqlite3_column_text(s, 1);
    size_t len = (size_t)sqlite3_column_bytes(s, 1);
    if (!path || !len || len > MOST_PATH || strlen(path) != len)
        return fail(r, "the name of a measured file is none");
    struct py_file *f = py_data_file(r->data, path);
    name_id(r, &r->by_id, sqlite3_column_int64(s, 0), (size_t)(f - r->data->files));
    return true;
}

static bool take_context(struct reader *r, sqlite3_stmt *s)
{
    const char *name = (const char *)sqlite3_column_text(s, 1);
    size_t len = (size_t)sqlite3_column_bytes(s, 1);
    if (!name || len > MOST_CONTEXT || strlen(name) != len)
        return fail(r, "the name of a context is none");
    name_id(r, &r->context_id, sqlite3_column_int64(s, 0), py_data_context(r->data, name));
    return true;
}

static bool take_bits(struct reader *r, sqlite3_stmt *s)
{
    struct py_run *run = run_of_row(r, s);
    const void *bits = sqlite3_column_blob(s, 2);
    int n = sqlite3_column_bytes(s, 2);
    if (!run || sqlite3_column_type(s, 2) != SQLITE_BLOB || n > MOST_BITS)
        return fail(r, "lines of a file that it does not name, or too many");
    py_run_add_bits(run, bits, (size_t)n);
    return true;
}

static bool is_line(sqlite3_int64 line)
{
    return line >= -PY_MOST_LINE && line <= PY_MOST_LINE;
}

static bool take_arc(struct reader *r, sqlite3_stmt *s)
{
    struct py_run *run = run_of_row(r, s);
    sqlite3_int64 from = sqlite3_column_int64(s, 2), to = sqlite3_column_int64(s, 3);
    if (!run || !is_line(from) || !is_line(to))
        return fail(r, "arcs of a file that it does not name, or of lines that cannot be");
    py_run_add_arc(run, (int32_t)from, (int32_t)to);
    return true;
}

static bool take_tracer(struct reader *r, sqlite3_stmt *s)
{
    struct py_file *f = file_of_id(r, sqlite3_column_int64(s, 0));
    const char *tracer = (const char *)sqlite3_column_text(s, 1);
    if (f && tracer && *tracer)
        f->tracer = arena_strdup(&r->data->arena, tracer);
    return true;
}

static bool read_tables(struct reader *r)
{
    return each_row(r,
                    "select count(*) from sqlite_master where type = 'table' and name in "
                    "('coverage_schema', 'meta', 'file', 'context', 'line_bits', 'arc', 'tracer')",
                    check_tables) &&
           each_row(r, "select version from coverage_schema", check_version) &&
           each_row(r, "select value from meta where key = 'has_arcs'", take_has_arcs) &&
           each_row(r, "select id, path from file", take_file) &&
           each_row(r, "select id, context from context", take_context) &&
           each_row(r, "select file_id, context_id, numbits from line_bits", take_bits) &&
           each_row(r, "select file_id, context_id, fromno, tono from arc", take_arc) &&
           each_row(r, "select file_id, tracer from tracer", take_tracer);
}

static bool open_database(struct reader *r)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    char *path = path_absolute(r->path); /* "file:x" and ":memory:" are names like others */
    bool ok = sqlite3_open_v2(path, &r->db, flags, NULL) == SQLITE_OK || fail_sqlite(r);
    free(path);
    if (!ok)
        return false;
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_limit(r->db, SQLITE_LIMIT_LENGTH, 1 << 28);
    sqlite3_busy_timeout(r->db, 2000);
    sqlite3_progress_handler(r->db, STEPS, look_at_watch, r);
    sqlite3_exec(r->db, "pragma cell_size_check = on; pragma mmap_size = 0", NULL, NULL, NULL);
    return true;
}

bool py_data_read(struct py_data *d, const char *path, struct error *err)
{
    struct py_data whole;
    py_data_init(&whole);
    struct reader r = {.path = path, .data = &whole, .by_id = MAP_INIT,
                       .context_id = MAP_INIT, .patience = 1000, .err = err};
    bool ok = open_database(&r) && read_tables(&r);
    if (ok && ((whole.has_arcs && (d->has_lines || whole.has_lines)) ||
               (whole.has_lines && d->has_arcs)))
        ok = fail(&r, "has branch data where others have lines only, or the other way round; "
                      "measure all with --branch, or all without");
    if (ok)
        merge(d, &whole);
    sqlite3_close(r.db);
    map_release(&r.by_id);
    map_release(&r.context_id);
    py_data_release(&whole);
    return ok;
}
