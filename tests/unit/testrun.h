/* A run on disk for the tests of rowlock-exec: a project folder with a plan, a state and a
 * journal, and ways to run the program on it and to look at what it recorded.
 *
 * A test program that uses this is rowlock-exec itself when it is called by that name
 * (testrun_main), so that the tests need no other binary. */
#ifndef TESTS_TESTRUN_H
#define TESTS_TESTRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/strv.h"
#include "plan/planfile.h"
#include "run/journal.h"
#include "run/state.h"

#define RUN_ID "20240101-120000-1"

/* What the plan says of a test. NULL and 0 are fine for all but id. */
struct spec {
    const char *id;
    uint32_t format;            /* enum test_format */
    const char *const *command; /* NULL-terminated; NULL: sh -c script */
    const char *script;
    const char *const *env;
    const char *const *locks;
    const uint32_t *depends; /* indexes, ended by UINT32_MAX */
    const char *cwd;
    uint64_t timeout_ms;
    bool serial;
    bool same_group; /* as the test before; otherwise a new group begins */
};

struct testrun {
    char *dir;  /* the project's root */
    char *run;  /* its .rowlock/runs/ID, absolute */
    char *temp; /* the run's temporary folder */
    struct state state;
    uint32_t n_tests;
    /* To be set before testrun_create; zero stands for the default. */
    uint32_t n_slots; /* 2 */
    uint32_t flags;   /* enum plan_flags */
    uint32_t maxfail;
    uint64_t grace_ms;     /* 300 */
    uint64_t output_limit; /* 64 KiB */
    const char *program;
};

/* In main: handles being called as rowlock-exec, or as one of the helpers below; -1 if the
 * process is to be the test program. Helpers: `PROGRAM --flood BYTES` prints that much,
 * `--daemon MARKER` leaves a process behind that has a session of its own. */
int testrun_main(int argc, char **argv);
/* Makes the folders and files of a run of these tests. */
void testrun_create(struct testrun *t, const struct spec *specs, uint32_t n);
/* Removes everything. */
void testrun_remove(struct testrun *t);
/* Starts rowlock-exec in the project with these words (NULL-terminated), as in a run of the
 * driver. Its output goes to the files out and err of the run's folder. */
pid_t testrun_start(const struct testrun *t, const char *const *words);
/* Waits for a process: its exit code, or 1000 + signal. */
int testrun_wait(pid_t pid);
/* Both, for group number. */
int testrun_run_group(const struct testrun *t, unsigned group);
/* Content of a file of the run's folder. Caller frees. */
char *testrun_read(const struct testrun *t, const char *name);

/* The last record of that kind of a test; false if there is none. Its fields live in *keep. */
bool testrun_record(const struct testrun *t, uint32_t test, enum record_kind kind, struct record *r,
                    struct buf *keep);
/* How many records of that kind a test has. */
size_t testrun_count(const struct testrun *t, uint32_t test, enum record_kind kind);
/* A field of the last RESULT as a string ("" if there is none). Caller frees. */
char *testrun_field(const struct testrun *t, uint32_t test, enum record_field tag);

/* This program. */
const char *testrun_program(void);
/* Waits until no process has the marker in its command line; false if that takes too long. */
bool testrun_wait_gone(const char *marker);
/* Waits until path exists. */
bool testrun_wait_file(const char *path);

#endif
