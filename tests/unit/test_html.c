/* Text, names and lines of HTML reports; whole reports are tested in tests/e2e/test_html_report.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coverage/htmllines.h"
#include "coverage/htmlreport.h"

static void check(struct buf *b, const char *want)
{
    assert_string_equal(buf_cstr(b), want);
    buf_clear(b);
    buf_addc(b, 'x');
    buf_clear(b);
}

static void test_text(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    html_text(&b, "a<b>&\"'\t\x01\xc3\xa9\xff", 12);
    check(&b, "a&lt;b&gt;&amp;&quot;&#39;\t\xe2\x90\x81\xc3\xa9\xef\xbf\xbd");
    html_text(&b, "\0\xe2\x80\xae\xe2\x80", 6); /* a NUL, U+202E, half a character */
    check(&b, "\xe2\x90\x80[U+202E]\xef\xbf\xbd\xef\xbf\xbd");
    html_name(&b, "<\xff>");
    check(&b, "&lt;\\xff&gt;");
    html_js_string(&b, "</script>\"\\\n\xe2\x80\xa8\xff'");
    check(&b, "\"\\u003c/script\\u003e\\u0022\\u005c\xe2\x90\x8a[U+2028]\\u005cxff\\u0027\"");
    html_fragment(&b, "a/b c#%\xc3\xa9");
    check(&b, "a/b%20c%23%25%C3%A9");
    for (uint64_t v = 1; v < 10000000; v *= 1000)
        html_number(&b, v);
    html_number(&b, UINT64_MAX);
    check(&b, "11,0001,000,00018,446,744,073,709,551,615");
    buf_release(&b);
}

static void test_counts(void **state)
{
    (void)state;
    static const struct {
        int64_t count;
        const char *text;
    } rows[] = {{0, "0"},           {99999, "99999"},   {100000, "100k"},
                {1234567, "1.23M"}, {12999999, "12.9M"}, {1000000000, "1.00G"},
                {-7, "-7"},         {INT64_MIN, "-9.22E"}};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        html_short_count(&b, rows[i].count);
        check(&b, rows[i].text);
    }
    buf_release(&b);
}

/* All names but the first are in use. */
static bool all_but(const char *name, void *arg)
{
    const char **free_name = arg;
    return !*free_name || strcmp(name, *free_name) != 0;
}

static bool none(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    return false;
}

static void test_page_names(void **state)
{
    (void)state;
    char *a = html_page_name("src/Case.c", none, NULL), *b = html_page_name("src/case.c", none, NULL);
    assert_string_not_equal(a, b);
    assert_memory_equal(a, "case.c-", 7);
    assert_memory_equal(b, "case.c-", 7);
    char second[128];
    snprintf(second, sizeof second, "%s-2", a);
    const char *only = second;
    char *c = html_page_name("src/Case.c", all_but, &only);
    assert_string_equal(c, second);
    char *d = html_page_name("x/..", none, NULL), *e = html_page_name("x/", none, NULL);
    assert_memory_equal(d, "_.-", 3);
    assert_memory_equal(e, "-", 1);
    free(a);
    free(b);
    free(c);
    free(d);
    free(e);
}

static struct cov_line line_of(int64_t count, uint32_t flags)
{
    return (struct cov_line){3, flags, count};
}

static void test_states(void **state)
{
    (void)state;
    struct cov_line run = line_of(2, 0), missed = line_of(0, 0), out = line_of(0, COV_LINE_EXCLUDED);
    struct cov_arm arms[2] = {{.line = 3, .count = 2}, {.line = 3, .arm = 1}};
    assert_int_equal(html_state_of(NULL, arms, 2), HTML_NONE);
    assert_int_equal(html_state_of(&out, arms, 2), HTML_EXCLUDED);
    assert_int_equal(html_state_of(&missed, arms, 2), HTML_MISSED);
    assert_int_equal(html_state_of(&run, arms, 1), HTML_HIT);
    assert_int_equal(html_state_of(&run, arms, 2), HTML_PARTIAL);
    arms[1].flags = COV_ARM_THROW; /* an exception that never came */
    assert_int_equal(html_state_of(&run, arms, 2), HTML_HIT);
    arms[1].flags = COV_ARM_EXTRA;
    assert_int_equal(html_state_of(&run, arms, 2), HTML_HIT);
}

