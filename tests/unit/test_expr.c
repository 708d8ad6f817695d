/* config/expr: every expression of expressions.tsv has the answer that pytest gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/expr.h"

enum { MOST_SETS = 32 };

/* A test that the expressions are matched against. The strings belong to json. */
struct set {
    cJSON *json;
    struct marker *markers;
    const char **names;
    size_t n;
};
struct sets {
    struct set marker[MOST_SETS], name[MOST_SETS];
    size_t n_marker, n_name;
};

static cJSON *item(const cJSON *array, int i)
{
    cJSON *found = cJSON_GetArrayItem(array, i);
    assert_non_null(found);
    return found;
}

static void read_arg(struct marker_arg *arg, const cJSON *json)
{
    const char *type = item(json, 1)->valuestring;
    const cJSON *value = item(json, 2);
    arg->name = item(json, 0)->valuestring;
    arg->type = ARG_OTHER;
    if (strcmp(type, "str") == 0) {
        arg->type = ARG_STR;
        arg->str = value->valuestring;
    } else if (strcmp(type, "int") == 0) {
        arg->type = ARG_INT;
        arg->integer = (long long)value->valuedouble;
    } else if (strcmp(type, "bool") == 0) {
        arg->type = ARG_BOOL;
        arg->integer = cJSON_IsTrue(value);
    } else if (strcmp(type, "none") == 0) {
        arg->type = ARG_NONE;
    }
}

static void read_set(struct set *s, bool keywords, const char *text)
{
    s->json = cJSON_Parse(text);
    assert_non_null(s->json);
    s->n = (size_t)cJSON_GetArraySize(s->json);
    s->markers = xcalloc(s->n, sizeof *s->markers);
    s->names = xcalloc(s->n + 1, sizeof *s->names);
    for (size_t i = 0; i < s->n; i++) {
        const cJSON *entry = item(s->json, (int)i);
        if (keywords) {
            s->names[i] = entry->valuestring;
            continue;
        }
        struct marker *m = &s->markers[i];
        const cJSON *args = item(entry, 1);
        m->name = item(entry, 0)->valuestring;
        m->n_args = (size_t)cJSON_GetArraySize(args);
        m->args = xcalloc(m->n_args, sizeof *m->args);
        for (size_t k = 0; k < m->n_args; k++)
            read_arg(&m->args[k], item(args, (int)k));
    }
}

static void release_sets(struct set *s, size_t n)
{
    for (; n > 0; s++, n--) {
        for (size_t i = 0; i < s->n; i++)
            free(s->markers[i].args);
        free(s->markers);
        free(s->names);
        cJSON_Delete(s->json);
    }
}

/* Columns of a line, tabs replaced by NUL. */
static size_t split_line(char *line, char **fields, size_t most)
{
    size_t n = 0;
    for (char *next = line; next && n < most;)
        fields[n++] = strsep(&next, "\t");
    return n;
}

static void check_answers(const struct sets *sets, const char *option, const char *text,
                          const char *want)
{
    struct error err = ERROR_INIT;
    bool keywords = strcmp(option, "-k") == 0;
    struct expr *e = expr_compile(option, text, &err);
    if (!e)
        fail_msg("%s '%s': pytest accepts it, but: %s", option, text, err.msg);
    size_t n = keywords ? sets->n_name : sets->n_marker;
    assert_int_equal(strlen(want), n);
    for (size_t i = 0; i < n; i++) {
        bool got = keywords ? expr_match_keywords(e, sets->name[i].names)
                            : expr_match_markers(e, sets->marker[i].markers, sets->marker[i].n);
        if (got != (want[i] == 'T'))
            fail_msg("%s '%s', set %zu: pytest says %c", option, text, i, want[i]);
    }
    expr_free(e);
}

