/* TAP and the output of Rust's tests, judged as `meson test` judges them.
 *
 * Meson reads other lines as TAP than prove does (no subtests, no pragmas, no plan needed), and
 * tells failures, which a test may be expected to have, from errors, which it may not: a fault of
 * the output itself, "Bail out!", and an exit status other than 0. Source: TAPParser, TestRunTAP
 * and TestRunRust in mesonbuild/mtest.py of Meson 1.0 to 1.12. */
#ifndef RUN_TAPMESON_H
#define RUN_TAPMESON_H

#include <stdbool.h>
#include <stddef.h>

#include "run/tap.h"

/* One line without its newline; t->meson.version is not 0. */
void tapmeson_line(struct tap *t, const char *p, size_t n);
/* tap_finish for such a test: OUTCOME_PASSED, _FAILED, _SKIPPED or _ERROR. */
enum outcome tapmeson_finish(struct tap *t, int exit_status, struct buf *message);
/* After tapmeson_finish, where a signal has ended the test: its failure is one that was expected? */
bool tapmeson_failed_first(const struct tap *t);

#endif
