/* tests.json: what it may say, and where a mistake is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "manifest/testsjson.h"
#include "plantest.h"

struct reading {
    char *dir;
    struct manifest m;
    struct testsjson j;
    struct error err;
};

static int set_up(void **state)
{
    struct reading *r = xcalloc(1, sizeof *r);
    r->dir = plantest_enter();
    manifest_init(&r->m);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct reading *r = *state;
    testsjson_release(&r->j);
    manifest_release(&r->m);
    error_release(&r->err);
    plantest_leave(r->dir);
    free(r);
    return 0;
}

static bool read_text(struct reading *r, const char *text, size_t len)
{
    manifest_release(&r->m);
    testsjson_release(&r->j);
    error_release(&r->err);
    /* A copy of the exact size, so that a sanitizer sees a read behind its end. */
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool ok = testsjson_read(&r->m, &r->j, "tests.json", copy, len, ".", &r->err);
    free(copy);
    return ok;
}

static void read_good(struct reading *r, const char *text)
{
    if (!read_text(r, text, strlen(text)))
        fail_msg("%s", r->err.msg);
}

static void test_example_of_the_design(void **state)
{
    struct reading *r = *state;
    plantest_write("build/tests/test_a", "");
    plantest_write("build/tests/test_b", "");
    plantest_write("t/x.t", "");
    read_good(r,
              "{\"rowlock\": 1,\n"
              " \"suites\": [{\"name\": \"py\", \"format\": \"pytest\", \"paths\": [\"tests\"]},\n"
              "   {\"name\": \"native\", \"format\": \"exec\", \"glob\": \"build/tests/test_*\",\n"
              "    \"markers\": [\"unit\"]},\n"
              "   {\"name\": \"shell\", \"format\": \"tap\", \"glob\": \"t/*.t\"}],\n"
              " \"tests\": [{\"id\": \"db/migrate\", \"format\": \"exec\",\n"
              "   \"command\": [\"./migrate-test\", \"--all\", \"\"], \"markers\": [\"serial\"],\n"
              "   \"locks\": [\"port\", \"db\", \"db\"], \"weight\": 2, \"timeout\": 60.5,\n"
              "   \"env\": {\"LANG\": \"C\", \"X\": \"a=b\"}, \"cwd\": \".\",\n"
              "   \"needs\": [\"./migrate-test\"], \"depends\": [\"db/start\"],\n"
              "   \"inputs\": [\"src/db/**\"]}]}\n");
    assert_int_equal(r->m.n, 4);
    assert_int_equal(r->j.n_pytest, 1);
    assert_string_equal(r->j.pytest[0].name, "py");
    assert_string_equal(r->j.pytest[0].paths.v[0], "tests");
    const struct test *t = r->m.tests;
    assert_string_equal(t[0].id, "native/test_a");
    assert_string_equal(t[0].suite, "native");
    assert_string_equal(t[0].command[0], "build/tests/test_a");
    assert_null(t[0].command[1]);
    assert_true(test_has_marker(&t[0], "unit"));
    assert_string_equal(t[0].origin, "tests.json:3");
    assert_string_equal(t[1].id, "native/test_b");
    assert_string_equal(t[2].id, "shell/x.t");
    assert_int_equal(t[2].format, FORMAT_TAP);
    t += 3;
    assert_string_equal(t->id, "db/migrate");
    assert_string_equal(t->command[1], "--all");
    assert_string_equal(t->command[2], "");
    assert_null(t->command[3]);
    assert_true(t->serial);
    assert_string_equal(t->locks[0], "db");
    assert_string_equal(t->locks[1], "port");
    assert_null(t->locks[2]);
    assert_int_equal(t->weight, 2);
    assert_true(t->timeout > 60.4 && t->timeout < 60.6);
    assert_string_equal(t->env[0], "LANG=C");
    assert_string_equal(t->env[1], "X=a=b");
    assert_null(t->env[2]);
    assert_string_equal(t->cwd, ".");
    assert_string_equal(t->needs[0], "./migrate-test");
    assert_string_equal(t->depends[0], "db/start");
    assert_string_equal(t->origin, "tests.json:6");
    assert_null(t->file);
    assert_null(t->scope);
    assert_null(t->group);
}

