/* The tests of a run by how long they took. Private to report/. */
#ifndef REPORT_SLOWEST_H
#define REPORT_SLOWEST_H

#include <stddef.h>
#include <stdint.h>

#include "report/results.h"

/* The indexes of all tests that ran, the slowest first; *n says how many. The caller frees. */
uint32_t *slowest_tests(const struct results *r, size_t *n);

#endif
