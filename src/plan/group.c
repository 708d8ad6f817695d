/* Which tests share a start of rowlock-exec.
 *
 * Tests that hold the same locks never overlap, so they are one group whatever the strategy:
 * GNU Make returns to a target that had to wait only after it has walked over all others, so a
 * chain of groups would be left over for the end of the run. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "plan/steps.h"

/* No chunk is longer than a worker's share of the run divided by this, nor has more tests. */
enum { CHUNKS_PER_SLOT = 16, CHUNK_TESTS = 64, CHUNK_TESTS_TIMED = 256 };

/* Chunks shrink towards the end of the run, so that the last one does not keep the others waiting: each
 * takes 1/TAPER of what is left for a worker, and the smallest are 1/FINEST of its share. A start of a
 * group costs more than a millisecond. Where durations are known, all starts together are to be less
 * than a hundredth of the run: the longest chunks are WORTH_STARTS, and all are longer in that
 * measure, up to twice as long, or the last ones would be waited for. In a run of a few hundred
 * milliseconds a worker loses more between two chunks (the end of one start, make, the next start)
 * than to the last one of the others: there the first chunk is a third of its share, up to
 * LONG_ENOUGH, and none is shorter than SHORT_ENOUGH. */
enum { TAPER = 3, FINEST = 64 };
#define WORTH_STARTS 0.26 /* seconds */
#define LONG_ENOUGH 0.03
#define SHORT_ENOUGH 0.01

enum kind { KIND_ALONE, KIND_SERIAL, KIND_GROUP, KIND_LOCKED, KIND_SCOPE, KIND_FILE, KIND_CHUNK };

struct grouping {
    struct work *w;
    struct map unit_by_key;
    struct buf key;
    double chunk_seconds; /* the longest a chunk may be */
    double finest;        /* and how short the limit gets */
    bool tapers;
    double share; /* what a worker has to do in chunks, in seconds */
    double left;  /* of it, what is in no chunk yet */
    uint32_t chunk_tests;
    uint32_t serial_unit; /* the last one, if the next serial test may join it */
    const char *serial_scope;
};

static bool is_pytest(const struct test *t)
{
    return t->format == FORMAT_PYTEST;
}

/* What --dist loadfile keeps together of such a test: NULL: nothing. */
static const char *file_of(const struct test *t)
{
    return is_pytest(t) ? t->file : t->format == FORMAT_GTEST ? t->scope : NULL;
}

static enum kind kind_of(const struct work *w, uint32_t i)
{
    const struct test *t = work_test(w, i);
    enum dist dist = w->p->settings.dist;
    if (w->linked[i])
        return KIND_ALONE;
    if (t->serial)
        return KIND_SERIAL;
    if ((dist == DIST_LOADGROUP || dist == DIST_WORKSTEAL) && t->group)
        return KIND_GROUP;
    if (w->lockset_of[i])
        return KIND_LOCKED;
    if (dist == DIST_LOADSCOPE && is_pytest(t) && t->scope)
        return KIND_SCOPE;
    if (dist == DIST_LOADFILE && file_of(t))
        return KIND_FILE;
    bool queued = dist == DIST_WORKSTEAL || work_copy_of(w, i) != WORK_NONE;
    return queued ? KIND_ALONE : KIND_CHUNK;
}

static uint32_t add_unit(struct work *w, uint32_t test)
{
    struct plan *p = w->p;
    const struct test *t = work_test(w, test);
    if (p->n_units == w->cap_units) {
        w->cap_units = w->cap_units ? w->cap_units * 2 : 64;
        p->units = xreallocarray(p->units, w->cap_units, sizeof *p->units);
    }
    struct plan_unit *u = &p->units[p->n_units];
    memset(u, 0, sizeof *u);
    u->format = t->format;
    u->serial = t->serial && !p->settings.sequential;
    u->phase = w->phase[test];
    u->collector = t->collector;
    return p->n_units++;
}

