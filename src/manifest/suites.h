/* The "suites" of tests.json. */
#ifndef MANIFEST_SUITES_H
#define MANIFEST_SUITES_H

#include <stdbool.h>

#include "manifest/fields.h"
#include "manifest/json.h"
#include "manifest/testsjson.h"

/* The keys of a suite, by its format. */
extern const struct key_set suites_keys[];
/* Reads the value of "format": EXIT_USAGE with the nearest known one if this version does not
 * know it. */
bool suites_format(const struct json *j, const cJSON *value, enum test_format *format,
                   struct error *err);
/* Adds the tests of every suite in the array to m, the pytest suites to t. */
bool suites_read(struct manifest *m, struct testsjson *t, const struct json *j, const cJSON *array,
                 const char *root, struct error *err);
/* Adds a suite "tap" of format tap with the files that the patterns of --tap name, each relative
 * to root; a folder stands for its *.t. EXIT_USAGE if one matches nothing. */
bool suites_add_tap(struct manifest *m, const struct strv *globs, const char *root,
                    struct error *err);

#endif
