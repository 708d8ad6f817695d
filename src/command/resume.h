/* --resume: what the last run has to say about the tests of this one. What has ended there is not run
 * again: its records are copied into the journal of this run, so that both parts are reported as
 * one. The options and the selection are those of this command line. */
#ifndef COMMAND_RESUME_H
#define COMMAND_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "plan/plan.h"
#include "plan/planfile.h"
#include "run/runstore.h"

struct resume {
    char *dir;            /* of the last run; NULL: there is none */
    struct plan_map map;  /* its plan */
    unsigned char *data;  /* its journal, mapped; NULL: empty */
    size_t size;
    bool *ended;          /* of its tests: they have a verdict that counts */
    uint32_t *next;       /* the next test of its plan that has the same id; UINT32_MAX: none */
    struct map first;     /* id → the first test of that id */
    size_t n_ended;       /* set by resume_apply: tests of this run that have ended */
    size_t n_left;        /* those that are to run */
    size_t n_gone;        /* tests that had ended and are not selected now */
};

/* Opens the last run of the project, before this one takes its place. EXIT_USAGE if it still goes on
 * or cannot be read. Without any run r->dir is NULL, and all tests run. */
bool resume_open(struct resume *r, struct error *err);
void resume_release(struct resume *r);
/* Has the test with that id, all copies of it, ended? */
bool resume_has(const struct resume *r, const char *id);
/* Copies what counts into journal and state of the new run, whose files are there and not published
 * yet. A fixture that has ended is run again if a test that depends on it is still to run. Failures
 * of the last run do not count for --maxfail. EXIT_INTERNAL on failure. */
bool resume_apply(struct resume *r, const struct plan *p, const struct runstore *store,
                  struct error *err);

#endif
