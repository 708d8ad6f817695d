/* TOML files, read by a Python with tomllib: for config.c alone. */
#ifndef CONFIG_TOML_H
#define CONFIG_TOML_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/* A cheap look at the text of a pyproject.toml: may it have a table [tool.pytest…] or
 * [tool.rowlock]? True more often than not when in doubt. */
bool toml_may_concern_us(const char *text);
/* Runs python on the file at path and returns an object with these members, each null if the
 * file has no such table:
 *
 *     "tool_pytest": [tool.pytest]     "tool_rowlock": [tool.rowlock]
 *     "pytest": [pytest]               "rowlock": [rowlock]
 *     "top": the names of top-level values that are no tables
 *
 * Numbers come as numbers only if they are whole and small enough for a double; dates, other
 * numbers and not-a-number come as text. NULL and err (EXIT_USAGE) on failure; a mistake in the
 * file is named with line and column. The caller frees with cJSON_Delete. */
cJSON *toml_read(const char *python, const char *path, struct error *err);
/* Where text gives key in a table whose header is one of "[tool.NAME…]" and "[NAME…]": line and
 * column from 1; both 1 if that cannot be told. */
void toml_place(const char *text, const char *table, const char *key, unsigned *line,
                unsigned *column);

#endif
