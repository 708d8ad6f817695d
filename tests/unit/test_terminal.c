/* report/terminal.c and report/text.c: the exact text of the end of a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "report_fixture.h"

static const char at_80[] =
    "==================================== ERRORS ====================================\n"
    "______________________ ERROR at teardown of test_fixture _______________________\n"
    "[gw0] error after 2.0 ms; the test itself passed\n"
    "E   OSError: cannot close\n"
    "tests/conftest.py:9: OSError\n"
    "=================================== FAILURES ===================================\n"
    "______________________________ TestAdd.test_large ______________________________\n"
    "[gw1] failed after 340 ms, 34 MB\n"
    "    def test_large(self):\n"
    ">       assert add(1, 2) == 4\n"
    "E       AssertionError: assert 3 == 4\n"
    "\n"
    "tests/test_math.py:12: AssertionError\n"
    "------------------------------- Captured stdout --------------------------------\n"
    "adding 1 and 2\n"
    "------------------------------- Captured stderr --------------------------------\n"
    "a warning\n"
    "--------------------------------- Captured log ---------------------------------\n"
    "INFO math:math.py:3 adding\n"
    "__________________________________ db/migrate __________________________________\n"
    "[gw0] crashed after 2.0 s, 5.3 MB\n"
    "ended by signal 11 (Segmentation fault)\n"
    "------------------------------- Captured stderr --------------------------------\n"
    "about to migrate\n"
    "_________________________________ native/slow __________________________________\n"
    "[gw1] timed out after 2 m 03 s\n"
    "timed out after 123.0 s\n"
    "left running: 4711 sleep\n"
    "__________________________________ t/basic.t ___________________________________\n"
    "[gw0] failed after 1.0 ms\n"
    "1 of 4 test points failed\n"
    "not ok 2 - subtracts\n"
    "#   Failed test 'subtracts'\n"
    "==================================== notes =====================================\n"
    "worker gw0 was replaced\n"
    "build/daemon left running: 4712 server, 4713 sh\n"
    "============================= slowest 3 durations ==============================\n"
    "     time       cpu   memory  test\n"
    " 2 m 03 s    0.0 ms        -  native/slow\n"
    "    2.0 s    0.0 ms   5.3 MB  db/migrate\n"
    "   340 ms    210 ms    34 MB  tests/test_math.py::TestAdd::test_large\n"
    "=========================== short test summary info ============================\n"
    "FLAKY tests/test_db.py::test_network - connection refused\n"
    "SKIPPED [1] t/basic.t: divides\n"
    "SKIPPED [1] tests/test_db.py:7: needs a database\n"
    "XFAIL t/basic.t - 4\n"
    "XFAIL tests/test_db.py::test_todo - known bug\n"
    "ERROR tests/test_db.py::test_fixture - OSError: cannot close\n"
    "FAILED tests/test_math.py::TestAdd::test_large - AssertionError: assert 3 == 4\n"
    "CRASHED db/migrate - ended by signal 11 (Segmentation fault)\n"
    "TIMEOUT native/slow - timed out after 123.0 s\n"
    "FAILED t/basic.t - 2 - subtracts\n"
    "= 2 failed, 1 crashed, 1 timed out, 4 passed, 1 flaky, 2 skipped, 2 xfailed, 1 e"
    "rror, 1 rerun, 1 did not run in 3.21s =\n";

static const char at_40[] =
    "================ ERRORS ================\n"
    "__ ERROR at teardown of test_fixture ___\n"
    "[gw0] error after 2.0 ms; the test itself passed\n"
    "E   OSError: cannot close\n"
    "tests/conftest.py:9: OSError\n"
    "=============== FAILURES ===============\n"
    "__________ TestAdd.test_large __________\n"
    "[gw1] failed after 340 ms, 34 MB\n"
    "    def test_large(self):\n"
    ">       assert add(1, 2) == 4\n"
    "E       AssertionError: assert 3 == 4\n"
    "\n"
    "tests/test_math.py:12: AssertionError\n"
    "----------- Captured stdout ------------\n"
    "adding 1 and 2\n"
    "----------- Captured stderr ------------\n"
    "a warning\n"
    "------------- Captured log -------------\n"
    "INFO math:math.py:3 adding\n"
    "______________ db/migrate ______________\n"
    "[gw0] crashed after 2.0 s, 5.3 MB\n"
    "ended by signal 11 (Segmentation fault)\n"
    "----------- Captured stderr ------------\n"
    "about to migrate\n"
    "_____________ native/slow ______________\n"
    "[gw1] timed out after 2 m 03 s\n"
    "timed out after 123.0 s\n"
    "left running: 4711 sleep\n"
    "______________ t/basic.t _______________\n"
    "[gw0] failed after 1.0 ms\n"
    "1 of 4 test points failed\n"
    "not ok 2 - subtracts\n"
    "#   Failed test 'subtracts'\n"
    "================ notes =================\n"
    "worker gw0 was replaced\n"
    "build/daemon left running: 4712 server, 4713 sh\n"
    "========= slowest 3 durations ==========\n"
    "     time       cpu   memory  test\n"
    " 2 m 03 s    0.0 ms        -  native/slow\n"
    "    2.0 s    0.0 ms   5.3 MB  db/migrate\n"
    "   340 ms    210 ms    34 MB  tests/test_math.py::TestAdd::test_large\n"
    "======= short test summary info ========\n"
    "FLAKY tests/test_db.py::test_network\n"
    "FAILED tests/test_math.py::TestAdd::test_large\n"
    "CRASHED db/migrate - ended by signal ...\n"
    "TIMEOUT native/slow - timed out after...\n"
    "FAILED t/basic.t - 2 - subtracts\n"
    "ERROR tests/test_db.py::test_fixture\n"
    "= 2 failed, 1 crashed, 1 timed out, 4 passed, 1 flaky, 2 skipped, 2 xfailed, 1 e"
    "rror, 1 rerun, 1 did not run in 3.21s =\n";

static const char quiet[] =
    "==================================== notes =====================================\n"
    "worker gw0 was replaced\n"
    "build/daemon left running: 4712 server, 4713 sh\n"
    "2 failed, 1 crashed, 1 timed out, 4 passed, 1 flaky, 2 skipped, 2 xfailed, 1 err"
    "or, 1 rerun, 1 did not run in 3.21s\n";

static const struct fixture_test one[] = {{"a::test", "", FORMAT_PYTEST, {NULL}}};

static void expect(const struct fixture *f, const struct report_style *style, const char *text)
{
    char *got = fixture_terminal(f, style);
    assert_string_equal(got, text);
    free(got);
}

static void test_whole_report(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    expect(&f, &(struct report_style){.width = 80, .report_chars = "a", .durations = 3}, at_80);
    expect(&f, &(struct report_style){.width = 40, .durations = 3}, at_40);
    expect(&f,
           &(struct report_style){.width = 80, .verbose = -1, .no_summary = true, .durations = 3},
           quiet);
    fixture_close(&f);
}

/* One test with this outcome and message, at this width, without its failure section. */
static void expect_short(enum outcome o, const char *message, int width, const char *line)
{
    struct fixture f;
    fixture_open(&f, one, 1, 0);
    fixture_begin(&f, 0, o);
    fixture_text(&f, FIELD_MESSAGE, message);
    fixture_end(&f);
    fixture_read(&f);
    char *got =
        fixture_terminal(&f,
                         &(struct report_style){.width = width, .tb = "no", .durations = -1});
    char *second = strchr(got, '\n') + 1; /* behind the rule */
    *(strchr(second, '\n') + 1) = '\0';
    assert_string_equal(second, line);
    free(got);
    fixture_close(&f);
}

