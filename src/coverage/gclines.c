/* Lines, branches and functions from solved flow graphs, as `gcov --json-format` counts them:
 *
 * A block names lines of one or more files. Each of them exists, and the block with its arcs belongs
 * to the last one of each file. A line to which blocks belong is counted by them (gccycles.c); any
 * other line has the sum of the counts of the blocks that name it. Functions that start on the same
 * line (instances of a template) keep their lines apart; here their counts add up in the line,
 * while their branches have the function for their owner. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "coverage/gccycles.h"

/* A block and one of the lines that it names. */
struct touch {
    uint32_t file, line;
    uint32_t owner;           /* 1 + the function that has the line for itself; 0: none has */
    uint32_t function, block; /* of that function */
    bool names;               /* counts for the line */
    bool belongs;             /* with its arcs */
    size_t at;                /* the order in which gcov comes to them */
};

struct lines {
    struct gc_notes *n;
    struct coverage *c;
    struct cov_file **files; /* of n, NULL where not wanted */
    struct touch *touches;
    size_t n_touches, cap_touches;
    struct gc_line_block *blocks; /* of the line at hand */
    size_t cap_blocks;
    uint32_t *index; /* see gc_line_blocks */
    int64_t *left;
};

static void add_touch(struct lines *l, struct touch t)
{
    if (l->n_touches == l->cap_touches) {
        l->cap_touches = l->cap_touches ? l->cap_touches * 2 : 1024;
        l->touches = xreallocarray(l->touches, l->cap_touches, sizeof *l->touches);
    }
    t.at = l->n_touches;
    l->touches[l->n_touches++] = t;
}

/* The lines that a block names. Entry and last block have no arcs that would count. */
static void touch_block(struct lines *l, uint32_t function, uint32_t block,
                        const struct gc_place *places, size_t n_places)
{
    const struct gc_function *fn = &l->n->functions[function];
    bool whole = block != 0 && block + 1 != fn->n_blocks;
    struct touch last = {0};
    for (size_t i = 0; i < n_places; i++) {
        const struct gc_place *p = &places[i];
        for (uint32_t k = 0; k < p->n; k++) {
            uint32_t line = l->n->lines[p->first + k];
            bool own = fn->group && fn->file == p->file && fn->start_line <= line &&
                       line <= fn->end_line;
            last = (struct touch){p->file, line, own ? function + 1 : 0, function, block,
                                  true,    whole && k + 1 == p->n, 0};
            add_touch(l, last);
        }
        if (!p->n && last.line && whole) {
            last.names = false;
            last.belongs = true;
            add_touch(l, last);
        }
    }
}

static void touch_function(struct lines *l, uint32_t function)
{
    const struct gc_function *fn = &l->n->functions[function];
    const struct gc_place *places = l->n->places + fn->place;
    for (uint32_t i = 0, k; i < fn->n_places; i = k) {
        k = i + 1;
        while (k < fn->n_places && places[k].block == places[i].block)
            k++;
        touch_block(l, function, places[i].block, places + i, k - i);
    }
}

