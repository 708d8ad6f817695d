/* report/json.c, read back with cJSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/text.h"
#include "report_fixture.h"

/* Writes the report, checks that it is UTF-8, and parses it; the caller deletes. */
static cJSON *report(const struct fixture *f)
{
    struct error err = ERROR_INIT;
    char *path = fixture_path(f, "new/folder/report.json");
    if (!report_json(path, &f->results, &err))
        fail_msg("%s", err.msg);
    char *text = fixture_slurp(path);
    free(path);
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        int32_t cp;
        i += text_char(text + i, len - i, &cp);
        assert_true(cp >= 0);
    }
    const char *end;
    cJSON *json = cJSON_ParseWithOpts(text, &end, true);
    if (!json)
        fail_msg("not JSON from here: %.200s", end);
    free(text);
    return json;
}

static const cJSON *at(const cJSON *json, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!value)
        fail_msg("no key %s", key);
    return value;
}

static void same_string(const cJSON *json, const char *key, const char *want)
{
    const cJSON *value = at(json, key);
    assert_true(cJSON_IsString(value));
    assert_string_equal(value->valuestring, want);
}

static void same_number(const cJSON *json, const char *key, double want)
{
    const cJSON *value = at(json, key);
    assert_true(cJSON_IsNumber(value));
    assert_true(value->valuedouble > want - 1e-6 && value->valuedouble < want + 1e-6);
}

static const cJSON *find(const cJSON *json, const char *id)
{
    const cJSON *test;
    cJSON_ArrayForEach(test, at(json, "tests")) if (strcmp(at(test, "id")->valuestring, id) ==
                                                    0) return test;
    fail_msg("no test %s", id);
    return NULL;
}

static void test_summary(void **state)
{
    static const struct {
        const char *key;
        int n;
    } counts[] = {{"passed", 3},  {"failed", 2},  {"skipped", 2}, {"xfailed", 2},
                  {"xpassed", 0}, {"error", 1},   {"crashed", 1}, {"timeout", 1},
                  {"flaky", 1},   {"not_run", 1}, {"total", 14}};
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    cJSON *json = report(&f);
    const cJSON *summary = at(json, "summary");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        same_number(summary, counts[i].key, counts[i].n);
    same_number(summary, "duration", 3.214);
    assert_true(cJSON_IsFalse(at(summary, "interrupted")));
    assert_int_equal(cJSON_GetArraySize(at(json, "tests")), 10);
    assert_int_equal(cJSON_GetArraySize(at(json, "not_run")), 1);
    assert_string_equal(cJSON_GetArrayItem(at(json, "not_run"), 0)->valuestring,
                        "tests/test_db.py::test_never");
    cJSON_Delete(json);
    f.results.interrupted = true;
    json = report(&f);
    assert_true(cJSON_IsTrue(at(at(json, "summary"), "interrupted")));
    cJSON_Delete(json);
    fixture_close(&f);
}

static void test_passed(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    cJSON *json = report(&f);
    const cJSON *t = cJSON_GetArrayItem(at(json, "tests"), 0);
    same_string(t, "id", "tests/test_math.py::TestAdd::test_small[a::b/c.py]");
    same_string(t, "outcome", "passed");
    same_number(t, "duration", 0.012);
    same_string(t, "worker", "gw0");
    assert_int_equal(cJSON_GetArraySize(at(t, "markers")), 2);
    assert_string_equal(cJSON_GetArrayItem(at(t, "markers"), 1)->valuestring, "slow");
    assert_true(cJSON_IsNull(at(t, "message")));
    same_number(t, "attempts", 1);
    same_string(t, "suite", "py");
    same_number(t, "start", 1700000000);
    same_number(t, "cpu", 0.009);
    same_number(t, "peak_memory", 20000000);
    const cJSON *property = cJSON_GetArrayItem(at(t, "properties"), 0);
    same_string(property, "name", "ticket");
    same_string(property, "value", "ABC-1 & <more>");
    assert_null(cJSON_GetObjectItem(t, "stdout"));
    assert_null(cJSON_GetObjectItem(t, "call_outcome"));
    cJSON_Delete(json);
    fixture_close(&f);
}