static void test_short_lines_are_cut_by_columns(void **state)
{
    (void)state;
    expect_short(OUTCOME_FAILED, "0123456789", 27, "FAILED a::test - 0123456789\n");
    expect_short(OUTCOME_FAILED, "0123456789", 26, "FAILED a::test - 012345...\n");
    expect_short(OUTCOME_FAILED, "0123456789", 20, "FAILED a::test - ...\n");
    expect_short(OUTCOME_FAILED, "0123456789", 19, "FAILED a::test\n");
    expect_short(OUTCOME_FAILED, "first\nsecond", 80, "FAILED a::test - first\n");
    expect_short(OUTCOME_FAILED, "\n", 80, "FAILED a::test\n");
    /* two columns each, then a combining accent that takes none */
    expect_short(OUTCOME_FAILED, "日本語日本語", 29, "FAILED a::test - 日本語日本語\n");
    expect_short(OUTCOME_FAILED, "日本語日本語", 28, "FAILED a::test - 日本語日...\n");
    expect_short(OUTCOME_FAILED, "日本語日本語", 27, "FAILED a::test - 日本語...\n");
    expect_short(OUTCOME_FAILED, "e\xcc\x81t\xc3\xa9", 20, "FAILED a::test - e\xcc\x81t\xc3\xa9\n");
    expect_short(OUTCOME_ERROR, "\xff\x1b", 80, "ERROR a::test - \\xff\\x1b\n");
    expect_short(OUTCOME_ERROR, "\x1b[31mred\x1b[0m", 80, "ERROR a::test - red\n");
}

