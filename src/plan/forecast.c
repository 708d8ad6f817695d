#include "plan/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "plan/heap.h"

enum { MOST_WORKERS = 4096 };

static bool holds(char *const *locks, const char *lock)
{
    for (; locks && *locks; locks++)
        if (strcmp(*locks, lock) == 0)
            return true;
    return false;
}

/* Do two groups hold the same lock, other than except (NULL: none)? */
static bool share_lock(const struct plan_unit *a, const struct plan_unit *b, const char *except)
{
    for (char **lock = a->locks; lock && *lock; lock++)
        if ((!except || strcmp(*lock, except) != 0) && holds(b->locks, *lock))
            return true;
    return false;
}

/* Does a test of group u wait for a test of group a? unit_of: of each test of the manifest. */
static bool waits_for(const struct plan *p, uint32_t u, uint32_t a, const uint32_t *unit_of)
{
    const struct plan_unit *unit = &p->units[u];
    for (uint32_t k = 0; k < unit->n; k++) {
        const struct test *t = &p->manifest->tests[p->tests[unit->tests[k]]];
        char **const lists[] = {t->depends, t->after};
        for (int i = 0; i < 2; i++)
            for (char **d = lists[i]; d && *d; d++) {
                size_t at = map_get(&p->manifest->by_id, *d);
                if (at != MAP_NONE && unit_of[at] == a)
                    return true;
            }
    }
    return false;
}

/* Of `after`, what is not only there to keep weights apart, which a number of workers does anyway.
 * Without the lock, if one is named, and what only it is for. */
static void take_edges(struct forecast *f, const char *without)
{
    const struct plan *p = f->plan;
    uint32_t *unit_of = xmalloc((p->manifest->n + 1) * sizeof *unit_of);
    memset(unit_of, 0xff, (p->manifest->n + 1) * sizeof *unit_of);
    for (uint32_t u = 0; u < p->n_units; u++)
        for (uint32_t k = 0; k < p->units[u].n; k++)
            unit_of[p->tests[p->units[u].tests[k]]] = u;
    for (uint32_t u = 0; u < p->n_units; u++) {
        const struct plan_unit *unit = &p->units[u];
        f->units[u].after = unit->n_after ? xcalloc(unit->n_after, sizeof(uint32_t)) : NULL;
        f->units[u].n_after = 0;
        for (uint32_t k = 0; k < unit->n_after; k++) {
            uint32_t a = unit->after[k];
            if (share_lock(unit, &p->units[a], without) || waits_for(p, u, a, unit_of))
                f->units[u].after[f->units[u].n_after++] = a;
        }
    }
    free(unit_of);
}

void forecast_init(struct forecast *f, const struct plan *p, const double *seconds)
{
    *f = (struct forecast){.plan = p, .seconds = seconds, .n = p->n_units};
    f->units = xcalloc(f->n + 1u, sizeof *f->units);
    for (uint32_t u = 0; u < f->n; u++) {
        const struct plan_unit *from = &p->units[u];
        f->units[u].phase = from->phase;
        f->units[u].weight = from->weight;
        f->units[u].serial = from->serial;
        for (uint32_t k = 0; k < from->n; k++)
            f->units[u].seconds += seconds[from->tests[k]];
    }
    take_edges(f, NULL);
}

void forecast_release(struct forecast *f)
{
    for (uint32_t u = 0; u < f->n; u++)
        free(f->units[u].after);
    free(f->units);
    memset(f, 0, sizeof *f);
}

double forecast_sum(const struct forecast *f)
{
    double sum = 0;
    for (uint32_t u = 0; u < f->n; u++)
        sum += f->units[u].seconds;
    return sum;
}

/* Units as a run goes through them. */
struct simulation {
    const struct forecast_unit *units;
    uint32_t n;
    uint32_t *waits;              /* for how many of its phase each unit still waits */
    uint32_t *first, *followers;  /* those of u: followers[first[u]] … [first[u + 1] - 1] */
    struct heap ready, running;   /* by index; by the time of their end */
    uint32_t free;                /* workers */
    bool longest_first;           /* what is ready starts in this order, as a plan would have it */
};

static void find_followers(struct simulation *s)
{
    size_t total = 0;
    s->waits = xcalloc(s->n + 1u, sizeof *s->waits);
    s->first = xcalloc(s->n + 2u, sizeof *s->first);
    for (uint32_t u = 0; u < s->n; u++)
        for (uint32_t k = 0; k < s->units[u].n_after; k++) {
            uint32_t a = s->units[u].after[k];
            if (s->units[a].phase != s->units[u].phase)
                continue; /* the phase waits for it as a whole */
            s->first[a + 2]++;
            s->waits[u]++;
            total++;
        }
    for (uint32_t u = 2; u <= s->n + 1; u++)
        s->first[u] += s->first[u - 1];
    s->followers = xcalloc(total + 1, sizeof *s->followers);
    for (uint32_t u = 0; u < s->n; u++)
        for (uint32_t k = 0; k < s->units[u].n_after; k++) {
            uint32_t a = s->units[u].after[k];
            if (s->units[a].phase == s->units[u].phase)
                s->followers[s->first[a + 1]++] = u;
        }
}

