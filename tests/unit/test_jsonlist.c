/* JSON files whose long array is read element by element. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "manifest/fields.h"
#include "manifest/jsonlist.h"
#include "plantest.h"

struct reading {
    char *dir;
    struct buf taken; /* the elements, as cJSON prints them */
    int refuse;       /* the number of the element that is not taken */
    int n;
    struct error err;
    struct json rest;
    struct buf text;
};

static int set_up(void **state)
{
    struct reading *r = xcalloc(1, sizeof *r);
    r->dir = plantest_enter();
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct reading *r = *state;
    buf_release(&r->taken);
    error_release(&r->err);
    plantest_leave(r->dir);
    free(r);
    return 0;
}

static bool take(void *ctx, const struct json *j, struct error *err)
{
    struct reading *r = ctx;
    char *text = cJSON_PrintUnformatted(j->root);
    buf_addf(&r->taken, "%s ", text);
    free(text);
    return ++r->n != r->refuse || json_error(j, j->root, err, "not this one");
}

static bool read_text(struct reading *r, const char *text)
{
    struct json_list list = {"list.json", "tests", EXIT_INTERNAL, take, r};
    buf_clear(&r->taken);
    r->n = 0;
    error_release(&r->err);
    plantest_write("list.json", text);
    return json_list_read(&list, &r->rest, &r->text, &r->err);
}

static void assert_rest(struct reading *r, const char *expected)
{
    char *text = cJSON_PrintUnformatted(r->rest.root);
    assert_string_equal(text, expected);
    free(text);
    json_release(&r->rest);
    buf_release(&r->text);
}

static void test_elements_and_rest(void **state)
{
    static const struct {
        const char *text, *taken, *rest;
    } rows[] = {
        {"{\"a\": 1, \"tests\" : [ {\"tests\": [1]} ,\n[\"],\\\"\"], 2 ], \"b\": {\"tests\": [3]}}",
         "{\"tests\":[1]} [\"],\\\"\"] 2 ", "{\"a\":1,\"tests\":[],\"b\":{\"tests\":[3]}}"},
        {"{\"tests\":[]}", "", "{\"tests\":[]}"},
        {"{\"a\":\"tests\",\"tests\":{\"tests\":[1]}}", "",
         "{\"a\":\"tests\",\"tests\":{\"tests\":[1]}}"},
        {"{\"\\u0074ests\":[1]}", "", "{\"tests\":[1]}"},
        {"\xef\xbb\xbf{\"tests\":[\"\xc3\xa9\"]}", "\"\xc3\xa9\" ", "{\"tests\":[]}"},
        {"[{\"tests\":[1]}]", "", "[{\"tests\":[1]}]"},
        {"7", "", "7"},
    };
    struct reading *r = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!read_text(r, rows[i].text))
            fail_msg("%s", r->err.msg);
        assert_string_equal(buf_cstr(&r->taken), rows[i].taken);
        assert_rest(r, rows[i].rest);
    }
}

/* Messages say where in the file it stands, though most of it is not in memory. */
static void test_places(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"{\"tests\": [1,\n  {\"\xc3\xa9\": x}]}", "2:9: expected a value"},
        {"{\"tests\": [1, \"\xc3\xa9\", x]}", "1:20: expected a value"},
        {"{\"tests\": [1, {\"a\": 1, \"a\": 2}]}", "1:24: key 'a' stands twice"},
        {"{\"tests\": [1,\n2],\n \"b\": x}", "3:7: expected a value"},
        {"{\"tests\": [1, 2], \"b\": x}", "1:24: expected a value"},
        {"{\"a\": x, \"tests\": [1]}", "1:7: expected a value"},
        {"{\"tests\": [1,]}", "1:14: expected a value"},
        {"{\"tests\": [,1]}", "1:12: expected a value"},
        {"{\"tests\": [1 2]}", "1:14: something stands behind"},
        {"{\"tests\": [1}", "1:13: expected a value"},
        {"{\"tests\": [1", "1:11: this array is not closed"},
        {"{\"tests\": [[1", "1:12: this array is not closed"},
        {"{\"tests\": [\"1", "1:12: this string is not closed"},
        {"{\"tests\": [\xef\xbb\xbf" "1]}", "1:12: expected a value"},
        {"{\"tests\": [1], \"tests\": [2]}", "1:16: key 'tests' stands twice"},
        {"{\"tests\": [1]} x", "1:16: something stands behind"},
        {"", "1:1: the file is empty"},
    };
    struct reading *r = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (read_text(r, rows[i].text))
            fail_msg("accepted: %s", rows[i].text);
        assert_int_equal(r->err.code, EXIT_INTERNAL);
        char *said = xasprintf("list.json:%s", rows[i].said);
        if (strncmp(r->err.msg, said, strlen(said)) != 0)
            fail_msg("%s\nsays  %s\nnot   %s", rows[i].text, r->err.msg, said);
        free(said);
    }
}

static void test_an_element_that_is_not_taken_ends_it(void **state)
{
    struct reading *r = *state;
    r->refuse = 2;
    assert_false(read_text(r, "{\"tests\": [1,\n 2, 3]}"));
    assert_int_equal(r->n, 2);
    assert_string_equal(r->err.msg, "list.json:2:2: not this one");
    struct json_list list = {"missing.json", "tests", EXIT_INTERNAL, take, r};
    assert_false(json_list_read(&list, &r->rest, &r->text, &r->err));
    assert_int_equal(r->err.code, EXIT_INTERNAL);
}

/* Wherever the file is cut into what is in memory at once, the same is read. */
static void test_more_than_is_in_memory(void **state)
{
    enum { ELEMENTS = 3000 };
    struct reading *r = *state;
    struct buf text = BUF_INIT, taken = BUF_INIT;
    for (int shift = 0; shift < 70; shift++) {
        buf_clear(&text);
        buf_clear(&taken);
        buf_addf(&text, "{\"%*s\": 0, \"tests\": [\n", shift, "x");
        for (int i = 0; i < ELEMENTS; i++) {
            buf_addf(&text, "%s{\"id\": \"a\\\"]%d\", \"x\": [\"\\\\\"]}", i ? " ,\n" : "", i);
            buf_addf(&taken, "{\"id\":\"a\\\"]%d\",\"x\":[\"\\\\\"]} ", i);
        }
        buf_adds(&text, "], \"tail\": 1}");
        assert_true(text.len > 100000);
        if (!read_text(r, text.data))
            fail_msg("%s", r->err.msg);
        assert_string_equal(r->taken.data, taken.data);
        assert_int_equal(fields_get(r->rest.root, "tail")->valuedouble, 1);
        json_release(&r->rest);
        buf_release(&r->text);
    }
    buf_release(&text);
    buf_release(&taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_elements_and_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_element_that_is_not_taken_ends_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_more_than_is_in_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("jsonlist", tests, NULL, NULL);
}
