/* Grouping and ordering: first what must hold of every plan, on manifests made at random, then
 * what single rules say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "plan/plan.h"
#include "plantest.h"

static const struct test *test_of(const struct plan *p, uint32_t i)
{
    return &p->manifest->tests[p->tests[i]];
}

/* ---- Properties ------------------------------------------------------------------------- */

/* A random manifest. Dependencies lead to earlier tests only, so there is no cycle. */
static void make_manifest(struct manifest *m, uint64_t *seed, uint32_t n)
{
    uint32_t serials = plantest_below(seed, 3) * 10, links = plantest_below(seed, 3) * 15;
    uint32_t locked = plantest_below(seed, 3) * 20, timed = plantest_below(seed, 3) * 40;
    manifest_init(m);
    for (uint32_t i = 0; i < n; i++) {
        char id[16], word[32];
        snprintf(id, sizeof id, "t%u", i);
        struct test *t = ADD0(m, id);
        t->format = (enum test_format)plantest_below(seed, 3);
        if (t->format == FORMAT_PYTEST) {
            snprintf(word, sizeof word, "f%u.py", plantest_below(seed, 4));
            t->file = arena_strdup(&m->arena, word);
            snprintf(word, sizeof word, "%s::C%u", t->file, plantest_below(seed, 2));
            t->scope = arena_strdup(&m->arena, word);
            if (plantest_below(seed, 5) == 0)
                t->group = plantest_below(seed, 2) ? "g0" : "g1";
        }
        t->serial = plantest_below(seed, 100) < serials;
        t->weight = plantest_below(seed, 8) ? 1 : 2 + plantest_below(seed, 5);
        if (plantest_below(seed, 100) < timed)
            t->expected = plantest_below(seed, 50) / 10.0;
        struct strv locks = STRV_INIT, depends = STRV_INIT;
        while (plantest_below(seed, 100) < locked)
            strv_pushf(&locks, "l%u", plantest_below(seed, 4));
        while (i && plantest_below(seed, 100) < links)
            strv_pushf(&depends, "t%u", plantest_below(seed, i));
        manifest_set_locks(m, t, &locks);
        t->depends = depends.n ? arena_strv(&m->arena, depends.v, depends.n) : NULL;
        strv_release(&locks);
        strv_release(&depends);
    }
}

/* Which units have ended when another one starts, by the plan's edges alone. */
struct closure {
    uint32_t n;
    bool *before; /* [n * n]: row i holds what ended before i starts */
};

static void inherit(struct closure *c, uint32_t i, uint32_t from)
{
    bool *row = c->before + (size_t)i * c->n, *other = c->before + (size_t)from * c->n;
    row[from] = true;
    for (uint32_t k = 0; k < c->n; k++)
        row[k] = row[k] || other[k];
}

static bool ends_before(const struct closure *c, uint32_t a, uint32_t b)
{
    return c->before[(size_t)b * c->n + a];
}

static void close_plan(struct closure *c, const struct plan *p)
{
    c->n = p->n_units;
    c->before = xcalloc((size_t)c->n * c->n, sizeof *c->before);
    for (uint32_t i = 0; i < c->n; i++) {
        for (uint32_t k = 0; k < p->units[i].n_after; k++) {
            assert_true(p->units[i].after[k] < i);
            inherit(c, i, p->units[i].after[k]);
        }
        for (uint32_t k = 0; k < i; k++) {
            bool serial_chain = p->units[i].phase % 2 == 1 && k + 1 == i;
            if (p->units[k].phase < p->units[i].phase || serial_chain)
                inherit(c, i, k);
        }
    }
}

/* Every test in exactly one unit, which knows what it holds. */
static void check_units(const struct plan *p, uint32_t *unit_of)
{
    uint32_t seen = 0;
    for (uint32_t u = 0; u < p->n_units; u++) {
        const struct plan_unit *unit = &p->units[u];
        double seconds = 0;
        uint32_t weight = 0;
        assert_true(unit->n > 0);
        for (uint32_t k = 0; k < unit->n; k++) {
            const struct test *t = test_of(p, unit->tests[k]);
            bool pytest = t->format == FORMAT_PYTEST;
            assert_int_equal(pytest, unit->format == FORMAT_PYTEST);
            if (!p->settings.sequential) {
                assert_int_equal(t->serial, unit->serial);
                assert_true(k == 0 || unit->tests[k] > unit->tests[k - 1]);
            }
            assert_int_equal(unit_of[unit->tests[k]], UINT32_MAX);
            unit_of[unit->tests[k]] = u;
            seconds += t->expected < 0 ? 1 : t->expected;
            weight = t->weight > weight ? t->weight : weight;
            seen++;
        }
        assert_int_equal(unit->weight, weight);
        assert_true(seconds - unit->expected < 1e-6 && unit->expected - seconds < 1e-6);
        assert_true(unit->phase < p->n_phases);
        if (!p->settings.sequential)
            assert_int_equal(unit->phase % 2, unit->serial);
    }
    assert_int_equal(seen, p->n_tests);
}