static void test_small_manifests(void **state)
{
    struct reading *r = *state;
    read_good(r, "{\"rowlock\": 1}");
    assert_int_equal(r->m.n, 0);
    read_good(r, "\xef\xbb\xbf \r\n{\"rowlock\":1.0,\"tests\":[]}\t\n");
    assert_int_equal(r->m.n, 0);
    read_good(r, "{\"tests\": [{\"command\": [\"x\"], \"id\": \"a\"}], \"rowlock\": 1}");
    assert_int_equal(r->m.tests[0].format, FORMAT_EXEC);
    assert_int_equal(r->m.tests[0].weight, 1);
    assert_null(r->m.tests[0].env);
    read_good(r, "{\"rowlock\": 1, \"suites\": [{\"name\": \"p\", \"format\": \"pytest\"}]}");
    assert_int_equal(r->j.n_pytest, 1);
    assert_int_equal(r->j.pytest[0].paths.n, 0);
}

static void test_intensive_weighs_two_unless_said(void **state)
{
    struct reading *r = *state;
    read_good(r, "{\"rowlock\": 1, \"tests\": ["
                 "{\"id\": \"a\", \"command\": [\"x\"], \"markers\": [\"resource_intensive\"]},"
                 "{\"id\": \"b\", \"command\": [\"x\"], \"weight\": 1,"
                 " \"markers\": [\"resource_intensive\"]}]}");
    assert_int_equal(r->m.tests[0].weight, 2);
    assert_int_equal(r->m.tests[1].weight, 1);
}

static void test_globs(void **state)
{
    struct reading *r = *state;
    plantest_write("a/test_1", "");
    plantest_write("a/test_2", "");
    plantest_write("b/test_1", "");
    plantest_write("b/test_d/file", "");
    plantest_write("top", "");
    plantest_write("-dash", "");
    read_good(r, "{\"rowlock\": 1, \"suites\": [{\"name\": \"s\", \"format\": \"exec\","
                 " \"glob\": [\"b/test_*\", \"a/test_*\", \"a/*1\", \"top\", \"-d*\"],"
                 " \"env\": {\"A\": \"1\"}, \"timeout\": 3, \"locks\": [\"l\"], \"weight\": 3}]}");
    assert_int_equal(r->m.n, 5);
    const char *const ids[] = {"s/b/test_1", "s/a/test_1", "s/test_2", "s/top", "s/-dash"};
    const char *const commands[] = {"b/test_1", "a/test_1", "a/test_2", "./top", "./-dash"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(r->m.tests[i].id, ids[i]);
        assert_string_equal(r->m.tests[i].command[0], commands[i]);
        assert_string_equal(r->m.tests[i].env[0], "A=1");
        assert_string_equal(r->m.tests[i].locks[0], "l");
        assert_int_equal(r->m.tests[i].weight, 3);
    }
}

static void test_glob_with_cwd_finds_its_files(void **state)
{
    struct reading *r = *state;
    plantest_write("a/test_1", "");
    read_good(r, "{\"rowlock\": 1, \"suites\": [{\"name\": \"s\", \"format\": \"exec\","
                 " \"glob\": \"a/*\", \"cwd\": \"elsewhere\"}]}");
    char *want = xasprintf("%s/a/test_1", r->dir);
    assert_string_equal(r->m.tests[0].command[0], want);
    assert_string_equal(r->m.tests[0].cwd, "elsewhere");
    assert_string_equal(r->m.tests[0].id, "s/test_1");
    free(want);
}

static void test_root_is_no_pattern(void **state)
{
    struct reading *r = *state;
    plantest_write("we[i]rd*/t/x", "");
    plantest_write("weird/t/y", "");
    const char *text = "{\"rowlock\": 1, \"suites\": [{\"name\": \"s\", \"format\": \"exec\","
                       " \"glob\": \"t/*\"}]}";
    assert_true(
        testsjson_read(&r->m, &r->j, "tests.json", text, strlen(text), "we[i]rd*", &r->err));
    assert_int_equal(r->m.n, 1);
    assert_string_equal(r->m.tests[0].id, "s/x");
    assert_string_equal(r->m.tests[0].command[0], "t/x");
}

/* Each text is put where %s is in {"rowlock": 1, "tests": [%s]}, which is the first line, or is
 * the whole text if it begins with '!'. */
