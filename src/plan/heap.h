/* A heap of numbered things: the one with the smallest key comes out first, of equal keys the
 * one with the smallest tie. */
#ifndef PLAN_HEAP_H
#define PLAN_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    double key;
    uint32_t tie, item;
};
struct heap {
    struct heap_entry *v;
    size_t n, cap;
};

#define HEAP_INIT  \
    {              \
        NULL, 0, 0 \
    }

void heap_release(struct heap *h);
void heap_push(struct heap *h, struct heap_entry e);
/* Removes the first entry and returns it; h must not be empty. */
struct heap_entry heap_pop(struct heap *h);

#endif