static bool share_lock(char **a, char **b)
{
    for (; a && *a; a++)
        for (char **k = b; k && *k; k++)
            if (strcmp(*a, *k) == 0)
                return true;
    return false;
}

static void check_order(const struct plan *p, const struct closure *c, const uint32_t *unit_of)
{
    for (uint32_t i = 0; i < p->n_tests; i++)
        for (char **d = test_of(p, i)->depends; d && *d; d++) {
            uint32_t other = unit_of[map_get(&p->manifest->by_id, *d)];
            if (other != unit_of[i])
                assert_true(ends_before(c, other, unit_of[i]));
            else
                assert_true(p->settings.sequential);
        }
    for (uint32_t b = 0; b < p->n_units; b++)
        for (uint32_t a = 0; a < b; a++) {
            bool alone = p->units[a].serial || p->units[b].serial || p->settings.sequential;
            if (alone || share_lock(p->units[a].locks, p->units[b].locks))
                assert_true(ends_before(c, a, b));
        }
    for (uint32_t a = 0; a < p->n_tests; a++)
        for (uint32_t b = 0; b < a; b++) {
            bool same = unit_of[a] == unit_of[b];
            assert_true(same || !share_lock(p->locks[a], p->locks[b]) ||
                        ends_before(c, unit_of[a], unit_of[b]) ||
                        ends_before(c, unit_of[b], unit_of[a]));
        }
}

/* Any heavy units that can run at the same time fit into the slots. The largest such set lies
 * among those of one phase that are pairwise unordered; greedily from each unit is enough to
 * find what breaks, since chains make "unordered" the same as "in another chain". */
static void check_weights(const struct plan *p, const struct closure *c)
{
    uint32_t slots = p->settings.n_slots;
    for (uint32_t first = 0; first < p->n_units; first++) {
        uint32_t sum = 0;
        bool *taken = xcalloc(p->n_units, sizeof *taken);
        for (uint32_t u = first; u < p->n_units; u++) {
            uint32_t weight = p->units[u].weight < slots ? p->units[u].weight : slots;
            bool free_to_run = weight > 1;
            for (uint32_t k = first; k < u && free_to_run; k++)
                free_to_run = !taken[k] || !ends_before(c, k, u);
            taken[u] = free_to_run;
            sum += free_to_run ? weight : 0;
        }
        free(taken);
        assert_true(sum <= slots);
    }
}

/* What is in a queue may start at any time: it waits for nothing, and nothing but the next phase
 * waits for it. */
static void check_queues(const struct plan *p)
{
    if (!p->n_queued)
        return;
    assert_true(p->settings.dist == DIST_WORKSTEAL || p->settings.dist == DIST_EACH);
    assert_int_equal(p->queues[0], 0);
    assert_int_equal(p->queues[p->settings.n_slots], p->n_queued);
    for (uint32_t s = 0; s < p->settings.n_slots; s++)
        assert_true(p->queues[s] <= p->queues[s + 1]);
    for (uint32_t u = 0; u < p->n_units; u++) {
        const struct plan_unit *unit = &p->units[u];
        if (u < p->n_queued)
            assert_true(!unit->n_after && !unit->phase && !unit->serial && unit->weight <= 1);
        for (uint32_t k = 0; k < unit->n_after; k++)
            assert_true(unit->after[k] >= p->n_queued);
    }
}

static void check_plan(const struct plan *p)
{
    struct closure c;
    uint32_t *unit_of = xmalloc((p->n_tests + 1u) * sizeof *unit_of);
    memset(unit_of, 0xff, (p->n_tests + 1u) * sizeof *unit_of);
    check_units(p, unit_of);
    check_queues(p);
    close_plan(&c, p);
    check_order(p, &c, unit_of);
    if (!p->settings.sequential)
        check_weights(p, &c);
    free(c.before);
    free(unit_of);
}

