/* --random-order: any order of siblings, nothing torn apart, and the same again from the same seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "plan/shuffle.h"
#include "plantest.h"

static struct test *add(struct manifest *m, const char *file, const char *classes, const char *name)
{
    char *scope = xasprintf("%s%s%s", file, *classes ? "::" : "", classes);
    char *id = xasprintf("%s::%s", scope, name), *word = xasprintf("scope=%s", scope);
    struct test *t = ADD(m, id, word);
    t->file = arena_strdup(&m->arena, file);
    free(scope);
    free(id);
    free(word);
    return t;
}

/* Three files of two classes, one with another one in it, and functions; parameters of some of their
 * fixtures; native tests. */
static size_t fill(struct manifest *m)
{
    static const char *const files[] = {"a.py", "b/c.py", "b/d.py"};
    static const char *const classes[] = {"", "", "A", "A::B", "C"};
    manifest_init(m);
    for (int f = 0; f < 3; f++)
        for (int k = 0; k < 15; k++) {
            char name[40];
            snprintf(name, sizeof name, "test_%d[a::%d]", k / 5, k);
            struct test *t = add(m, files[f], classes[k % 5], name);
            t->params[PARAMS_MODULE] = f == 1 && k % 5 == 0 ? (k % 2 ? "p=1" : "p=0") : NULL;
            t->params[PARAMS_CLASS] = k % 5 == 4 ? (k % 2 ? "q=1" : "q=0") : NULL;
            t->params[PARAMS_SESSION] = f == 2 && k % 5 == 2 ? "s=0" : NULL;
        }
    ADD(m, "native/one", "tap");
    ADD(m, "native/two", "tap");
    for (int i = 0; i < 8; i++) {
        char *id = xasprintf("bin/prog%d::Suite%d.Test/%d", i / 4, i % 2, i);
        struct test *t = ADD(m, id, "command=bin/prog");
        t->format = FORMAT_GTEST;
        t->scope = i / 4 ? "bin/prog1" : "bin/prog0";
        free(id);
    }
    return m->n;
}

static size_t *shuffled(const struct manifest *m, uint64_t seed, size_t step)
{
    size_t *tests = xcalloc(m->n, sizeof *tests), n = 0;
    for (size_t i = 0; i < m->n; i += step)
        tests[n++] = i;
    shuffle(m, seed, tests, n);
    return tests;
}

/* What keeps the test beside others at one level: its parameters of the session, then with them its
 * file, then that and its parameters of the module, its class, … */
static char *group_of(const struct test *t, int level)
{
    const char *p[PARAMS_KINDS];
    for (int k = 0; k < PARAMS_KINDS; k++)
        p[k] = t->params[k] ? t->params[k] : "";
    const char *file = t->file ? t->file : t->id, *scope = t->scope ? t->scope : t->id;
    if (level && t->format == FORMAT_GTEST)
        return xasprintf("|%.*s", level < 3 ? (int)strlen(t->scope) : (int)strcspn(t->id, "."), t->id);
    if (level == 0)
        return xstrdup(p[PARAMS_SESSION]);
    if (level == 1)
        return xasprintf("%s|%s", p[PARAMS_SESSION], file);
    if (level == 2)
        return xasprintf("%s|%s|%s", p[PARAMS_SESSION], file, p[PARAMS_MODULE]);
    bool function = strcmp(file, scope) == 0;
    return xasprintf("%s|%s|%s|%s|%s", p[PARAMS_SESSION], file, p[PARAMS_MODULE],
                     function ? t->id : scope, p[PARAMS_CLASS]);
}