static void test_not_passed(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    cJSON *json = report(&f);
    const cJSON *t = find(json, "tests/test_math.py::TestAdd::test_large");
    same_string(t, "outcome", "failed");
    same_string(t, "worker", "gw1");
    same_string(t, "message", "AssertionError: assert 3 == 4");
    same_string(t, "location", "tests/test_math.py:12");
    same_string(t, "stdout", "adding 1 and 2\n");
    same_string(t, "stderr", "a warning");
    same_string(t, "log", "INFO math:math.py:3 adding\n");
    assert_non_null(strstr(at(t, "detail")->valuestring, "\n>       assert add(1, 2) == 4\n"));
    t = find(json, "tests/test_db.py::test_fixture");
    same_string(t, "outcome", "error");
    same_string(t, "call_outcome", "passed");
    t = find(json, "t/basic.t");
    same_string(t, "outcome", "failed");
    assert_int_equal(cJSON_GetArraySize(at(t, "points")), 4);
    same_string(cJSON_GetArrayItem(at(t, "points"), 1), "outcome", "failed");
    same_string(cJSON_GetArrayItem(at(t, "points"), 1), "description", "subtracts");
    same_string(cJSON_GetArrayItem(at(t, "points"), 3), "outcome", "xfailed");
    t = find(json, "tests/test_db.py::test_network");
    same_string(t, "outcome", "flaky");
    same_number(t, "attempts", 2);
    t = find(json, "build/daemon");
    assert_int_equal(cJSON_GetArraySize(at(t, "leftovers")), 2);
    assert_string_equal(cJSON_GetArrayItem(at(t, "leftovers"), 1)->valuestring, "4713 sh");
    same_string(find(json, "db/migrate"), "outcome", "crashed");
    same_string(find(json, "native/slow"), "outcome", "timeout");
    same_string(find(json, "tests/test_db.py::test_todo"), "outcome", "xfailed");
    same_string(find(json, "tests/test_db.py::test_skipped"), "message", "needs a database");
    cJSON_Delete(json);
    fixture_close(&f);
}

static void test_hostile_bytes(void **state)
{
    /* What is UTF-8 comes back as it was, the rest as \xNN. */
    static const char back[] = "a\"b'<&>]]>\\\n\t\r\x1b[31m\x07\x7f\\xff\\xc0\\xaf\\xed\\xa0\\x80"
                               "\xef\xbf\xbe$(x)`y`\xc3\xa9";
    struct fixture f;
    (void)state;
    fixture_hostile(&f);
    cJSON *json = report(&f);
    const cJSON *t = find(json, back);
    static const char *const texts[] = {"suite", "message", "detail", "stderr", "log"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        same_string(t, texts[i], back);
    assert_string_equal(cJSON_GetArrayItem(at(t, "markers"), 0)->valuestring, back);
    assert_string_equal(cJSON_GetArrayItem(at(t, "leftovers"), 0)->valuestring, back);
    same_string(t, "stdout", "before\\x00after");
    t = cJSON_GetArrayItem(at(json, "tests"), 2);
    assert_int_equal(strlen(at(t, "id")->valuestring), 65536);
    same_string(cJSON_GetArrayItem(at(t, "properties"), 0), "name", back);
    same_string(cJSON_GetArrayItem(at(t, "properties"), 0), "value", back);
    t = find(json, "-e \\");
    same_string(cJSON_GetArrayItem(at(t, "points"), 0), "description", back);
    cJSON_Delete(json);
    fixture_close(&f);
}

static void test_workers_and_nothing(void **state)
{
    static const struct fixture_test tests[] = {{"a", "", FORMAT_EXEC, {NULL}},
                                                {"b", "", FORMAT_EXEC, {NULL}}};
    struct fixture f;
    (void)state;
    fixture_open(&f, tests, 2, 0);
    fixture_begin(&f, 0, OUTCOME_CRASHED);
    f.rec.slot = JOURNAL_NO_SLOT;
    fixture_end(&f);
    fixture_begin(&f, 1, OUTCOME_PASSED);
    f.rec.slot = 11;
    fixture_end(&f);
    fixture_read(&f);
    cJSON *json = report(&f);
    same_string(find(json, "a"), "worker", "master");
    same_string(find(json, "b"), "worker", "gw11");
    assert_null(cJSON_GetObjectItem(json, "not_run"));
    cJSON_Delete(json);
    fixture_close(&f);
    fixture_open(&f, tests, 1, PLAN_SEQUENTIAL);
    fixture_begin(&f, 0, OUTCOME_PASSED);
    fixture_end(&f);
    fixture_read(&f);
    json = report(&f);
    same_string(find(json, "a"), "worker", "master");
    cJSON_Delete(json);
    fixture_close(&f);
    fixture_open(&f, tests, 0, 0);
    fixture_read(&f);
    json = report(&f);
    assert_int_equal(cJSON_GetArraySize(at(json, "tests")), 0);
    same_number(at(json, "summary"), "total", 0);
    cJSON_Delete(json);
    fixture_close(&f);
}

static void test_unwritable(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    fixture_expect_unwritable(&f, report_json);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_passed),
        cmocka_unit_test(test_not_passed),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_workers_and_nothing),
        cmocka_unit_test(test_unwritable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