static int compare_touches(const void *va, const void *vb)
{
    const struct touch *a = va, *b = vb;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static struct gc_block *block_of(const struct lines *l, const struct touch *t)
{
    return &l->n->blocks[l->n->functions[t->function].block + t->block];
}

/* The arcs of the blocks of a line that are branches. */
static void add_arms(struct lines *l, const struct touch *t, uint32_t n_blocks)
{
    struct cov_arm arm = {.line = t->line};
    if (t->owner)
        arm.owner = coverage_intern(l->c, l->n->functions[t->owner - 1].name);
    for (uint32_t i = 0; i < n_blocks; i++) {
        const struct gc_block *b = &l->n->blocks[l->blocks[i].fn->block + l->blocks[i].block];
        for (uint32_t k = 0; k < b->n_arcs; k++) {
            const struct gc_arc *arc = &l->n->arcs[b->arc + k];
            if (arc->flags & (GC_ARC_UNCONDITIONAL | GC_ARC_CALL))
                continue;
            arm.count = (int64_t)arc->count;
            arm.flags = (arc->flags & GC_ARC_THROW ? COV_ARM_THROW : 0) |
                        (arc->flags & GC_ARC_FALLTHROUGH ? COV_ARM_FALLTHROUGH : 0) |
                        (b->count ? 0 : COV_ARM_UNREACHED);
            cov_add_arm(l->files[t->file], &arm);
            arm.arm++;
        }
    }
}

/* How often the line was run by the blocks that belong to it. */
static uint64_t count_blocks(struct lines *l, uint32_t n_blocks)
{
    uint64_t count = 0;
    const struct gc_notes *n = l->n;
    for (uint32_t i = n_blocks; i-- > 0;)
        l->index[l->blocks[i].fn->block + l->blocks[i].block] = i + 1;
    for (uint32_t i = 0; i < n_blocks; i++) {
        const struct gc_function *fn = l->blocks[i].fn;
        const struct gc_block *b = &n->blocks[fn->block + l->blocks[i].block];
        for (uint32_t k = 0; k < b->n_into; k++) {
            const struct gc_arc *arc = &n->arcs[n->into[b->into + k]];
            if (!l->index[fn->block + arc->from])
                count += arc->count;
        }
    }
    struct gc_line_blocks line = {.n = n, .blocks = l->blocks, .n_blocks = n_blocks,
                                  .index = l->index, .left = l->left};
    count += gc_line_cycles(&line);
    for (uint32_t i = 0; i < n_blocks; i++)
        l->index[l->blocks[i].fn->block + l->blocks[i].block] = 0;
    return count;
}

/* One line, as the touches t[0..n) tell. */
static void add_line(struct lines *l, const struct touch *t, size_t n)
{
    struct cov_file *f = l->files[t->file];
    uint64_t count = 0;
    uint32_t n_blocks = 0, flags = 0;
    if (!f)
        return;
    if (n > l->cap_blocks) {
        l->cap_blocks = n * 2;
        l->blocks = xreallocarray(l->blocks, l->cap_blocks, sizeof *l->blocks);
    }
    for (size_t i = 0; i < n; i++) {
        const struct gc_block *b = block_of(l, &t[i]);
        if (t[i].names) {
            count += b->count;
            if (!b->exceptional && !b->count)
                flags |= COV_LINE_UNEXECUTED;
        }
        if (t[i].belongs)
            l->blocks[n_blocks++] =
                (struct gc_line_block){&l->n->functions[t[i].function], t[i].block};
    }
    if (n_blocks)
        count = count_blocks(l, n_blocks);
    cov_add_line(f, t->line, (int64_t)count, flags);
    add_arms(l, t, n_blocks);
}

static void add_function(struct lines *l, const struct gc_function *fn)
{
    struct cov_file *f = l->files[fn->file];
    if (!f)
        return;
    struct cov_function out = {
        .name = coverage_intern(l->c, fn->name),
        .start_line = fn->start_line,
        .start_column = fn->start_column,
        .end_line = fn->end_line,
        .end_column = fn->end_column,
        .count = fn->n_blocks ? (int64_t)l->n->blocks[fn->block].count : 0,
        .blocks = fn->n_blocks > 2 ? fn->n_blocks - 2 : 0,
    };
    if (out.count == -1)
        out.count = 0; /* -1 says that nobody counted */
    for (uint32_t i = 1; i + 1 < fn->n_blocks; i++)
        out.blocks_run += l->n->blocks[fn->block + i].count != 0;
    cov_add_function(f, &out);
}

static void find_files(struct lines *l,
                       const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                       void *arg)
{
    for (size_t i = 0; i < l->n->n_files; i++) {
        const char *shown = name(l->n, l->n->files[i], arg);
        if (!shown)
            continue;
        l->files[i] = coverage_file(l->c, shown);
        l->files[i]->language = COV_NATIVE;
        l->files[i]->has_branches = true;
    }
}

size_t gc_lines_add(struct gc_notes *n, struct coverage *c,
                    const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                    void *arg)
{
    struct lines l = {.n = n, .c = c};
    size_t unsolved = 0;
    l.files = xcalloc(n->n_files + 1, sizeof(struct cov_file *));
    l.index = xcalloc(n->n_blocks + 1, sizeof *l.index);
    l.left = xcalloc(n->n_arcs + 1, sizeof *l.left);
    find_files(&l, name, arg);
    for (size_t i = 0; i < n->n_functions; i++) {
        struct gc_function *fn = &n->functions[i];
        /* Without counters it is another object's copy that counts. */
        if (fn->artificial || (!fn->n_counters && n->n_data))
            continue;
        unsolved += !gc_flow_solve(n, fn);
        touch_function(&l, (uint32_t)i);
        add_function(&l, fn);
    }
    if (l.n_touches)
        qsort(l.touches, l.n_touches, sizeof *l.touches, compare_touches);
    for (size_t i = 0, k; i < l.n_touches; i = k) {
        const struct touch *t = &l.touches[i];
        k = i + 1;
        while (k < l.n_touches && l.touches[k].file == t->file && l.touches[k].line == t->line &&
               l.touches[k].owner == t->owner)
            k++;
        add_line(&l, t, k - i);
    }
    free(l.touches);
    free(l.blocks);
    free(l.index);
    free(l.left);
    free(l.files);
    return unsolved;
}
