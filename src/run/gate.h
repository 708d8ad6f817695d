/* memory_floor: while there is too little memory, no test starts beside those that run. */
#ifndef RUN_GATE_H
#define RUN_GATE_H

#include "base/error.h"
#include "plan/planfile.h"
#include "run/job.h"
#include "run/platform.h"

/* Why a worker waits; the value of slot_state.waits. */
enum gate_reason {
    GATE_OPEN,
    GATE_FLOOR,   /* less memory is free than the floor says */
    GATE_PRESSURE /* the kernel says that processes wait for memory */
};

/* What the plan's floor says of the memory m. */
enum gate_reason gate_judge(const struct plan_head *head, const struct platform_memory *m);
/* Waits, if it has to, until the next test of the job may start: there is memory again, or no other
 * test runs. One worker after another is let through; *pass is then a lock that keeps the others out
 * until the test has started (close it), or -1. False if asked to stop, or with err. */
bool gate_wait(struct job *j, int *pass, struct error *err);

#endif
