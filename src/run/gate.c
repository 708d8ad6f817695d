#include "run/gate.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "run/kernel_lock.h"
#include "run/signals.h"

/* Above this share of the last ten seconds, in percent, in which some process waited for memory. */
enum { MOST_PRESSURE = 25 };

#define LOOK_NS ((int64_t)100 * 1000 * 1000)   /* between two looks */
#define SETTLE_NS ((int64_t)200 * 1000 * 1000) /* a test that has started begins to use memory */

enum gate_reason gate_judge(const struct plan_head *head, const struct platform_memory *m)
{
    uint64_t floor = head->memory_floor;
    if (head->memory_share)
        floor = m->total / 10000 * head->memory_share;
    if (m->available < floor)
        return GATE_FLOOR;
    return m->pressure > MOST_PRESSURE ? GATE_PRESSURE : GATE_OPEN;
}

static enum gate_reason look(const struct job *j)
{
    struct platform_memory m;
    return platform_memory("", &m) ? gate_judge(j->plan.head, &m) : GATE_OPEN;
}

static bool others_run(const struct job *j)
{
    for (uint32_t i = 0; i < j->state.run->n_slots; i++)
        if (i != j->slot.number && atomic_load(&j->state.slots[i].test))
            return true;
    return false;
}

/* Holding the lock: may this worker go on? */
static bool may_pass(struct job *j, enum gate_reason *why)
{
    uint64_t now = (uint64_t)clock_monotonic_ns();
    *why = look(j);
    if (now - atomic_load(&j->state.run->passed_ns) < (uint64_t)SETTLE_NS ||
        (*why != GATE_OPEN && others_run(j)))
        return false;
    atomic_store(&j->state.run->passed_ns, now);
    return true;
}

bool gate_wait(struct job *j, int *pass, struct error *err)
{
    const struct plan_head *head = j->plan.head;
    enum gate_reason why;
    *pass = -1;
    if ((!head->memory_floor && !head->memory_share) || j->slot.number >= j->state.run->n_slots ||
        (why = look(j)) == GATE_OPEN)
        return true;
    _Atomic uint32_t *waits = &j->state.slots[j->slot.number].waits;
    char *path = path_join(j->dir, "memory");
    bool ok = true, passed = false;
    while (ok && !passed && !signals_stop() && atomic_load(&j->state.run->stop) == STOP_NO) {
        if (*pass < 0)
            ok = kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, pass, err) != LOCK_BROKEN;
        passed = *pass >= 0 && may_pass(j, &why);
        if (ok && !passed) {
            atomic_store(waits, why != GATE_OPEN ? (uint32_t)why : (uint32_t)GATE_FLOOR);
            signals_poll(NULL, 0, LOOK_NS);
        }
    }
    atomic_store(waits, GATE_OPEN);
    if (!passed && *pass >= 0) {
        close(*pass);
        *pass = -1;
    }
    free(path);
    return passed;
}
