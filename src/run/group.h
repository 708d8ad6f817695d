/* Runs the tests of a group of formats exec, tap and gtest, one after the other. In the inner process. */
#ifndef RUN_GROUP_H
#define RUN_GROUP_H

#include "base/error.h"
#include "run/job.h"

enum group_end {
    GROUP_DONE,    /* all have ended, or the run stopped meanwhile (maxfail) */
    GROUP_STOPPED, /* we were asked to stop */
    GROUP_BROKEN   /* err: the journal or the temporary folder cannot be written */
};

/* Is there something that keeps a native test from being started? Then that is its verdict. 1:
 * recorded; 0: it may run; -1: err. */
int group_prevented(struct job *j, uint32_t test, struct error *err);
/* Waits before a test runs again; GROUP_DONE, or GROUP_STOPPED. */
enum group_end group_wait_for_rerun(const struct job *j);
/* Leaves out the tests that have ended already. */
enum group_end group_run(struct job *j, struct error *err);

#endif
