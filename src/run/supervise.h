/* Runs one process to its end and takes care that nothing of it stays: captures what it
 * prints, ends it when it takes too long or when we are asked to stop, and kills whatever it
 * left running, in whatever session or process group that may be.
 *
 * The caller has called signals_init and platform_adopt_orphans, and has no other children. */
#ifndef RUN_SUPERVISE_H
#define RUN_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "run/capture.h"
#include "run/spawn.h"

struct supervise {
    char *const *argv;
    char *const *envp;
    const char *cwd;     /* NULL or "": where we are */
    int in;              /* its standard input; 3 or above */
    uint64_t timeout_ms; /* 0: none */
    uint64_t grace_ms;   /* between SIGTERM and SIGKILL */
    /* When its time is over, on CLOCK_MONOTONIC; -1: no such time. Asked again and again, in place
     * of timeout_ms; may be NULL. */
    int64_t (*until)(void *ctx);
    bool merge;          /* standard error goes where standard output goes, and counts as that */
    size_t output_limit; /* bytes kept of each stream */
    /* Sees all of its standard output as it comes; may be NULL. */
    void (*on_output)(void *ctx, const void *data, size_t len);
    /* Likewise, and of its standard error too, in the order of reading. */
    void (*on_all)(void *ctx, const void *data, size_t len);
    void (*on_start)(void *ctx, pid_t pid); /* may be NULL */
    void *ctx;
};

enum supervise_end {
    SUPERVISE_ENDED, /* by itself */
    SUPERVISE_NOT_STARTED,
    SUPERVISE_TIMED_OUT,
    SUPERVISE_STOPPED /* we were asked to stop (run/signals.h) */
};

struct supervised {
    enum supervise_end end;
    struct spawn_failure failure; /* SUPERVISE_NOT_STARTED */
    int status;                   /* wait status */
    int64_t start_ns;             /* CLOCK_REALTIME */
    uint64_t wall_ns, user_ns, sys_ns, peak_bytes;
    struct capture out, err;
    struct strv leftovers; /* "pid name" of what still ran when it had ended by itself */
};

/* False if the machine fails us (no descriptors, no memory): err, EXIT_INTERNAL. Release
 * the result in either case. */
bool supervise_run(const struct supervise *what, struct supervised *result, struct error *err);
void supervised_release(struct supervised *result);

/* Kills all children, and what becomes our child thereby, until none is left. Gives up after
 * some seconds (a process that the kernel itself holds): false then. */
bool supervise_kill_children(void);

#endif