static void check_error(const char *option, const char *text, const char *column,
                        const char *message_json)
{
    struct error err = ERROR_INIT;
    struct expr *e = expr_compile(option, text, &err);
    if (e)
        fail_msg("%s '%s': pytest refuses it: %s", option, text, message_json);
    assert_int_equal(err.code, EXIT_USAGE);
    cJSON *message = cJSON_Parse(message_json);
    assert_non_null(message);
    struct buf want = BUF_INIT; /* ": at column N: message", pytest's own words */
    if (strcmp(column, "-") != 0)
        buf_addf(&want, "%s: at column %s", option, column);
    buf_adds(&want, ": ");
    text_escape(&want, message->valuestring, strlen(message->valuestring), SIZE_MAX);
    buf_addc(&want, '\n');
    if (!strstr(err.msg, want.data))
        fail_msg("'%s': expected\n%sgot\n%s", text, want.data, err.msg);
    buf_release(&want);
    cJSON_Delete(message);
    error_release(&err);
}

static void take_line(struct sets *sets, char **f, size_t n, size_t *compared)
{
    bool keywords = f[1][0] == 'k';
    if (strcmp(f[0], "set") == 0) {
        size_t *at = keywords ? &sets->n_name : &sets->n_marker;
        assert_true(*at < MOST_SETS);
        read_set(keywords ? &sets->name[*at] : &sets->marker[*at], keywords, f[2]);
        ++*at;
        return;
    }
    const char *option = keywords ? "-k" : "-m";
    cJSON *text = cJSON_Parse(f[2]);
    assert_non_null(text);
    if (strcmp(f[3], "error") == 0) {
        assert_int_equal(n, 6);
        check_error(option, text->valuestring, f[4], f[5]);
    } else {
        check_answers(sets, option, text->valuestring, f[3]);
    }
    cJSON_Delete(text);
    ++*compared;
}

static void test_as_pytest(void **state)
{
    (void)state;
    const char *top = getenv("ROWLOCK_SRCDIR");
    char *path = path_join(top ? top : ".", "tests/unit/expressions.tsv");
    struct buf file = BUF_INIT;
    struct error err = ERROR_INIT;
    if (!file_read(path, &file, &err))
        fail_msg("%s", err.msg);
    struct sets sets = {.n_marker = 0};
    size_t compared = 0;
    char *rest = file.data, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        char *fields[6];
        size_t n = split_line(line, fields, 6);
        assert_true(n >= 3);
        take_line(&sets, fields, n, &compared);
    }
    assert_true(compared >= 400);
    release_sets(sets.marker, sets.n_marker);
    release_sets(sets.name, sets.n_name);
    buf_release(&file);
    free(path);
}

static void assert_message(const char *option, const char *text, const char *message)
{
    struct error err = ERROR_INIT;
    assert_null(expr_compile(option, text, &err));
    assert_string_equal(err.msg, message);
    error_release(&err);
}

static void test_messages(void **state)
{
    (void)state;
    assert_message("-m", "slow and (unit or",
                   "-m: at column 18: expected not OR left parenthesis OR "
                   "identifier; got end of input\n"
                   "    slow and (unit or\n"
                   "                     ^");
    assert_message("-m", "a\nb",
                   "-m: at column 2: unexpected character \"\\n\"\n"
                   "    a\\nb\n"
                   "     ^");
    assert_message("-m", "\x1b[2J \xff !",
                   "-m: at column 1: unexpected character \"\\x1b\"\n"
                   "    \\x1b[2J \\xff !\n"
                   "    ^");
    /* columns count characters, and so does the caret */
    assert_message("-m",
                   "gr\xc3\xb6\xc3\x9f"
                   "e !",
                   "-m: at column 7: unexpected character \"!\"\n"
                   "    gr\xc3\xb6\xc3\x9f"
                   "e !\n"
                   "          ^");
    assert_message("-k", " \t lock(name='x')",
                   "-k: at column 5: keyword expressions do not support call parameters; select by "
                   "markers with -m\n"
                   "    lock(name='x')\n"
                   "        ^");
    assert_message("-m", "x(b=1, a=1, a=2)",
                   "-m: at column 13: keyword argument repeated: a\n"
                   "    x(b=1, a=1, a=2)\n"
                   "                ^");
}

