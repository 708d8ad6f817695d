/* The line per test that a run without a driver prints. */
#ifndef RUN_CONSOLE_H
#define RUN_CONSOLE_H

#include "run/journal.h"

/* "PASSED tests/x.py::test_a (gw0, 0.12 s)" to standard output, behind a failure its message
 * and output (bounded); one write for all. Control bytes and what is no UTF-8 come escaped. */
void console_result(const char *id, const char *worker, const struct record *r);
/* "rowlock-exec: MESSAGE" to standard error. */
void console_error(const char *message);

#endif
