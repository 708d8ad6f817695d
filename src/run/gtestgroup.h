/* Runs the tests of one program made with Google Test, as many as possible in one process of it
 * (`PROGRAM --gtest_filter=A.B:A.C`), whose output tells what becomes of each (run/gtest.h).
 *
 * The command of such a test is the program with its arguments and, as the last string,
 * "--gtest_filter=" and the name as it is. The tests of a process share its temporary folder; their
 * standard output and error are one stream, so that it is known what is whose. Time limits are for
 * each test. A test that ends the process is charged, the rest goes on in a new one. */
#ifndef RUN_GTESTGROUP_H
#define RUN_GTESTGROUP_H

#include <stdint.h>

#include "base/error.h"
#include "run/group.h"
#include "run/isolation.h"
#include "run/job.h"

/* How many tests of the job, from its k-th on, are of the same program, started alike; 0 if the
 * k-th is no such test. */
uint32_t gtestgroup_length(const struct job *j, uint32_t k);
/* Runs n tests of one program. null: standard input. */
enum group_end gtestgroup_run(struct job *j, struct isolation *iso, int null,
                              const uint32_t *tests, uint32_t n, struct error *err);

#endif
