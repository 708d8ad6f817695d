/* report/results.c: what becomes of the records of a journal. */
#include <fcntl.h>
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
#include "base/xalloc.h"
#include "report_fixture.h"

static const struct fixture_test three[] = {{"a", "s", FORMAT_EXEC, {NULL}},
                                            {"b", "s", FORMAT_EXEC, {NULL}},
                                            {"c", "s", FORMAT_TAP, {NULL}}};

static void put(struct fixture *f, uint32_t test, enum outcome o, const char *message)
{
    fixture_begin(f, test, o);
    if (message)
        fixture_text(f, FIELD_MESSAGE, message);
    fixture_end(f);
}

static void amend(struct fixture *f, uint32_t test, enum outcome o, const char *message)
{
    fixture_begin(f, test, o);
    f->rec.kind = RECORD_AMEND;
    fixture_text(f, FIELD_MESSAGE, message);
    fixture_end(f);
}

static void test_every_field_arrives(void **state)
{
    static const char property[] = "name\0va\nlue";
    static const char out[] = "out\0put";
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    fixture_begin(&f, 1, OUTCOME_ERROR);
    f.rec.slot = 7;
    f.rec.attempt = 3;
    f.rec.status = 256;
    f.rec.wall_ns = 11;
    f.rec.user_ns = 12;
    f.rec.sys_ns = 13;
    f.rec.peak_bytes = 14;
    fixture_text(&f, FIELD_MESSAGE, "message");
    fixture_text(&f, FIELD_DETAIL, "detail");
    fixture_field(&f, FIELD_STDOUT, out, sizeof out - 1);
    fixture_text(&f, FIELD_STDERR, "err");
    fixture_text(&f, FIELD_LOG, "log");
    fixture_text(&f, FIELD_LOCATION, "file:1");
    fixture_text(&f, FIELD_LEFTOVER, "1 a");
    fixture_text(&f, FIELD_LEFTOVER, "2 b");
    fixture_field(&f, FIELD_PROPERTY, property, sizeof property - 1);
    fixture_text(&f, FIELD_PROPERTY, "alone");
    fixture_field(&f, FIELD_CALL, "\x02", 1);
    fixture_text(&f, (enum record_field)99, "of a later version");
    fixture_end(&f);
    fixture_read(&f);
    const struct result *t = &f.results.tests[1];
    assert_int_equal(t->outcome, OUTCOME_ERROR);
    assert_int_equal(t->call_outcome, OUTCOME_FAILED);
    assert_int_equal(t->slot, 7);
    assert_int_equal(t->attempts, 3);
    assert_int_equal(t->status, 256);
    assert_int_equal(t->start_ns, 1700000000000000000);
    assert_int_equal(t->wall_ns, 11);
    assert_int_equal(t->cpu_ns, 25);
    assert_int_equal(t->peak_bytes, 14);
    assert_string_equal(t->message.data, "message");
    assert_string_equal(t->detail.data, "detail");
    assert_int_equal(t->out.len, sizeof out - 1);
    assert_memory_equal(t->out.data, out, sizeof out);
    assert_string_equal(t->err.data, "err");
    assert_string_equal(t->log.data, "log");
    assert_string_equal(t->location.data, "file:1");
    assert_int_equal(t->n_leftovers, 2);
    assert_string_equal(t->leftovers[1], "2 b");
    assert_int_equal(t->n_properties, 2);
    assert_string_equal(t->properties[0].name, "name");
    assert_string_equal(t->properties[0].value, "va\nlue");
    assert_string_equal(t->properties[1].name, "alone");
    assert_string_equal(t->properties[1].value, "");
    assert_int_equal(f.results.tests[0].outcome, OUTCOME_NONE);
    assert_int_equal(f.results.counts[OUTCOME_ERROR], 1);
    assert_int_equal(f.results.counts[OUTCOME_NONE], 2);
    fixture_close(&f);
}