static const struct {
    const char *text, *want;
} BAD[] = {
    /* JSON itself */
    {"!", "1:1: the file is empty; write {\"rowlock\": 1, \"tests\": […]}"},
    {"!{\n  \"rowlock\": 1,\n}", "2:15: a comma with nothing behind it; remove it"},
    {"!{\"rowlock\": 1 \"tests\": []}", "1:15: expected ',' or '}'; is a comma missing?"},
    {"!{\"rowlock\": [1 2]}", "1:16: expected ',' or ']'; is a comma missing?"},
    {"!{\"rowlock\": 1", "1:1: this object is not closed; add a '}'"},
    {"!{\"rowlock\": 1,", "1:1: this object is not closed; add a '}'"},
    {"!{\"a\":\n [1", "2:2: this array is not closed; add a ']'"},
    {"!{\"a\": [", "1:7: this array is not closed; add a ']'"},
    {"!{", "1:1: this object is not closed; add a '}'"},
    {"!{\"rowlock\"", "1:11: expected ':' behind the key; write \"key\": value"},
    {"!{\"rowlock\":", "1:12: the text ends where a value should stand; complete it"},
    {"!{rowlock: 1}", "1:2: expected a key in double quotes; write \"key\": value"},
    {"!{\"rowlock\": 01}", "1:13: a number cannot begin with 0; remove the 0"},
    {"!{\"rowlock\": 1.}", "1:13: this number is not complete; JSON wants digits here"},
    {"!{\"rowlock\": -}", "1:13: this number is not complete; JSON wants digits here"},
    {"!{\"rowlock\": 1e}", "1:13: this number is not complete; JSON wants digits here"},
    {"!{\"rowlock\": nul}", "1:13: expected a value: a string, number, array, object, true, "
                            "false or null; write one"},
    {"!{\"rowlock\": 'x'}", "1:13: JSON strings stand in double quotes; write \"…\""},
    {"!{\"rowlock\": \"x}", "1:13: this string is not closed; add a '\"'"},
    {"!{\"rowlock\": \"x\ny\"}", "1:13: this string is not closed; add a '\"'"},
    {"!{\"rowlock\": \"x\ty\"}",
     "1:15: a control character in a string; write it as \\t, \\n or \\u001f"},
    {"!{\"rowlock\": \"\\x41\"}", "1:14: no such escape in JSON; write a backslash as \\\\"},
    {"!{\"rowlock\": \"\\u12g4\"}", "1:14: \\u takes four hexadecimal digits; write them"},
    {"!{\"rowlock\": \"\\ud800x\"}",
     "1:14: half of a surrogate pair; write both halves or the character"},
    {"!{\"rowlock\": \"\\udc00\"}",
     "1:14: half of a surrogate pair; write both halves or the character"},
    {"!{\"rowlock\": 1}\n x", "2:2: something stands behind the end of the JSON value; remove it"},
    {"!{\"rowlock\": 111111111111111111111111111111111111111111111111111111111111111111}",
     "1:13: this number is too long; shorten it"},
    {"!{\"rowlock\": 1, \"tests\": [],\n \"rowlock\": 1}",
     "2:2: key 'rowlock' stands twice in this object; remove one"},
    /* The top */
    {"![]", "1:1: the manifest must be an object, not an array; write {…}"},
    {"!{}", "1:1: this is no manifest yet; add \"rowlock\": 1"},
    {"!{\"rowlock\": 2}", "1:13: only version 1 of the format is known; write \"rowlock\": 1"},
    {"!{\"rowlock\": \"1\"}", "1:13: only version 1 of the format is known; write \"rowlock\": 1"},
    {"!{\"rowlock\": 1, \"test\": []}",
     "1:16: unknown key 'test' in the manifest; did you mean \"tests\"?"},
    {"!{\"rowlock\": 1, \"tests\": {}}",
     "1:25: \"tests\" must be an array, not an object; write [{…}]"},
    {"!{\"rowlock\": 1, \"suites\": null}",
     "1:26: \"suites\" must be an array, not null; write [{…}]"},
    /* A test */
    {"3", "1:26: a test must be an object, not a number; write {…}"},
    {"{\"command\": [\"x\"]}", "1:26: a test needs an \"id\"; add one"},
    {"{\"id\": \"\", \"command\": [\"x\"]}", "1:33: \"id\" is empty; give it a value or remove it"},
    {"{\"id\": 3, \"command\": [\"x\"]}",
     "1:33: \"id\" must be a string, not a number; put it in double quotes"},
    {"{\"id\": \"é\", \"comand\": [\"x\"]}",
     "1:38: unknown key 'comand' in a test; did you mean \"command\"?"},
    {"{\"id\": \"a\", \"zzzzzz\": 1}",
     "1:38: unknown key 'zzzzzz' in a test; known are \"id\", \"format\", \"command\", "
     "\"markers\", \"locks\", \"weight\", \"timeout\", \"reruns\", \"env\", \"cwd\", "
     "\"needs\", \"depends\", "
     "\"inputs\", \"will_fail\", \"disabled\", \"skip_code\", \"pass_regex\", \"fail_regex\", "
     "\"skip_regex\", \"required_files\""},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"will_fail\": 1}",
     "1:69: \"will_fail\" must be true or false, not a number; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"skip_code\": 256}",
     "1:69: \"skip_code\" must be a whole number from 0 to 255; correct it"},
    {"{\"id\": \"a\"}", "1:26: a test needs a \"command\"; write [\"PROGRAM\", …]"},
    {"{\"id\": \"a\", \"command\": \"x\"}",
     "1:49: \"command\" must be an array of strings, not a string; write [\"…\"]"},
    {"{\"id\": \"a\", \"command\": []}", "1:49: \"command\" is empty; write [\"PROGRAM\", …]"},
    {"{\"id\": \"a\", \"command\": [\"\"]}", "1:50: the program's name is empty; write it"},
    {"{\"id\": \"a\", \"command\": [\"x\", 3]}",
     "1:55: \"command\" holds a number; it takes strings only: put it in double quotes"},
    {"{\"id\": \"a\\u0000b\", \"command\": [\"x\"]}",
     "1:35: a string cannot hold a NUL; remove the \\u0000"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"format\": \"tapp\"}",
     "1:66: unknown format 'tapp'; did you mean 'tap'?"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"format\": \"zzzzzzzz\"}",
     "1:66: unknown format 'zzzzzzzz'; use exec, tap, gtest or pytest"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"format\": \"ctest\"}",
     "1:66: format 'ctest' is for suites; use exec, tap or gtest"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"format\": \"gtest\", \"will_fail\": true}",
     "1:75: unknown key 'will_fail' in a Google Test program; known are \"id\", \"format\", "
     "\"command\", \"markers\", \"locks\", \"weight\", \"timeout\", \"reruns\", \"env\", \"cwd\", "
     "\"needs\", \"depends\", \"inputs\", \"disabled\", \"required_files\""},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"format\": \"pytest\"}",
     "1:66: pytest tests are not listed singly; add a suite of format pytest"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"markers\": [\"\"]}",
     "1:68: \"markers\" holds an empty string; name it or remove it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"markers\": [\"unit\", \"lock('a')\"]}",
     "1:76: markers take no arguments here; write \"locks\": [\"NAME\"] instead"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"locks\": [\"\"]}",
     "1:66: \"locks\" holds an empty string; name it or remove it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"locks\": {}}",
     "1:65: \"locks\" must be an array of strings, not an object; write [\"…\"]"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"weight\": 0}",
     "1:66: \"weight\" must be a whole number from 1 to 65535; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"weight\": 1.5}",
     "1:66: \"weight\" must be a whole number from 1 to 65535; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"weight\": 1e99}",
     "1:66: \"weight\" must be a whole number from 1 to 65535; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"weight\": \"2\"}",
     "1:66: \"weight\" must be a whole number from 1 to 65535; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"timeout\": 0}",
     "1:67: \"timeout\" must be a number of seconds above 0; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"timeout\": -1}",
     "1:67: \"timeout\" must be a number of seconds above 0; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"timeout\": 1e999}",
     "1:67: \"timeout\" must be a number of seconds above 0; correct it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"env\": [\"A=1\"]}",
     "1:63: \"env\" must be an object, not an array; write {\"NAME\": \"value\"}"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"env\": {\"\": \"1\"}}",
     "1:64: a variable needs a name; write \"NAME\": \"value\""},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"env\": {\"A=B\": \"1\"}}",
     "1:64: a variable's name cannot hold '='; write \"NAME\": \"value\""},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"env\": {\"A\": 1}}",
     "1:69: a variable's value must be a string, not a number; put it in double quotes"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"env\": {\"A\": \"1\", \"A\": \"2\"}}",
     "1:74: key 'A' stands twice in this object; remove one"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"cwd\": \"\"}",
     "1:63: \"cwd\" is empty; give it a value or remove it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"cwd\": true}",
     "1:63: \"cwd\" must be a string, not a boolean; put it in double quotes"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"needs\": [\"\"]}",
     "1:66: \"needs\" holds an empty string; name it or remove it"},
    {"{\"id\": \"a\", \"command\": [\"x\"], \"depends\": \"b\"}",
     "1:67: \"depends\" must be an array of strings, not a string; write [\"…\"]"},
    {"{\"id\": \"a\", \"command\": [\"x\"]},\n{\"command\": [\"x\"], \"id\": \"a\"}",
     "2:26: the test id 'a' is taken already, by the test of tests.json:1; give each test an id "
     "of its own"},
};

