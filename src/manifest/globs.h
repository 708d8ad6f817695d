/* The files that a suite's patterns name. */
#ifndef MANIFEST_GLOBS_H
#define MANIFEST_GLOBS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/strv.h"

/* Appends the files that match the pattern, which is relative to root, in the order of their
 * bytes and as seen from root. False if there are none or it cannot be expanded; *why then says
 * so and what to do, on one line. */
bool globs_expand(const char *pattern, const char *root, struct strv *to, struct buf *why);

#endif
