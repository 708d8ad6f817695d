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
#define ID    "20240102-030405-67"

struct fixture {
    char *dir;
    struct manifest m;
    struct plan_settings s;
    struct plan p;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->dir = plantest_enter();
    manifest_init(&f->m);
    f->s = plantest_settings();
    f->s.n_slots = 2;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    plan_release(&f->p);
    manifest_release(&f->m);
    plantest_leave(f->dir);
    free(f);
    return 0;
}

/* Adds n tests of pytest, each a group. */
static void add_groups(struct fixture *f, int n)
{
    char id[16], scope[32];
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof id, "p%d", i);
        snprintf(scope, sizeof scope, "scope=f%d", i);
        ADD(&f->m, id, scope);
    }
}

static void install(struct fixture *f)
{
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    plantest_install(&f->p);
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
    struct fixture *f = *state;
    add_groups(f, 4);
    ADD(&f->m, "s", "scope=s", "serial");
    install(f);
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
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        manifest_release(&f->m);
        add_groups(f, 4);
        plantest_add(&f->m, "x", others[i]);
        install(f);
        assert_int_equal(f->p.n_free, 0);
        assert_int_equal(MAKE(NULL, ALONE, "ROWLOCK_RUN=" ID, "rowlock-take"), 0);
        CALLS("1", "2", "3", "4", "5");
    }
}

/* As many recipes as there would be groups gain nothing. */
static void test_few_groups(void **state)
{
    struct fixture *f = *state;
    add_groups(f, 3);
    install(f);
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
        cmocka_unit_test_setup_teardown(test_the_first_phase_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_few_groups, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("take", tests, NULL, NULL);
}
