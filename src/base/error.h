/* What went wrong: one line for the user and the exit code that goes with it.
 * Library functions return false or -1 and fill one of these; only the command
 * layer prints it. A message reads "place: what is wrong; what to do". */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, as pytest's. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_INTERRUPTED = 2,
    EXIT_INTERNAL = 3, /* full disk, unwritable state folder */
    EXIT_USAGE = 4,
    EXIT_NO_TESTS = 5
};

struct error {
    char *msg;           /* NULL while there is none; owned */
    enum exit_code code; /* what the process should exit with */
};

#define ERROR_INIT {NULL, EXIT_OK}

void error_release(struct error *e);
/* Replaces what e held. Always returns false, so that `return error_set(…)` reads well. */
bool error_set(struct error *e, enum exit_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As error_set, with ": " and strerror(errno) added. ENOSPC and EDQUOT become
 * EXIT_INTERNAL whatever code says. */
bool error_errno(struct error *e, enum exit_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds "; what to do" to the message. Returns false. */
bool error_advise(struct error *e, const char *what_to_do);

#endif
