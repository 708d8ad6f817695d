/* tests.mk with the goal of the driver: which groups workers take one after another. A program in
 * place of rowlock-exec notes what it was called with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "plantest.h"

#define ALONE "-f", ".rowlock/tests.mk"
#define ID    PLANTEST_ID

/* Adds n tests of pytest, each a group; for two workers. */
static void add_groups(struct plantest_case *f, int n)
{
    char id[16], scope[32];
    f->s.n_slots = 2;
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof id, "p%d", i);
        snprintf(scope, sizeof scope, "scope=f%d", i);
        ADD(&f->m, id, scope);
    }
}

/* Were those words called, in that order and no others? One of them follows another's end. */
static void expect_calls(const char *const *words)
{
    char *log = plantest_read("log"), *at = log;
    for (; *words; words++) {
        char *lines = xasprintf("start " ID " %s\nend " ID " %s\n", *words, *words);
        if (strncmp(at, lines, strlen(lines)) != 0)
            fail_msg("%s was to follow: %s", *words, at);
        at += strlen(lines);
        free(lines);
    }
    assert_string_equal(at, "");
    free(log);
    unlink("log");
}
#define CALLS(...) expect_calls((const char *const[]){__VA_ARGS__, NULL})

static void test_the_first_phase_is_taken(void **state)
{
    struct plantest_case *f = *state;
    add_groups(f, 4);
    ADD(&f->m, "s", "scope=s", "serial");
    plantest_case_install(f);
    assert_int_equal(f->p.n_free, 4);
    assert_int_equal(MAKE(NULL, ALONE, "rowlock-take"), 0);
    CALLS("begin", "take", "take", "take", "5", "end");
    /* The driver has begun the run, and ends it. */
    assert_int_equal(MAKE(NULL, ALONE, "ROWLOCK_RUN=" ID, "rowlock-take"), 0);
    CALLS("take", "take", "take", "5");
    assert_int_equal(MAKE(NULL, ALONE, "ROWLOCK_RUN=another", "all"), 0);
    CALLS("begin", "1", "2", "3", "4", "5", "end");
}

static void test_what_is_not_taken(void **state)
{
    static const char *const others[][3] = {
        {"scope=x", "locks=a"}, {"scope=x", "weight=2"}, {"scope=x", "depends=p0"}, {"expected=1"}};
    struct plantest_case *f = *state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        manifest_release(&f->m);
        add_groups(f, 4);
        plantest_add(&f->m, "x", others[i]);
        plantest_case_install(f);
        assert_int_equal(f->p.n_free, 0);
        assert_int_equal(MAKE(NULL, ALONE, "ROWLOCK_RUN=" ID, "rowlock-take"), 0);
        CALLS("1", "2", "3", "4", "5");
    }
}

/* As many recipes as there would be groups gain nothing. */
static void test_few_groups(void **state)
{
    struct plantest_case *f = *state;
    add_groups(f, 3);
    plantest_case_install(f);
    assert_int_equal(f->p.n_free, 3);
    assert_int_equal(MAKE(NULL, ALONE, "ROWLOCK_RUN=" ID, "rowlock-take"), 0);
    CALLS("1", "2", "3");
}

int main(int argc, char **argv)
{
    int other = plantest_main(argc, argv);
    if (other >= 0)
        return other;
    unsetenv("MAKEFILES");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_phase_is_taken, plantest_set_up, plantest_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_taken, plantest_set_up, plantest_tear_down),
        cmocka_unit_test_setup_teardown(test_few_groups, plantest_set_up, plantest_tear_down),
    };
    return cmocka_run_group_tests_name("take", tests, NULL, NULL);
}
