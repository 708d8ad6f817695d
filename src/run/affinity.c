#include "run/affinity.h"

#include "base/clock.h"
#include "run/signals.h"

/* What must be gained at least by a change of the worker, beside what it costs: where all times
 * are known from earlier runs, and where they are guessed. */
enum { GAIN_KNOWN_MS = 60, GAIN_GUESSED_MS = 250 };

/* What is left to do with the files of one collector, and the gain of one more slot for it. */
struct rest {
    bool any;
    double known, guessed; /* milliseconds */
};

void affinity_reset(struct state *s)
{
    for (uint32_t i = 0; i < s->run->n_slots; i++) {
        atomic_store(&s->slots[i].first_own, 0);
        atomic_store(&s->slots[i].serves, 0);
    }
    for (uint32_t g = 0; g < s->run->n_tests; g++)
        atomic_store(&s->taken[g], 0);
    if (!atomic_load(&s->run->began_ns))
        atomic_store(&s->run->began_ns, (uint64_t)clock_monotonic_ns());
}

uint32_t affinity_serves(const struct state *s, const struct plan_map *p, uint32_t slot)
{
    uint32_t n = p->head->n_collectors;
    if (!n || slot >= s->run->n_slots || s->run->standalone)
        return 0;
    uint32_t serves = atomic_load(&s->slots[slot].serves);
    return serves ? serves : slot % n + 1; /* as in together.py */
}

void affinity_follow(struct state *s, const struct plan_map *p, uint32_t slot, uint32_t collector)
{
    if (!collector || slot >= s->run->n_slots || affinity_serves(s, p, slot) == collector)
        return;
    atomic_store(&s->slots[slot].serves, collector);
    atomic_store(&s->slots[slot].first_own, 0);
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
    uint32_t n = count_groups(s, p), own = affinity_serves(s, p, slot);
    for (uint32_t g = atomic_load(&s->slots[slot].first_own); g < n; g++) {
        const struct plan_group *found = plan_map_group(p, g);
        if (!found || found->phase > phase)
            return false;
        found = look(s, p, g, phase);
        if (!found || (own && found->collector && found->collector != own) || !take(s, g))
            continue;
        atomic_store(&s->slots[slot].first_own, g + 1);
        *group = g;
        return true;
    }
    return false;
}

/* What a test takes whose time is not known: what those have taken that have ended; as long as there
 * are none, at least the time that has passed. */
static double guess_ms(const struct state *s)
{
    uint64_t began = atomic_load(&s->run->began_ns), now = (uint64_t)clock_monotonic_ns();
    double passed = now > began ? (double)(now - began) / 1e6 : 0;
    passed -= atomic_load(&s->run->wide_ms);
    uint32_t ended = atomic_load(&s->run->ended);
    return passed > 0 ? passed * s->run->n_slots / (ended ? ended : 1) : 0;
}

static struct rest measure_rest(const struct state *s, const struct plan_map *p, uint32_t phase,
                                uint32_t collector, double guess)
{
    struct rest rest = {false, 0, 0};
    uint32_t n = count_groups(s, p), slots = 0;
    for (uint32_t g = 0; g < n; g++) {
        const struct plan_group *group = look(s, p, g, phase);
        if (!group || group->collector != collector)
            continue;
        rest.any = true;
        rest.known += group->expected_ms;
        rest.guessed += group->n_unknown * guess;
    }
    for (uint32_t i = 0; i < s->run->n_slots; i++)
        slots += affinity_serves(s, p, i) == collector;
    /* k + 1 slots need R/(k+1) instead of R/k. With none it has to be done all the same. */
    double divide = slots ? (double)slots * (slots + 1) : 1e-9;
    rest.known /= divide;
    rest.guessed /= divide;
    return rest;
}

enum affinity affinity_take(struct state *s, const struct plan_map *p, uint32_t slot,
                            uint32_t phase, double waited_ms, uint32_t *group,
                            uint32_t *collector)
{
    if (slot >= s->run->n_slots)
        return AFFINITY_NONE;
    while (!take_own(s, p, slot, phase, group)) {
        /* The new worker sets fixtures up, and may collect its files again. */
        double cost = 2.0 * atomic_load(&s->run->wide_ms) + atomic_load(&s->run->share_ms);
        double guess = guess_ms(s);
        struct rest most = {false, 0, 0};
        for (uint32_t c = 1; c <= p->head->n_collectors; c++) {
            struct rest rest = measure_rest(s, p, phase, c, guess);
            if (!rest.any || (most.any && rest.known + rest.guessed <= most.known + most.guessed))
                continue;
            most = rest;
            *collector = c;
        }
        if (!most.any)
            return AFFINITY_NONE;
        if (most.known < GAIN_KNOWN_MS + cost &&
            most.known + most.guessed < GAIN_GUESSED_MS + cost &&
            waited_ms < AFFINITY_PATIENCE_MS + cost)
            return AFFINITY_ELSEWHERE;
        affinity_follow(s, p, slot, *collector);
    }
    return AFFINITY_TAKEN;
}