static void expect_last(const struct fixture *f, struct report_style style, const char *line)
{
    char *got = fixture_terminal(f, &style);
    size_t len = strlen(got);
    assert_true(len > 1);
    got[len - 1] = '\0';
    const char *last = strrchr(got, '\n');
    assert_string_equal(last ? last + 1 : got, line);
    free(got);
}

static void test_last_line(void **state)
{
    struct fixture f;
    struct report_style plain = {.width = 60, .durations = -1};
    struct report_style color = {.width = 60, .durations = -1, .color = true};
    (void)state;
    fixture_open(&f, one, 0, 0);
    fixture_read(&f);
    expect_last(&f, plain, "================== no tests ran in 0.00s ===================");
    expect_last(&f, color,
                "\033[33m==================\033[0m \033[33mno tests ran\033[0m\033[33m "
                "in 0.00s\033[0m \033[33m===================\033[0m");
    size_t *n = f.results.counts;
    n[OUTCOME_PASSED] = 12;
    n[OUTCOME_SKIPPED] = 2;
    f.results.wall_seconds = 3723.5;
    expect_last(&f, plain, "======== 12 passed, 2 skipped in 3723.50s (1:02:03) ========");
    f.results.wall_seconds = 3.21;
    expect_last(&f, color,
                "\033[32m==============\033[0m \033[1;32m12 passed\033[0m, \033[33m2 "
                "skipped\033[0m\033[32m in 3.21s\033[0m \033[32m==============="
                "\033[0m");
    n[OUTCOME_FAILED] = 1;
    expect_last(&f, plain, "========= 1 failed, 12 passed, 2 skipped in 3.21s ==========");
    expect_last(&f, color,
                "\033[31m=========\033[0m \033[1;31m1 failed\033[0m, \033[32m12 passed"
                "\033[0m, \033[33m2 skipped\033[0m\033[31m in 3.21s\033[0m \033[31m"
                "==========\033[0m");
    n[OUTCOME_FAILED] = n[OUTCOME_SKIPPED] = 0;
    n[OUTCOME_PASSED] = 5;
    n[OUTCOME_NONE] = 3;
    expect_last(&f, plain, "============= 5 passed, 3 did not run in 3.21s =============");
    plain.interrupted = true;
    expect_last(&f, plain, "====== interrupted: 5 passed, 3 did not run in 3.21s =======");
    plain.interrupted = false;
    f.results.interrupted = true;
    plain.verbose = -1;
    expect_last(&f, plain, "interrupted: 5 passed, 3 did not run in 3.21s");
    fixture_close(&f);
}

static void test_colors_in_output(void **state)
{
    static const char out[] = "\033[32mgreen\033[0m \033[1;38;5;9mbold\n\033[2Jcleared \033[31";
    struct fixture f;
    (void)state;
    fixture_open(&f, one, 1, 0);
    fixture_begin(&f, 0, OUTCOME_FAILED);
    fixture_text(&f, FIELD_STDOUT, out);
    fixture_end(&f);
    fixture_read(&f);
    char *plain = fixture_terminal(&f, &(struct report_style){.width = 40, .durations = -1});
    assert_non_null(strstr(plain, "\ngreen bold\n\\x1b[2Jcleared \\x1b[31\n"));
    assert_null(strchr(plain, '\033'));
    char *color =
        fixture_terminal(&f, &(struct report_style){.width = 40, .durations = -1, .color = true});
    assert_non_null(strstr(color, "\n\033[32mgreen\033[0m \033[1;38;5;9mbold\n"
                                  "\\x1b[2Jcleared \\x1b[31\033[0m\n"));
    free(plain);
    free(color);
    fixture_close(&f);
}

