/* What a plan takes, from the durations of its tests: with so many workers, with any number of them,
 * and where something about it were different. Computed, not measured: a free worker takes the first
 * group that may start, as make does; what a run takes besides (collection, the start of workers) is
 * left out. */
#ifndef PLAN_FORECAST_H
#define PLAN_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

/* A group of the plan, and the edges by which it waits, without those that only keep weights apart. */
struct forecast_unit {
    double seconds;
    uint32_t phase, weight;
    bool serial;
    uint32_t *after; /* indexes smaller than its own */
    uint32_t n_after;
};
struct forecast {
    const struct plan *plan;
    const double *seconds; /* of each test of the plan */
    struct forecast_unit *units;
    uint32_t n;
};

/* seconds: of test i of the plan, plan->n_tests of them, which stay the caller's; none below 0. */
void forecast_init(struct forecast *f, const struct plan *p, const double *seconds);
void forecast_release(struct forecast *f);
/* Seconds with one worker, and the sum over all tests. */
double forecast_sum(const struct forecast *f);
/* Seconds with so many workers, at least 1. */
double forecast_makespan(const struct forecast *f, uint32_t workers);
/* The longest chain of groups that wait for one another, which no number of workers shortens: its
 * seconds. *path gets its groups in order, *n_path of them; the caller frees it. */
double forecast_critical(const struct forecast *f, uint32_t **path, uint32_t *n_path);
/* The smallest number of workers with which the run takes at most a hundredth longer than with any
 * number of them. */
uint32_t forecast_useful_workers(const struct forecast *f);

/* Seconds with so many workers, where ... */
/* ... each test of group u were a group of its own; */
double forecast_split(const struct forecast *f, uint32_t u, uint32_t workers);
/* ... test i were not in the run; */
double forecast_without(const struct forecast *f, uint32_t i, uint32_t workers);
/* ... nobody held that lock; */
double forecast_unlocked(const struct forecast *f, const char *lock, uint32_t workers);
/* ... serial tests could run beside others. A plan in which tests depend on serial ones stays. */
double forecast_not_serial(const struct forecast *f, uint32_t workers);

#endif
