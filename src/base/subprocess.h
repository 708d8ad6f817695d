/* Asking another program something. */
#ifndef BASE_SUBPROCESS_H
#define BASE_SUBPROCESS_H

#include <stddef.h>

#include "base/buf.h"

/* Runs argv (found on PATH; standard input empty, its own signal dispositions, no MAKEFLAGS) and
 * appends what it prints on both streams to out, at most limit bytes of it. Returns its exit code,
 * 127 if it cannot be started, 128 plus the signal that ended it. */
int subprocess_output(char *const argv[], struct buf *out, size_t limit);
/* The same, with the two streams apart, and dir (NULL: where we are) as its current folder. */
int subprocess_ask(char *const argv[], const char *dir, struct buf *out, struct buf *errors,
                   size_t limit);

#endif
