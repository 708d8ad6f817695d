/* Comments in C sources that take lines or branches out of the reports. */
#ifndef COVERAGE_EXCLUDE_H
#define COVERAGE_EXCLUDE_H

#include "base/strv.h"
#include "coverage/model.h"

/* Looks into the sources of all files that are not Python, below root where their names are relative.
 * In lines with LCOV_EXCL_LINE, and from LCOV_EXCL_START to LCOV_EXCL_STOP, statements become
 * excluded, and branches and functions that start there go; LCOV_EXCL_BR_LINE, _BR_START and _BR_STOP
 * take out branches alone, LCOV_EXCL_EXCEPTION_BR_… those of exceptions. GCOV_ and GCOVR_ for LCOV_
 * mean the same. LCOV_UNREACHABLE_LINE, _START and _STOP exclude lines that were not run; one that was
 * is kept and named in warnings. Sources that cannot be read are left as they are. A START without
 * its STOP is named in warnings and holds to the end. c has to be finished, and stays it. */
void cov_exclude(struct coverage *c, const char *root, struct strv *warnings);

#endif