static uint32_t weight_of(const struct forecast_unit *u, uint32_t workers)
{
    uint32_t w = u->weight ? u->weight : 1;
    return w < workers ? w : workers;
}

/* Starts what may start, in order; what is too heavy now lets others pass. */
static void start_ready(struct simulation *s, uint32_t workers, double now)
{
    struct heap later = HEAP_INIT;
    while (s->ready.n && s->free) {
        struct heap_entry e = heap_pop(&s->ready);
        uint32_t w = weight_of(&s->units[e.item], workers);
        if (w > s->free) {
            heap_push(&later, e);
            continue;
        }
        s->free -= w;
        heap_push(&s->running,
                  (struct heap_entry){now + s->units[e.item].seconds, e.item, e.item});
    }
    while (later.n)
        heap_push(&s->ready, heap_pop(&later));
    heap_release(&later);
}

static void make_ready(struct simulation *s, uint32_t u)
{
    double key = s->longest_first ? -s->units[u].seconds : (double)u;
    heap_push(&s->ready, (struct heap_entry){key, u, u});
}

/* One phase, from now on; returns when it ends. */
static double run_phase(struct simulation *s, uint32_t phase, uint32_t workers, double now)
{
    uint32_t serial = 0;
    for (uint32_t u = 0; u < s->n; u++)
        if (s->units[u].phase == phase) {
            serial += s->units[u].serial;
            if (!s->waits[u])
                make_ready(s, u);
        }
    if (serial)
        workers = 1;
    s->free = workers;
    start_ready(s, workers, now);
    while (s->running.n) {
        struct heap_entry e = heap_pop(&s->running);
        now = e.key;
        s->free += weight_of(&s->units[e.item], workers);
        for (uint32_t k = s->first[e.item]; k < s->first[e.item + 1]; k++)
            if (--s->waits[s->followers[k]] == 0)
                make_ready(s, s->followers[k]);
        start_ready(s, workers, now);
    }
    return now;
}

static double simulate(const struct forecast_unit *units, uint32_t n, bool longest_first,
                       uint32_t workers)
{
    struct simulation s = {.units = units, .n = n, .longest_first = longest_first};
    double now = 0;
    uint32_t phases = 0;
    find_followers(&s);
    for (uint32_t u = 0; u < n; u++)
        if (units[u].phase >= phases)
            phases = units[u].phase + 1;
    for (uint32_t phase = 0; phase < phases; phase++)
        now = run_phase(&s, phase, workers ? workers : 1, now);
    heap_release(&s.ready);
    heap_release(&s.running);
    free(s.waits);
    free(s.first);
    free(s.followers);
    return now;
}

double forecast_makespan(const struct forecast *f, uint32_t workers)
{
    return simulate(f->units, f->n, false, workers);
}

/* The longest chain that ends with the last unit of a phase; appends it to path. */
static double critical_phase(const struct forecast *f, uint32_t phase, double *end, uint32_t *from,
                             uint32_t *path, uint32_t *n_path)
{
    uint32_t last = UINT32_MAX, before = UINT32_MAX;
    for (uint32_t u = 0; u < f->n; u++) {
        const struct forecast_unit *unit = &f->units[u];
        if (unit->phase != phase)
            continue;
        from[u] = unit->serial ? before : UINT32_MAX;
        for (uint32_t k = 0; k < unit->n_after && !unit->serial; k++) {
            uint32_t a = unit->after[k];
            if (f->units[a].phase == phase && (from[u] == UINT32_MAX || end[a] > end[from[u]]))
                from[u] = a;
        }
        end[u] = unit->seconds + (from[u] == UINT32_MAX ? 0 : end[from[u]]);
        before = u;
        if (last == UINT32_MAX || end[u] > end[last])
            last = u;
    }
    uint32_t n = 0;
    for (uint32_t u = last; u != UINT32_MAX; u = from[u])
        n++;
    uint32_t at = *n_path += n;
    for (uint32_t u = last; u != UINT32_MAX; u = from[u])
        path[--at] = u;
    return last == UINT32_MAX ? 0 : end[last];
}

double forecast_critical(const struct forecast *f, uint32_t **path, uint32_t *n_path)
{
    double *end = xcalloc(f->n + 1u, sizeof *end), total = 0;
    uint32_t *from = xcalloc(f->n + 1u, sizeof *from);
    *path = xcalloc(f->n + 1u, sizeof **path);
    *n_path = 0;
    for (uint32_t phase = 0; phase < f->plan->n_phases; phase++)
        total += critical_phase(f, phase, end, from, *path, n_path);
    free(end);
    free(from);
    return total;
}

