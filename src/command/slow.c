#include "command/slow.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "report/report.h"

enum { TIMES_USUAL = 5, TIMES_LONG = 2, EARLIEST_PART = 6 };

void slow_init(struct slow *s, uint32_t n_slots, double limit)
{
    s->limit = limit;
    s->slots = limit > 0 ? xcalloc(n_slots, sizeof *s->slots) : NULL;
}

void slow_release(struct slow *s)
{
    free(s->slots);
    s->slots = NULL;
}

double slow_first(double limit, uint32_t usual_ms)
{
    double usual = usual_ms / 1000.0;
    if (usual_ms && TIMES_USUAL * usual < limit)
        return TIMES_USUAL * usual > limit / EARLIEST_PART ? TIMES_USUAL * usual
                                                           : limit / EARLIEST_PART;
    return TIMES_LONG * usual > limit ? TIMES_LONG * usual : limit;
}

static void add_line(const struct plan_map *plan, const struct plan_test *t, uint32_t slot,
                     double age, struct buf *b)
{
    char took[32];
    const char *id = plan_map_str(plan, t->id);
    report_seconds(took, sizeof took, age);
    buf_addf(b, "still running after %s: ", took);
    report_plain(b, id, strlen(id), false);
    if (!(plan->head->flags & PLAN_SEQUENTIAL))
        buf_addf(b, " [gw%u]", slot);
    buf_addc(b, '\n');
}

void slow_look(struct slow *s, const struct plan_map *plan, const struct state *state, double now,
               struct buf *b)
{
    for (uint32_t i = 0; s->slots && i < state->run->n_slots; i++) {
        struct slow_slot *slot = &s->slots[i];
        uint32_t test = atomic_load(&state->slots[i].test);
        uint64_t since = atomic_load(&state->slots[i].since_ns);
        const struct plan_test *t = test ? plan_map_test(plan, test - 1) : NULL;
        if (t && (slot->test != test || slot->since_ns != since))
            slot->next = slow_first(s->limit, t->usual_ms);
        slot->test = test;
        slot->since_ns = since;
        double age = now - (double)since * 1e-9;
        if (!t || age < slot->next)
            continue;
        while (slot->next * 2 <= age)
            slot->next *= 2;
        add_line(plan, t, i, slot->next, b);
        slot->next *= 2;
    }
}