static void test_nothing_is_torn_apart(void **state)
{
    (void)state;
    struct manifest m;
    size_t n = fill(&m);
    for (uint64_t seed = 0; seed < 50; seed++) {
        size_t *tests = shuffled(&m, seed, 1);
        bool *seen = xcalloc(n, sizeof *seen);
        for (size_t i = 0; i < n; i++) {
            assert_false(seen[tests[i]]);
            seen[tests[i]] = true;
        }
        for (int level = 0; level < 4; level++) {
            struct strv ended = STRV_INIT;
            char *now = xstrdup("");
            for (size_t i = 0; i < n; i++) {
                char *group = group_of(&m.tests[tests[i]], level);
                if (i && strcmp(group, now) != 0) {
                    assert_false(strv_has(&ended, group));
                    strv_push(&ended, now);
                }
                free(now);
                now = group;
            }
            free(now);
            strv_release(&ended);
        }
        free(seen);
        free(tests);
    }
    manifest_release(&m);
}

static void test_the_same_again(void **state)
{
    (void)state;
    struct manifest m;
    size_t n = fill(&m), different = 0;
    for (uint64_t seed = 1; seed < 20; seed++) {
        size_t *a = shuffled(&m, seed, 1), *b = shuffled(&m, seed, 1);
        size_t *other = shuffled(&m, seed << 33, 1), *few = shuffled(&m, seed, 3), at = 0;
        assert_memory_equal(a, b, n * sizeof *a);
        different += memcmp(a, other, n * sizeof *a) != 0;
        /* Among fewer tests each pair keeps its order. */
        for (size_t i = 0; i < n; i++)
            at += at < (n + 2) / 3 && a[i] == few[at];
        assert_int_equal(at, (n + 2) / 3);
        free(a);
        free(b);
        free(other);
        free(few);
    }
    assert_int_equal(different, 19);
    manifest_release(&m);
}

/* Each of the 24 orders of four tests comes up about as often as the others. */
static void check_all_orders(struct manifest *m)
{
    size_t counts[256] = {0}, orders = 0;
    for (uint64_t seed = 0; seed < 4800; seed++) {
        size_t *tests = shuffled(m, seed, 1);
        counts[tests[0] * 64 + tests[1] * 16 + tests[2] * 4 + tests[3]]++;
        free(tests);
    }
    for (size_t i = 0; i < 256; i++)
        if (counts[i]) {
            assert_in_range(counts[i], 120, 290); /* 200 ± 6 standard deviations */
            orders++;
        }
    assert_int_equal(orders, 24);
    manifest_release(m);
}

static void test_every_order_comes_up(void **state)
{
    (void)state;
    struct manifest m;
    manifest_init(&m);
    for (int i = 0; i < 4; i++) {
        char id[] = {(char)('a' + i), '\0'};
        ADD(&m, id, "tap");
    }
    check_all_orders(&m);
    manifest_init(&m);
    add(&m, "a.py", "", "test_1");
    add(&m, "b.py", "", "test_1");
    ADD(&m, "native", "tap");
    add(&m, "c.py", "A", "test_1");
    check_all_orders(&m);
    manifest_init(&m);
    for (int i = 0; i < 4; i++) {
        char name[] = {(char)('1' + i), '\0'};
        add(&m, "a.py", "A", name);
    }
    check_all_orders(&m);
}

/* More classes in each other than anybody has, ids and scopes that do not go together. */
static void test_odd_shapes(void **state)
{
    (void)state;
    struct manifest m;
    manifest_init(&m);
    add(&m, "a.py", "A::B::C::D::E::F::G::H::I::J::K::L", "test");
    add(&m, "a.py", "A::B::C::D::E::F", "test")->params[PARAMS_CLASS] = "x=1";
    ADD(&m, "a.py", "file=a.py");
    ADD(&m, "::", "file=b.py", "scope=a.py::A");
    ADD(&m, "x", "file=a.py", "scope=a.py::");
    size_t *tests = shuffled(&m, UINT64_MAX, 1), sum = 0;
    for (size_t i = 0; i < m.n; i++)
        sum += (size_t)1 << tests[i];
    assert_int_equal(sum, 31);
    shuffle(&m, 0, tests, 0);
    free(tests);
    manifest_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_torn_apart),
        cmocka_unit_test(test_the_same_again),
        cmocka_unit_test(test_every_order_comes_up),
        cmocka_unit_test(test_odd_shapes),
    };
    return cmocka_run_group_tests_name("shuffle", tests, NULL, NULL);
}
