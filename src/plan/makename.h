/* Untrusted names in a makefile. */
#ifndef PLAN_MAKENAME_H
#define PLAN_MAKENAME_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the path as a prerequisite. False, and nothing appended, if GNU Make has no way to
 * write it that is safe everywhere ($, ;, =, wildcards, a tab, …), or if it is the name of one of
 * our own targets. */
bool makename_prerequisite(struct buf *b, const char *path);
/* Appends text for a comment: everything but [A-Za-z0-9._/:[]-] as %XX, and of a long text the
 * first 200 characters and "...". */
void makename_comment(struct buf *b, const char *text);

#endif
