/* What differs between two reports. */
#ifndef COVERAGE_COMPARE_H
#define COVERAGE_COMPARE_H

#include <stdio.h>

#include "coverage/model.h"

/* Prints a line for each file, line, branch and function that differs ("src/a.c:12: 5 in A, none in
 * B") and returns how many there are. a and b are finished; name_a and name_b are what they are
 * called. Without counts only zero differs from other counts. Branches of a line are told apart by
 * their order or by the line that they lead to; where a report is Cobertura XML, how many there are and
 * how many were taken. */
size_t cov_compare(const struct coverage *a, const struct coverage *b, const char *name_a,
                   const char *name_b, bool counts, FILE *out);

#endif
