/* The guard: what the driver starts in the zygote's place. It starts the zygote and watches.
 *
 * A zygote may hang in an import or be killed at any time, so that what it promises (nothing
 * stays behind, and everything ends with the watched process) is kept by its parent. */
#ifndef RUN_GUARD_H
#define RUN_GUARD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Runs argv (found through PATH, NULL at the end) with the descriptors that we have; of ours only
 * 0, 1 and 2 stay open. It gets SIGTERM when the process watch ends, and what of SIGTERM, SIGINT and
 * SIGHUP we get; grace_ms and two seconds after the first that was no SIGINT, SIGKILL. Once it has
 * ended, so does all that it leaves behind. Where watch is not our parent, a second process sees to
 * that if we are killed. Returns its exit status, 128 + N after signal N, 127 if
 * it could not be started; EXIT_INTERNAL, with err, if no process could be. */
int guard_run(pid_t watch, uint64_t grace_ms, char *const *argv, struct error *err);

#endif
