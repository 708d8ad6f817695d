/* Asking another program something. */
#ifndef BASE_SUBPROCESS_H
#define BASE_SUBPROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Runs argv (found on PATH; standard input empty, its own signal dispositions, no MAKEFLAGS) and
 * appends what it prints on both streams to out, at most limit bytes of it. Returns its exit code,
 * 127 if it cannot be started, 128 plus the signal that ended it. */
int subprocess_output(char *const argv[], struct buf *out, size_t limit);
/* The same, with the two streams apart, and dir (NULL: where we are) as its current folder. */
int subprocess_ask(char *const argv[], const char *dir, struct buf *out, struct buf *errors,
                   size_t limit);

/* What is asked, and how. */
struct subprocess {
    char *const *argv;
    const char *dir;  /* NULL: where we are */
    char *const *env; /* besides our own: "NAME=value", or "NAME" for one that it must not have;
                         NULL-terminated; NULL for none */
    unsigned seconds; /* it has so long, then it is killed; 0: no end */
};
/* subprocess_ask with all that. *timed_out tells that its time was over (its code is 137 then). */
int subprocess_run(const struct subprocess *what, struct buf *out, struct buf *errors,
                   size_t limit, bool *timed_out);

#endif
