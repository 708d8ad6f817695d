/* What the recipes of a run share, for the tests of queue and affinity: memory that forks see, a plan
 * without a file, and a process for each slot. */
#ifndef TESTS_SHAREDRUN_H
#define TESTS_SHAREDRUN_H

#include <stddef.h>
#include <stdint.h>

#include "plan/planfile.h"
#include "run/state.h"

struct sharedrun {
    void *memory; /* begins with the run_state */
    size_t size;
    struct state state;
    struct plan_map map;
};

/* Takes size zeroed bytes for a struct that begins with run_state and, behind it, n_slots slots; the
 * plan is plan_size bytes that begin with its head. */
void sharedrun_open(struct sharedrun *r, size_t size, uint32_t n_slots, const struct plan_head *plan,
                    size_t plan_size);
/* Tear-down of a fixture that begins with a sharedrun: gives its memory and the fixture's back. */
int sharedrun_tear_down(void **state);
/* Lets n processes work, each with a number below n, and waits for them. */
void sharedrun_fork(uint32_t n, void (*work)(void *ctx, uint32_t number), void *ctx);

#endif