static void check_bad(struct reading *r, const char *text, size_t len, const char *want)
{
    if (read_text(r, text, len))
        fail_msg("accepted: %s", text);
    char *whole = xasprintf("tests.json:%s", want);
    assert_string_equal(r->err.msg, whole);
    assert_int_equal(r->err.code, EXIT_USAGE);
    assert_int_equal(r->j.n_pytest, 0);
    free(whole);
}

static void test_mistakes_are_located(void **state)
{
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        char *text = BAD[i].text[0] == '!'
                         ? xstrdup(BAD[i].text + 1)
                         : xasprintf("{\"rowlock\": 1, \"tests\": [%s]}", BAD[i].text);
        check_bad(*state, text, strlen(text), BAD[i].want);
        free(text);
    }
}

/* Likewise for {"rowlock": 1, "suites": [%s]}. */
static const struct {
    const char *text, *want;
} BAD_SUITES[] = {
    {"{\"format\": \"exec\"}", "1:27: a suite needs a \"name\"; add it"},
    {"{\"name\": \"s\"}", "1:27: a suite needs a \"format\"; add it"},
    {"{\"name\": \"s\", \"format\": \"exec\"}",
     "1:27: a suite of format exec needs a \"glob\"; add the pattern of its files"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"globs\": \"x\"}",
     "1:59: unknown key 'globs' in a suite; did you mean \"glob\"?"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": \"no/such*\"}",
     "1:67: the glob 'no/such*' matches no file; build the tests first, or correct it"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": [\"file\", \"x\"]}",
     "1:76: the glob 'x' matches no file; build the tests first, or correct it"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": \"folder\"}",
     "1:67: the glob 'folder' matches no file; build the tests first, or correct it"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": []}",
     "1:67: \"glob\" names no files; add a pattern"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": 1}",
     "1:67: \"glob\" must be an array of strings, not a number; write [\"…\"]"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": \"a/**/b\"}",
     "1:67: the glob 'a/**/b' holds '**', which is not supported; name the folders one by one"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": \"file\", \"paths\": []}",
     "1:75: unknown key 'paths' in a suite of native tests; known are \"name\", \"format\", "
     "\"glob\", \"markers\", \"env\", \"timeout\", \"locks\", \"weight\", \"cwd\", "
     "\"reruns\", \"interpreter\""},
    {"{\"name\": \"s\", \"format\": \"pytest\", \"env\": {}}",
     "1:61: unknown key 'env' in a pytest suite; known are \"name\", \"format\", \"paths\""},
    {"{\"name\": \"s\", \"format\": \"pytest\", \"paths\": \"tests\"}",
     "1:70: \"paths\" must be an array of strings, not a string; write [\"…\"]"},
    {"{\"name\": \"s\", \"format\": \"gtest\", \"glob\": \"x\", \"command\": [\"x\"]}",
     "1:84: a suite has a \"glob\" or a \"command\"; remove one"},
    {"{\"name\": \"s\", \"format\": \"gtest\", \"command\": []}",
     "1:71: \"command\" names no program; write [\"PROGRAM\", …]"},
    {"{\"name\": \"s\", \"format\": \"ctest\"}",
     "1:27: a suite of a build folder needs a \"build\"; add the folder's path"},
    {"{\"name\": \"s\", \"format\": \"meson\", \"build\": \"\"}",
     "1:69: \"build\" is empty; give it a value or remove it"},
    {"{\"name\": \"s\", \"format\": \"pytest\"}, {\"name\": \"s\", \"format\": \"pytest\"}",
     "1:71: a second suite named 's'; give it another name"},
    {"{\"name\": \"s\", \"format\": \"exec\", \"glob\": \"file\", \"weight\": 0}",
     "1:85: \"weight\" must be a whole number from 1 to 65535; correct it"},
};

