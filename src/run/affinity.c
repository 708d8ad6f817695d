#include "run/affinity.h"

/* To run a group of this length early is worth more than to collect a file less. */
enum { LONG_MS = 500 };

void affinity_reset(struct state *s)
{
    for (uint32_t i = 0; i < s->run->n_slots; i++)
        atomic_store(&s->slots[i].first_own, 0);
    for (uint32_t g = 0; g < s->run->n_tests; g++)
        atomic_store(&s->taken[g], 0);
}

static uint32_t count_groups(const struct state *s, const struct plan_map *p)
{
    return p->head->n_groups < s->run->n_tests ? p->head->n_groups : s->run->n_tests;
}

/* The group, if it may be taken. */
static const struct plan_group *look(const struct state *s, const struct plan_map *p, uint32_t g,
                                     uint32_t phase)
{
    const struct plan_group *group = plan_map_group(p, g);
    if (!group || !(group->flags & PLAN_FREE) || group->phase != phase ||
        atomic_load(&s->taken[g]))
        return NULL;
    return group;
}

static bool take(struct state *s, uint32_t g)
{
    unsigned char no = 0;
    return atomic_compare_exchange_strong(&s->taken[g], &no, 1);
}

static bool take_own(struct state *s, const struct plan_map *p, uint32_t slot, uint32_t phase,
                     uint32_t *group)
{
    if (slot >= s->run->n_slots)
        return false;
    uint32_t n = count_groups(s, p);
    for (uint32_t g = atomic_load(&s->slots[slot].first_own); g < n; g++) {
        const struct plan_group *found = plan_map_group(p, g);
        if (!found || found->phase > phase)
            return false;
        found = look(s, p, g, phase);
        if (!found || (found->collector && found->collector != slot + 1) || !take(s, g))
            continue;
        atomic_store(&s->slots[slot].first_own, g + 1);
        *group = g;
        return true;
    }
    return false;
}

static bool take_other(struct state *s, const struct plan_map *p, uint32_t phase, uint32_t *group)
{
    uint32_t n = count_groups(s, p), first = 0;
    const struct plan_group *head = NULL;
    while (first < n && !(head = look(s, p, first, phase)))
        first++;
    if (head && head->expected_ms >= LONG_MS && take(s, first)) {
        *group = first;
        return true;
    }
    for (uint32_t g = n; g-- > first;)
        if (look(s, p, g, phase) && take(s, g)) {
            *group = g;
            return true;
        }
    return false;
}

bool affinity_take(struct state *s, const struct plan_map *p, uint32_t slot, uint32_t phase,
                   uint32_t *group)
{
    return take_own(s, p, slot, phase, group) || take_other(s, p, phase, group);
}