static void test_properties(void **state)
{
    (void)state;
    static const enum dist dists[] = {DIST_LOAD,      DIST_LOADSCOPE, DIST_LOADFILE,
                                      DIST_LOADGROUP, DIST_WORKSTEAL, DIST_EACH};
    uint64_t seed = 20240101;
    for (int round = 0; round < 400; round++) {
        struct manifest m;
        struct plan p;
        struct plan_settings s = plantest_settings();
        make_manifest(&m, &seed, plantest_below(&seed, 60));
        s.dist = dists[round % 6];
        s.n_slots = 1 + plantest_below(&seed, 8);
        s.sequential = round % 7 == 0;
        plantest_plan(&p, &m, &s);
        check_plan(&p);
        plan_release(&p);
        manifest_release(&m);
    }
}

static void test_selection_drops_dependencies(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 50; round++) {
        struct manifest m;
        struct plan p;
        struct error err = ERROR_INIT;
        struct plan_settings s = plantest_settings();
        size_t chosen[60], n = 0;
        make_manifest(&m, &seed, 60);
        for (size_t i = 0; i < 60; i++)
            if (plantest_below(&seed, 3))
                chosen[n++] = i;
        assert_true(plan_make(&p, &m, chosen, n, &s, &err));
        assert_int_equal(p.n_tests, n);
        uint32_t units = 0;
        for (uint32_t u = 0; u < p.n_units; u++)
            units += p.units[u].n;
        assert_int_equal(units, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p.tests[i], chosen[i]);
        plan_release(&p);
        manifest_release(&m);
    }
}

/* ---- Single rules ----------------------------------------------------------------------- */

struct fixture {
    struct manifest m;
    struct plan p;
    struct plan_settings s;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    manifest_init(&f->m);
    f->s = plantest_settings();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    plan_release(&f->p);
    manifest_release(&f->m);
    free(f);
    return 0;
}

