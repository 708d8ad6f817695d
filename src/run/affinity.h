/* Where several workers have collected, each has some of the files with tests, and a worker slot has
 * those of one of them (slot_state.serves): a test of another file takes a new worker, with fixtures
 * of its own, which may have to collect those files again (run_state.share_ms). Groups that nothing
 * binds to their recipe (PLAN_FREE) are all the same to Make: each of their recipes takes one of
 * them from the shared state, by compare-and-swap, one of those files. As there are as many recipes
 * as groups, all are taken; what a recipe that dies has taken the driver's next round finds undone. */
#ifndef RUN_AFFINITY_H
#define RUN_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/planfile.h"
#include "run/state.h"

enum affinity {
    AFFINITY_NONE,     /* no group is left */
    AFFINITY_TAKEN,    /* *group, counted from 0, is the caller's */
    AFFINITY_ELSEWHERE /* the slots that serve *collector have so little left that it is better to
                          wait for one of them than to change the worker of this slot */
};

/* For how long at most that is better, beside what a change costs: the test that runs there may hang,
 * or wait for one of those that are left. */
enum { AFFINITY_PATIENCE_MS = 1000 };

/* All groups are to be taken again. For a time when nobody takes any. */
void affinity_reset(struct state *s);
/* The collector, counted from 1, whose files the worker of that slot has; 0: any worker has all.
 * So in a run without a driver, whose zygote collects by itself. */
uint32_t affinity_serves(const struct state *s, const struct plan_map *p, uint32_t slot);
/* From now on it has those of that collector; 0 changes nothing. By the holder of the slot. */
void affinity_follow(struct state *s, const struct plan_map *p, uint32_t slot, uint32_t collector);
/* Takes a free group of that phase for the slot: the first of those whose files its worker has; if
 * there is none, of those with whom most is left to do, if that gains more than it costs, or if the
 * slot has waited for so long (in milliseconds, since it had a group) that patience is over. By the
 * holder of the slot. */
enum affinity affinity_take(struct state *s, const struct plan_map *p, uint32_t slot,
                            uint32_t phase, double waited_ms, uint32_t *group,
                            uint32_t *collector);

#endif
