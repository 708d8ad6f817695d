/* A hash map from strings to numbers. Keys are borrowed: they must outlive the map. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map_entry {
    const char *key; /* NULL when free */
    size_t hash;
    size_t value;
};
struct map {
    struct map_entry *entries;
    size_t n, cap; /* cap is a power of two */
};

#define MAP_INIT {NULL, 0, 0}
#define MAP_NONE ((size_t)-1)

void map_release(struct map *m);
/* The value of key, or MAP_NONE. */
size_t map_get(const struct map *m, const char *key);
/* Sets key; returns the value it had before, or MAP_NONE. */
size_t map_put(struct map *m, const char *key, size_t value);
/* Sets key only if it is absent; returns the value it has then. */
size_t map_intern(struct map *m, const char *key, size_t value);

#endif
