/* In which order the groups start, and which of them wait for which.
 *
 * Each phase is simulated: N workers, the longest group first, nothing starts while a lock that
 * it needs is held or a group that it depends on has not ended. The order in which groups start
 * there is the plan's order, and every lock is a chain that follows it. (With locks {a}, {a,b},
 * {b} of one second each, chains in the manifest's order take 3 seconds, these take 2.) */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "plan/heap.h"
#include "plan/steps.h"

/* More than any group takes. */
#define RANK_SECONDS 1e9

/* One phase under simulation; arrays are indexed by unit or by lock. */
struct sim {
    struct work *w;
    uint32_t slots;
    double *tail;      /* of a unit: how long the longest chain of its dependents takes */
    uint32_t *missing; /* how many units of its phase it waits for by `depends` */
    uint32_t *chain;   /* the lock that stands for its chain of heavy units; WORK_NONE */
    uint32_t n_locks;  /* real ones, then those of chains */
    bool *held;
    struct heap *parked; /* units that wait for a lock */
    struct heap ready, running;
    double now;
    uint32_t *order; /* the units as they started */
    uint32_t n_order;
};

static uint32_t lock_count(const struct sim *s, uint32_t unit)
{
    return s->w->locksets[s->w->unit_lockset[unit]].n + (s->chain[unit] != WORK_NONE);
}

static uint32_t lock_at(const struct sim *s, uint32_t unit, uint32_t k)
{
    const struct lockset *set = &s->w->locksets[s->w->unit_lockset[unit]];
    return k < set->n ? set->ids[k] : s->chain[unit];
}

static struct heap_entry waiting(const struct sim *s, uint32_t unit)
{
    const struct plan_unit *u = &s->w->p->units[unit];
    /* Serial groups run one at a time: nothing is gained by another order than the manifest's. */
    double length = u->serial ? 0 : u->expected + s->tail[unit];
    if (s->w->p->settings.keep_order)
        return (struct heap_entry){0, u->tests[0], unit};
    length += work_test(s->w, u->tests[0])->rank * RANK_SECONDS;
    return (struct heap_entry){-length, u->tests[0], unit};
}

/* Lets the first unit that waits for a free lock try again. */
static void wake(struct sim *s, uint32_t lock)
{
    if (!s->held[lock] && s->parked[lock].n)
        heap_push(&s->ready, heap_pop(&s->parked[lock]));
}

/* Starts the unit, or parks it with a lock that is held. */
static void try_start(struct sim *s, struct heap_entry e)
{
    uint32_t n = lock_count(s, e.item), k = 0;
    while (k < n && !s->held[lock_at(s, e.item, k)])
        k++;
    if (k < n) {
        heap_push(&s->parked[lock_at(s, e.item, k)], e);
        /* It was the one to be woken for its free locks: another one may have them now. */
        for (uint32_t i = 0; i < n; i++)
            wake(s, lock_at(s, e.item, i));
        return;
    }
    for (k = 0; k < n; k++)
        s->held[lock_at(s, e.item, k)] = true;
    double end = s->now + s->w->p->units[e.item].expected;
    heap_push(&s->running, (struct heap_entry){end, s->n_order, e.item});
    s->order[s->n_order++] = e.item;
}

/* Calls for every unit of the same phase that waits for this one by `depends`. Only units of a
 * single test have such links. */
static void finish(struct sim *s, uint32_t unit)
{
    const struct work *w = s->w;
    const struct plan_unit *u = &w->p->units[unit];
    for (uint32_t k = 0; k < lock_count(s, unit); k++)
        s->held[lock_at(s, unit, k)] = false;
    for (uint32_t k = 0; k < lock_count(s, unit); k++)
        wake(s, lock_at(s, unit, k));
    uint32_t test = u->tests[0];
    for (uint32_t k = w->rdeps.first[test]; k < w->rdeps.first[test + 1]; k++) {
        uint32_t other = w->unit_of[w->rdeps.all[k]];
        if (w->p->units[other].phase == u->phase && --s->missing[other] == 0)
            heap_push(&s->ready, waiting(s, other));
    }
}

