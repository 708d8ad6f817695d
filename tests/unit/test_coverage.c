/* coverage: the model adds up and sorts, readers and writers of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "coverage/demangle.h"
#include "coverage/read.h"
#include "coverage/write.h"

static void add_arm(struct coverage *c, struct cov_file *f, uint32_t line, const char *owner,
                    uint32_t arm, int64_t count, uint32_t flags)
{
    struct cov_arm a = {.line = line, .owner = coverage_intern(c, owner), .arm = arm,
                        .count = count, .flags = flags};
    cov_add_arm(f, &a);
    f->has_branches = true;
}

/* Equal things add up whatever the order, different ones stand in order. */
static void test_adding_up(void **state)
{
    (void)state;
    struct coverage c;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "b.c");
    coverage_file(&c, "a.c");
    assert_ptr_equal(coverage_file(&c, "b.c"), f);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 5000; i > 0; i--)
            cov_add_line(f, i, i % 2, 0);
    cov_add_line(f, 0, 7, 0);
    cov_add_line(f, 7, 9, COV_LINE_EXCLUDED);
    cov_add_line(f, 9, INT64_MAX, 0);
    add_arm(&c, f, 3, "g", 0, 1, 0);
    add_arm(&c, f, 3, "f", 1, 0, COV_ARM_UNREACHED);
    add_arm(&c, f, 3, "f", 0, 2, COV_ARM_THROW);
    add_arm(&c, f, 3, "f", 1, 0, COV_ARM_UNREACHED);
    add_arm(&c, f, 3, "f", 0, 3, COV_ARM_UNREACHED);
    add_arm(&c, f, 2, NULL, 0, 0, 0);
    struct cov_function fn = {.name = coverage_intern(&c, "f"), .start_line = 3, .count = 2};
    cov_add_function(f, &fn);
    cov_add_function(f, &fn);
    fn.start_line = 1;
    fn.count = -1;
    cov_add_function(f, &fn);
    coverage_finish(&c);

    assert_int_equal(c.n_files, 2);
    assert_string_equal(c.files[0]->name, "a.c");
    assert_ptr_equal(coverage_find(&c, "b.c"), f);
    assert_null(coverage_find(&c, "c.c"));
    assert_int_equal(f->n_lines, 5000);
    assert_int_equal(cov_find_line(f, 4999)->count, 3);
    assert_int_equal(cov_find_line(f, 9)->count, INT64_MAX);
    assert_int_equal(cov_find_line(f, 7)->count, 0);
    assert_int_equal(cov_find_line(f, 7)->flags, COV_LINE_EXCLUDED);
    assert_null(cov_find_line(f, 5001));
    size_t n;
    const struct cov_arm *arms = cov_find_arms(f, 3, &n);
    assert_int_equal(n, 3);
    assert_string_equal(arms[0].owner, "f");
    assert_int_equal(arms[0].count, 5);
    assert_int_equal(arms[0].flags, COV_ARM_THROW);
    assert_int_equal(arms[1].flags, COV_ARM_UNREACHED);
    assert_string_equal(arms[2].owner, "g");
    assert_null(cov_find_arms(f, 4, &n));
    assert_int_equal(n, 0);
    assert_int_equal(f->n_functions, 2);
    assert_int_equal(f->functions[1].count, 4);

    struct cov_totals t = coverage_totals(&c);
    assert_int_equal(t.lines, 4999);
    assert_int_equal(t.lines_hit, 2499);
    assert_int_equal(t.excluded, 1);
    assert_int_equal(t.arms, 4);
    assert_int_equal(t.arms_hit, 2);
    assert_int_equal(t.partial, 1); /* line 3 was run, line 2 was not */
    assert_int_equal(t.functions, 1);
    assert_int_equal(t.coverable, 4999);
    coverage_release(&c);
}

static void test_percentages(void **state)
{
    (void)state;
    char text[COV_PERCENT_MAX];
    assert_string_equal(cov_percent_text(text, cov_percent(0, 0), 0), "100");
    assert_string_equal(cov_percent_text(text, cov_percent(0, 3), 2), "0.00");
    assert_string_equal(cov_percent_text(text, cov_percent(1, 3), 2), "33.33");
    assert_string_equal(cov_percent_text(text, cov_percent(999, 1000), 0), "99");
    assert_string_equal(cov_percent_text(text, cov_percent(1, 1000), 0), "1");
    assert_string_equal(cov_percent_text(text, cov_percent(9999, 10000), 1), "99.9");
}

