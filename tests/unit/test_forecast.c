/* plan/forecast: suites whose makespan, critical path and gains can be told by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "plan/forecast.h"
#include "plantest.h"

struct suite {
    struct manifest m;
    struct plan p;
    struct forecast f;
    double *seconds;
};

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void start(struct suite *s)
{
    manifest_init(&s->m);
}

static void make(struct suite *s, enum dist dist)
{
    struct plan_settings set = plantest_settings();
    set.dist = dist;
    set.n_slots = 2;
    plantest_plan(&s->p, &s->m, &set);
    s->seconds = xcalloc(s->p.n_tests, sizeof *s->seconds);
    for (uint32_t i = 0; i < s->p.n_tests; i++)
        s->seconds[i] = s->m.tests[s->p.tests[i]].expected;
    forecast_init(&s->f, &s->p, s->seconds);
}

static void end(struct suite *s)
{
    forecast_release(&s->f);
    free(s->seconds);
    plan_release(&s->p);
    manifest_release(&s->m);
}

static void expect(double is, double wanted)
{
    if (is < wanted - 1e-9 || is > wanted + 1e-9)
        fail_msg("%.9g, not %.9g", is, wanted);
}

/* The index of the test with the longest duration. */
static uint32_t longest(const struct suite *s)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < s->p.n_tests; i++)
        if (s->seconds[i] > s->seconds[best])
            best = i;
    return best;
}

/* A class of 4 + 2, tests of 3 and 1, a serial one of 2. */
static void test_scopes_and_serial(void **state)
{
    struct suite s;
    uint32_t *path, n;
    (void)state;
    start(&s);
    plantest_add(&s.m, "a::A::x", WORDS("file=a", "scope=a::A", "expected=4"));
    plantest_add(&s.m, "a::A::y", WORDS("file=a", "scope=a::A", "expected=2"));
    plantest_add(&s.m, "b::z", WORDS("file=b", "scope=b", "expected=3"));
    plantest_add(&s.m, "c::z", WORDS("file=c", "scope=c", "expected=1"));
    plantest_add(&s.m, "d::z", WORDS("file=d", "scope=d", "expected=2", "serial"));
    make(&s, DIST_LOADSCOPE);
    expect(forecast_sum(&s.f), 12);
    expect(forecast_makespan(&s.f, 1), 12);
    expect(forecast_makespan(&s.f, 2), 8); /* 6 beside 3 + 1, then 2 */
    expect(forecast_makespan(&s.f, 64), 8);
    assert_int_equal(forecast_useful_workers(&s.f), 2);
    expect(forecast_critical(&s.f, &path, &n), 8);
    assert_int_equal(n, 2);
    expect(s.f.units[path[0]].seconds, 6);
    expect(s.f.units[path[1]].seconds, 2);
    expect(forecast_split(&s.f, path[0], 2), 7); /* 4 + 1 beside 3 + 2 */
    expect(forecast_without(&s.f, longest(&s), 2), 5); /* 3 beside 2 + 1, then 2 */
    expect(forecast_not_serial(&s.f, 2), 6);
    free(path);
    end(&s);
}

/* Holders of two locks: {x} 3, {x,y} 2, {y} 2; beside them 4. */
static void test_locks(void **state)
{
    struct suite s;
    uint32_t *path, n;
    (void)state;
    start(&s);
    plantest_add(&s.m, "l1", WORDS("locks=x", "expected=3"));
    plantest_add(&s.m, "l2", WORDS("locks=x", "locks=y", "expected=2"));
    plantest_add(&s.m, "l3", WORDS("locks=x", "expected=3"));
    plantest_add(&s.m, "free", WORDS("expected=4"));
    make(&s, DIST_LOAD);
    expect(forecast_sum(&s.f), 12);
    expect(forecast_critical(&s.f, &path, &n), 8); /* 3 + 3 and 2 hold x */
    expect(forecast_makespan(&s.f, 2), 8);
    expect(forecast_unlocked(&s.f, "x", 2), 6); /* 4 + 2 beside 3 + 3 */
    expect(forecast_unlocked(&s.f, "x", 4), 4);
    expect(forecast_unlocked(&s.f, "y", 2), 8);
    free(path);
    end(&s);
}

/* 1 → 2 → 3, and a test of 1 that weighs as much as two. */
static void test_depends_and_weights(void **state)
{
    struct suite s;
    uint32_t *path, n;
    (void)state;
    start(&s);
    plantest_add(&s.m, "one", WORDS("expected=1"));
    plantest_add(&s.m, "two", WORDS("expected=2", "depends=one"));
    plantest_add(&s.m, "three", WORDS("expected=3", "depends=two"));
    plantest_add(&s.m, "heavy", WORDS("expected=1", "weight=2"));
    make(&s, DIST_LOAD);
    expect(forecast_critical(&s.f, &path, &n), 6);
    assert_int_equal(n, 3);
    expect(forecast_makespan(&s.f, 2), 7); /* the heavy one needs both */
    expect(forecast_makespan(&s.f, 3), 6);
    assert_int_equal(forecast_useful_workers(&s.f), 3);
    free(path);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes_and_serial),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_depends_and_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
