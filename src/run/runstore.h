/* The runs of a project on disk. The current folder is the project's root.
 *
 *     .rowlock/.gitignore          "*"
 *     .rowlock/tests.mk            → runs/ID/tests.mk of the last run
 *     .rowlock/last                → runs/ID of the last run
 *     .rowlock/rowlock-exec        → the program that recipes call
 *     .rowlock/runs/ID/            one run: plan, tests.mk, state, journal, slots/, logs
 *     .rowlock/runs/ID/owner       "PID STARTTIME" of the driver or make it belongs to
 *     ${TMPDIR:-/tmp}/rl-XXXXXX/   its temporary folder, named in state, gone when it ends
 *
 * ID is made of digits and '-' and sorts by time. */
#ifndef RUN_RUNSTORE_H
#define RUN_RUNSTORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct runstore {
    char *id;
    char *dir;    /* ".rowlock/runs/ID" */
    char *temp;   /* absolute */
    char uid[33]; /* PYTEST_XDIST_TESTRUNUID: 32 hexadecimal digits */
};

/* Makes a new run folder and its temporary folder, owned by process owner. EXIT_INTERNAL when the
 * state folder cannot be written; nothing is left behind then. */
bool runstore_create(struct runstore *r, pid_t owner, struct error *err);
/* A file of the run; caller frees. */
char *runstore_path(const struct runstore *r, const char *name);
/* Creates the state file for the run, naming its temporary folder. */
bool runstore_write_state(const struct runstore *r, uint32_t n_tests, uint32_t n_slots,
                          uint32_t maxfail, bool standalone, struct error *err);
/* Points .rowlock/last, tests.mk and rowlock-exec (exec_program, absolute) to this run. */
bool runstore_publish(const struct runstore *r, const char *exec_program, struct error *err);
/* Removes the temporary folder; with drop the run folder too (nothing half-written stays). */
void runstore_close(struct runstore *r, bool drop);
/* Frees r's strings and leaves the folders as they are: the run goes on without this process. */
void runstore_release(struct runstore *r);
/* Does the process live that the run in that folder belongs to? */
bool runstore_owner_lives(const char *dir);
/* Removes all but the newest keep runs, never one whose owner lives, and the temporary folders of
 * runs whose owner died. */
void runstore_prune(int keep);

#endif
