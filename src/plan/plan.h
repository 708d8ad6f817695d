/* The plan: which tests run, in which groups, in which order. See docs/architecture.md. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "config/options.h"
#include "config/values.h"
#include "manifest/manifest.h"

struct plan_settings {
    enum dist dist;
    uint32_t n_slots;
    bool sequential; /* one worker, the manifest's order, nothing reordered */
    bool keep_order; /* groups start in the order of their first tests, whatever their length */
    bool forked;     /* --forked: goes into the plan file */
    uint32_t maxfail;
    double timeout; /* seconds for tests that set none; 0: none */
    const struct marker_timeout *timeouts; /* of tests with these markers, the first that fits */
    size_t n_timeouts;
    struct memory_floor memory;
    double run_timeout; /* seconds for the whole run; 0: none */
    double grace;   /* seconds */
    uint32_t reruns;     /* of tests that do not say how often they run again */
    double reruns_delay; /* seconds */
    bool fail_on_flaky;
    size_t output_limit;
    const char *run_id;     /* digits and '-' only: it stands in tests.mk */
    const char *root;       /* absolute */
    const char *env_prefix; /* "FQCN" */
    const char *pytest_root; /* as in struct plan_head; NULL: "" */
    const char *program;    /* absolute path of rowlock */
    char *const *zygote;    /* argv, NULL-terminated; NULL without pytest tests */
};

/* One group: the tests that one start of rowlock-exec runs, in this order. */
struct plan_unit {
    uint32_t *tests; /* indexes into plan.tests */
    uint32_t n;
    enum test_format format;
    bool serial;
    uint32_t phase;
    uint32_t weight;
    uint32_t collector; /* of its first test (struct test) */
    char **locks;    /* union of its tests' locks (plan.locks); sorted; NULL for none */
    double expected; /* seconds; tests of unknown length count 1 */
    uint32_t *after; /* indexes of the groups that must have ended before, by depends, locks and
                        weights, ascending; each is smaller than the group's own. What phases
                        imply is left out; in a sequential plan, the group before */
    uint32_t n_after;
    bool is_free; /* PLAN_FREE (plan/planfile.h) */
};

struct plan {
    const struct manifest *manifest;
    size_t *tests; /* indexes into the manifest, as they were selected: test i is target t(i+1).
                      Under --dist each copies of n_copied of them follow for each further worker */
    uint32_t n_tests, n_selected, n_copied;
    char ***locks; /* of test i: its locks and, as "xdist_group:NAME", its group; sorted; NULL */
    struct plan_unit *units; /* in the order in which they start: group i is target g(i+1) */
    uint32_t n_units;
    uint32_t n_queued; /* under worksteal and each: the first so many units are in queues */
    uint32_t *queues;  /* of slot s: units queues[s] up to, not with, queues[s + 1]; NULL */
    uint32_t n_free;   /* the units of the first phase, if all of them are free; else 0 */
    uint32_t n_phases; /* even phases run in parallel, odd ones hold the serial groups */
    struct plan_settings settings; /* strings borrowed */
    struct arena arena;            /* what the units and locks point to */
};

/* Groups and orders the selected tests, indexes into m in the order that is to be kept where
 * nothing speaks for another one. A cycle among `depends` is
 * refused (EXIT_USAGE) with the cycle named in full, a dependency that does not exist too; one
 * that was not selected is dropped. */
bool plan_make(struct plan *p, const struct manifest *m, const size_t *selected, size_t n,
               const struct plan_settings *s, struct error *err);
void plan_release(struct plan *p);
/* "12 tests in 3 groups". Caller frees. */
char *plan_size(const struct plan *p);
/* How many seconds the test may take in this run, 0 for any time, and how often it runs again. */
double plan_timeout(const struct plan *p, const struct test *t);
uint32_t plan_reruns(const struct plan *p, const struct test *t);
/* Writes the plan file (plan/planfile.h). EXIT_INTERNAL on failure. */
bool plan_write_file(const struct plan *p, const char *path, struct error *err);
/* Writes tests.mk. Its recipes call, from the root and without a shell,
 *
 *     .rowlock/rowlock-exec RUNID begin [GOALS]      before all groups
 *     .rowlock/rowlock-exec RUNID N [GOALS]          group gN, counted from 1
 *     .rowlock/rowlock-exec RUNID queue              groups from the workers' queues, until all
 *                                                    are empty (worksteal; run/queue.h)
 *     .rowlock/rowlock-exec RUNID take               free groups of the first phase, until none is
 *                                                    left (goal rowlock-take; run/affinity.h)
 *     .rowlock/rowlock-exec RUNID end                after all groups, in a full run only
 *
 * GOALS is there when tests or groups were named on make's command line: the words "t17",
 * "g4" …, or, of more than 2,000, one word "@FILE", a file that holds them with white space
 * between. A group then runs those of its tests that are named (all of them if it is named
 * itself, or if nothing in it is: some other target asked for it). They are words and no
 * environment variable because GNU Make 4.3 hands a target's exported variable on to the
 * target's prerequisites, `private` or not. EXIT_INTERNAL on failure. */
bool plan_write_makefile(const struct plan *p, const char *path, struct error *err);

#endif
