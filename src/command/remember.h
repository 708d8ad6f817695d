/* Runs learn from those before: .rowlock/history.db (history/history.h). */
#ifndef COMMAND_REMEMBER_H
#define COMMAND_REMEMBER_H

#include "manifest/manifest.h"
#include "report/results.h"

/* Sets how long each test of the manifest is expected to take, where it does not say so itself: as
 * the history knows it, else as long as the known tests of its file, or of all, take on average.
 * Without any history it stays unknown. */
void remember_expected(struct manifest *m);
/* Adds what this run has shown. */
void remember_results(const struct results *r);

#endif
