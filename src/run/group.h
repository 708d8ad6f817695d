/* Runs the tests of a group of formats exec and tap, one after the other. In the inner process. */
#ifndef RUN_GROUP_H
#define RUN_GROUP_H

#include "base/error.h"
#include "run/job.h"

enum group_end {
    GROUP_DONE,    /* all have ended, or the run stopped meanwhile (maxfail) */
    GROUP_STOPPED, /* we were asked to stop */
    GROUP_BROKEN   /* err: the journal or the temporary folder cannot be written */
};

/* Leaves out the tests that have ended already. */
enum group_end group_run(struct job *j, struct error *err);

#endif
