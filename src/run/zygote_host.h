/* Starting and ending the zygote; the talk with it is in run/zygote.h. */
#ifndef RUN_ZYGOTE_HOST_H
#define RUN_ZYGOTE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/planfile.h"
#include "run/runstore.h"

struct zygote_host {
    const struct runstore *store;
    const char *exec;       /* rowlock-exec, which watches over it (run/guard.h) */
    char *const *argv;      /* PYTHON zygote.py [--rowlock-NAME VALUE]… PYTEST_ARGS…, then NULL */
    const char *env_prefix; /* "FQCN" */
    uint32_t workers;
    uint32_t collectors;      /* how many of them may collect at once */
    double collect_alone;     /* seconds of CPU time for which one collects before others help */
    const char *auto_workers; /* "auto", "logical": a project may say what that means; or NULL */
    const int *choice; /* what auto and logical mean where a project may choose how many workers; or NULL */
    const char *dist;         /* the name of --dist */
    bool sequential;
    bool reports; /* the driver writes them: pytest is to write a JUnit file only where no test runs */
    bool lines;   /* it is to tell in which lines the tests are */
    double grace; /* seconds */
    uint64_t deadline_ms; /* CLOCK_MONOTONIC: it has to have collected by then; 0: whenever */
    int columns;  /* of the terminal that shows what pytest says; 0: pytest's own idea */
    bool color;   /* whether that is to be coloured */
    pid_t watch;  /* the zygote ends when this process does */
    pid_t pid;    /* the guard's; set by zygote_start */
};

enum zygote_state {
    ZYGOTE_READY,
    ZYGOTE_ENDED, /* pytest ended first: *status is its exit status, its words are in zygote.log */
    ZYGOTE_LATE, /* it had not collected by then; it is gone */
    ZYGOTE_INTERRUPTED /* Ctrl-C while it collected; it is gone */
};

/* Starts it. EXIT_INTERNAL on failure. */
bool zygote_start(struct zygote_host *z, int *ready_fd, struct error *err);
/* Waits until it has collected; calls tick(ctx) some times a second. Closes ready_fd. */
enum zygote_state zygote_wait_ready(struct zygote_host *z, int ready_fd, int *status,
                                    void (*tick)(void *), void *ctx);
/* How long the workers may take for the teardown at the end, in ms: the longest time that one of
 * their tests may take; 0, no limit, if one has none. */
uint64_t zygote_finish_limit(const struct plan_map *map);
/* Has every worker tear down and end, and the session; journals what failed in that (amends). *status
 * is pytest's exit status. False if it does not answer: err says so. */
bool zygote_finish(struct zygote_host *z, uint64_t limit_ms, int journal_fd, int *status,
                   struct error *err);
/* Waits for its process to end, which has little left to do after that, and ends it if it does not. */
void zygote_await_end(struct zygote_host *z);
/* Asks the zygote of the run with that temporary folder, whoever started it, to end; journals as
 * above. A hook that hangs there gives way to a second signal, or grace seconds after the first
 * where nobody is there to send another (interrupts_unattended). */
bool zygote_finish_at(const char *temp, uint64_t limit_ms, double grace, int journal_fd,
                      int *status, struct error *err);
/* Ends it at once, if it runs. */
void zygote_kill(struct zygote_host *z);

#endif
