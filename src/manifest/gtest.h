/* The tests of a program made with Google Test, as the program itself lists them
 * (`PROGRAM --gtest_list_tests`):
 *
 *     SUITE.                     a suite, perhaps with "  # TypeParam = int" behind it
 *       NAME                     a test of it, perhaps with "  # GetParam() = 5"
 *
 * A test's id is that of the program, "::", and "SUITE.NAME". One whose suite or name begins with
 * DISABLED_ is skipped. */
#ifndef MANIFEST_GTEST_H
#define MANIFEST_GTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "manifest/manifest.h"

/* Reads what the program prints: appends "SUITE.NAME" of each test, each once. Whatever else the
 * program prints is passed over. */
void gtest_list_read(const char *text, size_t len, struct strv *names);

/* Asks the program of test `like` for its tests: its command, started in cwd with its variables.
 * False where it does not list any, and *why says so, one line, which the caller frees. */
bool gtest_list_ask(const struct test *like, struct strv *names, char **why);

/* The same as the manifest has it done (its ask). */
bool gtest_list(const struct manifest *m, const struct test *like, struct strv *names, char **why);

/* Adds the tests of one program. like: what they all have besides their names; its id is the
 * program's, its command has no test's name; it is no test of the manifest, and its lists belong to
 * the manifest's arena. Where the program cannot be asked there is one test of the program's id
 * instead, an error that says why. */
bool gtest_add(struct manifest *m, const struct test *like, struct error *err);
/* The same for names that were asked for already. */
bool gtest_add_names(struct manifest *m, const struct test *like, const struct strv *names,
                     struct error *err);

#endif