/* Appends the units of one phase to s->order in the order in which they start. */
static void simulate(struct sim *s, const uint32_t *units, uint32_t n, uint32_t slots)
{
    s->now = 0;
    for (uint32_t k = 0; k < n; k++)
        if (!s->missing[units[k]])
            heap_push(&s->ready, waiting(s, units[k]));
    for (;;) {
        while (s->running.n < slots && s->ready.n)
            try_start(s, heap_pop(&s->ready));
        if (!s->running.n)
            return;
        struct heap_entry e = heap_pop(&s->running);
        s->now = e.key;
        finish(s, e.item);
    }
}

/* Longest chains of dependents and numbers of dependencies, from what the tests say. */
static void link_units(struct sim *s)
{
    const struct work *w = s->w;
    for (uint32_t k = w->p->n_tests; k-- > 0;) {
        uint32_t i = w->topo[k], unit = w->unit_of[i];
        const struct plan_unit *u = &w->p->units[unit];
        for (uint32_t d = w->deps.first[i]; d < w->deps.first[i + 1]; d++) {
            uint32_t other = w->unit_of[w->deps.all[d]];
            if (w->p->units[other].phase != u->phase)
                continue;
            s->missing[unit]++;
            if (u->expected + s->tail[unit] > s->tail[other])
                s->tail[other] = u->expected + s->tail[unit];
        }
    }
}

/* The heaviest first, then the longest, then the manifest's order. */
static struct heap_entry by_weight(const struct plan_unit *u, uint32_t unit, uint32_t weight)
{
    return (struct heap_entry){-(double)weight - u->expected / (u->expected + 1) / 2, u->tests[0],
                               unit};
}

/* Heavy units take more of the jobserver's tokens while they hold some, so two of them can each
 * wait for the other's for ever. They are spread over chains whose heaviest members fit into the
 * slots side by side; a chain is a lock that all its members hold. */
static void chain_heavy(struct sim *s, const uint32_t *units, uint32_t n)
{
    struct heap heavy = HEAP_INIT, chains = HEAP_INIT;
    uint32_t used = 0, n_chains = 0;
    for (uint32_t k = 0; k < n; k++) {
        const struct plan_unit *u = &s->w->p->units[units[k]];
        uint32_t weight = u->weight < s->slots ? u->weight : s->slots;
        if (weight > 1)
            heap_push(&heavy, by_weight(u, units[k], weight));
    }
    while (heavy.n) {
        uint32_t unit = heap_pop(&heavy).item;
        const struct plan_unit *u = &s->w->p->units[unit];
        uint32_t weight = u->weight < s->slots ? u->weight : s->slots;
        struct heap_entry chain = {0, n_chains, n_chains};
        if (used + weight <= s->slots) {
            used += weight;
            n_chains++;
        } else {
            chain = heap_pop(&chains); /* the shortest */
        }
        s->chain[unit] = s->w->n_locks + chain.item;
        chain.key += u->expected;
        heap_push(&chains, chain);
    }
    heap_release(&heavy);
    heap_release(&chains);
}

static void order_phases(struct sim *s)
{
    const struct plan *p = s->w->p;
    uint32_t *first = xcalloc(p->n_phases + 2u, sizeof *first);
    uint32_t *units = xcalloc(p->n_units, sizeof *units);
    for (uint32_t u = 0; u < p->n_units; u++)
        first[p->units[u].phase + 2]++;
    for (uint32_t k = 2; k <= p->n_phases; k++)
        first[k] += first[k - 1];
    for (uint32_t u = 0; u < p->n_units; u++)
        units[first[p->units[u].phase + 1]++] = u;
    for (uint32_t k = 0; k < p->n_phases; k++) {
        uint32_t n = first[k + 1] - first[k];
        if (k % 2 == 0)
            chain_heavy(s, units + first[k], n);
        simulate(s, units + first[k], n, k % 2 == 0 ? s->slots : 1);
    }
    free(first);
    free(units);
}

