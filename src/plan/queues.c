/* --dist worksteal and each: which groups lie in the workers' queues, and in which.
 *
 * Under each a worker's queue holds its copies of all tests. Under worksteal:
 * as in pytest-xdist every worker begins with a stretch of neighbouring tests, so that fixtures
 * of modules are set up few times. The stretches are of equal length in time, as far as that is
 * known, and within one the longest group comes first. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "plan/steps.h"

/* How many units hold each lock. */
static uint32_t *count_holders(const struct work *w)
{
    uint32_t *n = xcalloc(w->n_locks + 1u, sizeof *n);
    for (uint32_t u = 0; u < w->p->n_units; u++) {
        const struct lockset *set = &w->locksets[w->unit_lockset[u]];
        for (uint32_t k = 0; k < set->n; k++)
            n[set->ids[k]]++;
    }
    return n;
}

/* May the unit run on any worker at any time in the first phase? */
static bool is_free(const struct work *w, uint32_t unit, const uint32_t *holders)
{
    const struct plan_unit *u = &w->p->units[unit];
    const struct lockset *set = &w->locksets[w->unit_lockset[unit]];
    if (u->phase || u->serial || u->weight > 1)
        return false;
    if (w->p->settings.dist == DIST_EACH)
        return work_copy_of(w, u->tests[0]) != WORK_NONE && !w->linked[u->tests[0]];
    for (uint32_t k = 0; k < set->n; k++)
        if (holders[set->ids[k]] > 1)
            return false;
    for (uint32_t k = 0; k < u->n; k++)
        if (w->linked[u->tests[k]] || work_test(w, u->tests[k])->needs)
            return false;
    return true;
}

/* A unit as it is sorted. */
struct queued {
    uint32_t unit;
    uint32_t first; /* its first test, for the manifest's order */
    double expected;
};

static int by_place(const void *a, const void *b)
{
    const struct queued *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_length(const void *a, const void *b)
{
    const struct queued *x = a, *y = b;
    if (x->expected != y->expected)
        return x->expected > y->expected ? -1 : 1;
    return by_place(a, b);
}

/* Cuts the n units, which are in the manifest's order, into stretches of equal time. */
static void cut(struct work *w, const struct queued *all, uint32_t n)
{
    struct plan *p = w->p;
    uint32_t slots = work_slots(w), at = 0;
    double total = 0, sum = 0;
    bool each = p->settings.dist == DIST_EACH;
    for (uint32_t k = 0; k < n; k++)
        total += all[k].expected;
    p->queues = arena_alloc(&p->arena, (slots + 1u) * sizeof *p->queues);
    p->queues[0] = 0;
    for (uint32_t s = 1; s < slots; s++) {
        while (at < n && (each ? work_copy_of(w, all[at].first) < s
                               : sum + all[at].expected / 2 < total * s / slots))
            sum += all[at++].expected;
        p->queues[s] = at;
    }
    p->queues[slots] = n;
}

void work_queues(struct work *w, uint32_t *order)
{
    struct plan *p = w->p;
    uint32_t *holders = count_holders(w), *rest = xcalloc(p->n_units, sizeof *rest), n_rest = 0;
    struct queued *all = xcalloc(p->n_units, sizeof *all);
    p->n_queued = 0;
    for (uint32_t k = 0; k < p->n_units; k++) {
        const struct plan_unit *u = &p->units[order[k]];
        if (is_free(w, order[k], holders))
            all[p->n_queued++] = (struct queued){order[k], u->tests[0], u->expected};
        else
            rest[n_rest++] = order[k];
    }
    if (p->n_queued) {
        qsort(all, p->n_queued, sizeof *all, by_place);
        cut(w, all, p->n_queued);
        for (uint32_t s = 0; s < work_slots(w) && p->settings.dist == DIST_WORKSTEAL; s++)
            qsort(all + p->queues[s], p->queues[s + 1] - p->queues[s], sizeof *all, by_length);
    }
    for (uint32_t k = 0; k < p->n_queued; k++)
        order[k] = all[k].unit;
    memcpy(order + p->n_queued, rest, n_rest * sizeof *rest);
    free(all);
    free(rest);
    free(holders);
}
