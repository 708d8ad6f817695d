/* tests.json, the manifest that a project writes (docs/guide.md shows it whole). */
#ifndef MANIFEST_TESTSJSON_H
#define MANIFEST_TESTSJSON_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "manifest/fields.h"
#include "manifest/manifest.h"

/* A pytest suite that tests.json names: its tests come from the zygote. */
struct pytest_suite {
    char *name;
    struct strv paths;
};
/* A build folder that it names: its tests come from the build tool. */
struct build_suite {
    bool meson; /* else CMake */
    char *name, *dir;
    char *config; /* NULL: not given */
};
struct testsjson {
    struct pytest_suite *pytest; /* owned */
    size_t n_pytest;
    struct build_suite *builds; /* owned */
    size_t n_builds;
};

/* Reads path (text already read: len bytes) and adds its native tests to m, globs expanded
 * relative to root. Fills t with the pytest suites. EXIT_USAGE on failure, one line
 * "path:line:column: what is wrong; what to do": malformed JSON, an unknown key, a wrong type,
 * a duplicate id, an id or command with a NUL, a format this version does not know, a glob
 * that matches nothing, a lock or marker that is empty, a weight below 1. */
bool testsjson_read(struct manifest *m, struct testsjson *t, const char *path, const char *text,
                    size_t len, const char *root, struct error *err);
/* The keys of the file, and those of a test. */
extern const struct key_set testsjson_keys[];
void testsjson_release(struct testsjson *t);

#endif
