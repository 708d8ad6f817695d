#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "plan/steps.h"

const struct test *work_test(const struct work *w, uint32_t i)
{
    return &w->p->manifest->tests[w->p->tests[i]];
}

double work_seconds(const struct test *t)
{
    enum { LONGEST = 1000000000 };
    if (!(t->expected >= 0))
        return 1;
    return t->expected < LONGEST ? t->expected : LONGEST;
}

int work_compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

uint32_t work_slots(const struct work *w)
{
    return w->p->settings.n_slots ? w->p->settings.n_slots : 1;
}

/* The time of the first of the listed markers that the test has; NULL if it has none. */
static const struct marker_timeout *timeout_of_markers(const struct plan *p, const struct test *t)
{
    for (size_t i = 0; i < p->settings.n_timeouts; i++)
        if (test_has_marker(t, p->settings.timeouts[i].marker))
            return &p->settings.timeouts[i];
    return NULL;
}

/* The test's own time, else its markers', else the run's, else the one that its importer knows. */
double plan_timeout(const struct plan *p, const struct test *t)
{
    if (t->timeout > 0 && !t->timeout_is_weak)
        return t->timeout;
    const struct marker_timeout *marker = timeout_of_markers(p, t);
    if (marker)
        return marker->seconds;
    if (t->timeout > 0)
        return t->timeout;
    return p->settings.timeout > 0 ? p->settings.timeout : t->timeout_else;
}

uint32_t plan_reruns(const struct plan *p, const struct test *t)
{
    return t->reruns >= 0 ? (uint32_t)t->reruns : p->settings.reruns;
}

/* May the test have a copy on every worker? Only tests of pytest that nothing keeps apart. */
static bool is_copied(const struct test *t, const struct plan_settings *s)
{
    return s->dist == DIST_EACH && !s->sequential && t->format == FORMAT_PYTEST && !t->serial &&
           !t->locks && t->weight <= 1;
}

/* The tests of the plan: those selected, then, under --dist each, the copies for the workers
 * behind the first, worker by worker. */
static void list_tests(struct plan *p, const size_t *selected, uint32_t n)
{
    uint32_t slots = p->settings.n_slots ? p->settings.n_slots : 1, copies = 0;
    for (uint32_t i = 0; i < n; i++)
        copies += is_copied(&p->manifest->tests[selected[i]], &p->settings);
    p->n_selected = n;
    p->n_copied = copies;
    p->n_tests = n + copies * (slots - 1);
    p->tests = xmalloc((size_t)p->n_tests * sizeof *p->tests);
    if (n)
        memcpy(p->tests, selected, n * sizeof *p->tests);
    uint32_t at = n;
    for (uint32_t s = 1; s < slots && copies; s++)
        for (uint32_t i = 0; i < n; i++)
            if (is_copied(&p->manifest->tests[selected[i]], &p->settings))
                p->tests[at++] = selected[i];
}

uint32_t work_copy_of(const struct work *w, uint32_t i)
{
    const struct plan *p = w->p;
    if (!is_copied(work_test(w, i), &p->settings))
        return WORK_NONE;
    return i < p->n_selected ? 0 : 1 + (i - p->n_selected) / p->n_copied;
}

/* The order of the units proves that the graph has no cycle: every edge leads backwards. GNU Make
 * would drop an edge of a cycle, run in a wrong order and exit 0, so it is looked at in earnest. */
static bool check_order(const struct plan *p, struct error *err)
{
    for (uint32_t i = 0; i < p->n_units; i++) {
        const struct plan_unit *u = &p->units[i];
        bool ok = u->phase < p->n_phases && (i == 0 || p->units[i - 1].phase <= u->phase);
        for (uint32_t k = 0; k < u->n_after && ok; k++)
            ok = u->after[k] < i;
        if (!ok)
            return error_set(err, EXIT_INTERNAL,
                             "group g%u would have to wait for a later one; please report this "
                             "with the output of 'rowlock list'",
                             i + 1);
    }
    return true;
}

/* Which units no other waits for, and wait for none, of their phase. */
static void mark_free(struct plan *p)
{
    for (uint32_t g = 0; g < p->n_units; g++) {
        struct plan_unit *u = &p->units[g];
        u->is_free = u->format == FORMAT_PYTEST && !u->serial && u->weight <= 1 && !u->n_after &&
                     !(u->locks && u->locks[0]) && g >= p->n_queued;
    }
    for (uint32_t g = 0; g < p->n_units; g++)
        for (uint32_t k = 0; k < p->units[g].n_after; k++)
            p->units[p->units[g].after[k]].is_free = false;
    uint32_t n = 0;
    while (n < p->n_units && p->units[n].phase == 0 && p->units[n].is_free)
        n++;
    p->n_free = n < p->n_units && p->units[n].phase == 0 ? 0 : n;
}

static void work_release(struct work *w)
{
    map_release(&w->lockset_by_names);
    map_release(&w->lock_by_name);
    free(w->locksets);
    free(w->unit_lockset);
    arena_release(&w->scratch);
}

bool plan_make(struct plan *p, const struct manifest *m, const size_t *selected, size_t n,
               const struct plan_settings *s, struct error *err)
{
    memset(p, 0, sizeof *p);
    if (n > INT32_MAX / (s->dist == DIST_EACH && s->n_slots ? s->n_slots : 1))
        return error_set(err, EXIT_USAGE, "%zu tests are too many for one run; select fewer", n);
    p->manifest = m;
    p->settings = *s;
    list_tests(p, selected, (uint32_t)n);
    struct work w = {.p = p};
    bool ok = work_depends(&w, err);
    if (ok) {
        work_phases(&w);
        work_locks(&w);
        work_group(&w);
        work_order(&w);
        mark_free(p);
        ok = check_order(p, err);
    }
    work_release(&w);
    if (!ok)
        plan_release(p);
    return ok;
}

void plan_release(struct plan *p)
{
    free(p->tests);
    free(p->units);
    arena_release(&p->arena);
    memset(p, 0, sizeof *p);
}

char *plan_size(const struct plan *p)
{
    return xasprintf("%u test%s in %u group%s", p->n_tests, p->n_tests == 1 ? "" : "s", p->n_units,
                     p->n_units == 1 ? "" : "s");
}
