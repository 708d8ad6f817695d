/* The tests that a Makefile.am (or a Makefile.in) lists in TESTS, for `rowlock init`. */
#ifndef COMMAND_AUTOMAKE_H
#define COMMAND_AUTOMAKE_H

#include <cjson/cJSON.h>

#include "base/strv.h"

/* Appends to tests an object of tests.json for each word of TESTS in the file at path (relative to
 * the project): its words are taken as Make would read them, with variables of the same file, each once; lines of
 * both branches of a condition count. XFAIL_TESTS get "will_fail", a file that names Automake's
 * tap-driver has tests of format tap. Words that cannot be told are named in notes, the first ten. Nothing is
 * expanded by a shell, and nothing run. */
void automake_tests(const char *path, cJSON *tests, struct strv *notes);

/* The text of a Makefile with lines that end in a backslash joined, comments and recipes taken out.
 * Caller frees. */
char *automake_lines(const char *text);

#endif