static bool is_b(const struct cov_file *f, void *arg)
{
    (void)arg;
    return strcmp(f->name, "b.c") == 0;
}

static void test_filter_and_merge(void **state)
{
    (void)state;
    struct coverage a, b;
    coverage_init(&a);
    coverage_init(&b);
    cov_add_line(coverage_file(&a, "a.c"), 1, 1, 0);
    cov_add_line(coverage_file(&a, "b.c"), 1, 1, 0);
    uint32_t lines[] = {4, 5};
    struct cov_file *f = coverage_file(&b, "b.c");
    struct cov_function fn = {.name = coverage_intern(&b, "f"), .start_line = 3, .count = -1,
                              .lines = lines, .n_lines = 2};
    cov_add_function(f, &fn);
    cov_add_line(f, 1, 2, 0);
    cov_add_line(f, 5, 1, 0);
    coverage_merge(&a, &b);
    coverage_release(&b);
    lines[0] = lines[1] = 0;
    coverage_finish(&a);
    coverage_filter(&a, is_b, NULL);
    assert_int_equal(a.n_files, 1);
    assert_null(coverage_find(&a, "a.c"));
    assert_int_equal(cov_find_line(coverage_find(&a, "b.c"), 1)->count, 3);
    assert_int_equal(a.files[0]->functions[0].lines[1], 5);
    struct cov_totals t = coverage_totals(&a);
    assert_int_equal(t.functions_hit, 1);
    coverage_release(&a);
}

/* ---- LCOV ------------------------------------------------------------------------------------- */

static const char tracefile[] = "TN:first\nSF:src/x.c\nFN:1,main\nFN:7,9,helper\nFNDA:1,main\n"
                                "FNDA:0,helper\nFNF:2\nFNH:1\nBRDA:3,0,0,2\nBRDA:3,0,1,-\n"
                                "BRDA:3,e1,a > 1, b,4\nDA:1,1\nDA:3,2,c2lnbg==\nDA:7,0\n"
                                "LF:3\nLH:2\nend_of_record\n"
                                "TN:\nSF:src/x.c\r\nFNL:0,1,2\r\nFNA:0,5,main\r\nDA:1,4\r\n"
                                "DA:8,-3\r\nend_of_record\r\n";

static bool read_text(struct coverage *c, const char *text, struct error *err)
{
    char path[] = "/tmp/test_coverage.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && file_write_all(fd, text, strlen(text)) == 0);
    close(fd);
    bool ok = coverage_read_file(c, path, err);
    coverage_finish(c);
    unlink(path);
    return ok;
}

static void test_lcov_read(void **state)
{
    (void)state;
    struct coverage c;
    struct error err = ERROR_INIT;
    coverage_init(&c);
    assert_true(read_text(&c, tracefile, &err));
    const struct cov_file *f = coverage_find(&c, "src/x.c");
    assert_non_null(f);
    assert_int_equal(f->language, COV_NATIVE);
    assert_int_equal(f->n_lines, 4);
    assert_int_equal(cov_find_line(f, 1)->count, 5);
    assert_int_equal(cov_find_line(f, 8)->count, 0);
    size_t n;
    const struct cov_arm *arms = cov_find_arms(f, 3, &n);
    assert_int_equal(n, 3);
    assert_int_equal(arms[1].flags, COV_ARM_UNREACHED);
    assert_int_equal(arms[2].flags, COV_ARM_THROW);
    assert_string_equal(arms[2].name, "a > 1, b");
    assert_int_equal(f->n_functions, 2);
    assert_string_equal(f->functions[0].name, "main");
    assert_int_equal(f->functions[0].count, 6);
    assert_int_equal(f->functions[0].end_line, 2);
    assert_int_equal(f->functions[1].end_line, 9);
    coverage_release(&c);
}

