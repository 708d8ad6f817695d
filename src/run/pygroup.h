/* Runs the tests of a pytest group in the zygote's worker of our slot (run/zygote.h), and
 * guards that against hanging and dying: a test that takes too long or takes the worker along
 * is recorded, and a new worker goes on with the rest. In the inner process. */
#ifndef RUN_PYGROUP_H
#define RUN_PYGROUP_H

#include "base/error.h"
#include "run/group.h"
#include "run/job.h"

enum group_end pygroup_run(struct job *j, struct error *err);

#endif
