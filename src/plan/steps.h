/* What the steps of plan_make share while they make a plan: depends, group, order. */
#ifndef PLAN_STEPS_H
#define PLAN_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/strv.h"
#include "plan/plan.h"

#define WORK_NONE UINT32_MAX

/* A set of locks, as tests and units hold them. */
struct lockset {
    char **names;  /* sorted, NULL-terminated; NULL for the empty set */
    uint32_t *ids; /* the same locks as numbers */
    uint32_t n;
};

/* Lists of numbers, one after the other: those of i are all[first[i]] … all[first[i + 1] - 1]. */
struct lists {
    uint32_t *first;
    uint32_t *all;
};

struct work {
    struct plan *p;
    struct arena scratch; /* forgotten when the plan is made */
    /* depends.c; all arrays have an entry per test of the plan */
    struct lists deps;  /* the tests that a test depends on */
    struct lists rdeps; /* the tests that depend on it */
    bool *linked;       /* has either */
    uint32_t *topo;     /* the tests, what they depend on first, else in the manifest's order */
    uint32_t *phase;
    /* locks.c */
    struct lockset *locksets; /* the first one is empty */
    uint32_t n_locksets, cap_locksets, n_locks;
    struct map lockset_by_names, lock_by_name;
    uint32_t *lockset_of; /* of each test */
    /* group.c */
    uint32_t *unit_of;      /* of each test */
    uint32_t *unit_lockset; /* of each unit */
    uint32_t cap_units;
};

/* The test that index i of the plan stands for. */
const struct test *work_test(const struct work *w, uint32_t i);
/* The seconds that a test is expected to take; 1 if that is not known. */
double work_seconds(const struct test *t);
/* For qsort of uint32_t. */
int work_compare_u32(const void *a, const void *b);
/* The workers, at least 1. */
uint32_t work_slots(const struct work *w);

/* Under --dist each: which worker's copy of its test i is; WORK_NONE if it has no copies. */
uint32_t work_copy_of(const struct work *w, uint32_t i);

/* Resolves `depends`; fills deps, rdeps, linked and topo. EXIT_USAGE for what plan_make refuses. */
bool work_depends(struct work *w, struct error *err);
/* Fills phase and p->n_phases. */
void work_phases(struct work *w);
/* Fills lockset_of and p->locks. */
void work_locks(struct work *w);
/* The number of the set of these names, which get sorted. */
uint32_t work_lockset(struct work *w, struct strv *names);
/* Makes the units, in no particular order; fills unit_of and unit_lockset. */
void work_group(struct work *w);
/* Sorts the units into the order in which they start, and fills their `after`. */
void work_order(struct work *w);
/* Under worksteal puts the units that may run anywhere at any time in front, under each those with
 * copies, cut into one queue per slot. order: all units, in the order in which they would start. */
void work_queues(struct work *w, uint32_t *order);

#endif
