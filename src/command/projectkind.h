/* What a project is, for `rowlock init`: seen from the names of its files, and a few lines of them. */
#ifndef COMMAND_PROJECTKIND_H
#define COMMAND_PROJECTKIND_H

#include <stdbool.h>

#include "base/strv.h"

struct projectkind {
    bool pytest, cmake, meson, autotools, automake, scripts; /* what it has of each */
    bool lint;         /* with Autotools: the Makefile has a target of that name */
    char *build;       /* the build folder of CMake or Meson: letters, digits, "._+-" only */
    char *testpath;    /* the one folder with all files of pytest; NULL: there are several */
    struct strv tap;   /* globs of TAP scripts */
    struct strv shell; /* globs of shell scripts that are tests */
    struct strv makefiles; /* with Autotools: the Makefile.am, or where there is none Makefile.in */
    struct strv notes; /* what was left out, and why */
};

/* Looks into dir and at most four folders deep, not into hidden, build and environment folders. */
void projectkind_find(struct projectkind *k, const char *dir);
void projectkind_release(struct projectkind *k);
/* True if word ("pytest", "cmake", "meson", "autotools", "automake", "scripts", or "build" for
 * any build system, "lint", "measured" for what can leave coverage data; or one of these with "!" before it)
 * holds. */
bool projectkind_is(const struct projectkind *k, const char *word);
/* "pytest, CMake": for people; NULL if it is nothing. Caller frees. */
char *projectkind_name(const struct projectkind *k);

#endif