static void test_mistakes_in_suites_are_located(void **state)
{
    plantest_write("file", "");
    plantest_write("folder/file", "");
    for (size_t i = 0; i < sizeof BAD_SUITES / sizeof *BAD_SUITES; i++) {
        char *text = xasprintf("{\"rowlock\": 1, \"suites\": [%s]}", BAD_SUITES[i].text);
        check_bad(*state, text, strlen(text), BAD_SUITES[i].want);
        free(text);
    }
}

static void test_nul_is_no_end(void **state)
{
    static const char text[] = "{\"rowlock\": 1}\0{\"more\"";
    check_bad(*state, text, sizeof text - 1,
              "1:15: something stands behind the end of the JSON value; remove it");
    static const char within[] = "{\"rowlock\": 1, \"tests\": [{\"id\": \"a\0b\"}]}";
    check_bad(*state, within, sizeof within - 1,
              "1:35: a control character in a string; write it as \\t, \\n or \\u001f");
}

static void test_depth_is_limited(void **state)
{
    struct buf b = BUF_INIT;
    buf_adds(&b, "{\"rowlock\": 1, \"tests\": [{\"id\": \"a\", \"command\": [\"x\"], \"inputs\": ");
    size_t start = b.len;
    for (int i = 0; i < 100; i++)
        buf_addc(&b, '[');
    for (int i = 0; i < 100; i++)
        buf_addc(&b, ']');
    buf_adds(&b, "}]}");
    read_good(*state, buf_cstr(&b));
    b.len = start;
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, '[');
    check_bad(*state, b.data, b.len, "1:263: nested too deeply; remove some levels");
    buf_release(&b);
}

