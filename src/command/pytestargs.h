/* Between the words of a command line and pytest: what the environment adds, where pytest would
 * look for its ini file, and which words it gets. */
#ifndef COMMAND_PYTESTARGS_H
#define COMMAND_PYTESTARGS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "config/options.h"
#include "manifest/manifest.h"

/* Appends the words of $PYTEST_ADDOPTS, which pytest puts before those of the command line. */
bool pytestargs_environment(struct strv *words, struct error *err);
/* The last value of -LETTER or --NAME among options of pytest, or NULL. */
const char *pytestargs_value(const struct strv *args, char letter, const char *name);
/* What -o KEY=VALUE says in place of the ini file, or NULL. */
const char *pytestargs_override(const struct strv *args, const char *key);
/* Appends the folders from which pytest would look for its ini file: the common ancestor of the
 * paths that exist, then each of them. */
void pytestargs_folders(const struct strv *paths, struct strv *folders);
/* Is there a --stepwise, or another form of it? */
bool pytestargs_stepwise(const struct strv *args);
/* Takes words that can only be the value of an option out of o->test_paths. */
void pytestargs_settle(struct options *o, const struct manifest *m);
/* Appends the words of o for pytest; of the paths those that are its own (NULL: all). */
void pytestargs_add(struct strv *argv, const struct options *o, const bool *is_pytest_path);

#endif
