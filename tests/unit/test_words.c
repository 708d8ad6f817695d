/* config_split and config/values: what people write in options and ini files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "config/values.h"

static void assert_words(const struct strv *s, const char *want)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->n; i++)
        buf_addf(&b, "%s%s", i ? "|" : "", s->v[i]);
    assert_string_equal(buf_cstr(&b), want);
    buf_release(&b);
}

/* What Python's shlex.split answers, words joined by "|"; NULL: it raises ValueError. */
static const struct {
    const char *text, *words;
    size_t n;
} splits[] = {
    {"", "", 0},
    {"  ", "", 0},
    {"-v", "-v", 1},
    {" -v  -q ", "-v|-q", 2},
    {"-k 'a b'", "-k|a b", 2},
    {"-k \"a b\"", "-k|a b", 2},
    {"a\tb\nc\rd", "a|b|c|d", 4},
    {"a'b c'd", "ab cd", 1},
    {"''", "", 1},
    {"\"\"", "", 1},
    {"a ''", "a|", 2},
    {"'a\"b'", "a\"b", 1},
    {"\"a'b\"", "a'b", 1},
    {"a\\ b", "a b", 1},
    {"a\\\\b", "a\\b", 1},
    {"\\\"", "\"", 1},
    {"'a\\b'", "a\\b", 1},
    {"\"a\\\"b\"", "a\"b", 1},
    {"\"a\\\\b\"", "a\\b", 1},
    {"\"a\\$b\"", "a\\$b", 1},
    {"\"a\\b\"", "a\\b", 1},
    {"\"a\\\nb\"", "a\\\nb", 1},
    {"a\\\nb", "a\nb", 1},
    {"#not a comment", "#not|a|comment", 3},
    {"a #b", "a|#b", 2},
    {"a;b|c&d", "a;b|c&d", 1},
    {"$(touch x)", "$(touch|x)", 2},
    {"`x` *.py ~", "`x`|*.py|~", 3},
    {"a\x0b"
     "b\x0c"
     "c",
     "a\x0b"
     "b\x0c"
     "c",
     1},
    {"gr\xc3"
     "\xb6"
     "\xc3"
     "\x9f"
     "e\xc2"
     "\xa0"
     "x",
     "gr\xc3"
     "\xb6"
     "\xc3"
     "\x9f"
     "e\xc2"
     "\xa0"
     "x",
     1},
    {"-m 'not slow' -p no:x --tb=short", "-m|not slow|-p|no:x|--tb=short", 5},
    {"--a=\"b c\"'d e'", "--a=b cd e", 1},
    {"'", NULL, 0},
    {"\"", NULL, 0},
    {"a 'b", NULL, 0},
    {"a \"b\\\"", NULL, 0},
    {"a\\", NULL, 0},
    {"\"a\\", NULL, 0},
    {"\\'a\\'", "'a'", 1},
    {"x\\ ", "x ", 1},
    {"-o 'addopts=-v  -q'", "-o|addopts=-v  -q", 2},
    {"a\n\n  b\n", "a|b", 2},
};

static void test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        struct strv words = STRV_INIT;
        struct error err = ERROR_INIT;
        strv_push(&words, "before");
        bool ok = config_split(splits[i].text, "x.ini:1:2: addopts", &words, &err);
        if (ok != (splits[i].words != NULL))
            fail_msg("'%s': %s", splits[i].text, ok ? "accepted" : err.msg);
        if (ok) {
            char *want = xasprintf("before%s%s", splits[i].n ? "|" : "", splits[i].words);
            assert_words(&words, want);
            assert_int_equal(words.n, splits[i].n + 1);
            free(want);
        } else {
            assert_int_equal(words.n, 1);
            assert_non_null(strstr(err.msg, "x.ini:1:2: addopts: no "));
        }
        error_release(&err);
        strv_release(&words);
    }
}

static void test_split_messages(void **state)
{
    (void)state;
    struct strv words = STRV_INIT;
    struct error err = ERROR_INIT;
    assert_false(config_split("-k 'a b", "PYTEST_ADDOPTS", &words, &err));
    assert_string_equal(err.msg, "PYTEST_ADDOPTS: no closing quotation for the ' at character 4; "
                                 "close it, or put a backslash before it");
    assert_false(config_split("-v \\", "PYTEST_ADDOPTS", &words, &err));
    assert_string_equal(err.msg, "PYTEST_ADDOPTS: no escaped character behind the backslash at the "
                                 "end; remove or double it");
    error_release(&err);
    strv_release(&words);
}

static void test_values(void **state)
{
    (void)state;
    double seconds = -1;
    size_t bytes = 7;
    assert_true(value_seconds("0", &seconds) && seconds == 0);
    assert_true(value_seconds("1e-3", &seconds) && seconds == 0.001);
    static const char *const no_seconds[] = {"",     " 1", "1 ",    "1s",    "inf", "nan",
                                             "0x10", "-1", "1e999", "1.2.3", "."};
    for (size_t i = 0; i < sizeof no_seconds / sizeof *no_seconds; i++)
        assert_false(value_seconds(no_seconds[i], &seconds));
    assert_true(value_bytes("0", &bytes) && bytes == 0);
    assert_true(value_bytes("1k", &bytes) && bytes == 1024);
    assert_true(value_bytes("3M", &bytes) && bytes == 3 * 1024 * 1024);
    assert_true(value_bytes("2G", &bytes) && bytes == (size_t)2 << 30);
    static const char *const no_bytes[] = {"",
                                           "K",
                                           "-1",
                                           "1.5M",
                                           "1KB",
                                           "1T",
                                           " 1",
                                           "1 K",
                                           "99999999999999999999",
                                           "99999999999999999G"};
    for (size_t i = 0; i < sizeof no_bytes / sizeof *no_bytes; i++)
        assert_false(value_bytes(no_bytes[i], &bytes));
    bool yes = false;
    assert_true(value_bool("TRUE", &yes) && yes);
    assert_true(value_bool("off", &yes) && !yes);
    assert_true(value_bool("1", &yes) && yes);
    assert_false(value_bool("2", &yes) || value_bool("", &yes) || value_bool("yes ", &yes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_messages),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
