/* The counts of a flow graph from those of its arcs that have counters. GCC counts only arcs that
 * are not on a spanning tree of the graph (Knuth, "Optimal measurement points for program
 * frequency counts", 1973); what enters a block leaves it, so that the others follow: a block whose
 * ways in or ways out are all known is known, and then so is its only unknown arc. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "coverage/gcnotes.h"

enum { ENTRY = 0, EXIT = 1 };

struct flow {
    struct gc_notes *n;
    const struct gc_function *fn;
    struct gc_block *blocks;
    uint32_t *unknown_out, *unknown_in; /* of each block: arcs */
    uint32_t *queue;                    /* blocks to look at; each at most once */
    bool *queued;
    size_t n_queue;
};

static void push(struct flow *f, uint32_t block)
{
    if (f->queued[block])
        return;
    f->queued[block] = true;
    f->queue[f->n_queue++] = block;
}

static uint64_t sum_out(const struct flow *f, const struct gc_block *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n_arcs; i++)
        sum += f->n->arcs[b->arc + i].count;
    return sum;
}

static uint64_t sum_in(const struct flow *f, const struct gc_block *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n_into; i++)
        sum += f->n->arcs[f->n->into[b->into + i]].count;
    return sum;
}

/* Nothing leads into the entry and out of the exit that would tell their counts. */
static bool out_tells(const struct flow *f, uint32_t block)
{
    return !f->unknown_out[block] && (block != EXIT || f->blocks[block].n_arcs);
}

static bool in_tells(const struct flow *f, uint32_t block)
{
    return !f->unknown_in[block] && (block != ENTRY || f->blocks[block].n_into);
}

static void derive(struct flow *f, struct gc_arc *arc, uint64_t count)
{
    arc->count = count;
    arc->flags |= GC_ARC_KNOWN;
    f->unknown_out[arc->from]--;
    f->unknown_in[arc->to]--;
    push(f, arc->from);
    push(f, arc->to);
}

static void look_at(struct flow *f, uint32_t block)
{
    struct gc_block *b = &f->blocks[block];
    struct gc_arc *arcs = f->n->arcs;
    if (!b->known) {
        if (out_tells(f, block))
            b->count = sum_out(f, b);
        else if (in_tells(f, block))
            b->count = sum_in(f, b);
        else
            return;
        b->known = true;
    }
    /* Unknown arcs count 0 so far. */
    for (uint32_t i = 0; f->unknown_out[block] == 1 && i < b->n_arcs; i++)
        if (!(arcs[b->arc + i].flags & GC_ARC_KNOWN))
            derive(f, &arcs[b->arc + i], b->count - sum_out(f, b));
    for (uint32_t i = 0; f->unknown_in[block] == 1 && i < b->n_into; i++)
        if (!(arcs[f->n->into[b->into + i]].flags & GC_ARC_KNOWN))
            derive(f, &arcs[f->n->into[b->into + i]], b->count - sum_in(f, b));
}

struct sorted {
    struct gc_arc arc;
    uint32_t at;
};

static int compare_arcs(const void *va, const void *vb)
{
    const struct sorted *a = va, *b = vb;
    if (a->arc.to != b->arc.to)
        return a->arc.to < b->arc.to ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Ascending by the block that they lead to; equal ones stay in order. */
static void sort_arcs(struct gc_arc *arcs, uint32_t n)
{
    uint32_t i = 1;
    while (i < n && arcs[i - 1].to <= arcs[i].to)
        i++;
    if (i >= n)
        return;
    struct sorted *v = xcalloc(n, sizeof *v);
    for (i = 0; i < n; i++)
        v[i] = (struct sorted){arcs[i], i};
    qsort(v, n, sizeof *v, compare_arcs);
    for (i = 0; i < n; i++)
        arcs[i] = v[i].arc;
    free(v);
}

/* Gives the counters to their arcs, in the order of blocks and records; then orders the arcs and
 * fills in which lead into each block. */
static void take_counters(struct flow *f)
{
    const uint64_t *counter = f->n->counters + f->fn->counter;
    for (uint32_t i = 0; i < f->fn->n_blocks; i++) {
        struct gc_block *b = &f->blocks[i];
        struct gc_arc *arcs = f->n->arcs + b->arc;
        for (uint32_t k = 0; k < b->n_arcs; k++) {
            if (arcs[k].flags & GC_ARC_ON_TREE)
                continue;
            arcs[k].count = *counter++;
            arcs[k].flags |= GC_ARC_KNOWN;
        }
        sort_arcs(arcs, b->n_arcs);
        for (uint32_t k = 0; k < b->n_arcs; k++) {
            struct gc_block *to = &f->blocks[arcs[k].to];
            f->n->into[to->into + to->n_into++] = b->arc + k;
            if (arcs[k].flags & GC_ARC_KNOWN)
                continue;
            f->unknown_out[i]++;
            f->unknown_in[arcs[k].to]++;
        }
    }
}

/* Blocks that only an exception leads to. */
static void find_exceptional(struct flow *f)
{
    for (uint32_t i = 0; i < f->fn->n_blocks; i++)
        f->blocks[i].exceptional = i != ENTRY;
    size_t n = 0;
    f->queue[n++] = ENTRY;
    while (n) {
        const struct gc_block *b = &f->blocks[f->queue[--n]];
        for (uint32_t i = 0; i < b->n_arcs; i++) {
            const struct gc_arc *arc = &f->n->arcs[b->arc + i];
            if ((arc->flags & (GC_ARC_FAKE | GC_ARC_THROW)) || !f->blocks[arc->to].exceptional)
                continue;
            f->blocks[arc->to].exceptional = false;
            f->queue[n++] = arc->to;
        }
    }
}

bool gc_flow_solve(struct gc_notes *n, struct gc_function *fn)
{
    uint32_t n_blocks = fn->n_blocks;
    struct flow f = {.n = n, .fn = fn, .blocks = n->blocks + fn->block};
    f.unknown_out = xcalloc((size_t)n_blocks * 3 + 1, sizeof *f.unknown_out);
    f.unknown_in = f.unknown_out + n_blocks;
    f.queue = f.unknown_in + n_blocks;
    f.queued = xcalloc((size_t)n_blocks + 1, sizeof *f.queued);
    take_counters(&f);
    for (uint32_t i = 0; i < n_blocks; i++)
        push(&f, i);
    while (f.n_queue) {
        uint32_t block = f.queue[--f.n_queue];
        f.queued[block] = false;
        look_at(&f, block);
    }
    bool solved = true;
    for (uint32_t i = 0; i < n_blocks; i++)
        solved &= f.blocks[i].known;
    if (fn->has_catch)
        find_exceptional(&f);
    free(f.unknown_out);
    free(f.queued);
    return solved;
}
