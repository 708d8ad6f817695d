/* What one start of rowlock-exec works on: a group of a run, its tests, and where their
 * results go. Opened by the outer process, inherited by the inner ones (run/outer.h). */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "plan/planfile.h"
#include "run/goals.h"
#include "run/journal.h"
#include "run/slot.h"
#include "run/state.h"
#include "run/tokens.h"

enum job_stage {
    JOB_IDLE,
    JOB_RUNNING,  /* the test has no record yet */
    JOB_RECORDING /* perhaps it has */
};

/* Shared by the outer and the inner process: what was going on when the inner one died. */
struct job_progress {
    _Atomic uint32_t test;    /* index + 1; 0: none */
    _Atomic uint32_t stage;   /* enum job_stage */
    _Atomic int64_t start_ns; /* CLOCK_REALTIME */
    _Atomic int64_t start_mono_ns;
};

struct job {
    char *dir; /* of the run */
    struct plan_map plan;
    struct state state;
    int journal;
    char *journal_path;
    struct goals goals;
    const struct plan_group *group; /* the first of those that it runs now */
    uint32_t group_number;          /* its number, from 1 */
    uint32_t *tests;       /* indexes of those to run, in order */
    uint32_t n_tests;
    struct slot slot;
    struct tokens tokens; /* of a heavy group */
    char worker[16]; /* "gw3", "master" */
    int driver;      /* readable when the driver is dead (state.h); -1: make's affair */
    bool prints;     /* one line per test: there is no driver to show progress */
    struct job_progress *progress;
};

/* Opens the files of run (the word of the recipe). goals: the words behind it (run/goals.h). False
 * with err; job_close in either case. The slot is not taken yet. */
bool job_open(struct job *j, const char *run, char *const *goals, struct error *err);
/* The job is to run n groups, from number (counted from 1) on, which are all of pytest tests or
 * all of native ones. */
bool job_choose(struct job *j, uint32_t number, uint32_t n, struct error *err);
void job_close(struct job *j);

/* The test of an index; never NULL for one of job.tests. */
const struct plan_test *job_test(const struct job *j, uint32_t test);
/* The test runs from now on; false if it must not: the run stops, or it has ended. */
bool job_start(struct job *j, uint32_t test, pid_t pid);
/* It does not run after all, or not to its end: no record, pending again. */
void job_abandon(struct job *j, uint32_t test);
/* Makes an ATTEMPT of a RESULT that failed, if the test is to run again. Not once the run is to
 * stop: then this was its last attempt. */
void job_reconsider(const struct job *j, struct record *r);
/* Journals r (its slot and its attempt are filled in here; a test that passes at a later attempt
 * is flaky), then counts it and prints its line. False if it cannot be written: the run is stopped
 * then. */
bool job_record(struct job *j, struct record *r, struct error *err);
/* A RESULT that has no process behind it: just an outcome and a line that says why. */
bool job_verdict(struct job *j, uint32_t test, enum outcome o, const char *message,
                 struct error *err);
/* The test, which has ended, has no result: what was journaled of it is void. */
bool job_void(struct job *j, uint32_t test, struct error *err);
/* A NOTE of the run itself. */
bool job_note(struct job *j, const char *message, struct error *err);
/* Records the test as skipped (an error where it depends on fixtures) if one that it depends on has ended without passing (in a full
 * run: has not passed). 1: recorded; 0: it may run; -1: err. */
int job_skip_dependent(struct job *j, uint32_t test, struct error *err);
/* What the journal says of the test; OUTCOME_NONE if it has no RESULT. Reads all of it. */
enum outcome job_journaled(const struct job *j, uint32_t test);

#endif
