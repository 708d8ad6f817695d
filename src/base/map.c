#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* FNV-1a, 64 bit (Fowler, Noll, Vo). */
static size_t hash_of(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)(h ^ (h >> 32));
}

void map_release(struct map *m)
{
    free(m->entries);
    m->entries = NULL;
    m->n = m->cap = 0;
}

/* The entry that holds key, or the free one where it would go. */
static struct map_entry *find(const struct map *m, const char *key, size_t hash)
{
    for (size_t i = hash;; i++) {
        struct map_entry *e = &m->entries[i & (m->cap - 1)];
        if (!e->key || (e->hash == hash && strcmp(e->key, key) == 0))
            return e;
    }
}

static void grow(struct map *m)
{
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 64;
    m->entries = xcalloc(m->cap, sizeof *m->entries);
    for (size_t i = 0; i < old.cap; i++)
        if (old.entries[i].key)
            *find(m, old.entries[i].key, old.entries[i].hash) = old.entries[i];
    free(old.entries);
}

static struct map_entry *claim(struct map *m, const char *key, bool *fresh)
{
    if ((m->n + 1) * 2 > m->cap)
        grow(m);
    size_t hash = hash_of(key);
    struct map_entry *e = find(m, key, hash);
    *fresh = !e->key;
    if (*fresh) {
        e->key = key;
        e->hash = hash;
        m->n++;
    }
    return e;
}

size_t map_get(const struct map *m, const char *key)
{
    if (!m->cap)
        return MAP_NONE;
    struct map_entry *e = find(m, key, hash_of(key));
    return e->key ? e->value : MAP_NONE;
}

size_t map_put(struct map *m, const char *key, size_t value)
{
    bool fresh;
    struct map_entry *e = claim(m, key, &fresh);
    size_t before = fresh ? MAP_NONE : e->value;
    e->value = value;
    return before;
}

size_t map_intern(struct map *m, const char *key, size_t value)
{
    bool fresh;
    struct map_entry *e = claim(m, key, &fresh);
    if (fresh)
        e->value = value;
    return e->value;
}
