/* The driver's part of a run: starts GNU Make on tests.mk, watches it, stops it. */
#ifndef RUN_DRIVER_H
#define RUN_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "run/jobserver.h"
#include "run/state.h"

struct driver {
    const char *make;              /* the program */
    const char *makefile;          /* relative to the current folder, the project's root */
    const char *run_id;            /* goes to recipes as ROWLOCK_RUN */
    int log_fd;                    /* what make and its recipes print goes here */
    unsigned jobs;                 /* -jN of our own jobserver */
    const struct jobserver *outer; /* share these tokens instead; NULL: host our own */
    struct state *state;
    pid_t keep; /* a child that is not make's (the zygote); 0: none */
    uint64_t grace_ms;
    bool quiet_deadline; /* tests that run then have not timed out, they just have not ended */
    uint64_t deadline_ms; /* CLOCK_MONOTONIC: then the time of the run is over; 0: never */
    int tick_ms; /* how often tick is called; it is called at the end too */
    void (*tick)(void *ctx);
    void *ctx;
};

enum driver_end {
    DRIVER_DONE,        /* make ran through */
    DRIVER_INTERRUPTED, /* stopped by Ctrl-C or a signal */
    DRIVER_TIMED_OUT,   /* stopped because its time was over */
    DRIVER_DIED,        /* make was killed by a signal */
    DRIVER_FAILED,      /* make gave up: the log says why */
    DRIVER_NOT_STARTED  /* err says why */
};

/* Runs make to its end. When it returns, nothing that make started is alive. */
enum driver_end driver_run(const struct driver *d, struct error *err);
/* Looks for GNU Make 4.0 or newer: $ROWLOCK_MAKE, $MAKE of an outer make, gmake, make. *program
 * is the caller's to free, *version too. EXIT_USAGE with what was found instead. */
bool driver_find_make(char **program, char **version, struct error *err);
/* Kills every child of this process but keep, and their children as they come to it, until none
 * is left. The process must be a child subreaper. */
void driver_kill_children(pid_t keep);

#endif
