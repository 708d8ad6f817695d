/* Memory that lives as long as its arena: allocated piecemeal, released at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks; /* newest first */
};

#define ARENA_INIT {NULL}

void arena_release(struct arena *a);
/* Zeroed, aligned for any object. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
/* Copies len bytes and adds a NUL. */
char *arena_memdup0(struct arena *a, const void *data, size_t len);
/* Copies n strings and their array, NULL-terminated. */
char **arena_strv(struct arena *a, char *const *v, size_t n);

#endif