uint32_t forecast_useful_workers(const struct forecast *f)
{
    uint32_t most = f->n < MOST_WORKERS ? f->n : MOST_WORKERS, low = 1, high = 1;
    uint32_t weight = 1;
    for (uint32_t u = 0; u < f->n; u++)
        weight = f->units[u].weight > weight ? f->units[u].weight : weight;
    most = most > MOST_WORKERS / weight ? MOST_WORKERS : most * weight;
    double enough = forecast_makespan(f, most) * 1.01;
    while (high < most && forecast_makespan(f, high) > enough) {
        low = high + 1;
        high = high * 2 < most ? high * 2 : most;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (forecast_makespan(f, middle) > enough)
            low = middle + 1;
        else
            high = middle;
    }
    return high ? high : 1;
}

/* The units, those marked in apart replaced by one for each of their tests. Indexes grow with those
 * of the groups, so that all edges still lead back. *n is how many there are. */
static struct forecast_unit *expand(const struct forecast *f, const bool *apart, uint32_t *n)
{
    uint32_t *first = xcalloc(f->n + 1u, sizeof *first);
    for (uint32_t u = 0; u < f->n; u++)
        first[u + 1] = first[u] + (apart[u] ? f->plan->units[u].n : 1);
    *n = first[f->n];
    struct forecast_unit *units = xcalloc(*n + 1u, sizeof *units);
    for (uint32_t u = 0; u < f->n; u++)
        for (uint32_t i = first[u]; i < first[u + 1]; i++) {
            struct forecast_unit *to = &units[i];
            const struct forecast_unit *from = &f->units[u];
            *to = *from;
            if (apart[u])
                to->seconds = f->seconds[f->plan->units[u].tests[i - first[u]]];
            size_t edges = 0;
            for (uint32_t k = 0; k < from->n_after; k++)
                edges += first[from->after[k] + 1] - first[from->after[k]];
            to->after = xcalloc(edges + 1, sizeof *to->after);
            to->n_after = 0;
            for (uint32_t k = 0; k < from->n_after; k++)
                for (uint32_t a = first[from->after[k]]; a < first[from->after[k] + 1]; a++)
                    to->after[to->n_after++] = a;
        }
    free(first);
    return units;
}

static double simulate_apart(const struct forecast *f, const bool *apart, uint32_t workers)
{
    uint32_t n;
    struct forecast_unit *units = expand(f, apart, &n);
    double end = simulate(units, n, true, workers);
    for (uint32_t u = 0; u < n; u++)
        free(units[u].after);
    free(units);
    return end;
}

double forecast_split(const struct forecast *f, uint32_t u, uint32_t workers)
{
    bool *apart = xcalloc(f->n + 1u, sizeof *apart);
    apart[u] = true;
    double end = simulate_apart(f, apart, workers);
    free(apart);
    return end;
}

double forecast_without(const struct forecast *f, uint32_t i, uint32_t workers)
{
    double end = -1;
    for (uint32_t u = 0; u < f->n && end < 0; u++)
        for (uint32_t k = 0; k < f->plan->units[u].n && end < 0; k++)
            if (f->plan->units[u].tests[k] == i) {
                double whole = f->units[u].seconds;
                f->units[u].seconds = whole - f->seconds[i] > 0 ? whole - f->seconds[i] : 0;
                end = forecast_makespan(f, workers);
                f->units[u].seconds = whole;
            }
    return end;
}

double forecast_unlocked(const struct forecast *f, const char *lock, uint32_t workers)
{
    struct forecast free_of;
    bool *apart = xcalloc(f->n + 1u, sizeof *apart);
    forecast_init(&free_of, f->plan, f->seconds);
    for (uint32_t u = 0; u < f->n; u++) {
        char **locks = f->plan->units[u].locks;
        /* Its tests are one group because they hold that lock. */
        apart[u] = holds(locks, lock) && !locks[1] && !f->units[u].serial;
        free(free_of.units[u].after);
    }
    take_edges(&free_of, lock);
    double end = simulate_apart(&free_of, apart, workers);
    forecast_release(&free_of);
    free(apart);
    return end;
}

double forecast_not_serial(const struct forecast *f, uint32_t workers)
{
    if (f->plan->n_phases > 2)
        return forecast_makespan(f, workers);
    struct forecast_unit *units = xcalloc(f->n + 1u, sizeof *units);
    for (uint32_t u = 0; u < f->n; u++) {
        units[u] = f->units[u];
        units[u].phase = 0;
        units[u].serial = false;
    }
    double end = simulate(units, f->n, true, workers);
    free(units);
    return end;
}
