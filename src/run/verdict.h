/* From what became of a native test's process to its record in the journal. */
#ifndef RUN_VERDICT_H
#define RUN_VERDICT_H

#include <stdint.h>

#include "base/buf.h"
#include "plan/planfile.h"
#include "run/expect.h"
#include "run/journal.h"
#include "run/supervise.h"
#include "run/tap.h"

/* "SIGSEGV", or "signal 42" into out. */
void verdict_signal_name(char *out, size_t size, int sig);
/* What state.h keeps as oom_kills: a SIGKILL is said to be for want of memory where the kernel has
 * counted more since. Without the call nothing is said. */
void verdict_know_oom_kills(uint32_t before);
/* "exit status 3" or "killed by SIGSEGV (core dumped)" for a wait status. */
void verdict_status(struct buf *b, int status);
/* Why the process was not started, and what to do; command is its name, cwd where it should have. */
void verdict_not_started(struct buf *b, const struct supervised *s, const char *command,
                         const char *cwd);
/* By which rules a test is judged (manifest/manifest.h, struct verdict_rules). */
struct verdict_how {
    int skip_code;  /* -1: none */
    int error_code; /* 0: none */
    int pass_code;  /* 0, or what has to be the status; minus a signal */
    bool will_fail;
    bool should_fail;
    const struct expect *expect; /* finished; NULL where there are no expressions */
    uint64_t run_timeout_ms;     /* the limit of the run, for a test that was stopped at it */
};

/* Adds "stopped when the run's time limit of 30 s was over". */
void verdict_add_cut(struct buf *message, uint64_t run_timeout_ms);

/* Fills r (test, outcome, times; attempt 1) and its fields, which stay in *fields. tap is NULL
 * for format exec; otherwise it has seen all output, and is finished here. command is the
 * program's name, cwd where it should have started, for messages. */
void verdict_record(struct record *r, struct buf *fields, const struct supervised *s,
                    struct tap *tap, const struct verdict_how *how, uint64_t timeout_ms,
                    const char *command, const char *cwd);

#endif