/* Whatever the tests say, the terminal gets printable UTF-8 and nothing else. */
static void test_hostile_bytes_are_escaped(void **state)
{
    struct fixture f;
    (void)state;
    fixture_hostile(&f);
    char *got = fixture_terminal(&f, &(struct report_style){.width = 80, .verbose = 1});
    size_t len = strlen(got);
    for (size_t i = 0; i < len;) {
        int32_t cp;
        i += text_char(got + i, len - i, &cp);
        assert_true(cp == '\n' || cp == '\t' || (cp >= 0x20 && cp < 0x7f) || cp > 0x9f);
    }
    assert_non_null(strstr(got, "before\\x00after\n"));
    assert_non_null(strstr(got, "FAILED a\"b'<&>]]>\\\\x0a\\x09\\x0d\\x1b[31m\\x07\\x7f\\xff\\xc0"
                                "\\xaf\\xed\\xa0\\x80\xef\xbf\xbe$(x)`y`\xc3\xa9"));
    free(got);
    fixture_close(&f);
}

static void test_notes_are_bounded(void **state)
{
    enum { N = 13 };
    struct fixture_test tests[N];
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct fixture_test){"t", "", FORMAT_EXEC, {NULL}};
    fixture_open(&f, tests, N, 0);
    for (uint32_t i = 0; i < N; i++) {
        fixture_begin(&f, i, OUTCOME_PASSED);
        fixture_text(&f, FIELD_LEFTOVER, "1 sh");
        fixture_end(&f);
    }
    fixture_read(&f);
    f.results.torn = 2;
    char *got = fixture_terminal(&f, &(struct report_style){.width = 40, .durations = -1});
    assert_non_null(strstr(got, "the journal is damaged in 2 places"));
    size_t lines = 0;
    for (const char *p = got; (p = strstr(p, "t left running: 1 sh\n")) != NULL; p++)
        lines++;
    assert_int_equal(lines, 10);
    assert_non_null(strstr(got, "... and 3 more tests that left processes running\n"));
    free(got);
    fixture_close(&f);
}

static void test_many_points_are_bounded(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, one, 1, 0);
    fixture_begin(&f, 0, OUTCOME_FAILED);
    for (int i = 0; i < 60; i++)
        fixture_point(&f, OUTCOME_FAILED, "p");
    fixture_end(&f);
    fixture_read(&f);
    char *got = fixture_terminal(&f, &(struct report_style){.width = 80, .durations = -1});
    assert_non_null(strstr(got, "not ok 50 - p\n... and 10 more points that failed\n"));
    assert_null(strstr(got, "not ok 51"));
    assert_non_null(strstr(got, "FAILED a::test - 10 - p\n"
                                "FAILED a::test - ... and 50 more of its points\n="));
    assert_non_null(strstr(got, "= 60 failed in 0.00s ="));
    free(got);
    fixture_close(&f);
}

static void test_durations(void **state)
{
    static const struct fixture_test tests[] = {{"quick", "", FORMAT_EXEC, {NULL}},
                                                {"slow", "", FORMAT_EXEC, {NULL}},
                                                {"quick too", "", FORMAT_EXEC, {NULL}},
                                                {"none", "", FORMAT_EXEC, {NULL}}};
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 4, 0);
    for (uint32_t i = 0; i < 3; i++) {
        fixture_begin(&f, i, OUTCOME_PASSED);
        f.rec.wall_ns = i == 1 ? 1500000000 : 20000000;
        f.rec.peak_bytes = 1 << 20;
        fixture_end(&f);
    }
    fixture_read(&f);
    expect(&f, &(struct report_style){.width = 60, .durations = 0},
           "==================== slowest durations =====================\n"
           "     time       cpu   memory  test\n"
           "    1.5 s    0.0 ms   1.0 MB  slow\n"
           "    20 ms    0.0 ms   1.0 MB  quick\n"
           "    20 ms    0.0 ms   1.0 MB  quick too\n"
           "============= 3 passed, 1 did not run in 0.00s =============\n");
    expect(&f, &(struct report_style){.width = 60, .durations = 1},
           "=================== slowest 1 durations ====================\n"
           "     time       cpu   memory  test\n"
           "    1.5 s    0.0 ms   1.0 MB  slow\n"
           "============= 3 passed, 1 did not run in 0.00s =============\n");
    fixture_close(&f);
}