static void test_reruns(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    put(&f, 0, OUTCOME_FAILED, "first");
    put(&f, 0, OUTCOME_PASSED, NULL);
    put(&f, 1, OUTCOME_TIMEOUT, "too long");
    put(&f, 1, OUTCOME_FAILED, "second");
    put(&f, 1, OUTCOME_FAILED, "third");
    put(&f, 2, OUTCOME_SKIPPED, "skipped");
    put(&f, 2, OUTCOME_PASSED, NULL);
    fixture_read(&f);
    const struct result *t = f.results.tests;
    assert_int_equal(t[0].outcome, OUTCOME_FLAKY);
    assert_int_equal(t[0].attempts, 2);
    assert_string_equal(t[0].message.data, "first");
    assert_int_equal(t[1].outcome, OUTCOME_FAILED);
    assert_int_equal(t[1].attempts, 3);
    assert_string_equal(t[1].message.data, "third");
    assert_int_equal(t[2].outcome, OUTCOME_PASSED);
    assert_int_equal(t[2].message.len, 0);
    assert_int_equal(f.results.counts[OUTCOME_FLAKY], 1);
    assert_int_equal(f.results.counts[OUTCOME_FAILED], 1);
    fixture_close(&f);
}

static void put_void(struct fixture *f, uint32_t test)
{
    fixture_begin(f, test, OUTCOME_NONE);
    f->rec.kind = RECORD_VOID;
    fixture_end(f);
}

static void test_void_results(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    put(&f, 0, OUTCOME_FAILED, "forged");
    put_void(&f, 0);
    put(&f, 0, OUTCOME_PASSED, NULL);
    put(&f, 1, OUTCOME_FAILED, "first");
    put(&f, 1, OUTCOME_PASSED, NULL);
    put_void(&f, 1);
    put(&f, 2, OUTCOME_PASSED, NULL);
    put_void(&f, 2);
    put_void(&f, 2);
    fixture_read(&f);
    const struct result *t = f.results.tests;
    assert_int_equal(t[0].outcome, OUTCOME_PASSED);
    assert_int_equal(t[0].n_earlier, 0);
    assert_int_equal(t[1].outcome, OUTCOME_FAILED);
    assert_string_equal(t[1].message.data, "first");
    assert_int_equal(t[1].n_earlier, 0);
    assert_int_equal(t[2].outcome, OUTCOME_NONE);
    fixture_close(&f);
}

static void test_vanished_process_keeps_a_verdict(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    put(&f, 0, OUTCOME_PASSED, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        fixture_begin(&f, i, OUTCOME_CRASHED);
        f.rec.slot = JOURNAL_NO_SLOT;
        fixture_end(&f);
    }
    put(&f, 2, OUTCOME_FAILED, NULL);
    fixture_begin(&f, 2, OUTCOME_CRASHED); /* a second attempt of a sequential run */
    f.rec.slot = JOURNAL_NO_SLOT;
    f.rec.attempt = 2;
    fixture_end(&f);
    fixture_read(&f);
    assert_int_equal(f.results.tests[0].outcome, OUTCOME_PASSED);
    assert_int_equal(f.results.tests[0].attempts, 1);
    assert_int_equal(f.results.tests[1].outcome, OUTCOME_CRASHED);
    assert_int_equal(f.results.tests[2].outcome, OUTCOME_CRASHED);
    fixture_close(&f);
}

