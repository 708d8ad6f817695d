/* Which tests are left: -m, -k, --deselect, and arguments of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "plan/select.h"
#include "plantest.h"

struct selecting {
    char *dir;
    struct manifest m;
    struct options o;
    struct selection s;
    struct error err;
};

static int set_up(void **state)
{
    struct selecting *s = xcalloc(1, sizeof *s);
    s->dir = plantest_enter();
    manifest_init(&s->m);
    options_init(&s->o);
    ADD(&s->m, "db/migrate", "command=./migrate", "marker=serial", "suite=sql");
    ADD(&s->m, "db/sub/dump", "command=build/dump", "marker=slow", "suite=sql");
    ADD(&s->m, "net", "command=python3", "marker=slow", "marker=unit");
    ADD(&s->m, "dbx", "command=./run", "cwd=build/deep");
    ADD(&s->m, "./odd/", "command=/bin/true");
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct selecting *s = *state;
    options_release(&s->o);
    selection_release(&s->s);
    manifest_release(&s->m);
    error_release(&s->err);
    plantest_leave(s->dir);
    free(s);
    return 0;
}

/* The selected tests as letters: a for the first test, and so on; "!" when it is refused. */
static void expect(struct selecting *s, const bool *is_pytest, const char *want)
{
    char got[64] = "!";
    selection_release(&s->s);
    error_release(&s->err);
    if (selection_make(&s->s, &s->m, &s->o, is_pytest, &s->err)) {
        for (size_t i = 0; i < s->s.n; i++)
            got[i] = (char)('a' + s->s.tests[i]);
        got[s->s.n] = '\0';
    }
    assert_string_equal(got, want);
}

static void set_arguments(struct selecting *s, const char *const *words)
{
    strv_release(&s->o.test_paths);
    for (; *words; words++)
        strv_push(&s->o.test_paths, *words);
}
#define ARGUMENTS(s, ...) set_arguments(s, (const char *const[]){__VA_ARGS__, NULL})

static void test_everything_by_default(void **state)
{
    expect(*state, NULL, "abcde");
    assert_int_equal(((struct selecting *)*state)->s.deselected, 0);
}

static void test_markers_and_keywords(void **state)
{
    struct selecting *s = *state;
    static const struct {
        const char *markers, *keyword, *want;
    } rows[] = {
        {"slow", NULL, "bc"},      {"slow and not unit", NULL, "b"},
        {"", "", "abcde"},         {"serial", NULL, "a"},
        {NULL, "DB", "abd"},       {NULL, "sql or net", "abc"},
        {NULL, "not slow", "ade"}, {"slow", "dump", "b"},
        {"none", NULL, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        free(s->o.markers);
        free(s->o.keyword);
        s->o.markers = rows[i].markers ? xstrdup(rows[i].markers) : NULL;
        s->o.keyword = rows[i].keyword ? xstrdup(rows[i].keyword) : NULL;
        expect(s, NULL, rows[i].want);
        assert_int_equal(s->s.n + s->s.deselected, 5);
    }
}

static void test_bad_expressions(void **state)
{
    struct selecting *s = *state;
    s->o.markers = xstrdup("slow and (");
    expect(s, NULL, "!");
    assert_int_equal(s->err.code, EXIT_USAGE);
    free(s->o.markers);
    s->o.markers = NULL;
    s->o.keyword = xstrdup("or");
    expect(s, NULL, "!");
    assert_int_equal(s->err.code, EXIT_USAGE);
}

static void test_arguments(void **state)
{
    struct selecting *s = *state;
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"db/migrate", "a"},     {"net", "c"},        {"dbx", "d"},
        {"sql", "ab"},           {"db", "ab"},        {"db/", "ab"},
        {"./db//", "ab"},        {"db/sub", "b"},     {"./migrate", "a"},
        {"migrate", "a"},        {"build/dump", "b"}, {"build", "bd"},
        {"build/deep/run", "d"}, {"./odd/", "e"},     {".", "abcde"},
        {"/bin/true", "e"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ARGUMENTS(s, rows[i].word);
        expect(s, NULL, rows[i].want);
        assert_int_equal(s->s.deselected, 0);
    }
    ARGUMENTS(s, "net", "db/migrate", "net");
    expect(s, NULL, "ac");
    char *absolute = path_absolute("migrate");
    ARGUMENTS(s, absolute);
    expect(s, NULL, "a");
    free(absolute);
}

static void test_arguments_that_mean_nothing(void **state)
{
    struct selecting *s = *state;
    ARGUMENTS(s, "net", "db/migrat");
    expect(s, NULL, "!");
    assert_int_equal(s->err.code, EXIT_USAGE);
    assert_string_equal(s->err.msg, "'db/migrat' is no test, suite, folder or file; did you mean "
                                    "'db/migrate'?");
    ARGUMENTS(s, "zzzzzzzz\n");
    expect(s, NULL, "!");
    assert_string_equal(s->err.msg, "'zzzzzzzz\\n' is no test, suite, folder or file; 'rowlock "
                                    "list' prints the ids");
    ARGUMENTS(s, "");
    expect(s, NULL, "!");
    ARGUMENTS(s, "d");
    expect(s, NULL, "!");
    ARGUMENTS(s, "b/migrate");
    expect(s, NULL, "!");
}