/* Puts the units into s->order's order; unit_of, unit_lockset and chain follow. */
static void permute(struct sim *s)
{
    struct work *w = s->w;
    struct plan *p = w->p;
    struct plan_unit *units = xcalloc(p->n_units, sizeof *units);
    uint32_t *locksets = xcalloc(p->n_units, sizeof *locksets);
    uint32_t *chain = arena_alloc(&w->scratch, p->n_units * sizeof *chain);
    for (uint32_t k = 0; k < p->n_units; k++) {
        uint32_t old = s->order[k];
        units[k] = p->units[old];
        locksets[k] = w->unit_lockset[old];
        chain[k] = s->chain[old];
        for (uint32_t i = 0; i < units[k].n; i++)
            w->unit_of[units[k].tests[i]] = k;
    }
    free(p->units);
    free(w->unit_lockset);
    p->units = units;
    w->unit_lockset = locksets;
    s->chain = chain;
}

/* Keeps the numbers in b as what the unit waits for, each once. */
static void set_after(struct plan *p, struct plan_unit *u, const struct buf *b)
{
    size_t n = b->len / sizeof(uint32_t);
    if (!n)
        return;
    u->after = arena_alloc(&p->arena, n * sizeof *u->after);
    memcpy(u->after, b->data, b->len);
    qsort(u->after, n, sizeof *u->after, work_compare_u32);
    for (size_t k = 0; k < n; k++)
        if (k == 0 || u->after[k] != u->after[k - 1])
            u->after[u->n_after++] = u->after[k];
}

/* Every unit waits for the last one before it with the same lock, and for its dependencies. */
static void link_after(struct sim *s)
{
    const struct work *w = s->w;
    struct plan *p = w->p;
    uint32_t *last = xmalloc(s->n_locks * sizeof *last);
    memset(last, 0xff, s->n_locks * sizeof *last);
    struct buf b = BUF_INIT;
    for (uint32_t k = 0; k < p->n_units; k++) {
        struct plan_unit *u = &p->units[k];
        buf_clear(&b);
        for (uint32_t i = 0; i < lock_count(s, k) && u->phase % 2 == 0; i++) {
            uint32_t *before = &last[lock_at(s, k, i)];
            if (*before != WORK_NONE && p->units[*before].phase == u->phase)
                buf_add(&b, before, sizeof *before);
            *before = k;
        }
        uint32_t test = u->tests[0];
        for (uint32_t d = w->deps.first[test]; d < w->deps.first[test + 1]; d++) {
            uint32_t other = w->unit_of[w->deps.all[d]];
            if (p->units[other].phase == u->phase)
                buf_add(&b, &other, sizeof other);
        }
        set_after(p, u, &b);
    }
    buf_release(&b);
    free(last);
}

static void order_sequential(struct plan *p)
{
    for (uint32_t k = 1; k < p->n_units; k++) {
        p->units[k].after = arena_alloc(&p->arena, sizeof *p->units[k].after);
        p->units[k].after[0] = k - 1;
        p->units[k].n_after = 1;
    }
}

void work_order(struct work *w)
{
    struct plan *p = w->p;
    struct sim s = {.w = w, .slots = work_slots(w)};
    if (p->settings.sequential || !p->n_units) {
        order_sequential(p);
        return;
    }
    /* Every chain begins with a weight of at least 2. */
    s.n_locks = w->n_locks + (s.slots / 2 < p->n_units ? s.slots / 2 : p->n_units) + 1;
    s.tail = arena_alloc(&w->scratch, p->n_units * sizeof *s.tail);
    s.missing = arena_alloc(&w->scratch, p->n_units * sizeof *s.missing);
    s.chain = arena_alloc(&w->scratch, p->n_units * sizeof *s.chain);
    s.order = arena_alloc(&w->scratch, p->n_units * sizeof *s.order);
    s.held = arena_alloc(&w->scratch, s.n_locks * sizeof *s.held);
    s.parked = arena_alloc(&w->scratch, s.n_locks * sizeof *s.parked);
    memset(s.chain, 0xff, p->n_units * sizeof *s.chain);
    link_units(&s);
    order_phases(&s);
    if (p->settings.dist == DIST_WORKSTEAL || p->settings.dist == DIST_EACH)
        work_queues(w, s.order);
    permute(&s);
    link_after(&s);
    for (uint32_t k = 0; k < s.n_locks; k++)
        heap_release(&s.parked[k]);
    heap_release(&s.ready);
    heap_release(&s.running);
}