static void test_hostile_strings_are_kept_as_they_are(void **state)
{
    struct reading *r = *state;
    read_good(r, "{\"rowlock\": 1, \"tests\": [{\"id\": \"$(touch pwned)`x`;#%:\\\\\\n\\t\\\"\","
                 " \"command\": [\"-\xff\xfe\", \"\\ud83d\\ude00\"], \"markers\": [\"$(x)\"],"
                 " \"env\": {\"A B\": \"\\u0001\\n\"}}]}");
    assert_string_equal(r->m.tests[0].id, "$(touch pwned)`x`;#%:\\\n\t\"");
    assert_string_equal(r->m.tests[0].command[0], "-\xff\xfe");
    assert_string_equal(r->m.tests[0].command[1], "\xf0\x9f\x98\x80");
    assert_string_equal(r->m.tests[0].env[0], "A B=\x01\n");
    assert_true(test_has_marker(&r->m.tests[0], "$(x)"));
}

/* Whatever is cut off or changed, there is an answer, and a refusal names a place. */
static void test_damaged_texts(void **state)
{
    static const char good[] =
        "{\"rowlock\": 1, \"suites\": [{\"name\": \"s\", \"format\": \"exec\", \"glob\": [\"f*\"],"
        " \"env\": {\"A\": \"\\u00e9\\n\"}}, {\"name\": \"p\", \"format\": \"pytest\"}],\n"
        " \"tests\": [{\"id\": \"a\", \"command\": [\"x\", \"\\ud83d\\ude00\"], \"weight\": 12e-0,"
        " \"timeout\": 1.5, \"locks\": [\"l\"], \"markers\": [\"serial\"], \"inputs\": [true]}]}";
    struct reading *r = *state;
    uint64_t seed = 7;
    plantest_write("f1", "");
    read_good(r, good);
    for (size_t n = 0; n < sizeof good - 2; n++)
        assert_false(read_text(r, good, n));
    for (int round = 0; round < 3000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint32_t k = plantest_below(&seed, 3) + 1; k > 0; k--)
            text[plantest_below(&seed, sizeof good - 1)] =
                "\"\\{}[]:,0919eE.-tu \n\x80\xff\x01"[plantest_below(&seed, 24)];
        if (!read_text(r, text, sizeof good - 1)) {
            size_t line, column;
            assert_int_equal(sscanf(r->err.msg, "tests.json:%zu:%zu: ", &line, &column), 2);
            assert_null(strchr(r->err.msg, '\n'));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_example_of_the_design, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_manifests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_intensive_weighs_two_unless_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_globs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_glob_with_cwd_finds_its_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_is_no_pattern, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes_are_located, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes_in_suites_are_located, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nul_is_no_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth_is_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_strings_are_kept_as_they_are, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_texts, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("testsjson", tests, NULL, NULL);
}
