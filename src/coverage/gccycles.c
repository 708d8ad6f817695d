/* How often a line with several blocks was run: how often it was entered from other lines, and how
 * often it began again by itself. The latter are the cycles of the blocks' graph: while there is
 * one, it ran as often as its rarest arc, which is taken off all its arcs. Cycles are looked for as
 * Hawick and James do ("Enumerating circuits and loops in graphs with self-arcs and
 * multiple-arcs", 2008, after Johnson, 1975): from each block in turn, depth first through blocks
 * that do not stand before it. Where cycles share arcs the order decides what they sum up to, so
 * this is gcov's order. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "coverage/gccycles.h"

/* A block on the way, and which of its arcs comes next. */
struct step {
    uint32_t block; /* of the line */
    uint32_t next;
    bool found; /* a cycle leads through it */
    size_t arc; /* the arc that led here */
};

struct search {
    struct gc_line_blocks *l;
    uint32_t start;
    struct step *path;
    size_t n_path, cap_path;
    size_t zero;  /* the first step whose arc has nothing left; SIZE_MAX: none has */
    uint32_t *todo; /* blocks to unblock */
    uint64_t total;
};

/* The block of the line that an arc leads to, if it may be part of a cycle from start. */
static bool leads_on(const struct search *s, const struct gc_function *fn, size_t arc,
                     uint32_t *block)
{
    const struct gc_arc *a = &s->l->n->arcs[arc];
    *block = s->l->index[fn->block + a->to];
    return *block && s->l->left[arc] > 0 && a->to >= s->l->blocks[s->start].block;
}

/* Closes the path with an arc. */
static void take_cycle(struct search *s, size_t closing)
{
    int64_t *left = s->l->left, least = left[closing];
    for (size_t i = 1; i < s->n_path; i++)
        if (left[s->path[i].arc] < least)
            least = left[s->path[i].arc];
    s->total += (uint64_t)least;
    left[closing] -= least;
    s->zero = SIZE_MAX;
    for (size_t i = s->n_path; i-- > 1;) {
        left[s->path[i].arc] -= least;
        if (left[s->path[i].arc] <= 0)
            s->zero = i;
    }
}

/* Lets the search come to a block again, and to those that waited for it: they were given up as
 * they lead to it only. */
static void unblock(struct search *s, uint32_t block)
{
    size_t n = 0;
    s->l->state[block] = GC_FREE;
    s->todo[n++] = block;
    while (n) {
        const struct gc_line_block *b = &s->l->blocks[s->todo[--n]];
        const struct gc_block *graph = &s->l->n->blocks[b->fn->block + b->block];
        for (uint32_t i = 0; i < graph->n_into; i++) {
            const struct gc_arc *arc = &s->l->n->arcs[s->l->n->into[graph->into + i]];
            uint32_t from = s->l->index[b->fn->block + arc->from];
            if (!from || s->l->state[from - 1] != GC_GIVEN_UP)
                continue;
            s->l->state[from - 1] = GC_FREE;
            s->todo[n++] = from - 1;
        }
    }
}

static void enter(struct search *s, uint32_t block, size_t arc)
{
    if (s->n_path == s->cap_path) {
        s->cap_path = s->cap_path ? s->cap_path * 2 : 16;
        s->path = xreallocarray(s->path, s->cap_path, sizeof *s->path);
    }
    s->path[s->n_path++] = (struct step){block, 0, false, arc};
    s->l->state[block] = GC_ON_PATH;
}

static void leave(struct search *s)
{
    struct step step = s->path[--s->n_path];
    if (s->zero >= s->n_path)
        s->zero = SIZE_MAX;
    if (step.found)
        unblock(s, step.block);
    else
        s->l->state[step.block] = GC_GIVEN_UP;
    if (s->n_path)
        s->path[s->n_path - 1].found |= step.found;
}

static void search_from(struct search *s, uint32_t start)
{
    struct gc_line_blocks *l = s->l;
    const struct gc_function *fn = l->blocks[start].fn;
    s->start = start;
    s->zero = SIZE_MAX;
    for (uint32_t i = 0; i < l->n_different; i++)
        l->state[l->different[i]] = GC_FREE;
    uint32_t first = l->index[fn->block + l->blocks[start].block] - 1;
    enter(s, first, 0);
    while (s->n_path) {
        struct step *step = &s->path[s->n_path - 1];
        const struct gc_block *graph = &l->n->blocks[fn->block + l->blocks[step->block].block];
        uint32_t to;
        if (step->next == graph->n_arcs) {
            leave(s);
            continue;
        }
        size_t arc = graph->arc + step->next++;
        if (!leads_on(s, fn, arc, &to))
            continue;
        if (to - 1 == first) {
            take_cycle(s, arc);
            step->found = true;
        } else if (s->zero == SIZE_MAX && l->state[to - 1] == GC_FREE) {
            enter(s, to - 1, arc);
        }
    }
}

/* A cycle has an arc that leads back, or to itself. */
static bool may_have_cycles(const struct gc_line_blocks *l)
{
    for (uint32_t i = 0; i < l->n_blocks; i++) {
        const struct gc_function *fn = l->blocks[i].fn;
        const struct gc_block *graph = &l->n->blocks[fn->block + l->blocks[i].block];
        for (uint32_t k = 0; k < graph->n_arcs; k++) {
            const struct gc_arc *arc = &l->n->arcs[graph->arc + k];
            if (arc->to <= arc->from && (int64_t)arc->count > 0 && l->index[fn->block + arc->to])
                return true;
        }
    }
    return false;
}

uint64_t gc_line_cycles(struct gc_line_blocks *l)
{
    if (!may_have_cycles(l))
        return 0;
    struct search s = {.l = l};
    l->state = xcalloc(l->n_blocks, 1);
    l->different = xcalloc(l->n_blocks, sizeof *l->different);
    l->n_different = 0;
    s.todo = xcalloc(l->n_blocks, sizeof *s.todo);
    for (uint32_t i = 0; i < l->n_blocks; i++) {
        const struct gc_function *fn = l->blocks[i].fn;
        const struct gc_block *graph = &l->n->blocks[fn->block + l->blocks[i].block];
        for (uint32_t k = 0; k < graph->n_arcs; k++)
            l->left[graph->arc + k] = (int64_t)l->n->arcs[graph->arc + k].count;
        if (l->index[fn->block + l->blocks[i].block] == i + 1)
            l->different[l->n_different++] = i;
    }
    for (uint32_t i = 0; i < l->n_blocks; i++)
        search_from(&s, i);
    free(s.path);
    free(s.todo);
    free(l->different);
    free(l->state);
    return s.total;
}
