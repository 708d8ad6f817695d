/* report/shorts.c, report/summary.c and the sections of report/terminal.c: what -r, --tb,
 * --show-capture and what pytest said itself make of the end of a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "report_fixture.h"

static const struct fixture_test tests[] = {{"t.py::A::test_a[x::y]", "", FORMAT_PYTEST, {NULL}},
                                            {"t.py::test_b", "", FORMAT_PYTEST, {NULL}},
                                            {"t.py::test_c", "", FORMAT_PYTEST, {NULL}},
                                            {"native/d", "", FORMAT_EXEC, {NULL}}};

static void titled(struct fixture *f, enum record_field tag, const char *title, const char *text)
{
    fixture_text(f, FIELD_TITLE, title);
    fixture_text(f, tag, text);
}

/* One that failed in all three phases' company, one whose teardown failed, a skip, a failure. */
static void open_run(struct fixture *f)
{
    fixture_open(f, tests, 4, 0);
    fixture_begin(f, 0, OUTCOME_ERROR);
    fixture_field(f, FIELD_CALL, "\2", 1);
    fixture_text(f, FIELD_MESSAGE, "assert 1");
    fixture_text(f, FIELD_DETAIL, "\nE   assert 1");
    titled(f, FIELD_DETAIL, FIELD_TITLE_TEARDOWN "OSError: no", "error at teardown:\nE   no");
    titled(f, FIELD_STDOUT, "Captured stdout setup", "of setup");
    titled(f, FIELD_LOG, "Captured log call", "of call");
    titled(f, FIELD_STDOUT, "Captured stdout teardown", "of teardown");
    fixture_end(f);
    for (uint32_t i = 1; i < 3; i++) {
        fixture_begin(f, i, OUTCOME_SKIPPED);
        fixture_text(f, FIELD_MESSAGE, "why not");
        fixture_text(f, FIELD_LOCATION, i == 1 ? "t.py:5" : "t.py:7");
        fixture_text(f, FIELD_PLACE, "t.py");
        fixture_end(f);
    }
    fixture_begin(f, 3, OUTCOME_PASSED);
    fixture_text(f, FIELD_STDOUT, "native words");
    fixture_end(f);
    fixture_read(f);
}

static void expect(const struct fixture *f, struct report_style style, const char *text)
{
    style.width = 40;
    style.durations = -1;
    char *got = fixture_terminal(f, &style);
    char *last = strrchr(got, '=');
    while (last > got && last[-1] != '\n')
        last--;
    *last = '\0'; /* the last line has tests of its own */
    assert_string_equal(got, text);
    free(got);
}

#define ERRORS_AND_FAILURES \
    "================ ERRORS ================\n" \
    "_ ERROR at teardown of A.test_a[x::y] __\n" \
    "[gw0] error after 1.0 ms; the test itself failed\n" \
    "E   no\n" \
    "-------- Captured stdout setup ---------\n" \
    "of setup\n" \
    "---------- Captured log call -----------\n" \
    "of call\n" \
    "------- Captured stdout teardown -------\n" \
    "of teardown\n" \
    "=============== FAILURES ===============\n" \
    "____________ A.test_a[x::y] ____________\n" \
    "[gw0] failed after 1.0 ms\n" \
    "\n" \
    "E   assert 1\n" \
    "-------- Captured stdout setup ---------\n" \
    "of setup\n" \
    "---------- Captured log call -----------\n" \
    "of call\n"
#define SHORT_HEAD "======= short test summary info ========\n"
#define SHORT_FAILED "FAILED t.py::A::test_a[x::y] - assert 1\n"
#define SHORT_ERROR "ERROR t.py::A::test_a[x::y] - OSError...\n"