/* The plan in short: units by the ids of their tests, "|" before a new phase, "<n,m" for after. */
static void expect(struct fixture *f, const char *want)
{
    struct buf b = BUF_INIT;
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    check_plan(&f->p);
    for (uint32_t u = 0; u < f->p.n_units; u++) {
        const struct plan_unit *unit = &f->p.units[u];
        for (uint32_t k = u ? f->p.units[u - 1].phase : 0; k < unit->phase; k++)
            buf_adds(&b, "| ");
        for (uint32_t k = 0; k < unit->n; k++)
            buf_adds(&b, test_of(&f->p, unit->tests[k])->id);
        for (uint32_t k = 0; k < unit->n_after; k++)
            buf_addf(&b, "%c%u", k ? ',' : '<', unit->after[k]);
        buf_adds(&b, u + 1 < f->p.n_units ? " " : "");
    }
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

static void test_nothing(void **state)
{
    struct fixture *f = *state;
    expect(f, "");
    f->s.sequential = true;
    expect(f, "");
}

static void test_strategies(void **state)
{
    struct fixture *f = *state;
    f->s.n_slots = 1;
    ADD(&f->m, "a", "scope=f::C", "file=f");
    ADD(&f->m, "b", "scope=f::D", "file=f", "group=g");
    ADD(&f->m, "c", "scope=f::C", "file=f");
    ADD(&f->m, "d", "scope=h::C", "file=h", "group=g");
    ADD0(&f->m, "e");
    expect(f, "ac bd e");
    f->s.dist = DIST_LOADFILE;
    expect(f, "ac bd e");
    f->s.dist = DIST_LOADGROUP;
    expect(f, "bd a c e");
    f->s.dist = DIST_LOAD;
    expect(f, "bd a c e");
}

static void test_queues_of_neighbours_the_longest_first(void **state)
{
    struct fixture *f = *state;
    f->s.dist = DIST_WORKSTEAL;
    f->s.n_slots = 2;
    ADD(&f->m, "a", "scope=f", "file=f");
    ADD(&f->m, "b", "scope=f", "file=f", "group=g");
    ADD(&f->m, "c", "scope=f", "file=f");
    ADD(&f->m, "d", "scope=h", "file=h", "group=g");
    ADD(&f->m, "e", "scope=h", "file=h", "expected=3");
    ADD(&f->m, "k", "scope=h", "file=h", "locks=x");
    ADD(&f->m, "l", "scope=h", "file=h", "locks=x", "locks=y");
    ADD(&f->m, "s", "scope=h", "file=h", "serial");
    expect(f, "bd a e c k l<4 | s");
    assert_int_equal(f->p.n_queued, 4);
    assert_int_equal(f->p.queues[1], 2);
    f->s.sequential = true;
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    assert_int_equal(f->p.n_queued, 0);
}

static void test_each_worker_has_its_copies(void **state)
{
    struct fixture *f = *state;
    f->s.dist = DIST_EACH;
    f->s.n_slots = 2;
    ADD(&f->m, "a", "scope=f", "file=f");
    ADD(&f->m, "b", "scope=f", "file=f", "group=g");
    ADD(&f->m, "s", "scope=h", "file=h", "serial");
    ADD0(&f->m, "n");
    expect(f, "a b a b n | s");
    assert_int_equal(f->p.n_tests, 6);
    assert_int_equal(f->p.n_queued, 4);
    assert_int_equal(f->p.queues[1], 2);
}

static void add_many(struct fixture *f, size_t n, const char *words)
{
    char id[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%zu", f->m.n);
        ADD(&f->m, id, words);
    }
}

static void test_load_chunks_have_no_more_than_64(void **state)
{
    struct fixture *f = *state;
    f->s.dist = DIST_LOAD;
    add_many(f, 1000, NULL);
    plantest_plan(&f->p, &f->m, &f->s);
    /* 1000 / (4 * 16) = 15, at the end 1000 / (4 * 64) = 3: a test that takes long keeps few
     * others waiting behind it. */
    assert_int_equal(f->p.units[0].n, 15);
    for (uint32_t u = 1; u < f->p.n_units; u++)
        assert_true(f->p.units[u].n <= f->p.units[u - 1].n);
    assert_true(f->p.units[f->p.n_units - 1].n <= 3);
    assert_true(f->p.n_units > 67 && f->p.n_units < 100);
    f->s.n_slots = 1;
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    assert_int_equal(f->p.units[0].n, 62);
    add_many(f, 1000, NULL);
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    assert_int_equal(f->p.units[0].n, 64);
}

static void test_load_chunks_follow_known_durations(void **state)
{
    struct fixture *f = *state;
    f->s.n_slots = 1;
    add_many(f, 80, "expected=1.9");
    add_many(f, 80, "expected=0.1");
    /* All take 160 s, so a chunk takes 10 s at most. */
    plantest_plan(&f->p, &f->m, &f->s);
    check_plan(&f->p);
    for (uint32_t u = 0; u < f->p.n_units; u++)
        assert_true(f->p.units[u].expected <= 10.0001);
    assert_int_equal(f->p.n_units, 17);
}

static void test_load_chunks_shrink_towards_the_end(void **state)
{
    struct fixture *f = *state;
    f->s.n_slots = 2;
    add_many(f, 1000, "expected=0.64");
    /* A worker has 320 s to do: chunks of 20 s first, of 5 s at the end. */
    plantest_plan(&f->p, &f->m, &f->s);
    check_plan(&f->p);
    assert_true(f->p.units[0].expected > 19 && f->p.units[0].expected < 20.001);
    for (uint32_t u = 1; u < f->p.n_units; u++)
        assert_true(f->p.units[u].expected <= f->p.units[u - 1].expected);
    assert_true(f->p.units[f->p.n_units - 1].expected < 5.001);
    assert_true(f->p.n_units > 32 && f->p.n_units < 50);
}

/* A start takes some milliseconds: a hundred of them would be a quarter of the last of these runs. */
static void test_load_chunks_of_short_runs_are_fewer(void **state)
{
    struct fixture *f = *state;
    f->s.n_slots = 2;
    add_many(f, 8, "expected=0.001");
    plantest_plan(&f->p, &f->m, &f->s);
    assert_in_range(f->p.n_units, 4, 8); /* there is something to balance all the same */

    /* Of 100 ms for a worker a third goes first, and the last chunks take 10 ms. */
    add_many(f, 192, "expected=0.001");
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    check_plan(&f->p);
    assert_true(f->p.units[0].expected > 0.025 && f->p.units[0].expected < 0.0301);
    assert_true(f->p.units[f->p.n_units - 1].expected <= 0.0101);
    assert_in_range(f->p.n_units, 11, 15);

    add_many(f, 800, "expected=0.001");
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    assert_true(f->p.units[0].expected > 0.06 && f->p.units[0].expected < 0.0626);
    assert_true(f->p.units[f->p.n_units - 1].expected < 0.0157);
    assert_true(f->p.n_units < 32);
}

static void test_longest_first(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "expected=1");
    ADD(&f->m, "b", "expected=3");
    ADD0(&f->m, "c");
    ADD(&f->m, "d", "expected=9");
    ADD(&f->m, "e", "expected=3");
    expect(f, "d b e a c");
}

