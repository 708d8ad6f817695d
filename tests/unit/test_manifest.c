/* The manifest as a container: ids, markers, locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest/manifest.h"

static void test_defaults(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    struct test *t = manifest_add(&m, "a", NULL, &err);
    assert_non_null(t);
    assert_string_equal(t->id, "a");
    assert_string_equal(t->suite, "");
    assert_int_equal(t->format, FORMAT_EXEC);
    assert_int_equal(t->weight, 1);
    assert_true(t->expected < 0);
    assert_false(t->serial);
    assert_null(t->origin);
    manifest_release(&m);
    assert_int_equal(m.n, 0);
}

static void test_many_are_found_by_id(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    char id[32];
    manifest_init(&m);
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "t/%d", i);
        assert_non_null(manifest_add(&m, id, "tests.json:3", &err));
    }
    assert_int_equal(map_get(&m.by_id, "t/4321"), 4321);
    assert_string_equal(m.tests[4321].id, "t/4321");
    assert_int_equal(map_get(&m.by_id, "t/5000"), MAP_NONE);
    manifest_release(&m);
}

static void test_twins_are_refused(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    assert_non_null(manifest_add(&m, "db/x", "tests.json:3", &err));
    assert_null(manifest_add(&m, "db/x", "more.json:9", &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_string_equal(err.msg, "more.json:9: the test id 'db/x' is taken already, by the test of "
                                 "tests.json:3; give each test an id of its own");
    assert_null(manifest_add(&m, "db/x", NULL, &err));
    assert_string_equal(err.msg, "the test id 'db/x' is taken already, by the test of "
                                 "tests.json:3; give each test an id of its own");
    assert_int_equal(m.n, 1);
    error_release(&err);
    manifest_release(&m);
}

static void test_hostile_twin_stays_on_one_line(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    char *id = malloc(65537);
    assert_non_null(id);
    memset(id, '\n', 65536);
    id[65536] = '\0';
    manifest_init(&m);
    assert_non_null(manifest_add(&m, id, NULL, &err));
    assert_null(manifest_add(&m, id, NULL, &err));
    assert_null(strchr(err.msg, '\n'));
    assert_true(strlen(err.msg) < 300);
    error_release(&err);
    manifest_release(&m);
    free(id);
}

static void test_markers(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    struct test *t = manifest_add(&m, "a", NULL, &err);
    test_add_marker(&m, t, "unit");
    test_add_marker(&m, t, "serial");
    test_add_marker(&m, t, "unit");
    assert_int_equal(t->n_markers, 2);
    assert_string_equal(t->markers[0].name, "unit");
    assert_true(test_has_marker(t, "serial"));
    assert_false(test_has_marker(t, "seria"));
    manifest_apply_markers(t);
    assert_true(t->serial);
    assert_int_equal(t->weight, 1);
    test_add_marker(&m, t, "resource_intensive");
    manifest_apply_markers(t);
    assert_int_equal(t->weight, 2);
    manifest_release(&m);
}

static void test_locks_are_a_set(void **state)
{
    (void)state;
    struct manifest m;
    struct error err = ERROR_INIT;
    struct strv names = STRV_INIT;
    manifest_init(&m);
    struct test *t = manifest_add(&m, "a", NULL, &err);
    manifest_set_locks(&m, t, &names);
    assert_null(t->locks);
    const char *const given[] = {"db", "a", "db", "port"};
    for (int i = 0; i < 4; i++)
        strv_push(&names, given[i]);
    manifest_set_locks(&m, t, &names);
    assert_string_equal(t->locks[0], "a");
    assert_string_equal(t->locks[1], "db");
    assert_string_equal(t->locks[2], "port");
    assert_null(t->locks[3]);
    strv_release(&names);
    manifest_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_many_are_found_by_id),
        cmocka_unit_test(test_twins_are_refused),
        cmocka_unit_test(test_hostile_twin_stays_on_one_line),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_locks_are_a_set),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