static void test_a_test_that_fails_twice(void **state)
{
    struct fixture f;
    (void)state;
    open_run(&f);
    expect(&f, (struct report_style){0},
           ERRORS_AND_FAILURES SHORT_HEAD SHORT_FAILED SHORT_ERROR);
    char *last = fixture_terminal(&f, &(struct report_style){.width = 60, .tb = "no"});
    assert_non_null(strstr(last, "= 1 failed, 1 passed, 2 skipped, 1 error in 0.00s ="));
    free(last);
    fixture_close(&f);
}

static void test_report_chars(void **state)
{
    static const struct {
        const char *given, *lines;
    } cases[] = {
        {"N", ""},
        {"w", ""},
        {"zN?", ""},
        {"E", SHORT_HEAD SHORT_ERROR},
        {"EF", SHORT_HEAD SHORT_ERROR SHORT_FAILED},
        {"ffE", SHORT_HEAD SHORT_FAILED SHORT_ERROR},
        {"sS", SHORT_HEAD "SKIPPED [2] t.py: why not\n"},
        {"p", SHORT_HEAD "PASSED native/d\n"},
        {"fa", SHORT_HEAD "SKIPPED [2] t.py: why not\n" SHORT_ERROR SHORT_FAILED},
        {"aN", ""},
        {"A", SHORT_HEAD "PASSED native/d\nSKIPPED [2] t.py: why not\n" SHORT_ERROR SHORT_FAILED},
    };
    struct fixture f;
    (void)state;
    open_run(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(&f, (struct report_style){.report_chars = cases[i].given, .tb = "no"},
               cases[i].lines);
    fixture_close(&f);
}

static void test_capture_and_passes(void **state)
{
    struct fixture f;
    (void)state;
    open_run(&f);
    expect(&f, (struct report_style){.report_chars = "P", .show_capture = "log"},
           "================ ERRORS ================\n"
           "_ ERROR at teardown of A.test_a[x::y] __\n"
           "[gw0] error after 1.0 ms; the test itself failed\n"
           "E   no\n"
           "---------- Captured log call -----------\n"
           "of call\n"
           "=============== FAILURES ===============\n"
           "____________ A.test_a[x::y] ____________\n"
           "[gw0] failed after 1.0 ms\n"
           "\n"
           "E   assert 1\n"
           "---------- Captured log call -----------\n"
           "of call\n"
           "================ PASSES ================\n"
           "_______________ native/d _______________\n");
    char *got = fixture_terminal(
        &f, &(struct report_style){.width = 40, .durations = -1, .report_chars = "P"});
    assert_non_null(strstr(got, "================ PASSES ================\n"
                                "_______________ native/d _______________\n"
                                "----------- Captured stdout ------------\n"
                                "native words\n="));
    free(got);
    got = fixture_terminal(&f, &(struct report_style){.width = 40, .show_capture = "no"});
    assert_null(strstr(got, "Captured"));
    free(got);
    expect(&f, (struct report_style){.no_summary = true, .report_chars = "A"}, "");
    fixture_close(&f);
}

static void test_a_line_for_each_failure(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 4, 0);
    fixture_begin(&f, 1, OUTCOME_FAILED);
    fixture_text(&f, FIELD_LOCATION, "t.py:3");
    fixture_text(&f, FIELD_MESSAGE, "assert 1");
    fixture_text(&f, FIELD_DETAIL, "whole");
    fixture_end(&f);
    fixture_begin(&f, 3, OUTCOME_CRASHED);
    fixture_end(&f);
    fixture_read(&f);
    expect(&f, (struct report_style){.tb = "line", .report_chars = "N"},
           "=============== FAILURES ===============\n"
           "t.py:3: assert 1\n"
           "native/d\n");
    fixture_close(&f);
}

static void test_colors_of_a_traceback(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 4, 0);
    fixture_begin(&f, 1, OUTCOME_FAILED);
    fixture_text(&f, FIELD_DETAIL,
                 "\n    def test(): # a:1: b\n>       x\nE   \033[31mno\n\nt.py:3: Error");
    fixture_end(&f);
    fixture_read(&f);
    char *got = fixture_terminal(
        &f, &(struct report_style){.width = 40, .durations = -1, .color = true});
    assert_non_null(strstr(got, "\n\n    def test(): # a:1: b\n>       x\n"
                                "\033[1;31mE   no\033[0m\n\n\033[1;31mt.py\033[0m:3: Error\n"));
    free(got);
    fixture_close(&f);
}

