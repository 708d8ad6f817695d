/* What the zygote collected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "manifest/pytestjson.h"
#include "plantest.h"

struct reading {
    char *dir;
    struct manifest m;
    struct pytest_info info;
    struct error err;
};

static int set_up(void **state)
{
    struct reading *r = xcalloc(1, sizeof *r);
    r->dir = plantest_enter();
    manifest_init(&r->m);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct reading *r = *state;
    pytest_info_release(&r->info);
    manifest_release(&r->m);
    error_release(&r->err);
    plantest_leave(r->dir);
    free(r);
    return 0;
}

static bool read_text(struct reading *r, const char *text)
{
    pytest_info_release(&r->info);
    error_release(&r->err);
    plantest_write("pytest.json", text);
    return pytestjson_read(&r->m, "py", "pytest.json", &r->info, &r->err);
}

static void test_collection(void **state)
{
    struct reading *r = *state;
    bool ok = read_text(
        r,
        "{\"pytest\": \"8.3.1\", \"python\": \"3.11.7\", \"rootdir\": \"/x\", \"inipath\": null,"
        " \"deselected\": 3, \"markers\": [\"slow\"], \"options\": {\"x\": []},"
        " \"worker_start\": \"spawn\", \"worker_start_note\": \"because\","
        " \"tests\": [{\"id\": \"tests/test_a.py::TestX::test_y[a::b]\","
        "   \"file\": \"tests/test_a.py\", \"scope\": \"tests/test_a.py::TestX::test_y[a\","
        "   \"group\": \"db\", \"markers\": [{\"name\": \"device\", \"args\": [1],"
        "   \"kwargs\": {\"serial\": \"x\", \"n\": 3, \"on\": true, \"off\": false,"
        "   \"none\": null, \"half\": 0.5, \"list\": [1], \"big\": 1e300}}, {\"name\": \"slow\"}],"
        "   \"keywords\": [\"k\"], \"serial\": true, \"locks\": [\"b\", \"a\"], \"weight\": 2,"
        "   \"timeout\": 1.5},"
        "  {\"id\": \"tests/test_a.py::test_z\", \"file\": \"tests/test_a.py\","
        "   \"scope\": \"tests/test_a.py\", \"group\": null, \"markers\": [], \"keywords\": [],"
        "   \"serial\": false, \"locks\": [], \"weight\": 1, \"timeout\": null}]}");
    if (!ok)
        fail_msg("%s", r->err.msg);
    assert_string_equal(r->info.pytest_version, "8.3.1");
    assert_string_equal(r->info.python_version, "3.11.7");
    assert_string_equal(r->info.start_note, "because");
    assert_int_equal(r->info.deselected, 3);
    assert_int_equal(r->info.collected, 2);
    const struct test *t = r->m.tests;
    assert_int_equal(t->format, FORMAT_PYTEST);
    assert_string_equal(t->suite, "py");
    assert_string_equal(t->file, "tests/test_a.py");
    assert_string_equal(t->scope, "tests/test_a.py::TestX::test_y[a");
    assert_string_equal(t->group, "db");
    assert_true(t->serial);
    assert_int_equal(t->weight, 2);
    assert_true(t->timeout > 1.4 && t->timeout < 1.6);
    assert_string_equal(t->locks[0], "a");
    assert_string_equal(t->locks[1], "b");
    assert_null(t->locks[2]);
    assert_null(t->command);
    assert_int_equal(t->n_markers, 2);
    static const int types[] = {ARG_STR,  ARG_INT,   ARG_BOOL,  ARG_BOOL,
                                ARG_NONE, ARG_OTHER, ARG_OTHER, ARG_OTHER};
    const struct marker *device = &t->markers[0];
    assert_int_equal(device->n_args, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(device->args[i].type, types[i]);
    assert_string_equal(device->args[0].name, "serial");
    assert_string_equal(device->args[0].str, "x");
    assert_int_equal(device->args[1].integer, 3);
    assert_int_equal(device->args[2].integer, 1);
    assert_int_equal(device->args[3].integer, 0);
    assert_string_equal(t->markers[1].name, "slow");
    t++;
    assert_null(t->group);
    assert_null(t->locks);
    assert_false(t->serial);
    assert_true(t->timeout <= 0);
    assert_string_equal(t->scope, "tests/test_a.py");
}

static void test_choices_of_the_project(void **state)
{
    struct reading *r = *state;
    assert_true(read_text(r, "{\"tests\": []}"));
    assert_int_equal(r->info.workers, -1);
    assert_string_equal(r->info.dist, "");
    assert_int_equal(r->info.notes.n, 0);
    assert_true(read_text(r, "{\"workers\": 3, \"dist\": \"loadfile\", \"notes\": [\"a b\"],"
                             " \"tests\": []}"));
    assert_int_equal(r->info.workers, 3);
    assert_string_equal(r->info.dist, "loadfile");
    assert_int_equal(r->info.notes.n, 1);
    assert_string_equal(r->info.notes.v[0], "a b");
}

static void test_scope_and_file_follow_from_the_id(void **state)
{
    static const struct {
        const char *id, *file, *scope;
    } rows[] = {
        {"a/b.py::C::m", "a/b.py", "a/b.py::C"},
        {"a/b.py::m", "a/b.py", "a/b.py"},
        {"a/b.txt", "a/b.txt", "a/b.txt"},
        {"::m", "", ""},
        {"a:::m", "a", "a:"},
    };
    struct reading *r = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf("{\"tests\": [{\"id\": \"%s\"}]}", rows[i].id);
        assert_true(read_text(r, text));
        assert_string_equal(r->m.tests[i].file, rows[i].file);
        assert_string_equal(r->m.tests[i].scope, rows[i].scope);
        free(text);
    }
}

static void test_clash_with_a_native_test(void **state)
{
    struct reading *r = *state;
    struct error err = ERROR_INIT;
    assert_non_null(manifest_add(&r->m, "a.py::t", "tests.json:4", &err));
    assert_false(read_text(r, "{\"tests\": [{\"id\": \"a.py::t\"}]}"));
    assert_int_equal(r->err.code, EXIT_USAGE);
    assert_string_equal(r->err.msg, "a.py: the test id 'a.py::t' is taken already, by the test of "
                                    "tests.json:4; give each test an id of its own");
}

static void test_malformed_files_are_internal_errors(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"tests\": {}}",
        "{\"tests\": [1]}",
        "{\"tests\": [{}]}",
        "{\"workers\": -1, \"tests\": []}",
        "{\"workers\": \"3\", \"tests\": []}",
        "{\"notes\": [1], \"tests\": []}",
        "{\"tests\": [{\"id\": \"\"}]}",
        "{\"tests\": [{\"id\": 1}]}",
        "{\"tests\": [{\"id\": \"x\", \"markers\": {}}]}",
        "{\"tests\": [{\"id\": \"x\", \"markers\": [1]}]}",
        "{\"tests\": [{\"id\": \"x\", \"markers\": [{}]}]}",
        "{\"tests\": [{\"id\": \"x\", \"markers\": [{\"name\": \"m\", \"kwargs\": []}]}]}",
        "{\"tests\": [{\"id\": \"x\", \"locks\": [1]}]}",
        "{\"tests\": [{\"id\": \"x\", \"weight\": 0}]}",
        "{\"tests\": [{\"id\": \"x\", \"weight\": \"1\"}]}",
        "{\"tests\": [{\"id\": \"x\", \"timeout\": -1}]}",
        "{\"tests\": [{\"id\": \"x\", \"timeout\": []}]}",
        "{\"tests\": [{\"id\": \"x\"}",
    };
    struct reading *r = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        manifest_release(&r->m);
        if (read_text(r, texts[i]))
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(r->err.code, EXIT_INTERNAL);
        assert_non_null(strstr(r->err.msg, "pytest.json:1:"));
    }
    manifest_release(&r->m);
    assert_false(pytestjson_read(&r->m, "py", "missing.json", &r->info, &r->err));
    assert_int_equal(r->err.code, EXIT_INTERNAL);
}

static void test_a_nul_in_a_marker_does_no_harm(void **state)
{
    struct reading *r = *state;
    assert_true(read_text(r, "{\"tests\": [{\"id\": \"x\", \"markers\": [{\"name\": \"m\","
                             " \"kwargs\": {\"k\": \"a\\u0000b\"}}]}]}"));
    assert_string_equal(r->m.tests[0].markers[0].args[0].str, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_collection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_choices_of_the_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scope_and_file_follow_from_the_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clash_with_a_native_test, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_files_are_internal_errors, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_nul_in_a_marker_does_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("pytestjson", tests, NULL, NULL);
}