static void test_amend_makes_an_error_of_a_pass(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    fixture_begin(&f, 0, OUTCOME_PASSED);
    f.rec.peak_bytes = 100;
    fixture_text(&f, FIELD_STDOUT, "test\n");
    fixture_text(&f, FIELD_STDERR, "no newline");
    fixture_text(&f, FIELD_LEFTOVER, "1 a");
    fixture_end(&f);
    fixture_begin(&f, 0, OUTCOME_ERROR);
    f.rec.kind = RECORD_AMEND;
    f.rec.wall_ns = 5;
    f.rec.user_ns = 6;
    f.rec.peak_bytes = 50;
    fixture_text(&f, FIELD_MESSAGE, "teardown");
    fixture_text(&f, FIELD_STDOUT, "teardown\n");
    fixture_text(&f, FIELD_STDERR, "teardown\n");
    fixture_text(&f, FIELD_LEFTOVER, "2 b");
    fixture_end(&f);
    fixture_read(&f);
    const struct result *t = &f.results.tests[0];
    assert_int_equal(t->outcome, OUTCOME_ERROR);
    assert_int_equal(t->call_outcome, OUTCOME_PASSED);
    assert_int_equal(t->attempts, 1);
    assert_int_equal(t->wall_ns, 1000005);
    assert_int_equal(t->cpu_ns, 6);
    assert_int_equal(t->peak_bytes, 100);
    assert_string_equal(t->message.data, "teardown");
    assert_string_equal(t->out.data, "test\nteardown\n");
    assert_string_equal(t->err.data, "no newline\nteardown\n");
    assert_int_equal(t->n_leftovers, 2);
    assert_string_equal(t->leftovers[0], "1 a");
    assert_string_equal(t->leftovers[1], "2 b");
    assert_int_equal(f.results.counts[OUTCOME_ERROR], 1);
    assert_int_equal(f.results.counts[OUTCOME_PASSED], 0);
    fixture_close(&f);
}

static void test_amend_of_other_outcomes(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    put(&f, 0, OUTCOME_FAILED, "call");
    amend(&f, 0, OUTCOME_ERROR, "teardown");
    amend(&f, 0, OUTCOME_ERROR, "session");
    put(&f, 1, OUTCOME_CRASHED, "crash");
    amend(&f, 1, OUTCOME_ERROR, "teardown");
    amend(&f, 2, OUTCOME_ERROR, "its result was lost");
    fixture_read(&f);
    const struct result *t = f.results.tests;
    assert_int_equal(t[0].outcome, OUTCOME_ERROR);
    assert_int_equal(t[0].call_outcome, OUTCOME_FAILED);
    assert_string_equal(t[0].message.data, "call; teardown; session");
    assert_int_equal(t[1].outcome, OUTCOME_CRASHED);
    assert_string_equal(t[1].message.data, "crash; teardown");
    assert_int_equal(t[2].outcome, OUTCOME_ERROR);
    assert_int_equal(t[2].attempts, 1);
    amend(&f, 2, OUTCOME_NONE, "no verdict of its own");
    put(&f, 0, OUTCOME_PASSED, NULL); /* run again: the amended record is history */
    fixture_read(&f);
    assert_int_equal(f.results.tests[2].outcome, OUTCOME_ERROR);
    assert_int_equal(f.results.tests[0].outcome, OUTCOME_FLAKY);
    fixture_close(&f);
}

static void test_failures_get_a_message(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    fixture_begin(&f, 0, OUTCOME_CRASHED);
    f.rec.status = 9;
    fixture_end(&f);
    fixture_begin(&f, 1, OUTCOME_FAILED);
    f.rec.status = 3 << 8;
    fixture_end(&f);
    fixture_begin(&f, 2, OUTCOME_FAILED);
    f.rec.status = 1 << 8;
    fixture_point(&f, OUTCOME_FAILED, "x");
    fixture_point(&f, OUTCOME_PASSED, "y");
    fixture_end(&f);
    fixture_read(&f);
    assert_string_equal(f.results.tests[0].message.data, "ended by signal 9 (Killed)");
    assert_string_equal(f.results.tests[1].message.data, "exit status 3");
    assert_string_equal(f.results.tests[2].message.data, "1 of 2 test points failed");
    fixture_begin(&f, 0, OUTCOME_TIMEOUT);
    f.rec.wall_ns = 1500000000;
    fixture_end(&f);
    fixture_begin(&f, 1, OUTCOME_PASSED);
    f.rec.status = 3 << 8;
    fixture_end(&f);
    fixture_read(&f);
    assert_string_equal(f.results.tests[0].message.data, "timed out after 1.5 s");
    fixture_close(&f);
}

