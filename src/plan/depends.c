/* Which test waits for which, and what follows from it: an order and the phases. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "plan/steps.h"

enum color { WHITE, ON_STACK, DONE };

/* pytest may have deselected such a test, so that it is not known here. */
static bool may_be_pytest(const char *id)
{
    return strstr(id, ".py::") != NULL;
}

static bool refuse_unknown(const struct work *w, const struct test *t, const char *id,
                           struct error *err)
{
    struct nearest near;
    nearest_init(&near, id);
    for (size_t i = 0; i < w->p->manifest->n; i++)
        nearest_try(&near, w->p->manifest->tests[i].id);
    char *from = text_quote(t->id), *to = text_quote(id);
    char *best = near.best ? text_quote(near.best) : NULL;
    error_set(err, EXIT_USAGE, "%s%stest %s depends on %s, which does not exist; %s%s%s",
              t->origin ? t->origin : "", t->origin ? ": " : "", from, to,
              best ? "did you mean " : "'rowlock list' prints the ids", best ? best : "",
              best ? "?" : "");
    free(from);
    free(to);
    free(best);
    return false;
}

static bool resolve_ids(const struct work *w, const uint32_t *index_of, const struct test *t,
                        char *const *ids, struct buf *all, struct error *err)
{
    for (; ids && *ids; ids++) {
        size_t at = map_get(&w->p->manifest->by_id, *ids);
        if (at == MAP_NONE && !may_be_pytest(*ids))
            return refuse_unknown(w, t, *ids, err);
        if (at != MAP_NONE && index_of[at] != WORK_NONE)
            buf_add(all, &index_of[at], sizeof *index_of);
    }
    return true;
}

/* Appends the tests that test i waits for, each once, ascending. */
static bool resolve(struct work *w, const uint32_t *index_of, uint32_t i, struct buf *all,
                    struct error *err)
{
    const struct test *t = work_test(w, i);
    size_t start = all->len;
    if (!resolve_ids(w, index_of, t, t->depends, all, err) ||
        !resolve_ids(w, index_of, t, t->after, all, err))
        return false;
    size_t n = (all->len - start) / sizeof(uint32_t), kept = 0;
    if (!n)
        return true;
    uint32_t *v = (uint32_t *)(void *)(all->data + start);
    qsort(v, n, sizeof *v, work_compare_u32);
    for (size_t k = 0; k < n; k++)
        if (k == 0 || v[k] != v[k - 1])
            v[kept++] = v[k];
    all->len = start + kept * sizeof *v;
    return true;
}

static bool resolve_all(struct work *w, struct error *err)
{
    const struct plan *p = w->p;
    size_t known = p->manifest->n;
    uint32_t *index_of = xmalloc(known * sizeof *index_of);
    struct buf all = BUF_INIT;
    bool ok = true;
    if (known)
        memset(index_of, 0xff, known * sizeof *index_of);
    /* Not the copies that --dist each has made. */
    for (uint32_t i = 0; i < p->n_selected; i++)
        index_of[p->tests[i]] = i;
    w->deps.first = arena_alloc(&w->scratch, (p->n_tests + 1u) * sizeof(uint32_t));
    for (uint32_t i = 0; i < p->n_tests && ok; i++) {
        ok = resolve(w, index_of, i, &all, err);
        w->deps.first[i + 1] = (uint32_t)(all.len / sizeof(uint32_t));
    }
    w->deps.all = arena_alloc(&w->scratch, all.len);
    if (all.len)
        memcpy(w->deps.all, all.data, all.len);
    buf_release(&all);
    free(index_of);
    return ok;
}

/* Turns deps around. */
static void reverse(struct work *w)
{
    uint32_t n = w->p->n_tests;
    struct lists *d = &w->deps, *r = &w->rdeps;
    r->first = arena_alloc(&w->scratch, (n + 2u) * sizeof(uint32_t));
    r->all = arena_alloc(&w->scratch, d->first[n] * sizeof(uint32_t));
    w->linked = arena_alloc(&w->scratch, n * sizeof(bool));
    for (uint32_t k = 0; k < d->first[n]; k++)
        r->first[d->all[k] + 2]++;
    for (uint32_t i = 2; i <= n; i++)
        r->first[i] += r->first[i - 1];
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = d->first[i]; k < d->first[i + 1]; k++) {
            r->all[r->first[d->all[k] + 1]++] = i;
            w->linked[i] = w->linked[d->all[k]] = true;
        }
}

