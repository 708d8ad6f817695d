/* A file of durations that machines share (--shard-times): what 'rowlock list --json' or a run's
 * --report-json has written, {"tests": [{"id": …, "duration": seconds or null, …}, …], …}, or just
 * {"ID": seconds, …}, as pytest-split keeps it in .test_durations. */
#ifndef MANIFEST_DURATIONS_H
#define MANIFEST_DURATIONS_H

#include <stdbool.h>

#include "base/error.h"
#include "manifest/manifest.h"

/* Sets t->shared of the tests of m that the file knows. EXIT_USAGE if it cannot be read. */
bool durations_read(struct manifest *m, const char *path, struct error *err);

#endif