/* What is written reads back as the same, but for names of arms, which lcov 1 does not know. */
static void test_lcov_round_trip(void **state)
{
    (void)state;
    struct coverage c, back;
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT, again = BUF_INIT;
    char path[] = "/tmp/test_coverage.XXXXXX";
    close(mkstemp(path));
    coverage_init(&c);
    coverage_init(&back);
    assert_true(read_text(&c, tracefile, &err));
    struct cov_file *f = coverage_file(&c, "t.cc");
    add_arm(&c, f, 4, "one", 0, 1, 0);
    add_arm(&c, f, 4, "one", 1, 0, 0);
    add_arm(&c, f, 4, "two", 0, 3, 0);
    coverage_finish(&c);
    assert_true(lcov_write(&c, path, &err) && file_read(path, &text, &err));
    assert_non_null(strstr(text.data, "SF:src/x.c\nFN:1,main\nFN:7,helper\nFNDA:6,main\n"
                                      "FNDA:0,helper\nFNF:2\nFNH:1\nBRDA:3,0,0,2\nBRDA:3,0,1,-\n"
                                      "BRDA:3,1,0,4\nBRF:3\nBRH:2\nDA:1,5\nDA:3,2\nDA:7,0\nDA:8,0\n"
                                      "LF:4\nLH:2\nend_of_record\n"));
    assert_non_null(strstr(text.data, "SF:t.cc\nBRDA:4,0,0,1\nBRDA:4,0,1,0\nBRDA:4,1,0,3\n"));
    assert_true(coverage_read_file(&back, path, &err));
    coverage_finish(&back);
    assert_true(lcov_write(&back, path, &err) && file_read(path, &again, &err));
    assert_string_equal(text.data, again.data);
    buf_release(&text);
    buf_release(&again);
    coverage_release(&c);
    coverage_release(&back);
    unlink(path);
}

/* Names may end with blanks; a function without a name (in somebody's XML) has no place in LCOV. */
static void test_lcov_names(void **state)
{
    (void)state;
    struct coverage c, back;
    struct error err = ERROR_INIT;
    char path[] = "/tmp/test_coverage.XXXXXX";
    close(mkstemp(path));
    coverage_init(&c);
    coverage_init(&back);
    assert_true(read_text(&c, "SF: \nFN:1,f \nFNDA:2,f \nFN:2,7,\nDA:1,2 \r\nend_of_record \n", &err));
    struct cov_file *f = coverage_find(&c, " ");
    assert_non_null(f);
    struct cov_function nameless = {.name = "", .start_line = 1, .count = 1};
    cov_add_function(f, &nameless);
    coverage_finish(&c);
    assert_true(lcov_write(&c, path, &err) && coverage_read_file(&back, path, &err));
    coverage_finish(&back);
    f = coverage_find(&back, " ");
    assert_non_null(f);
    assert_int_equal(f->n_functions, 2);
    assert_string_equal(f->functions[0].name, "f ");
    assert_int_equal(f->functions[0].count, 2);
    assert_string_equal(f->functions[1].name, "7,");
    coverage_release(&c);
    coverage_release(&back);
    unlink(path);
}

/* Nothing of a bad file is taken, and the message has the line. */
static void test_lcov_bad(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where;
    } bad[] = {
        {"SF:a\nDA:1\nend_of_record\n", ":2: DA:"},
        {"SF:a\nDA:x,1\nend_of_record\n", ":2: DA:"},
        {"SF:a\nDA:99999999999,1\nend_of_record\n", ":2: DA:"},
        {"SF:a\nend_of_record\nDA:1,1\n", ":3: no SF"},
        {"SF:a\nDA:1,1\n", ":2: the file ends"},
        {"SF:a\nSF:b\n", ":2: SF:"},
        {"SF:a\nFN:1\n", ":2: FN:"},
        {"SF:a\nFNDA:1\n", ":2: FNDA:"},
        {"SF:a\nFNA:1,1,f\n", ":2: FNA:"},
        {"SF:a\nBRDA:1,0,1\n", ":2: BRDA:"},
        {"SF:a\nBRDA:1,0,1,x\n", ":2: BRDA:"},
        {"SF:\n", ":1: SF:"},
        {"TN:\nend_of_record\n", ":2: end_of_record"},
        {"hello\n", ": no coverage data"},
        {"", ": no coverage data"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct coverage c;
        struct error err = ERROR_INIT;
        coverage_init(&c);
        assert_false(read_text(&c, bad[i].text, &err));
        assert_non_null(strstr(err.msg, bad[i].where));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_int_equal(c.n_files, 0);
        error_release(&err);
        coverage_release(&c);
    }
}

/* ---- The table -------------------------------------------------------------------------------- */

