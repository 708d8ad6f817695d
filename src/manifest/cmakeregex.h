/* CMake's own regular expressions as POSIX extended ones. */
#ifndef MANIFEST_CMAKEREGEX_H
#define MANIFEST_CMAKEREGEX_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the ERE that matches, in the C locale and without REG_NEWLINE, what CMake's expression
 * matches. False where CMake itself would refuse it, or the C library its translation: *why then
 * says so. (CMake knows ^ $ . [] () | * + ? and \ before any character; no {n}, no classes.) */
bool cmakeregex_translate(const char *expression, struct buf *ere, const char **why);

#endif