static void test_master_and_attempts(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, one, 1, PLAN_SEQUENTIAL);
    fixture_begin(&f, 0, OUTCOME_FAILED);
    f.rec.attempt = 3;
    fixture_text(&f, FIELD_LOCATION, "a:4");
    fixture_text(&f, FIELD_MESSAGE, "why");
    fixture_end(&f);
    fixture_read(&f);
    char *got = fixture_terminal(&f, &(struct report_style){.width = 40, .durations = -1});
    assert_non_null(strstr(got, "\n[master] failed after 1.0 ms, attempt 3\na:4: why\n"));
    free(got);
    fixture_close(&f);
}

static void expect_plain(const char *text, size_t len, bool multiline, const char *plain)
{
    struct buf b = BUF_INIT;
    report_plain(&b, text, len, multiline);
    assert_string_equal(buf_cstr(&b), plain);
    buf_release(&b);
}

static void test_plain(void **state)
{
    (void)state;
    expect_plain("", 0, true, "");
    expect_plain("a\tb\nc\r\nd\re\\", 10, true, "a\tb\nc\nd\\x0de");
    expect_plain("a\tb\nc\r\n", 7, false, "a\\x09b\\x0ac\\x0d\\x0a");
    expect_plain("\0\x1b[1m\x7f", 6, true, "\\x00\\x1b[1m\\x7f");
    expect_plain("\xc2\x9b\xc2\xa0", 4, true, "\\xc2\\x9b\xc2\xa0"); /* C1, no-break space */
    expect_plain("\xf0\x9f\x98\x80\xf0\x9f\x98", 7, true, "\xf0\x9f\x98\x80\\xf0\\x9f\\x98");
    expect_plain("\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", 9, true,
                 "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
}

static void test_seconds_and_bytes(void **state)
{
    static const struct {
        double value;
        const char *text;
    } seconds[] = {{-1, "0.0 ms"},       {0.0004, "0.4 ms"},      {0.0099, "9.9 ms"},
                   {0.01, "10 ms"},      {0.34, "340 ms"},        {0.9994, "999 ms"},
                   {0.9996, "1.0 s"},    {1.2, "1.2 s"},          {59.94, "59.9 s"},
                   {59.96, "1 m 00 s"},  {123, "2 m 03 s"},       {3599.4, "59 m 59 s"},
                   {3599.6, "1 h 00 m"}, {1e300, "277777 h 46 m"}},
      bytes[] = {{-5, "0 B"},       {999, "999 B"},     {1000, "1.0 kB"},     {9940, "9.9 kB"},
                 {9960, "10 kB"},   {999499, "999 kB"}, {999600, "1.0 MB"},   {34e6, "34 MB"},
                 {1.5e9, "1.5 GB"}, {18e18, "18 EB"},   {1e300, "1000000 EB"}};
    char out[16];
    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        report_seconds(out, sizeof out, seconds[i].value);
        assert_string_equal(out, seconds[i].text);
    }
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        report_bytes(out, sizeof out, bytes[i].value);
        assert_string_equal(out, bytes[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_report),
        cmocka_unit_test(test_short_lines_are_cut_by_columns),
        cmocka_unit_test(test_last_line),
        cmocka_unit_test(test_colors_in_output),
        cmocka_unit_test(test_hostile_bytes_are_escaped),
        cmocka_unit_test(test_notes_are_bounded),
        cmocka_unit_test(test_many_points_are_bounded),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_master_and_attempts),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_seconds_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
