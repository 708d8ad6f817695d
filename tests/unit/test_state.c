/* run/state: the shared state of a run. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "run/state.h"

static char dir[4096], *path;

static int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/state-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return -1;
    path = path_join(dir, "state");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(path);
    return file_remove_tree(AT_FDCWD, dir) ? 0 : -1;
}

static void open_fresh(struct state *s, uint32_t n_tests, uint32_t n_slots)
{
    struct error err = ERROR_INIT;
    assert_true(state_create(path, n_tests, n_slots, &err));
    assert_true(state_open(s, path, &err));
}

static void test_layout(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 10, 3);
    assert_int_equal(s.size, sizeof(struct run_state) + 3 * sizeof(struct slot_state) + 3 * 10);
    assert_memory_equal(s.run->magic, "RLSTATE1", 8);
    assert_ptr_equal(&s.run->stop, (char *)s.run + 16);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(state_outcome(&s, i), OUTCOME_NONE);
    state_close(&s);
}

static void test_life_of_a_test(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 3, 2);
    assert_true(state_start(&s, 2, 1, 42));
    assert_int_equal(s.tests[2], TEST_RUNNING);
    assert_int_equal(s.slots[1].test, 3);
    assert_int_equal(s.slots[1].pid, 42);
    assert_true(s.slots[1].since_ns > 0);
    state_abandon(&s, 2, 1);
    assert_int_equal(s.tests[2], TEST_PENDING);
    assert_int_equal(s.slots[1].test, 0);
    assert_true(state_start(&s, 2, 1, 43));
    state_end(&s, 2, 1, OUTCOME_SKIPPED);
    assert_int_equal(state_outcome(&s, 2), OUTCOME_SKIPPED);
    assert_int_equal(s.slots[1].test, 0);
    assert_int_equal(s.run->ended, 1);
    assert_int_equal(s.run->failures, 0);
    assert_false(state_start(&s, 2, 1, 44));
    /* What has ended is not abandoned. */
    state_abandon(&s, 2, 1);
    assert_int_equal(state_outcome(&s, 2), OUTCOME_SKIPPED);
    state_close(&s);
}

/* A slot shows its own test only: an amendment of another does not clear it. */
static void test_other_tests_slot(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 3, 1);
    assert_true(state_start(&s, 0, 0, 1));
    state_end(&s, 0, 0, OUTCOME_PASSED);
    assert_true(state_start(&s, 1, 0, 1));
    state_end(&s, 0, 0, OUTCOME_ERROR);
    assert_int_equal(s.slots[0].test, 2);
    state_close(&s);
}

static void test_maxfail(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 6, 1);
    s.run->maxfail = 3;
    state_end(&s, 0, 0, OUTCOME_FAILED);
    state_end(&s, 0, 0, OUTCOME_ERROR); /* amended: the same failure */
    state_end(&s, 1, 0, OUTCOME_PASSED);
    assert_int_equal(s.run->failures, 1);
    assert_int_equal(s.run->ended, 2);
    state_end(&s, 1, 0, OUTCOME_ERROR); /* amended: now it is one */
    assert_int_equal(s.run->failures, 2);
    assert_int_equal(s.run->ended, 2);
    assert_int_equal(s.run->stop, STOP_NO);
    state_end(&s, 2, 0, OUTCOME_XFAILED);
    state_end(&s, 3, 0, OUTCOME_FLAKY);
    assert_true(state_start(&s, 4, 0, 1));
    state_end(&s, 4, 0, OUTCOME_TIMEOUT);
    assert_int_equal(s.run->stop, STOP_MAXFAIL);
    assert_false(state_start(&s, 5, 0, 1));
    assert_int_equal(s.tests[5], TEST_PENDING);
    /* An interruption keeps its name. */
    s.run->stop = STOP_INTERRUPTED;
    state_end(&s, 5, 0, OUTCOME_CRASHED);
    assert_int_equal(s.run->stop, STOP_INTERRUPTED);
    state_close(&s);
}

static void test_out_of_range(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 2, 1);
    assert_false(state_start(&s, 2, 0, 1));
    assert_false(state_start(&s, UINT32_MAX, 0, 1));
    state_abandon(&s, 2, 0);
    state_end(&s, 2, 0, OUTCOME_PASSED);
    state_end(&s, 0, 0, OUTCOME_NONE);
    state_end(&s, 0, 0, OUTCOME_COUNT);
    assert_int_equal(s.run->ended, 0);
    assert_int_equal(state_outcome(&s, 2), OUTCOME_NONE);
    assert_int_equal(s.tests[0], TEST_PENDING);
    /* A slot that does not exist shows nothing. */
    assert_true(state_start(&s, 1, 7, 1));
    state_end(&s, 1, 7, OUTCOME_PASSED);
    assert_int_equal(s.run->ended, 1);
    state_close(&s);
}