static void add_arm(struct cov_file *f, struct cov_arm arm)
{
    arm.line = arm.line ? arm.line : 3;
    cov_add_arm(f, &arm);
}

/* What a line of the file says of its arms. */
static void check_arms(struct coverage *c, struct cov_file *f, int64_t count, const char *want)
{
    struct cov_line line = line_of(count, 0);
    struct buf b = BUF_INIT;
    size_t n;
    coverage_finish(c);
    const struct cov_arm *arms = cov_find_arms(f, 3, &n);
    html_arms(&b, f, &line, arms, n);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

static void test_ways_of_python(void **state)
{
    (void)state;
    struct coverage c;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.py");
    uint32_t own[] = {2, 3};
    struct cov_function fn = {.name = coverage_intern(&c, "K.<f>"), .kind = COV_FUNCTION,
                              .start_line = 2, .count = -1, .lines = own, .n_lines = 2};
    cov_add_function(f, &fn);
    add_arm(f, (struct cov_arm){.to = 5});
    add_arm(f, (struct cov_arm){.to = -2});
    add_arm(f, (struct cov_arm){.to = 4, .count = 1});
    add_arm(f, (struct cov_arm){.to = 9, .count = 2, .flags = COV_ARM_EXTRA});
    check_arms(&c, f, 1,
               "<details><summary><b>1/3</b>line 3 didn’t return from function K.&lt;f&gt; or jump to "
               "line 5</summary><ul>"
               "<li class=never>line 3 didn’t return from function K.&lt;f&gt;"
               "<li>line 3 jumped to <a href=#4>line 4</a>"
               "<li class=never>line 3 didn’t jump to <a href=#5>line 5</a>"
               "<li>line 3 jumped to <a href=#9>line 9</a>, 2 times (a way that the source does not "
               "show; not counted)</ul></details>");
    coverage_release(&c);
}

static void test_ways_of_c(void **state)
{
    (void)state;
    struct coverage c;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.cc");
    const char *one = coverage_intern(&c, "t<int>"), *two = coverage_intern(&c, "t<long>");
    add_arm(f, (struct cov_arm){.owner = one, .count = 1234, .flags = COV_ARM_FALLTHROUGH});
    add_arm(f, (struct cov_arm){.owner = one, .arm = 1, .flags = COV_ARM_THROW});
    add_arm(f, (struct cov_arm){.owner = two, .arm = 2, .flags = COV_ARM_UNREACHED});
    check_arms(&c, f, 1,
               "<details><summary><b>1/3</b>branch 2 never taken</summary><ul>"
               "<li class=owner>in t&lt;int&gt;<li>branch 0 taken 1,234 times (fallthrough)"
               "<li class=never>branch 1 never taken (throw)"
               "<li class=owner>in t&lt;long&gt;<li class=never>branch 2 never reached</ul></details>");
    /* Of a line that was never run, that is what is to be said. */
    struct cov_line missed = line_of(0, 0);
    struct buf b = BUF_INIT;
    html_arms(&b, f, &missed, f->arms, 3);
    assert_null(strstr(buf_cstr(&b), "</b>branch"));
    buf_release(&b);
    coverage_release(&c);
}

static void test_ruler(void **state)
{
    (void)state;
    struct coverage c;
    struct html_lines l;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.c");
    for (uint32_t i = 1; i <= 6; i++)
        cov_add_line(f, i, i == 1 || i == 6, 0);
    cov_add_line(f, 8, 0, 0);
    cov_add_line(f, 5, 0, COV_LINE_EXCLUDED);
    coverage_finish(&c);
    html_lines_render(&l, f, NULL, NULL);
    assert_string_equal(buf_cstr(&l.ruler), "<rect class=m y=1 width=1 height=3 />"
                                            "<rect class=m y=7 width=1 height=1 />");
    assert_int_equal(l.last, 8);
    assert_int_equal(l.state[HTML_MISSED], 4);
    assert_int_equal(l.state[HTML_EXCLUDED], 1);
    html_lines_release(&l);
    /* However long a file is, its marks are no more than can be told apart. */
    for (uint32_t i = 0; i < 100000; i++)
        cov_add_line(f, 100 + 2 * i, i % 4 == 0, 0);
    coverage_finish(&c);
    html_lines_render(&l, f, NULL, NULL);
    assert_true(l.ruler.len < 1000 * 50);
    html_lines_release(&l);
    coverage_release(&c);
}

/* Names stand there once, without what they begin alike with, and lines share sets. */
static void test_who(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t lines[3];
        size_t n;
    } rows[] = {{"t_a|run", {2, 3, 9}, 3}, {"t_<b", {2, 3}, 2}, {"", {1, 2}, 2},
                {"t_<b\xc3\xa9", {3, 4}, 2}, {"t_<b\xc3\xb6\n", {4}, 1}};
    struct coverage c;
    struct html_who who;
    struct html_lines l;
    coverage_init(&c);
    struct cov_file *f = coverage_file(&c, "a.py");
    f->language = COV_PYTHON;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cov_add_context(f, rows[i].name, rows[i].lines, rows[i].n);
    for (uint32_t i = 1; i <= 5; i++)
        cov_add_line(f, i, i < 5, i == 4 ? COV_LINE_EXCLUDED : 0);
    coverage_finish(&c);
    html_who_make(&who, f);
    assert_string_equal(buf_cstr(&who.names), "0 \n0 t_&lt;b\n4 \xc3\xa9\n4 \xc3\xb6\xe2\x90\x8a\n2 a|run");
    assert_string_equal(buf_cstr(&who.sets), "0\n0-1,4\n1-2,4\n2-3\n4");
    assert_int_equal(who.named, 4);
    assert_null(html_who_find(&who, 5));
    assert_int_equal(html_who_find(&who, 9)->set, 4);
    html_lines_render(&l, f, NULL, &who);
    assert_string_equal(buf_cstr(&l.list), "<ol>\n<li id=1 class=h data-w=0>\n"
                                           "<li id=2 class=h data-w=1 data-c=2>\n"
                                           "<li id=3 class=h data-w=2 data-c=3>\n"
                                           "<li id=4 class=x data-c=excl>\n"
                                           "<li id=5 class=m data-c=no>\n</ol>\n");
    html_lines_release(&l);
    html_who_release(&who);
    coverage_release(&c);
}

static void test_templates(void **state)
{
    (void)state;
    struct buf a = BUF_INIT, out = BUF_INIT;
    struct error err = ERROR_INIT;
    struct html_template t = {.path = strdup("t.html")};
    buf_adds(&a, "@B@");
    buf_adds(&t.text, "<@A@@A@> a@b.c @x@ @");
    const struct html_place places[] = {{"A", &a}, {NULL, NULL}};
    assert_true(html_template_fill(&out, &t, places, &err));
    assert_string_equal(buf_cstr(&out), "<@B@@B@> a@b.c @x@ @");
    buf_adds(&t.text, "NO_SUCH@");
    assert_false(html_template_fill(&out, &t, places, &err));
    assert_non_null(strstr(err.msg, "t.html: the place @NO_SUCH@ is unknown"));
    error_release(&err);
    buf_release(&a);
    buf_release(&out);
    html_template_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_counts),
        cmocka_unit_test(test_page_names), cmocka_unit_test(test_states),
        cmocka_unit_test(test_ways_of_python), cmocka_unit_test(test_ways_of_c),
        cmocka_unit_test(test_ruler),     cmocka_unit_test(test_who), cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
