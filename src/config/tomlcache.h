/* What TOML files say, kept by their text: a start of Python for each run would cost more than all
 * else that the driver does before pytest starts. For source.c alone. */
#ifndef CONFIG_TOMLCACHE_H
#define CONFIG_TOMLCACHE_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

/* toml_read for the file at path, which holds text. The answer is taken from .rowlock/toml.cache
 * where that is about the same text, and put there otherwise, if there is such a folder: it is the
 * business of a run to make one. */
cJSON *tomlcache_read(const char *python, const char *path, const struct buf *text,
                      struct error *err);

#endif