static void test_table(void **state)
{
    (void)state;
    struct coverage c;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.py");
    f->language = COV_PYTHON;
    f->has_branches = true;
    for (uint32_t i = 1; i <= 9; i++)
        cov_add_line(f, i * 2, i < 3 || i == 8, i == 9 ? COV_LINE_EXCLUDED : 0);
    struct cov_arm arm = {.line = 4, .to = 6};
    cov_add_arm(f, &arm);
    arm.to = -1;
    cov_add_arm(f, &arm);
    arm.to = 16;
    arm.count = 1;
    cov_add_arm(f, &arm);
    arm.to = 12;
    arm.count = 0;
    arm.line = 10;
    cov_add_arm(f, &arm);
    f = coverage_file(&c, "src/n\xc3\xa4me\n.c");
    f->has_branches = true;
    cov_add_line(f, 1, 5, 0);
    add_arm(&c, f, 1, NULL, 0, 5, 0);
    add_arm(&c, f, 1, NULL, 1, 0, 0);
    coverage_finish(&c);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct cov_table how = {.missing = true};
    cov_table_write(&c, &how, out);
    fclose(out);
    assert_string_equal(
        text, "Name           Stmts   Miss Branch BrPart  Cover   Missing\n"
              "----------------------------------------------------------\n"
              "a.py               8      5      4      2    33%   4->exit, 6-14\n"
              "src/n\xc3\xa4me\\n.c       1      0      2      1   100%   1 (1 of 2 branches)\n"
              "----------------------------------------------------------\n"
              "TOTAL              9      5      6      3    38%\n");
    free(text);
    coverage_release(&c);
}

#ifdef ROWLOCK_DEMANGLER
/* Mangled names of native files become readable; nothing else is taken for one. */
static void test_demangling(void **state)
{
    (void)state;
    /* Each part is a pair of the one before: some 2^40 characters in full. */
    char endless[] = "_Z1fSt4pairIiiES_IS0_S0_ES_IS1_S1_ES_IS2_S2_ES_IS3_S3_ES_IS4_S4_ES_IS5_S5_E"
                     "S_IS6_S6_ES_IS7_S7_ES_IS8_S8_ES_IS9_S9_ES_ISA_SA_ES_ISB_SB_ES_ISC_SC_E"
                     "S_ISD_SD_ES_ISE_SE_ES_ISF_SF_ES_ISG_SG_ES_ISH_SH_ES_ISI_SI_ES_ISJ_SJ_E"
                     "S_ISK_SK_ES_ISL_SL_ES_ISM_SM_ES_ISN_SN_ES_ISO_SO_ES_ISP_SP_ES_ISQ_SQ_E"
                     "S_ISR_SR_ES_ISS_SS_ES_IST_ST_ES_ISU_SU_ES_ISV_SV_ES_ISW_SW_ES_ISX_SX_E";
    static const char *const same[] = {"main", "i", "_Z", "_Zfoo", "_GLOBAL__sub_I_x", "2, 3", ""};
    struct coverage c;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.cc"), *python = coverage_file(&c, "a.py");
    python->language = COV_PYTHON;
    struct cov_function fn = {.name = coverage_intern(&c, "_Z6largerIdET_S0_S0_"), .start_line = 4};
    cov_add_function(f, &fn);
    cov_add_function(python, &fn);
    fn.name = coverage_intern(&c, endless);
    cov_add_function(f, &fn);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        fn.name = coverage_intern(&c, same[i]);
        cov_add_function(f, &fn);
    }
    coverage_finish(&c);
    cov_demangle(&c);
    assert_string_equal(cov_shown_name(&python->functions[0]), "_Z6largerIdET_S0_S0_");
    assert_string_equal(cov_shown_owner(f, "unknown", 9), "unknown");
    for (size_t i = 0; i < f->n_functions; i++) {
        const char *name = f->functions[i].name, *shown = cov_shown_name(&f->functions[i]);
        bool mangled = strcmp(name, "_Z6largerIdET_S0_S0_") == 0;
        assert_string_equal(shown, mangled ? "double larger<double>(double, double)" : name);
        assert_ptr_equal(cov_shown_owner(f, name, 9), shown);
    }
    assert_int_equal(f->n_functions, 9);
    coverage_release(&c);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding_up),        cmocka_unit_test(test_percentages),
        cmocka_unit_test(test_filter_and_merge), cmocka_unit_test(test_lcov_read),
        cmocka_unit_test(test_lcov_round_trip),  cmocka_unit_test(test_lcov_names),
        cmocka_unit_test(test_lcov_bad),
        cmocka_unit_test(test_table),
#ifdef ROWLOCK_DEMANGLER
        cmocka_unit_test(test_demangling),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