static void join(struct work *w, uint32_t test, uint32_t unit)
{
    const struct test *t = work_test(w, test);
    struct plan_unit *u = &w->p->units[unit];
    w->unit_of[test] = unit;
    u->n++;
    u->expected += work_seconds(t);
    if (t->weight > u->weight)
        u->weight = t->weight;
}

/* The unit of that key; *fresh if there was none. */
static uint32_t unit_of_key(struct grouping *g, const char *key, uint32_t test, bool *fresh)
{
    size_t unit = map_get(&g->unit_by_key, key);
    *fresh = unit == MAP_NONE;
    if (*fresh) {
        unit = add_unit(g->w, test);
        map_put(&g->unit_by_key, arena_strdup(&g->w->scratch, key), unit);
    }
    return (uint32_t)unit;
}

static uint32_t serial_unit(struct grouping *g, uint32_t i)
{
    const struct test *t = work_test(g->w, i);
    bool shares = (is_pytest(t) || t->format == FORMAT_GTEST) && t->scope;
    if (!shares || g->serial_unit == WORK_NONE || strcmp(g->serial_scope, t->scope) != 0)
        g->serial_unit = add_unit(g->w, i);
    uint32_t unit = g->serial_unit;
    g->serial_scope = t->scope;
    if (!shares)
        g->serial_unit = WORK_NONE;
    return unit;
}

/* How long the next chunk may be. left counts the tests of chunks that are still open, too: it is
 * only about how coarse chunks are. */
static double chunk_limit(const struct grouping *g)
{
    double limit = g->left / TAPER;
    if (!g->tapers || limit > g->chunk_seconds)
        return g->chunk_seconds;
    return limit > g->finest ? limit : g->finest;
}

/* The chunk that is open for such tests, or a new one where it is full. */
static uint32_t chunk_unit(struct grouping *g, const char *key, uint32_t i)
{
    bool fresh;
    uint32_t unit = unit_of_key(g, key, i, &fresh);
    const struct plan_unit *u = &g->w->p->units[unit];
    double own = work_seconds(work_test(g->w, i)), seconds = u->expected + own;
    g->left -= own / work_slots(g->w);
    if (fresh || (u->n < g->chunk_tests && seconds <= chunk_limit(g) * (1 + 1e-9)))
        return unit;
    unit = add_unit(g->w, i);
    map_put(&g->unit_by_key, key, unit);
    return unit;
}

static uint32_t keyed_unit(struct grouping *g, enum kind kind, uint32_t i)
{
    const struct test *t = work_test(g->w, i);
    bool fresh;
    buf_clear(&g->key);
    buf_addf(&g->key, "%d %d ", (int)kind, is_pytest(t));
    if (kind == KIND_GROUP)
        buf_adds(&g->key, t->group);
    else if (kind == KIND_SCOPE)
        buf_adds(&g->key, t->scope);
    else if (kind == KIND_FILE)
        buf_adds(&g->key, file_of(t));
    else
        buf_addf(&g->key, "%u %u %g %u", t->weight, g->w->lockset_of[i], t->rank, t->collector);
    if (kind == KIND_CHUNK)
        return chunk_unit(g, buf_cstr(&g->key), i);
    return unit_of_key(g, buf_cstr(&g->key), i, &fresh);
}

/* Makes chunks longer, where the run is known to be short. */
static void save_starts(struct grouping *g)
{
    if (g->chunk_seconds < WORTH_STARTS) {
        double longer = fmin(WORTH_STARTS / g->chunk_seconds, 2);
        g->chunk_seconds *= longer;
        g->finest *= longer;
    }
    g->chunk_seconds = fmax(g->chunk_seconds, fmin(LONG_ENOUGH, g->share / TAPER));
    g->finest = fmax(g->finest, fmin(SHORT_ENOUGH, g->chunk_seconds));
}

