#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { BLOCK_SIZE = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* bytes of data */
    max_align_t data[];
};

void arena_release(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
}

static void *take(struct arena *a, size_t size, size_t align)
{
    struct arena_block *b = a->blocks;
    size_t at = b ? (b->used + align - 1) / align * align : 0;
    if (!b || at > b->size || b->size - at < size) {
        size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = xcalloc(1, sizeof *b + want);
        b->size = want;
        b->next = a->blocks;
        a->blocks = b;
        at = 0;
    }
    b->used = at + size;
    return (char *)b->data + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return take(a, size, alignof(max_align_t));
}

char *arena_memdup0(struct arena *a, const void *data, size_t len)
{
    char *p = take(a, len + 1, 1);
    if (len)
        memcpy(p, data, len);
    p[len] = '\0';
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_memdup0(a, s, strlen(s));
}

char **arena_strv(struct arena *a, char *const *v, size_t n)
{
    char **copy = arena_alloc(a, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strdup(a, v[i]);
    return copy;
}
