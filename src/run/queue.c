#include "run/queue.h"

/* How much of its own queue a worker takes at once: a start over the socket costs about as much
 * as a few trivial tests. */
enum { TAKE_PART = 8, TAKE_MAX = 64 };

static uint64_t pack(uint32_t first, uint32_t end)
{
    return (uint64_t)end << 32 | first;
}

static uint32_t first_of(uint64_t q)
{
    return (uint32_t)q;
}

static uint32_t length(uint64_t q)
{
    uint32_t first = (uint32_t)q, end = (uint32_t)(q >> 32);
    return first < end ? end - first : 0;
}

void queue_fill(struct state *s, const struct plan_map *p)
{
    uint32_t slots = s->run->n_slots, n = p->head->n_queued;
    bool planned = p->head->queues.n == (uint64_t)slots + 1;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t first = (uint32_t)((uint64_t)n * i / slots);
        uint32_t end = (uint32_t)((uint64_t)n * (i + 1) / slots);
        if (planned) {
            first = plan_map_list_u32(p, p->head->queues, i);
            end = plan_map_list_u32(p, p->head->queues, i + 1u);
        }
        atomic_store(&s->slots[i].queue, pack(first, end < n ? end : n));
    }
}

bool queue_empty(const struct state *s)
{
    for (uint32_t i = 0; i < s->run->n_slots; i++)
        if (length(atomic_load(&s->slots[i].queue)))
            return false;
    return true;
}

uint32_t queue_length(const struct state *s, uint32_t slot)
{
    return slot < s->run->n_slots ? length(atomic_load(&s->slots[slot].queue)) : 0;
}

/* Moves the tail half of the longest queue to the slot's own, which is empty. False if there is
 * nothing to move. */
static bool steal(struct state *s, uint32_t slot)
{
    for (;;) {
        uint32_t victim = slot, most = 0;
        uint64_t seen = 0;
        for (uint32_t i = 0; i < s->run->n_slots; i++) {
            uint64_t q = atomic_load(&s->slots[i].queue);
            if (length(q) > most) {
                most = length(q);
                victim = i;
                seen = q;
            }
        }
        if (!most)
            return false;
        uint32_t end = first_of(seen) + most, from = end - (most + 1) / 2;
        if (atomic_compare_exchange_strong(&s->slots[victim].queue, &seen,
                                           pack(first_of(seen), from))) {
            /* Nobody else writes to a queue that is empty. */
            atomic_store(&s->slots[slot].queue, pack(from, end));
            return true;
        }
    }
}

bool queue_take(struct state *s, uint32_t slot, bool steals, uint32_t *first, uint32_t *n)
{
    if (slot >= s->run->n_slots)
        return false;
    _Atomic uint64_t *own = &s->slots[slot].queue;
    uint64_t q = atomic_load(own);
    for (;;) {
        uint32_t left = length(q), part = left / TAKE_PART;
        if (!left) {
            if (!steals || !steal(s, slot))
                return false;
            q = atomic_load(own);
            continue;
        }
        *n = part < 1 ? 1 : part > TAKE_MAX ? TAKE_MAX : part;
        *first = first_of(q);
        if (atomic_compare_exchange_strong(own, &q, pack(*first + *n, *first + left)))
            return true;
    }
}