static void test_serial_tests_come_last(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "serial", "expected=1");
    ADD0(&f->m, "b");
    ADD(&f->m, "c", "serial", "expected=5");
    expect(f, "b | a c");
}

static void test_serial_pytest_tests_of_a_scope_share(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "serial", "scope=f::C");
    ADD(&f->m, "b", "scope=f::C");
    ADD(&f->m, "c", "serial", "scope=f::C");
    ADD(&f->m, "d", "serial", "scope=f::D");
    ADD(&f->m, "e", "serial", "scope=f::C");
    ADD(&f->m, "x", "serial");
    ADD(&f->m, "y", "serial");
    expect(f, "b | ac d e x y");
}

static void test_serial_tests_that_others_need(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "depends=s");
    ADD0(&f->m, "b");
    ADD(&f->m, "s", "serial");
    ADD(&f->m, "l", "serial");
    ADD(&f->m, "r", "serial", "depends=b");
    expect(f, "b | s | a | l r");
}

static void test_a_serial_test_waits_as_long_as_it_can(void **state)
{
    struct fixture *f = *state;
    /* s1 is needed by s2 only, which nobody needs: neither costs another phase. */
    ADD(&f->m, "s", "serial");
    ADD(&f->m, "n", "depends=s");
    ADD(&f->m, "2", "serial", "depends=1");
    ADD(&f->m, "1", "serial");
    expect(f, "| s | n | 1 2<2");
}

static void test_dependencies(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "c", "depends=b", "depends=a", "depends=b");
    ADD(&f->m, "b", "depends=a");
    ADD0(&f->m, "a");
    ADD(&f->m, "x", "expected=2.5");
    /* a comes first: what waits for it takes 3 s in all. */
    expect(f, "a x b<0 c<0,2");
}

static void test_locks_are_chained_in_the_best_order(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "A", "locks=a");
    ADD(&f->m, "B", "locks=a", "locks=b");
    ADD(&f->m, "C", "locks=b");
    expect(f, "A C B<0,1");
}

static void test_the_same_locks_are_one_group(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "locks=x", "scope=f::C");
    ADD0(&f->m, "b");
    ADD(&f->m, "c", "locks=x", "scope=g::C");
    ADD(&f->m, "d", "locks=x", "tap");
    ADD(&f->m, "e", "locks=x");
    /* A process serves either pytest or the others. */
    expect(f, "ac b de<0");
}

static void test_after_names_the_last_holder_only(void **state)
{
    struct fixture *f = *state;
    f->s.n_slots = 2;
    ADD(&f->m, "a", "locks=x", "locks=1", "expected=9");
    ADD(&f->m, "b", "locks=x", "locks=2", "expected=8");
    ADD(&f->m, "c", "locks=x", "locks=3", "expected=7");
    ADD(&f->m, "d", "locks=x", "locks=1", "locks=4", "expected=6");
    expect(f, "a b<0 c<1 d<0,2");
}

static void test_xdist_group_is_a_lock(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "scope=f::C", "group=g");
    ADD(&f->m, "b", "scope=f::C", "locks=xdist_group:h");
    expect(f, "a b");
    assert_string_equal(f->p.locks[0][0], "xdist_group:g");
    assert_null(f->p.locks[0][1]);
    assert_string_equal(f->p.units[0].locks[0], "xdist_group:g");
}

static void test_lock_names_do_not_run_together(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "locks=x", "locks=y");
    ADD(&f->m, "b", "locks=x1:y");
    ADD(&f->m, "c", "locks=x\n", "locks=y");
    ADD(&f->m, "d", "locks=xy");
    expect(f, "a b d c<0");
}

