/* Where several workers have collected, each knows some of the files with tests and would have to
 * collect those of other groups first. Groups that nothing binds to their recipe (PLAN_FREE) are
 * all the same to Make: each of their recipes takes one of them from the shared state, by
 * compare-and-swap, by preference one that its slot has collected. As there are as many recipes as
 * groups, all are taken; what a recipe that dies has taken the driver's next round finds undone. */
#ifndef RUN_AFFINITY_H
#define RUN_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/planfile.h"
#include "run/state.h"

/* All groups are to be taken again. For a time when nobody takes any. */
void affinity_reset(struct state *s);
/* Takes a free group of that phase for the slot: the first that it has collected; if there is none,
 * the first at all if that is a long one, else the last, so that few files are collected twice.
 * False if there is none left. *group counts from 0. */
bool affinity_take(struct state *s, const struct plan_map *p, uint32_t slot, uint32_t phase,
                   uint32_t *group);

#endif
