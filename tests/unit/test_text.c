/* base/text: untrusted text, walked, shown and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"

static void test_text_char(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t len, used;
        int32_t cp;
    } cases[] = {
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\xc3\xa4", 2, 2, 0xe4},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf0\x9f\x9a\xa3", 4, 4, 0x1f6a3},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xc3\xa4", 1, 1, -1},         /* cut off */
        {"\x80", 1, 1, -1},             /* a continuation alone */
        {"\xc0\x80", 2, 1, -1},         /* longer than it has to be */
        {"\xe0\x9f\xbf", 3, 1, -1},     /* likewise */
        {"\xed\xa0\x80", 3, 1, -1},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, 1, -1}, /* beyond Unicode */
        {"\xf8\x88\x80\x80\x80", 5, 1, -1},
        {"\xc3z", 2, 1, -1},
        {"\xff", 1, 1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t cp = -2;
        char *exact = xmalloc(cases[i].len); /* so that a read past the end is caught */
        memcpy(exact, cases[i].s, cases[i].len);
        assert_int_equal(text_char(exact, cases[i].len, &cp), cases[i].used);
        assert_int_equal(cp, cases[i].cp);
        free(exact);
        if (cp < 0)
            continue;
        struct buf b = BUF_INIT;
        text_add_char(&b, cp);
        assert_int_equal(b.len, cases[i].used);
        assert_memory_equal(b.data, cases[i].s, b.len);
        buf_release(&b);
    }
    assert_int_equal(text_count("gr\xc3\xb6\xc3\x9f"
                                "e\xff\xfe",
                                9),
                     7);
}

static void test_text_escape(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t max;
        const char *shown;
    } cases[] = {
        {"", 9, ""},
        {"plain \\ 'text'", 99, "plain \\ 'text'"},
        {"a\nb\tc\rd", 99, "a\\nb\\tc\\rd"},
        {"\x1b[31m\x7f\x01", 99, "\\x1b[31m\\x7f\\x01"},
        {"\xc2\x9b"
         "2J",
         99, "\\x9b2J"}, /* a control character of two bytes */
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         99,
         "gr\xc3\xb6\xc3\x9f"
         "e"},
        {"\xff\xc3", 99, "\\xff\\xc3"},
        {"abc", 3, "abc"},
        {"abcd", 3, "abc..."},
        {"\xc3\xa4\xc3\xa4\xc3\xa4", 2, "\xc3\xa4\xc3\xa4..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT;
        text_escape(&b, cases[i].s, strlen(cases[i].s), cases[i].max);
        assert_string_equal(b.data, cases[i].shown);
        buf_release(&b);
    }
    char *quoted = text_quote("a'\n");
    assert_string_equal(quoted, "'a'\\n'");
    free(quoted);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const known[] = {"serial", "slow", "unit", "parallel_safe", "db"};
    static const struct {
        const char *word, *best;
        size_t distance;
    } cases[] = {
        {"serial", "serial", 0},
        {"srial", "serial", 1},
        {"seriall", "serial", 1},
        {"aerial", "serial", 1},
        {"esrial", "serial", 1}, /* two neighbours swapped are one mistake */
        {"paralel_saef", "parallel_safe", 2},
        {"units", "unit", 1},
        {"nuts", NULL, 0},
        {"d", NULL, 0},
        {"", NULL, 0},
        {"completely_else", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nearest n;
        nearest_init(&n, cases[i].word);
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            nearest_try(&n, known[k]);
        if (!cases[i].best) {
            assert_null(n.best);
            continue;
        }
        assert_non_null(n.best);
        assert_string_equal(n.best, cases[i].best);
        assert_int_equal(n.distance, cases[i].distance);
    }
    char *huge = xmalloc(65537);
    memset(huge, 's', 65536);
    huge[65536] = '\0';
    struct nearest n;
    nearest_init(&n, huge);
    nearest_try(&n, huge);
    assert_null(n.best);
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_char),
        cmocka_unit_test(test_text_escape),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
