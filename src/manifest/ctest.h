/* The tests of a CMake build folder, from what `ctest --show-only=json-v1` prints. */
#ifndef MANIFEST_CTEST_H
#define MANIFEST_CTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "manifest/importer.h"
#include "manifest/manifest.h"

/* Runs ctest in the folder and adds its tests. What cannot be honoured becomes a note of the
 * manifest. EXIT_USAGE, one line with the remedy, where there are no tests to be had. */
bool ctest_import(struct manifest *m, const struct import *from, struct error *err);
/* The same for text that ctest has printed. */
bool ctest_read(struct manifest *m, const struct import *from, const char *text, size_t len,
                struct error *err);

#endif