static void write_words(const struct fixture *f, const char *name, const char *text)
{
    struct error err = ERROR_INIT;
    char *path = fixture_path(f, name);
    assert_true(file_write(path, text, strlen(text), &err));
    free(path);
}

static void test_words_stand_around_passes(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 4, 0);
    fixture_begin(&f, 3, OUTCOME_PASSED);
    fixture_text(&f, FIELD_STDOUT, "native words");
    fixture_end(&f);
    fixture_read(&f);
    write_words(&f, "counts", "deselected 4\n");
    write_words(&f, "summary",
                "passes 8\nwarnings 1\ncount 2 rerun\ninstead 1 passed\ninstead 7 failed\n"
                "instead x\ncount 3 \033[1m\nwhat else\n\n"
                "\nbefore\n\n\nbehind \033[1mbold\033[0m\033[2J\n");
    results_read_words(&f.results, f.dir);
    char *got = fixture_terminal(
        &f, &(struct report_style){.width = 70, .durations = -1, .report_chars = "P"});
    const char *passes = strstr(got, " PASSES "), *before = strstr(got, "before\n");
    assert_ptr_equal(before, got);
    assert_true(passes > before && strstr(passes, "\nbehind bold\\x1b[2J\n"));
    assert_non_null(strstr(got, "= 4 deselected, 1 warning, 2 rerun, 3 \\x1b[1m, 3 did "
                                "not run in 0.00s ="));
    free(got);
    results_read_words(&f.results, "/nonexistent");
    fixture_close(&f);
}

static void test_files_that_could_not_be_collected(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 4, 0);
    for (uint32_t i = 0; i < 5; i++) {
        fixture_begin(&f, UINT32_MAX, OUTCOME_ERROR);
        f.rec.kind = RECORD_COLLECT;
        fixture_text(&f, FIELD_TITLE, i ? "other.py" : "bad\n.py");
        fixture_text(&f, FIELD_MESSAGE, "ImportError: x");
        fixture_text(&f, FIELD_DETAIL, "Traceback");
        fixture_end(&f);
    }
    fixture_begin(&f, UINT32_MAX, OUTCOME_SKIPPED);
    f.rec.kind = RECORD_COLLECT;
    fixture_text(&f, FIELD_TITLE, "skips.py");
    fixture_text(&f, FIELD_MESSAGE, "not here");
    fixture_text(&f, FIELD_DETAIL, "skips.py:3");
    fixture_end(&f);
    fixture_read(&f);
    assert_int_equal(f.results.n_errors, 5);
    assert_int_equal(f.results.n_skips, 1);
    assert_int_equal(results_exit_code(&f.results), EXIT_FAILED);
    char *got = fixture_terminal(
        &f, &(struct report_style){.width = 60, .durations = -1, .report_chars = "sE"});
    assert_non_null(strstr(got, "\nSKIPPED [1] skips.py:3: not here\n"));
    assert_non_null(strstr(got, "_ ERROR collecting bad\\x0a.py _"));
    assert_non_null(strstr(got, "_\nTraceback\n_"));
    assert_non_null(strstr(got, "\nERROR bad\\x0a.py - ImportError: x\nERROR other.py - "));
    assert_non_null(strstr(got, " 1 skipped, 5 errors, 4 did not run in "));
    free(got);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_a_test_that_fails_twice),
        cmocka_unit_test(test_report_chars),
        cmocka_unit_test(test_capture_and_passes),
        cmocka_unit_test(test_a_line_for_each_failure),
        cmocka_unit_test(test_colors_of_a_traceback),
        cmocka_unit_test(test_words_stand_around_passes),
        cmocka_unit_test(test_files_that_could_not_be_collected),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
