/* What the importers share: asking a build tool for its tests, ids, notes, fixtures. */
#ifndef MANIFEST_IMPORTER_H
#define MANIFEST_IMPORTER_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "manifest/manifest.h"
#include "manifest/toollog.h"

/* Where the tests come from and what they are called. */
struct import {
    const char *dir;    /* the build folder */
    const char *suite;  /* name of the suite */
    const char *prefix; /* before each id, with a slash; NULL: none */
    const char *config; /* of a build with several (ctest -C); NULL */
    const struct toollog *log; /* how long the tests took under the tool itself; NULL */
};

/* Runs argv in dir and appends what it prints to out. EXIT_USAGE where the tool is missing
 * (what_to_install says how to get it) or fails: its own words are in the message. */
bool importer_ask(char *const argv[], const char *dir, const char *what_to_install,
                  struct buf *out, struct error *err);
/* Adds the test NAME of a suite; prefix NULL: its id is NAME, else PREFIX/NAME. A second one of
 * that name gets "#2" behind it, and so on. */
struct test *importer_add(struct manifest *m, const char *suite, const char *prefix,
                          const char *name, const char *origin, struct error *err);
/* The id that importer_add gives; behind: "", or what stands behind it in the id of one of the
 * several tests that it is to become. Caller frees. */
char *importer_id(const struct manifest *m, const char *suite, const char *prefix,
                  const char *name, const char *behind);
/* Appends the strings of an array, or the one that the value is. */
void importer_strings(const cJSON *value, struct strv *to);
/* The manifest's own copy; NULL for none. */
char **importer_keep(struct manifest *m, const struct strv *s);

/* Things that some tests have and that cannot be honoured, counted. */
struct importer_ignored {
    struct strv what;
    size_t *counts;
};
void importer_ignore(struct importer_ignored *g, const char *what);
/* Turns them into the manifest's notes, one for each: "DIR: 3 tests have WHAT, which …". */
void importer_note(struct importer_ignored *g, struct manifest *m, const char *dir);

#endif