static void test_pytest_tests_pass(void **state)
{
    struct selecting *s = *state;
    ADD(&s->m, "tests/a.py::t", "scope=tests/a.py", "marker=unit");
    s->o.markers = xstrdup("serial");
    expect(s, NULL, "af");
    assert_int_equal(s->s.deselected, 4);
    free(s->o.markers);
    s->o.markers = NULL;
    strv_push(&s->o.deselect, "tests/a.py::t");
    expect(s, NULL, "abcdef");
}

static void test_arguments_of_pytest(void **state)
{
    struct selecting *s = *state;
    ADD(&s->m, "tests/a.py::t", "scope=tests/a.py");
    static const bool flags[] = {true, false};
    ARGUMENTS(s, "tests");
    expect(s, flags, "f");
    ARGUMENTS(s, "tests", "net");
    expect(s, flags, "cf");
    /* Nobody has said whose "tests" is. */
    expect(s, NULL, "cf");
    /* db is a folder of pytest's here, so db/migrate is not meant. */
    ARGUMENTS(s, "db");
    expect(s, flags, "f");
}

static void test_deselect(void **state)
{
    struct selecting *s = *state;
    strv_push(&s->o.deselect, "db/sub/dump");
    strv_push(&s->o.deselect, "no such test");
    expect(s, NULL, "acde");
    assert_int_equal(s->s.deselected, 1);
    strv_push(&s->o.deselect, "db");
    expect(s, NULL, "cde");
    ARGUMENTS(s, "sql", "net");
    expect(s, NULL, "c");
    assert_int_equal(s->s.deselected, 2);
}

static void test_ids_of_any_shape(void **state)
{
    struct selecting *s = *state;
    char *slashes = malloc(65537);
    assert_non_null(slashes);
    memset(slashes, '/', 65536);
    slashes[65536] = '\0';
    ADD0(&s->m, slashes);
    ADD0(&s->m, "$(x)/\xff\n");
    ARGUMENTS(s, "$(x)", slashes);
    expect(s, NULL, "fg");
    free(slashes);
}

/* What has failed last, of all formats together; away is what --lf has deselected. */
static void test_last_failed(void **state)
{
    struct selecting *s = *state;
    char *net[] = {(char *)"net", NULL};
    ADD(&s->m, "t.py::a", "file=t.py");
    ADD(&s->m, "t.py::b", "file=t.py");
    s->m.tests[1].brings = net;
    s->o.last_failed = true;
    expect(s, NULL, "abcdefg");
    assert_string_equal(s->s.last_failed, "no previously failed tests, not deselecting items.");
    s->m.pytest_failures = 2;
    expect(s, NULL, "abcdefg");
    assert_string_equal(s->s.last_failed, "2 known failures not in selected tests");
    s->m.tests[1].failed = true; /* db/sub/dump alone: no test of pytest's */
    expect(s, NULL, "bc"); /* it brings net */
    assert_int_equal(s->s.deselected, 5);
    assert_string_equal(s->s.last_failed, "rerun previous 1 failure");
    s->m.tests[6].failed = true;
    expect(s, NULL, "bcg");
    assert_int_equal(s->s.deselected, 4);
    assert_string_equal(s->s.last_failed, "rerun previous 2 failures");
    s->o.keyword = xstrdup("not dump");
    expect(s, NULL, "g");
    s->m.tests[6].failed = false;
    expect(s, NULL, "acdefg");
    assert_string_equal(s->s.last_failed, "3 known failures not in selected tests");
    s->m.pytest_failures = 0;
    s->m.tests[1].failed = false;
    s->o.no_failures = xstrdup("none");
    expect(s, NULL, "");
    assert_int_equal(s->s.deselected, 7);
    assert_string_equal(s->s.last_failed, "no previously failed tests, deselecting all items.");
}

static void test_first_those_that_failed_or_never_ran(void **state)
{
    struct selecting *s = *state;
    s->m.tests[1].failed = s->m.tests[3].failed = true;
    s->m.tests[4].never_ran = true;
    s->o.failed_first = true;
    expect(s, NULL, "bdace");
    assert_int_equal(s->s.deselected, 0);
    assert_string_equal(s->s.last_failed, "rerun previous 2 failures first");
    s->o.new_first = true; /* pytest has this one last, so that it counts more */
    expect(s, NULL, "ebdac");
    s->o.failed_first = false;
    expect(s, NULL, "eabcd");
    assert_null(s->s.last_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything_by_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_markers_and_keywords, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_expressions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arguments_that_mean_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pytest_tests_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arguments_of_pytest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deselect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ids_of_any_shape, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_those_that_failed_or_never_ran, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
