/* pytest-parallel.ini, made from the project's own configuration of pytest, for `rowlock init`. */
#ifndef COMMAND_PARALLELINI_H
#define COMMAND_PARALLELINI_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends to out an ini with all that the file at path (pytest.ini, tox.ini, setup.cfg, pyproject.toml
 * or pytest.toml) says to pytest and Rowlock, with `-n auto --dist loadscope` in addopts and the markers
 * of Rowlock's guide. text is what an ini file is to hold, NULL: read it. python reads TOML.
 * EXIT_USAGE on failure. */
bool parallelini_make(struct buf *out, const char *path, const char *text, const char *python,
                      struct error *err);

#endif