static void test_points_count_singly(void **state)
{
    struct fixture f;
    static const struct fixture_test taps[] = {{"fails", "", FORMAT_TAP, {NULL}},
                                               {"passes", "", FORMAT_TAP, {NULL}},
                                               {"bad plan", "", FORMAT_TAP, {NULL}},
                                               {"crashes", "", FORMAT_TAP, {NULL}},
                                               {"skips all", "", FORMAT_TAP, {NULL}}};
    static const enum outcome outcomes[] = {OUTCOME_FAILED, OUTCOME_PASSED, OUTCOME_FAILED,
                                            OUTCOME_CRASHED};
    (void)state;
    fixture_open(&f, taps, 5, 0);
    for (uint32_t i = 0; i < 4; i++) {
        fixture_begin(&f, i, outcomes[i]);
        fixture_point(&f, OUTCOME_PASSED, "one");
        fixture_point(&f, i == 0 || i == 3 ? OUTCOME_FAILED : OUTCOME_PASSED, "two");
        fixture_end(&f);
    }
    put(&f, 4, OUTCOME_SKIPPED, "no database");
    fixture_read(&f);
    const size_t *n = f.results.counts;
    assert_int_equal(n[OUTCOME_PASSED], 6);
    assert_int_equal(n[OUTCOME_FAILED], 3); /* two points, and the script with the bad plan */
    assert_int_equal(n[OUTCOME_CRASHED], 1);
    assert_int_equal(n[OUTCOME_SKIPPED], 1);
    assert_false(result_counts_itself(&f.results.tests[0]));
    assert_false(result_counts_itself(&f.results.tests[1]));
    assert_true(result_counts_itself(&f.results.tests[2]));
    assert_true(result_counts_itself(&f.results.tests[3]));
    assert_true(result_counts_itself(&f.results.tests[4]));
    fixture_close(&f);
}

static void test_notes_and_foreign_records(void **state)
{
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 3, 0);
    fixture_begin(&f, UINT32_MAX, OUTCOME_NONE);
    f.rec.kind = RECORD_NOTE;
    fixture_text(&f, FIELD_MESSAGE, "note 1");
    fixture_text(&f, FIELD_MESSAGE, "note 2");
    fixture_end(&f);
    put(&f, 3, OUTCOME_PASSED, NULL); /* there is no test 3 */
    fixture_read(&f);
    assert_int_equal(f.results.notes.n, 2);
    assert_string_equal(f.results.notes.v[0], "note 1");
    assert_string_equal(f.results.notes.v[1], "note 2");
    assert_int_equal(f.results.torn, 1);
    assert_int_equal(f.results.counts[OUTCOME_NONE], 3);
    fixture_close(&f);
}

static void test_torn_journal(void **state)
{
    struct fixture f;
    struct error err = ERROR_INIT;
    (void)state;
    fixture_open(&f, three, 3, 0);
    put(&f, 0, OUTCOME_PASSED, "whole");
    assert_int_equal(file_write_all(f.journal, "RLJ1 garbage RLJ1", 17), 0);
    put(&f, 1, OUTCOME_FAILED, "whole too");
    put(&f, 2, OUTCOME_PASSED, "cut off");
    struct buf b = BUF_INIT;
    assert_true(file_read(f.journal_path, &b, &err));
    assert_int_equal(truncate(f.journal_path, (off_t)b.len - 3), 0);
    buf_release(&b);
    fixture_read(&f);
    assert_int_equal(f.results.tests[0].outcome, OUTCOME_PASSED);
    assert_int_equal(f.results.tests[1].outcome, OUTCOME_FAILED);
    assert_string_equal(f.results.tests[1].message.data, "whole too");
    assert_int_equal(f.results.tests[2].outcome, OUTCOME_NONE);
    assert_int_equal(f.results.torn, 2);
    fixture_close(&f);
}

static void test_every_cut_of_a_journal(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    struct buf whole = BUF_INIT;
    struct error err = ERROR_INIT;
    assert_true(file_read(f.journal_path, &whole, &err));
    size_t ran_before = 0;
    for (size_t len = 0; len <= whole.len; len += 13) {
        assert_true(file_write(f.journal_path, whole.data, len, &err));
        fixture_read(&f);
        size_t ran = 0;
        for (uint32_t i = 0; i < f.map.head->n_tests; i++)
            ran += f.results.tests[i].outcome != OUTCOME_NONE;
        assert_true(ran >= ran_before);
        assert_true(f.results.torn <= 1);
        ran_before = ran;
    }
    assert_int_equal(ran_before, 10);
    buf_release(&whole);
    fixture_close(&f);
}