/* How long chunks may be, from the tests that go into chunks. */
static void measure_chunks(struct grouping *g)
{
    const struct work *w = g->w;
    double total = 0;
    bool timed = false;
    for (uint32_t i = 0; i < w->p->n_tests; i++)
        if (kind_of(w, i) == KIND_CHUNK) {
            total += work_seconds(work_test(w, i));
            timed = timed || work_test(w, i)->expected >= 0;
        }
    g->share = g->left = total / (double)work_slots(w);
    g->chunk_seconds = g->share / CHUNKS_PER_SLOT;
    g->tapers = work_slots(w) > 1;
    g->finest = g->share / FINEST;
    if (timed && g->tapers)
        save_starts(g);
    g->chunk_tests = timed ? CHUNK_TESTS_TIMED : CHUNK_TESTS;
}

static void group_parallel(struct work *w)
{
    struct grouping g = {.w = w, .serial_unit = WORK_NONE};
    measure_chunks(&g);
    for (uint32_t i = 0; i < w->p->n_tests; i++) {
        enum kind kind = kind_of(w, i);
        uint32_t unit;
        if (kind == KIND_ALONE) {
            unit = add_unit(w, i);
            if (work_test(w, i)->serial)
                g.serial_unit = WORK_NONE;
        } else if (kind == KIND_SERIAL) {
            unit = serial_unit(&g, i);
        } else {
            unit = keyed_unit(&g, kind, i);
        }
        join(w, i, unit);
    }
    map_release(&g.unit_by_key);
    buf_release(&g.key);
}

/* The order that was given, broken only where the next test needs the other kind of process. */
static void group_sequential(struct work *w)
{
    uint32_t n = w->p->n_tests, unit = WORK_NONE;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = w->topo[k];
        if (k == 0 || is_pytest(work_test(w, i)) != is_pytest(work_test(w, w->topo[k - 1])))
            unit = add_unit(w, i);
        join(w, i, unit);
    }
}

/* Hands each unit its tests, in the order in which it runs them. */
static void fill_members(struct work *w)
{
    struct plan *p = w->p;
    uint32_t *room = arena_alloc(&p->arena, p->n_tests * sizeof *room);
    for (uint32_t u = 0; u < p->n_units; u++) {
        p->units[u].tests = room;
        room += p->units[u].n;
        p->units[u].n = 0;
    }
    for (uint32_t k = 0; k < p->n_tests; k++) {
        uint32_t i = p->settings.sequential ? w->topo[k] : k;
        struct plan_unit *u = &p->units[w->unit_of[i]];
        u->tests[u->n++] = i;
    }
}

/* The locks of a unit: mostly all its tests hold the same. */
static uint32_t unite_locks(struct work *w, const struct plan_unit *u)
{
    uint32_t set = w->lockset_of[u->tests[0]];
    bool same = true;
    for (uint32_t k = 1; k < u->n && same; k++)
        same = w->lockset_of[u->tests[k]] == set;
    if (same)
        return set;
    struct map seen = MAP_INIT;
    struct strv names = STRV_INIT;
    for (uint32_t k = 0; k < u->n; k++)
        for (char **name = w->p->locks[u->tests[k]]; name && *name; name++)
            if (map_put(&seen, *name, 1) == MAP_NONE)
                strv_push(&names, *name);
    set = work_lockset(w, &names);
    map_release(&seen);
    strv_release(&names);
    return set;
}

void work_group(struct work *w)
{
    struct plan *p = w->p;
    w->unit_of = arena_alloc(&w->scratch, p->n_tests * sizeof *w->unit_of);
    if (p->settings.sequential)
        group_sequential(w);
    else
        group_parallel(w);
    fill_members(w);
    w->unit_lockset = xcalloc(p->n_units, sizeof *w->unit_lockset);
    for (uint32_t u = 0; u < p->n_units; u++) {
        w->unit_lockset[u] = unite_locks(w, &p->units[u]);
        p->units[u].locks = w->locksets[w->unit_lockset[u]].names;
    }
}
