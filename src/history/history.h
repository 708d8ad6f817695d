/* What earlier runs have shown of each test: how long it took, how it ended, its memory.
 *
 * It lies in a SQLite file, .rowlock/history.db, which runs share; another machine's figures
 * serve where there are none of this kind of machine. Bytes of ids are kept as they are.
 *
 *     machine  id, kind            "x86_64, 8 CPUs, AMD EPYC 7B13"
 *     test     id, name
 *     result   test, machine, runs, seconds (the mean, recent runs count more), outcome (of the
 *              last run, as in --report-json), peak (bytes, the largest), at (UNIX time of it)
 *
 * What no run has seen for 90 days is removed. A file that is damaged, or of a later version, is
 * set aside under another name. Nothing here can fail a run: what goes wrong is a warning. */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

/* What is known of a test. */
struct history_test {
    double seconds;      /* to be expected on this machine; of another one if it never ran here */
    const char *outcome; /* of its last run: "passed", …; owned by the history */
    bool failed;         /* that outcome is a failure */
    uint64_t peak_bytes; /* 0: not known */
};

/* What a run has shown. */
struct history_result {
    const char *name;
    const char *outcome;
    bool failed;
    double seconds;
    uint64_t peak_bytes;
};

/* Reads the file at path; an empty history if there is none. *warning, which the caller frees, is
 * NULL or a line that says what was wrong. Never NULL. */
struct history *history_read(const char *path, char **warning);
void history_free(struct history *h);
/* How many tests it knows. */
size_t history_size(const struct history *h);
/* NULL if nothing is known of the test. */
const struct history_test *history_find(const struct history *h, const char *name);

/* Adds a run's results to the file, which is created if need be. Waits some seconds for another
 * run that writes. False with *warning, which the caller frees. */
bool history_add(const char *path, const struct history_result *results, size_t n, char **warning);

/* The kind of this machine. Caller frees. */
char *history_machine(void);

#endif