static void test_unreadable_journal(void **state)
{
    struct fixture f;
    struct error err = ERROR_INIT;
    (void)state;
    fixture_open(&f, three, 3, 0);
    char *path = fixture_path(&f, "none");
    assert_false(results_read(&f.results, path, &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_non_null(strstr(err.msg, path));
    error_release(&err);
    assert_true(results_read(&f.results, f.journal_path, &err)); /* empty is fine */
    results_count(&f.results);
    assert_int_equal(f.results.counts[OUTCOME_NONE], 3);
    free(path);
    fixture_close(&f);
}

static void test_exit_codes(void **state)
{
    static const struct {
        enum outcome o;
        enum exit_code code;
    } cases[] = {{OUTCOME_PASSED, EXIT_OK},     {OUTCOME_SKIPPED, EXIT_OK},
                 {OUTCOME_XFAILED, EXIT_OK},    {OUTCOME_XPASSED, EXIT_OK},
                 {OUTCOME_FLAKY, EXIT_OK},      {OUTCOME_FAILED, EXIT_FAILED},
                 {OUTCOME_ERROR, EXIT_FAILED},  {OUTCOME_CRASHED, EXIT_FAILED},
                 {OUTCOME_TIMEOUT, EXIT_FAILED}};
    struct fixture f;
    (void)state;
    fixture_open(&f, three, 2, 0);
    results_count(&f.results);
    assert_int_equal(results_exit_code(&f.results), EXIT_FAILED); /* nothing ran */
    put(&f, 0, OUTCOME_PASSED, NULL);
    fixture_read(&f);
    assert_int_equal(results_exit_code(&f.results), EXIT_FAILED); /* one did not run */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ftruncate(f.journal, 0), 0);
        put(&f, 0, OUTCOME_PASSED, NULL);
        put(&f, 1, cases[i].o, NULL);
        fixture_read(&f);
        assert_int_equal(results_exit_code(&f.results), cases[i].code);
    }
    fixture_close(&f);
    fixture_open(&f, three, 0, 0);
    fixture_read(&f);
    assert_int_equal(results_exit_code(&f.results), EXIT_OK); /* a shard that got none */
    fixture_close(&f);
}

/* Tests that have nothing to say take nothing beyond their entry in the table. */
static void test_silent_tests_take_no_text(void **state)
{
    enum { N = 20000 };
    struct fixture f;
    (void)state;
    struct fixture_test *tests = xcalloc(N, sizeof *tests);
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct fixture_test){"same", "s", FORMAT_EXEC, {NULL}};
    fixture_open(&f, tests, N, 0);
    for (uint32_t i = 0; i < N; i++) {
        fixture_begin(&f, i, OUTCOME_PASSED);
        fixture_text(&f, FIELD_STDOUT, "");
        fixture_end(&f);
    }
    fixture_read(&f);
    assert_int_equal(f.results.counts[OUTCOME_PASSED], N);
    assert_null(f.results.arena.blocks);
    free(tests);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_arrives),
        cmocka_unit_test(test_reruns),
        cmocka_unit_test(test_void_results),
        cmocka_unit_test(test_vanished_process_keeps_a_verdict),
        cmocka_unit_test(test_amend_makes_an_error_of_a_pass),
        cmocka_unit_test(test_amend_of_other_outcomes),
        cmocka_unit_test(test_failures_get_a_message),
        cmocka_unit_test(test_points_count_singly),
        cmocka_unit_test(test_notes_and_foreign_records),
        cmocka_unit_test(test_torn_journal),
        cmocka_unit_test(test_every_cut_of_a_journal),
        cmocka_unit_test(test_unreadable_journal),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_silent_tests_take_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
