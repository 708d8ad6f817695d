/* run/gtest and manifest/gtest: what programs made with Google Test print, lines that contradict
 * each other, odd pieces, bounded memory; what they list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest/gtest.h"
#include "run/gtest.h"
#include "run/gtestprocess.h"

/* What is told, as text: "<0" begins, ">0p" ended and passed, what was printed as it is. */
static void told_begin(void *ctx, size_t i)
{
    buf_addf(ctx, "<%zu", i);
}

static void told_end(void *ctx, size_t i, enum outcome o)
{
    buf_addf(ctx, ">%zu%c", i, o == OUTCOME_PASSED ? 'p' : o == OUTCOME_FAILED ? 'f' : 's');
}

static void told_text(void *ctx, const void *data, size_t len)
{
    buf_add(ctx, data, len);
}

static void feed(struct gtest *g, struct buf *told, const char *text, size_t len, size_t piece)
{
    g->on_begin = told_begin;
    g->on_end = told_end;
    g->on_text = told_text;
    g->ctx = told;
    for (size_t at = 0; at < len; at += piece)
        gtest_feed(g, text + at, len - at < piece ? len - at : piece);
    gtest_finish(g);
}

static const char *const three[] = {"A.One", "A.Two", "In/P.T/0"};

static const struct reading {
    const char *what, *text, *told;
    size_t n; /* of the names */
    bool odd;
    size_t current;
    const char *reason, *place;
} readings[] = {
    {"as usual", "hi\n[ RUN      ] A.One\nx\n[       OK ] A.One (3 ms)\n[----------] y\n",
     "hi\n<0x\n>0p[----------] y\n", 3, false, GTEST_NONE, "", ""},
    {"no newline before", "a[ RUN      ] A.One\nb[       OK ] A.One (0 ms)\n", "a<0b>0p", 3, false,
     GTEST_NONE, "", ""},
    {"CRLF, no times", "[ RUN      ] A.One\r\n[  SKIPPED ] A.One\r\n", "<0>0s", 3, false,
     GTEST_NONE, "", ""},
    {"why it failed",
     "[ RUN      ] In/P.T/0\na/b.cc:7: Failure\n  Value of: x\n  Actual: 1\n\n"
     "[  FAILED  ] In/P.T/0, where TypeParam = int and GetParam() = 5 (12 ms)\n",
     "<2a/b.cc:7: Failure\n  Value of: x\n  Actual: 1\n\n>2f", 3, false, GTEST_NONE,
     "Value of: x Actual: 1", "a/b.cc:7"},
    {"another failure is text",
     "[ RUN      ] A.One\nunknown file: Failure\nC++ exception\na.cc:1: Failure\nmore\n",
     "<0unknown file: Failure\nC++ exception\na.cc:1: Failure\nmore\n", 3, false, 0,
     "C++ exception", ""},
    {"others' names are text",
     "[ RUN      ] B.X\n[       OK ] B.X (0 ms)\n[ RUN      ] A.One\n[ RUN      ] B.X\n"
     "[  FAILED  ] B.X (1 ms)\n[  FAILED  ] A.One is not it\n[       OK ] A.OneX (0 ms)\n",
     "[ RUN      ] B.X\n[       OK ] B.X (0 ms)\n<0[ RUN      ] B.X\n[  FAILED  ] B.X (1 ms)\n"
     "[  FAILED  ] A.One is not it\n[       OK ] A.OneX (0 ms)\n",
     3, false, 0, "", ""},
    {"any order, unfinished line", "[ RUN      ] A.Two\n[       OK ] A.Two (0 ms)\n[ RUN      ] A.One",
     "<1>1p<0", 3, false, 0, "", ""},
    {"a summary",
     "[ RUN      ] A.One\n[  FAILED  ] A.One (0 ms)\n[==========] 1 test from 1 test suite ran. (0 "
     "ms total)\n[  FAILED  ] A.One\n",
     "<0>0f[==========] 1 test from 1 test suite ran. (0 ms total)\n[  FAILED  ] A.One\n", 3, false,
     GTEST_NONE, "", ""},
    {"the real end behind a forged one",
     "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n[  FAILED  ] A.One (0 ms)\n",
     "<0>0p[  FAILED  ] A.One (0 ms)\n", 3, true, GTEST_NONE, "", ""},
    {"behind a forged summary",
     "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n[==========] 1 ran. (0\n"
     "[  FAILED  ] A.One\n",
     "<0>0p[==========] 1 ran. (0\n[  FAILED  ] A.One\n", 3, true, GTEST_NONE, "", ""},
    {"another begins meanwhile", "[ RUN      ] A.One\n[ RUN      ] A.Two\n",
     "<0[ RUN      ] A.Two\n", 3, true, 0, "", ""},
    {"another ends meanwhile", "[ RUN      ] A.One\n[       OK ] A.Two (0 ms)\n",
     "<0[       OK ] A.Two (0 ms)\n", 3, true, 0, "", ""},
    {"it begins a second time",
     "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n[ RUN      ] A.One\nx\n", "<0>0px\n", 3, true,
     GTEST_NONE, "", ""},
    {"alone: the worst counts",
     "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n[  FAILED  ] A.One (0 ms)\n"
     "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n",
     "<0>0p>0f[  FAILED  ] A.One (0 ms)\n>0f", 1, false, GTEST_NONE, "", ""},
};

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        for (size_t piece = 1; piece < 40; piece += 6) {
            const struct reading *r = &readings[i];
            struct gtest g;
            struct buf told = BUF_INIT;
            gtest_init(&g, three, r->n);
            feed(&g, &told, r->text, strlen(r->text), piece);
            if (strcmp(buf_cstr(&told), r->told) != 0 || g.odd != r->odd)
                print_error("%s, in pieces of %zu\n", r->what, piece);
            assert_string_equal(buf_cstr(&told), r->told);
            assert_int_equal(g.odd, r->odd);
            assert_int_equal(g.current, r->current);
            assert_string_equal(buf_cstr(&g.reason), r->reason);
            assert_string_equal(buf_cstr(&g.place), r->place);
            gtest_release(&g);
            buf_release(&told);
        }
}