/* stack[from] … stack[n - 1] depend each on the next, and the last on the first. */
static bool refuse_cycle(const struct work *w, const uint32_t *stack, uint32_t from, uint32_t n,
                         struct error *err)
{
    struct buf b = BUF_INIT;
    const struct test *first = work_test(w, stack[from]);
    if (first->origin)
        buf_addf(&b, "%s: ", first->origin);
    buf_adds(&b, "tests depend on each other in a circle: ");
    for (uint32_t k = from; k <= n; k++) {
        char *id = text_quote(work_test(w, stack[k < n ? k : from])->id);
        buf_addf(&b, "%s%s", k > from ? " -> " : "", id);
        free(id);
    }
    error_set(err, EXIT_USAGE, "%s; remove one of these dependencies", buf_cstr(&b));
    buf_release(&b);
    return false;
}

/* Appends root to topo, and before it whatever it depends on and is not there yet. stack and next
 * have room for all tests; next[i] is where among its dependencies the walk over test i stands. */
static bool visit(struct work *w, uint32_t root, enum color *color, uint32_t *stack, uint32_t *next,
                  uint32_t *n_topo, struct error *err)
{
    uint32_t depth = 0;
    stack[depth++] = root;
    color[root] = ON_STACK;
    next[root] = w->deps.first[root];
    while (depth) {
        uint32_t i = stack[depth - 1];
        if (next[i] == w->deps.first[i + 1]) {
            color[i] = DONE;
            w->topo[(*n_topo)++] = i;
            depth--;
            continue;
        }
        uint32_t d = w->deps.all[next[i]++];
        if (color[d] == ON_STACK) {
            uint32_t from = depth - 1;
            while (stack[from] != d)
                from--;
            return refuse_cycle(w, stack, from, depth, err);
        }
        if (color[d] == WHITE) {
            stack[depth++] = d;
            color[d] = ON_STACK;
            next[d] = w->deps.first[d];
        }
    }
    return true;
}

static bool sort_by_depends(struct work *w, struct error *err)
{
    uint32_t n = w->p->n_tests, n_topo = 0;
    enum color *color = arena_alloc(&w->scratch, n * sizeof *color);
    uint32_t *stack = arena_alloc(&w->scratch, n * sizeof *stack);
    uint32_t *next = arena_alloc(&w->scratch, n * sizeof *next);
    w->topo = arena_alloc(&w->scratch, n * sizeof *w->topo);
    for (uint32_t i = 0; i < n; i++)
        if (color[i] == WHITE && !visit(w, i, color, stack, next, &n_topo, err))
            return false;
    return true;
}

bool work_depends(struct work *w, struct error *err)
{
    if (!resolve_all(w, err))
        return false;
    reverse(w);
    return sort_by_depends(w, err);
}

static void least(uint32_t *a, uint32_t b)
{
    if (b < *a)
        *a = b;
}

/* The earliest phase of each test; returns the last one that is needed. */
static uint32_t earliest_phases(struct work *w)
{
    uint32_t last = 0;
    bool any_serial = false;
    for (uint32_t k = 0; k < w->p->n_tests; k++) {
        uint32_t i = w->topo[k];
        bool serial = work_test(w, i)->serial;
        uint32_t phase = serial ? 1 : 0;
        for (uint32_t d = w->deps.first[i]; d < w->deps.first[i + 1]; d++) {
            uint32_t before = w->phase[w->deps.all[d]];
            if (before % 2 != phase % 2)
                before++;
            if (before > phase)
                phase = before;
        }
        w->phase[i] = phase;
        any_serial = any_serial || serial;
        if (phase > last)
            last = phase;
    }
    return any_serial && last % 2 == 0 ? last + 1 : last;
}

void work_phases(struct work *w)
{
    uint32_t n = w->p->n_tests;
    w->phase = arena_alloc(&w->scratch, n * sizeof *w->phase);
    w->p->n_phases = n ? 1 : 0;
    if (w->p->settings.sequential || !n)
        return;
    uint32_t last = earliest_phases(w);
    w->p->n_phases = last + 1;
    /* Serial tests wait as long as what depends on them allows. */
    uint32_t *latest = arena_alloc(&w->scratch, n * sizeof *latest);
    for (uint32_t i = 0; i < n; i++)
        latest[i] = last;
    for (uint32_t k = n; k-- > 0;) {
        uint32_t i = w->topo[k];
        bool serial = work_test(w, i)->serial;
        if (serial)
            w->phase[i] = latest[i];
        for (uint32_t d = w->deps.first[i]; d < w->deps.first[i + 1]; d++)
            if (work_test(w, w->deps.all[d])->serial)
                least(&latest[w->deps.all[d]], serial ? w->phase[i] : w->phase[i] - 1);
    }
}
