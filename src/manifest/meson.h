/* The tests of a Meson build folder, from what `meson introspect --tests` prints. */
#ifndef MANIFEST_MESON_H
#define MANIFEST_MESON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "manifest/importer.h"
#include "manifest/manifest.h"

/* Runs meson on the folder and adds its tests. What cannot be honoured becomes a note of the
 * manifest. EXIT_USAGE, one line with the remedy, where there are no tests to be had. */
bool meson_import(struct manifest *m, const struct import *from, struct error *err);
/* The same for text that meson has printed. more: what meson does not print (should_fail and
 * the environment in full), an array of as many objects; "" where it is not known. */
bool meson_read(struct manifest *m, const struct import *from, const char *text, size_t len,
                const char *more, size_t more_len, struct error *err);

#endif