static void test_no_tests(void **state)
{
    (void)state;
    struct state s;
    open_fresh(&s, 0, 0);
    assert_false(state_start(&s, 0, 0, 1));
    state_close(&s);
}

/* Several processes count into one file. */
static void test_shared(void **state)
{
    (void)state;
    enum { PROCESSES = 4, EACH = 500 };
    struct state s;
    open_fresh(&s, PROCESSES * EACH, PROCESSES);
    for (uint32_t p = 0; p < PROCESSES; p++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct state own;
            struct error err = ERROR_INIT;
            if (!state_open(&own, path, &err))
                _exit(1);
            for (uint32_t i = 0; i < EACH; i++) {
                state_start(&own, p * EACH + i, p, 1);
                state_end(&own, p * EACH + i, p, i % 2 ? OUTCOME_PASSED : OUTCOME_FAILED);
            }
            _exit(0);
        }
    }
    int status;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    assert_int_equal(s.run->ended, PROCESSES * EACH);
    assert_int_equal(s.run->failures, PROCESSES * EACH / 2);
    state_close(&s);
}

static void assert_refused(const void *data, size_t len, const char *message)
{
    struct state s;
    struct error err = ERROR_INIT;
    assert_true(file_write(path, data, len, &err));
    assert_false(state_open(&s, path, &err));
    assert_non_null(strstr(err.msg, message));
    assert_int_equal(err.code, EXIT_INTERNAL);
    error_release(&err);
}

static void test_damaged(void **state)
{
    (void)state;
    struct state s;
    struct error err = ERROR_INIT;
    open_fresh(&s, 100, 4);
    size_t size = s.size;
    char *good = xmemdup0(s.run, size), *bad;
    state_close(&s);
    for (size_t len = 0; len < size; len += 7)
        assert_refused(good, len, "not the state of a run");
    bad = xmemdup0(good, size);
    bad[7] = '2';
    assert_refused(bad, size, "not the state of a run");
    free(bad);
    bad = xmemdup0(good, size);
    ((struct run_state *)(void *)bad)->n_slots = UINT32_MAX;
    ((struct run_state *)(void *)bad)->n_tests = UINT32_MAX;
    assert_refused(bad, size, "not the state of a run");
    free(bad);
    bad = xmemdup0(good, size);
    memset(((struct run_state *)(void *)bad)->temp_dir, 'x', 64);
    assert_refused(bad, size, "not the state of a run");
    free(bad);
    free(good);
    unlink(path);
    assert_false(state_open(&s, path, &err));
    assert_non_null(strstr(err.msg, "No such file"));
    assert_false(state_create("/no/such/folder/state", 1, 1, &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    error_release(&err);
}

static void test_void(void **state)
{
    struct error err = ERROR_INIT;
    struct state s;
    (void)state;
    assert_true(state_create(path, 2, 1, &err));
    assert_true(state_open(&s, path, &err));
    assert_true(state_start(&s, 0, 0, 1));
    state_end(&s, 0, 0, OUTCOME_FAILED);
    state_void(&s, 0);
    state_void(&s, 1);
    state_void(&s, 2);
    assert_int_equal(s.run->ended, 0);
    assert_int_equal(s.run->failures, 0);
    assert_int_equal(state_outcome(&s, 0), OUTCOME_NONE);
    assert_true(state_start(&s, 0, 0, 1));
    state_end(&s, 0, 0, OUTCOME_PASSED);
    assert_int_equal(s.run->ended, 1);
    state_close(&s);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(outcome_name(OUTCOME_NONE), "");
    assert_string_equal(outcome_name(OUTCOME_FLAKY), "flaky");
    assert_string_equal(outcome_name(OUTCOME_COUNT), "");
    for (int o = OUTCOME_PASSED; o < OUTCOME_COUNT; o++)
        assert_true(strlen(outcome_name((enum outcome)o)) > 4);
    assert_true(outcome_is_failure(OUTCOME_TIMEOUT));
    assert_false(outcome_is_failure(OUTCOME_XPASSED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_life_of_a_test),
        cmocka_unit_test(test_other_tests_slot),
        cmocka_unit_test(test_maxfail),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_no_tests),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_void),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
