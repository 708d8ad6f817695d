/* The state of a run, in a file that all its processes map shared (.rowlock/runs/ID/state):
 * one byte per test, what each worker slot does now, and the run-wide counters. It is for
 * progress, maxfail, dependencies and resuming; the journal is the record that counts.
 *
 * Layout: struct run_state, then struct slot_state[n_slots], then a byte per test (enum
 * test_state), then another: the attempts of it that failed and are not its last, then n_tests
 * bytes for the groups, of which there are no more than tests: 1 for one that a recipe has taken
 * (run/affinity.h). Python maps it too: `stop`, `failures` and `maxfail` are the uint32_t at offset
 * 16, 20 and 24, and it writes wide_ms, at 160, and share_ms, at 168. */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Verdicts; the names are those of --report-json (outcome_name). */
enum outcome {
    OUTCOME_NONE, /* not known yet */
    OUTCOME_PASSED,
    OUTCOME_FAILED,
    OUTCOME_SKIPPED,
    OUTCOME_XFAILED,
    OUTCOME_XPASSED,
    OUTCOME_ERROR,   /* set-up or teardown failed, or the test could not be started */
    OUTCOME_CRASHED, /* ended by a signal, or its process vanished */
    OUTCOME_TIMEOUT,
    OUTCOME_FLAKY, /* failed, then passed when run again */
    OUTCOME_COUNT
};
/* "passed", …; "" for OUTCOME_NONE and anything else. */
const char *outcome_name(enum outcome o);
/* True for failed, error, crashed and timeout. */
bool outcome_is_failure(enum outcome o);

/* The byte of a test. */
enum test_state {
    TEST_PENDING = 0,
    TEST_RUNNING = 1,
    TEST_ENDED = 16 /* 16 + enum outcome: it has a record in the journal */
};

enum stop_reason {
    STOP_NO = 0,
    STOP_MAXFAIL = 1,
    STOP_INTERRUPTED = 2,
    STOP_TIMEOUT = 4, /* the run's time is over: what runs then has timed out */
    STOP_BROKEN = 3 /* the journal cannot be written: results would be lost */
};

struct run_state {
    char magic[8]; /* "RLSTATE1" */
    uint32_t n_tests;
    uint32_t n_slots;
    _Atomic uint32_t stop; /* enum stop_reason; no test starts once it is set */
    _Atomic uint32_t failures;
    uint32_t maxfail; /* 0: none */
    _Atomic uint32_t ended;
    char temp_dir[64];   /* the run's temporary folder, /tmp/rl-XXXXXX; NUL-terminated */
    char run_uid[40];    /* PYTEST_XDIST_TESTRUNUID; NUL-terminated */
    uint32_t standalone; /* 1: no driver shows progress, so rowlock-exec prints a line per test */
    uint32_t oom_kills;  /* platform_oom_kills() when the run began */
    _Atomic uint64_t passed_ns; /* run/gate.h: when the last worker was let through */
    _Atomic uint64_t began_ns; /* CLOCK_MONOTONIC of the first time that groups could be taken */
    _Atomic uint32_t wide_ms;  /* the longest that a worker has needed to set up fixtures of the
                                  session; Python writes it */
    uint32_t driver; /* pid of a driver whose make shares an outer make's tokens; else 0: recipes end
                        in order when it is killed, as make would keep a token (run/outer.c) */
    _Atomic uint32_t share_ms; /* what it takes to collect the largest share of the files again, if a
                                  new worker has to (run/affinity.h); Python writes it */
    uint32_t unused;
};
struct slot_state {
    _Atomic uint32_t test;     /* index + 1 of the test that runs; 0: idle */
    _Atomic uint32_t pid;      /* of the test's process, for messages only */
    _Atomic uint64_t since_ns; /* CLOCK_MONOTONIC */
    _Atomic uint64_t queue;    /* run/queue.h: the first group and, in the upper half, the one
                                  behind the last */
    _Atomic uint32_t first_own; /* run/affinity.h: no group before it is left for this slot */
    _Atomic uint32_t waits; /* enum gate_reason (run/gate.h): why it starts no test now */
    _Atomic uint32_t serves;    /* the collector whose files its worker has; 0: not said yet */
    uint32_t reserved;
};

/* A mapped state file. */
struct state {
    struct run_state *run;
    struct slot_state *slots;     /* [run->n_slots] */
    _Atomic unsigned char *tests; /* [run->n_tests] */
    _Atomic unsigned char *failed_attempts; /* likewise; stays at its most */
    _Atomic unsigned char *taken; /* [run->n_tests], of groups */
    size_t size;
};

/* Creates path (replacing what is there) with all tests pending. EXIT_INTERNAL on failure. */
bool state_create(const char *path, uint32_t n_tests, uint32_t n_slots, struct error *err);
/* Maps path; checks magic and size. */
bool state_open(struct state *s, const char *path, struct error *err);
void state_close(struct state *s);
/* Marks the test as running in the slot. Returns false, and changes nothing, if the run is
 * to stop or the test has ended already. */
bool state_start(struct state *s, uint32_t test, uint32_t slot, uint32_t pid);
/* Takes state_start back: the test is pending again. For a test that was interrupted. */
void state_abandon(struct state *s, uint32_t test, uint32_t slot);
/* Marks the test as ended; counts failures and sets stop when maxfail is reached. Call it
 * after the journal record is written. Ended twice (an amended record) counts once; an
 * amendment that turns a test into a failure counts as that failure. */
void state_end(struct state *s, uint32_t test, uint32_t slot, enum outcome o);
/* The test has failed and is to run again: it is pending, and one more attempt has failed. Call it
 * after the record of that attempt is written. */
void state_attempt(struct state *s, uint32_t test, uint32_t slot);
/* Takes state_end back: the test is pending, as if it had not run. Call it after the record that
 * says so is written. A run that has stopped meanwhile stays so. */
void state_void(struct state *s, uint32_t test);
/* All tests are pending again, nothing has failed, the run goes on. No test may be running. */
void state_restart(struct state *s);
/* How many attempts have failed after which it was to run again. */
uint32_t state_attempts(const struct state *s, uint32_t test);
/* OUTCOME_NONE while it has not ended. */
enum outcome state_outcome(const struct state *s, uint32_t test);

#endif