static void test_heavy_tests_fit_side_by_side(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "weight=2");
    ADD(&f->m, "b", "weight=2", "locks=x");
    ADD(&f->m, "c", "weight=3", "locks=y");
    ADD(&f->m, "d", "weight=99", "locks=z");
    ADD0(&f->m, "e");
    /* Four slots: d, cut to 4, fills them all, so that the heavy ones run one by one. */
    expect(f, "a e b<0 c<2 d<3");
}

static void test_sequential(void **state)
{
    struct fixture *f = *state;
    f->s.sequential = true;
    f->s.n_slots = 1;
    ADD(&f->m, "a", "serial", "expected=1");
    ADD(&f->m, "b", "tap", "locks=x");
    ADD(&f->m, "c", "scope=f::C", "expected=5");
    ADD(&f->m, "d", "scope=g::C", "weight=3");
    ADD0(&f->m, "e");
    expect(f, "ab cd<0 e<1");
    assert_int_equal(f->p.n_phases, 1);
    /* The order is the manifest's, but not against what a test says it depends on. */
    ADD(&f->m, "f", "depends=h");
    ADD0(&f->m, "g");
    ADD(&f->m, "h", "depends=b");
    expect(f, "ab cd<0 ehfg<1");
}

/* ---- What is refused -------------------------------------------------------------------- */

static void expect_error(struct fixture *f, const char *want)
{
    struct error err = ERROR_INIT;
    size_t all[16];
    for (size_t i = 0; i < f->m.n; i++)
        all[i] = i;
    assert_false(plan_make(&f->p, &f->m, all, f->m.n, &f->s, &err));
    assert_string_equal(err.msg, want);
    assert_int_equal(err.code, EXIT_USAGE);
    assert_null(f->p.tests);
    error_release(&err);
}

static void test_cycles_are_named_in_full(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "x", "depends=a");
    ADD(&f->m, "a", "depends=b");
    ADD(&f->m, "b", "depends=y", "depends=c\n");
    ADD(&f->m, "c\n", "depends=a");
    ADD0(&f->m, "y");
    expect_error(f, "tests depend on each other in a circle: 'a' -> 'b' -> 'c\\n' -> 'a'; remove "
                    "one of these dependencies");
    f->s.sequential = true;
    f->m.tests[1].origin = "tests.json:4";
    expect_error(f, "tests.json:4: tests depend on each other in a circle: 'a' -> 'b' -> 'c\\n' -> "
                    "'a'; remove one of these dependencies");
}

static void test_a_test_cannot_wait_for_itself(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "a", "depends=a");
    expect_error(f, "tests depend on each other in a circle: 'a' -> 'a'; remove one of these "
                    "dependencies");
}

static void test_unknown_dependencies(void **state)
{
    struct fixture *f = *state;
    ADD(&f->m, "db/start", "depends=t.py::deselected");
    ADD(&f->m, "a", "depends=db/strat");
    expect_error(f, "test 'a' depends on 'db/strat', which does not exist; did you mean "
                    "'db/start'?");
    f->m.tests[1].depends[0][0] = '\0';
    f->m.tests[1].origin = "tests.json:7";
    expect_error(f, "tests.json:7: test 'a' depends on '', which does not exist; 'rowlock list' "
                    "prints the ids");
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_selection_drops_dependencies),
        RULE(test_nothing),
        RULE(test_strategies),
        RULE(test_queues_of_neighbours_the_longest_first),
        RULE(test_each_worker_has_its_copies),
        RULE(test_load_chunks_have_no_more_than_64),
        RULE(test_load_chunks_follow_known_durations),
        RULE(test_load_chunks_shrink_towards_the_end),
        RULE(test_load_chunks_of_short_runs_are_fewer),
        RULE(test_longest_first),
        RULE(test_serial_tests_come_last),
        RULE(test_serial_pytest_tests_of_a_scope_share),
        RULE(test_serial_tests_that_others_need),
        RULE(test_a_serial_test_waits_as_long_as_it_can),
        RULE(test_dependencies),
        RULE(test_locks_are_chained_in_the_best_order),
        RULE(test_the_same_locks_are_one_group),
        RULE(test_after_names_the_last_holder_only),
        RULE(test_xdist_group_is_a_lock),
        RULE(test_lock_names_do_not_run_together),
        RULE(test_heavy_tests_fit_side_by_side),
        RULE(test_sequential),
        RULE(test_cycles_are_named_in_full),
        RULE(test_a_test_cannot_wait_for_itself),
        RULE(test_unknown_dependencies),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
