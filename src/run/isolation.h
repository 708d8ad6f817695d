/* What keeps tests apart: each worker slot has folders and variables of its own, each test a
 * fresh folder inside.
 *
 * Below the run's temporary folder, for slot N: gwN/tmp, gwN/config and gwN/cache, which the
 * slot's tests share, and gwN/tM for the time of test M, which is its TMPDIR. A folder that a
 * test leaves empty is not removed but renamed to gwN/spare and, for the next test, renamed
 * again: on a file system with a journal that is a hundred times faster. */
#ifndef RUN_ISOLATION_H
#define RUN_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/* The variable with which the driver tells rowlock-exec where coverage data go: a folder in which each
 * group has one for itself (GCOV_PREFIX), and libgcov's messages. */
#define ISOLATION_COVERAGE "ROWLOCK_COVERAGE_DATA"

struct isolation_settings {
    const char *temp_dir; /* the run's, absolute */
    const char *run_uid;
    const char *env_prefix; /* "FQCN" */
    uint32_t slot;
    uint32_t n_slots;
    bool sequential; /* the worker is "master", not gwN */
    uint32_t group;  /* number */
};

struct isolation {
    char *worker_dir; /* TEMP/gwN */
    char *spare;      /* TEMP/gwN/spare */
    unsigned mode;    /* of a fresh folder */
    char *test_dir;   /* NULL between tests */
    struct strv base; /* what all tests of the slot see */
    struct strv env;  /* what the current test sees */
    char *coverage;   /* where its coverage data go; NULL: nowhere in particular */
    uint32_t group;
    uint32_t coverage_n; /* how many such folders the group had before */
};

/* "gw3", or "master". out holds at least 16 bytes. */
void isolation_worker_name(char *out, size_t size, uint32_t slot, bool sequential);
/* Creates the slot's folders and its environment: that of this process without what belongs
 * to Make and to the run. EXIT_INTERNAL on failure; release in either case. */
bool isolation_init(struct isolation *iso, const struct isolation_settings *s, struct error *err);
void isolation_release(struct isolation *iso);
/* Creates the folder of test number (from 1), empty, and iso->env with the test's own
 * variables (n of them) on top: "NAME=value", or "NAME" for one that it must not have. */
bool isolation_begin(struct isolation *iso, uint32_t number, const char *const *vars, size_t n,
                     struct error *err);
/* Later tests leave their coverage data in another folder: what a killed process was writing is torn,
 * and libgcov would throw away what others add to it. */
void isolation_renew_coverage(struct isolation *iso);
/* Takes the test's folder away, with all that is in it. */
void isolation_end(struct isolation *iso);

#endif