static char *repeat(const char *part, size_t times, const char *end)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < times; i++)
        buf_adds(&b, part);
    buf_adds(&b, end);
    return buf_detach(&b);
}

/* Neither depth nor length is too much, and the message about a long text stays short. */
static void test_hostile_length(void **state)
{
    (void)state;
    enum { MANY = 64 * 1024 }; /* even: as many "not" change nothing */
    struct error err = ERROR_INIT;
    const struct marker slow = {.name = "slow"};
    char *open = repeat("(", MANY, "");
    assert_null(expr_compile("-m", open, &err));
    assert_non_null(strstr(err.msg, "at column 65537: expected not OR left parenthesis"));
    assert_true(strlen(err.msg) < 400);
    free(open);

    static const struct {
        const char *part, *end;
        bool value;
    } cases[] = {{"not ", "slow", true},         {"not not not ", "other", false},
                 {"slow or ", "other", true},    {"slow and ", "other", false},
                 {"other or (", "slow", true},   {"not (", "slow", true},
                 {"slow and (", "other", false}, {"(not ", "slow", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeat(cases[i].part, MANY, cases[i].end);
        char *close = repeat(")", strchr(cases[i].part, '(') ? MANY : 0, "");
        char *whole = xasprintf("%s%s", text, close);
        struct expr *e = expr_compile("-m", whole, &err);
        assert_non_null(e);
        assert_int_equal(expr_match_markers(e, &slow, 1), cases[i].value);
        expr_free(e);
        free(whole);
        free(close);
        free(text);
    }
    char *word = repeat("x", MANY, " y");
    assert_null(expr_compile("-m", word, &err));
    assert_true(strlen(err.msg) < 400);
    error_release(&err);
    free(word);
}

/* No marker of the manifest holds a number beyond 64 bits; the nearest one is not the same. */
static void test_huge_number(void **state)
{
    (void)state;
    struct marker_arg most = {.name = "n", .type = ARG_INT, .integer = INT64_MAX};
    const struct marker weight = {.name = "weight", .args = &most, .n_args = 1};
    struct error err = ERROR_INIT;
    struct expr *e = expr_compile("-m", "weight(n=99999999999999999999)", &err);
    assert_non_null(e);
    assert_false(expr_match_markers(e, &weight, 1));
    expr_free(e);
    e = expr_compile("-m", "weight(n=9223372036854775807)", &err);
    assert_non_null(e);
    assert_true(expr_match_markers(e, &weight, 1));
    expr_free(e);
}

static void test_keyword_case(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct expr *e = expr_compile("-k", "Test_A and not \xc3\x84pfel", &err);
    assert_non_null(e);
    assert_true(expr_match_keywords(e, (const char *[]){"mytest_ab", NULL}));
    assert_false(expr_match_keywords(e, (const char *[]){"TEST_A", "x\xc3\xa4pfelx", NULL}));
    /* a word is looked for in one name, not across two */
    assert_false(expr_match_keywords(e, (const char *[]){"test", "_a", NULL}));
    assert_false(expr_match_keywords(e, NULL));
    expr_free(e);
    /* bytes that are not UTF-8 match themselves */
    e = expr_compile("-k", "\xff\xfe", &err);
    assert_non_null(e);
    assert_true(expr_match_keywords(e, (const char *[]){"a\xff\xfe"
                                                        "b",
                                                        NULL}));
    assert_false(expr_match_keywords(e, (const char *[]){"a\xff", "\xfe", NULL}));
    expr_free(e);
    expr_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_pytest),      cmocka_unit_test(test_messages),
        cmocka_unit_test(test_hostile_length), cmocka_unit_test(test_keyword_case),
        cmocka_unit_test(test_huge_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
