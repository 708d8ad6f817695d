/* The two processes of a recipe. The outer one is what Make started. It holds the slot and
 * forks an inner one, which runs the tests:
 *
 *     make ── outer ── inner ── test
 *
 * If the inner process is killed or told to stop behind our back (perhaps by its test), all
 * that it had started comes to the outer one, which kills it, records the test that ran as
 * crashed, and goes on with a new inner process. If the outer one is killed, the kernel sends SIGTERM to the inner one, which
 * ends its test and then itself. The slot's lock is shared by both, so that a slot is free
 * only when nothing that ran in it is alive. */
#ifndef RUN_OUTER_H
#define RUN_OUTER_H

#include <stdint.h>

#include "base/error.h"

/* As a group's number: not one group, but those of the workers' queues (run/queue.h). */
#define OUTER_QUEUES UINT32_MAX
/* The free groups of the first phase, one after another (run/affinity.h). */
#define OUTER_TAKES (UINT32_MAX - 1)

/* Runs group number (from 1) of run; goals as in run/goals.h. The caller has called signals_init.
 * Returns the exit code of the recipe: 0, or 1 if goals are named and a test failed, 2 if we were
 * asked to stop; for machinery failures 3, with err set unless it has been printed. */
int outer_run(const char *run, uint32_t number, char *const *goals, struct error *err);

#endif
