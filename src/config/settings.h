/* The keys of the [rowlock] section: for config.c alone. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

/* A place in a file, for messages. */
struct place {
    const char *path;
    unsigned line, column;
};

/* The values of a project that sets none. */
void settings_default(struct config *c);
/* Stores what the key says; value is NULL if it is no single value (a TOML list). An unknown key
 * is refused at key_at, a bad value at value_at, both with EXIT_USAGE. */
bool settings_store(struct config *c, const char *key, const char *value, struct place key_at,
                    struct place value_at, struct error *err);
/* For docs/reference.md: the ith key and what a good value of it is; NULL behind the last. */
const char *settings_key(size_t i, const char **accepts);
/* An error of EXIT_USAGE at a place. */
bool place_error(struct place at, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
