/* What the Makefile of a project says of rowlock.mk, for `rowlock init`. */
#ifndef COMMAND_MAKEFILELOOK_H
#define COMMAND_MAKEFILELOOK_H

#include <stdbool.h>

struct makefilelook {
    bool includes;                 /* rowlock.mk, itself: an include in an included file is not seen */
    bool lint;                     /* it has a target of that name */
    bool sets_lint, sets_coverage; /* ROWLOCK_LINT, ROWLOCK_COVERAGE */
    char *prefix;                  /* what ROWLOCK_PREFIX is set to; NULL: nothing */
};

/* Adds what the file of that name says; nothing if it is not there or cannot be read. Nothing is
 * expanded and nothing run. Begin with {0}; release at the end. */
void makefilelook_add(struct makefilelook *look, const char *name);
void makefilelook_release(struct makefilelook *look);

#endif