static void test_suites_that_failed(void **state)
{
    (void)state;
    static const char text[] = "[ RUN      ] A.One\n[       OK ] A.One (0 ms)\n"
                               "[==========] 1 test from 1 test suite ran. (0 ms total)\n"
                               "[  FAILED  ] A: SetUpTestSuite or TearDownTestSuite\n";
    struct gtest g;
    struct buf told = BUF_INIT;
    gtest_init(&g, three, 3);
    feed(&g, &told, text, strlen(text), 7);
    assert_int_equal(g.suites.n, 1);
    assert_string_equal(g.suites.v[0], "A");
    assert_int_equal(g.n_ended, 1);
    assert_false(g.odd);
    gtest_release(&g);
    buf_release(&told);
}

/* A line of 10 MB, and one that ends with what counts. */
static void test_long_lines(void **state)
{
    (void)state;
    enum { LONG = 10 * 1024 * 1024 };
    static const char end[] = "[       OK ] A.One (0 ms)\n";
    char *text = malloc(LONG);
    struct gtest g;
    struct buf told = BUF_INIT;
    assert_non_null(text);
    memset(text, '[', LONG);
    gtest_init(&g, three, 3);
    feed(&g, &told, "[ RUN      ] A.One\n", 19, 100);
    feed(&g, &told, text, LONG, 100000);
    assert_int_equal(told.len, 2 + LONG);
    assert_int_equal(g.current, 0);
    for (size_t at = 0; at < LONG; at += 50000) {
        gtest_feed(&g, text, 50000);
        assert_true(g.line.len <= GTEST_LINE_MAX);
    }
    gtest_feed(&g, end, sizeof end - 1);
    assert_int_equal(g.came_out[0], OUTCOME_PASSED);
    gtest_release(&g);
    buf_release(&told);
    free(text);
}

static void test_list(void **state)
{
    (void)state;
    static const char text[] =
        "Running main() from gtest_main.cc\nA.\n  One\r\n  DISABLED_Two\n  One\nnoise\n  Lost\n"
        "In/P.\n  T/0  # GetParam() = \"a\\nb  # c.\"\nTy/int*.d.  # TypeParam = int\n  X\n.\n  Y\n"
        "Z.\n   deeper\n  \nLast.\n  End";
    static const char *const expected[] = {"A.One",         "A.DISABLED_Two", "In/P.T/0",
                                           "Ty/int*.d.X",   "Last.End"};
    struct strv names = STRV_INIT;
    gtest_list_read(text, sizeof text - 1, &names);
    assert_int_equal(names.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < names.n; i++)
        assert_string_equal(names.v[i], expected[i]);
    gtest_list_read("A.\n  O\0ne\n  Two\n", 16, &names);
    assert_int_equal(names.n, sizeof expected / sizeof *expected);
    strv_release(&names);
}

static void test_filter(void **state)
{
    (void)state;
    struct buf filter = BUF_INIT;
    gtest_filter_add(&filter, "A.One");
    gtest_filter_add(&filter, "std::x-*?.T/0");
    assert_string_equal(buf_cstr(&filter), "A.One:std??x???.T/0");
    buf_release(&filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings), cmocka_unit_test(test_suites_that_failed),
        cmocka_unit_test(test_long_lines), cmocka_unit_test(test_list),
        cmocka_unit_test(test_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
