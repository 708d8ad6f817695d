/* rowlock-exec when processes die or must be made to: whatever is killed, nothing stays
 * behind, slots come free, and other tests keep their verdicts. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "run/platform.h"
#include "run/rundir.h"
#include "run/slot.h"
#include "testrun.h"

/* The outer process's pid, in a test's script: its parent is the inner one. */
#define OUTER "$(awk '{print $4}' /proc/$PPID/stat)"

/* An argument of sleep that no other process has: seconds, many, with our pid behind the dot. */
static char *new_marker(void)
{
    static int n;
    return xasprintf("36%02d.%ld", ++n, (long)getpid());
}

static void assert_outcome(const struct testrun *t, uint32_t test, enum outcome o)
{
    assert_string_equal(outcome_name(state_outcome(&t->state, test)), outcome_name(o));
    assert_int_equal(testrun_count(t, test, RECORD_RESULT), o == OUTCOME_NONE ? 0 : 1);
}

static void assert_field_has(const struct testrun *t, uint32_t test, enum record_field tag,
                             const char *part)
{
    char *text = testrun_field(t, test, tag);
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    free(text);
}

/* Slot 0 becomes free. */
static void assert_slot_free(const struct testrun *t)
{
    struct slot s;
    struct error err = ERROR_INIT;
    assert_int_equal(slot_take(&s, t->run, 1, &err), LOCK_TAKEN);
    slot_release(&s);
}

static void test_timeout(void **state)
{
    (void)state;
    char *marker = new_marker();
    /* Neither the test nor its child listens to SIGTERM; another has left its group. */
    char *script = xasprintf("trap '' TERM; sh -c 'trap \"\" TERM; sleep %s; :' & setsid sh -c "
                             "'sleep %s; :' & echo started; wait; sleep %s",
                             marker, marker, marker);
    const struct spec specs[] = {
        {.id = "hangs", .script = script, .timeout_ms = 1000},
        {.id = "obeys",
         .script = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done",
         .timeout_ms = 1500,
         .same_group = true},
        {.id = "stops itself", .script = "kill -STOP $$", .timeout_ms = 200, .same_group = true},
        {.id = "next", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 4);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_true(testrun_wait_gone(marker));
    assert_outcome(&t, 0, OUTCOME_TIMEOUT);
    assert_field_has(&t, 0, FIELD_MESSAGE, "timed out after 1 s");
    assert_field_has(&t, 0, FIELD_STDOUT, "started\n");
    assert_outcome(&t, 1, OUTCOME_TIMEOUT);
    assert_field_has(&t, 1, FIELD_MESSAGE, "timed out after 1.5 s");
    assert_field_has(&t, 1, FIELD_STDOUT, "bye\n");
    assert_outcome(&t, 2, OUTCOME_TIMEOUT);
    assert_outcome(&t, 3, OUTCOME_PASSED);
    free(script);
    free(marker);
    testrun_remove(&t);
}

static void test_leftovers(void **state)
{
    (void)state;
    char *marker = new_marker();
    const char *const daemon[] = {testrun_program(), "--daemon", marker, NULL};
    char *script = xasprintf("sleep %s & echo done", marker);
    const struct spec specs[] = {
        {.id = "daemon", .command = daemon},
        {.id = "background", .script = script, .same_group = true},
        {.id = "ends by itself", .script = "(exit 0) & exit 0", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 3);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_true(testrun_wait_gone(marker));
    for (uint32_t i = 0; i < 3; i++)
        assert_outcome(&t, i, OUTCOME_PASSED);
    assert_field_has(&t, 0, FIELD_LEFTOVER, " sleep");
    assert_field_has(&t, 1, FIELD_LEFTOVER, " s"); /* sh, or sleep already */
    assert_field_has(&t, 1, FIELD_STDOUT, "done\n");
    char *none = testrun_field(&t, 2, FIELD_LEFTOVER);
    assert_string_equal(none, "");
    free(none);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* Starts a group whose test says when it runs, and waits for that. The script may use OUTER. */
static pid_t start_and_wait(const struct testrun *t)
{
    pid_t pid = testrun_start(t, (const char *[]){RUN_ID, "1", NULL});
    char *ready = path_join(t->dir, "ready");
    assert_true(testrun_wait_file(ready));
    free(ready);
    return pid;
}

static void test_inner_killed(void **state)
{
    (void)state;
    char *marker = new_marker();
    /* The daemon has no way to learn of the death: it must be found. */
    char *script = xasprintf("echo out; %s --daemon %s; kill -9 $PPID; sleep %s", testrun_program(),
                             marker, marker);
    const struct spec specs[] = {
        {.id = "before"},
        {.id = "killer", .script = script, .same_group = true},
        {.id = "after", .same_group = true},
        {.id = "again", .script = "kill -9 $PPID", .same_group = true},
        {.id = "politely", .script = "kill $PPID; sleep 1000", .same_group = true},
        {.id = "last", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 6);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_true(testrun_wait_gone(marker));
    assert_outcome(&t, 0, OUTCOME_PASSED);
    assert_outcome(&t, 1, OUTCOME_CRASHED);
    assert_field_has(&t, 1, FIELD_MESSAGE, "killed by SIGKILL");
    assert_outcome(&t, 2, OUTCOME_PASSED);
    assert_outcome(&t, 3, OUTCOME_CRASHED);
    assert_outcome(&t, 4, OUTCOME_CRASHED);
    assert_field_has(&t, 4, FIELD_MESSAGE, "somebody told it to stop");
    assert_outcome(&t, 5, OUTCOME_PASSED);
    assert_slot_free(&t);
    free(script);
    free(marker);
    testrun_remove(&t);
}

static void test_outer_killed(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script =
        xasprintf("setsid sleep %s & kill -9 " OUTER "; trap '' TERM; sleep %s", marker, marker);
    const struct spec specs[] = {
        {.id = "before"},
        {.id = "killer", .script = script, .same_group = true},
        {.id = "after", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 3);
    assert_int_equal(testrun_run_group(&t, 1), 1000 + SIGKILL);
    assert_true(testrun_wait_gone(marker));
    assert_slot_free(&t); /* when the inner process has ended */
    assert_outcome(&t, 0, OUTCOME_PASSED);
    assert_outcome(&t, 1, OUTCOME_NONE);
    /* Known to have run: whoever settles the run records it as crashed. */
    assert_int_equal(t.state.tests[1], TEST_RUNNING);
    assert_int_equal(t.state.tests[2], TEST_PENDING);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* While the inner process cleans up behind a killed outer one, nobody else gets the slot. */
static void test_slot_outlives_outer(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script = xasprintf("trap 'sleep 0.3; touch cleaned; exit' TERM; touch ready; "
                             "while :; do sleep 0.01; done; echo %s",
                             marker);
    const struct spec specs[] = {{.id = "a", .script = script}, {.id = "b"}};
    struct testrun t = {.n_slots = 1, .grace_ms = 5000};
    testrun_create(&t, specs, 2);
    pid_t outer = start_and_wait(&t);
    kill(outer, SIGKILL);
    testrun_wait(outer);
    /* Waits for the slot. */
    assert_int_equal(testrun_run_group(&t, 2), 0);
    char *cleaned = path_join(t.dir, "cleaned");
    assert_int_equal(access(cleaned, F_OK), 0);
    assert_outcome(&t, 1, OUTCOME_PASSED);
    assert_true(testrun_wait_gone(marker));
    free(cleaned);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* Nobody of ours is left to clean up, but the kernel takes the test itself along. (What that
 * has started falls to the driver.) */
static void test_both_killed(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script = xasprintf("kill -9 " OUTER " $PPID; exec sleep %s", marker);
    const struct spec specs[] = {{.id = "killer", .script = script}, {.id = "next"}};
    struct testrun t = {.n_slots = 1};
    testrun_create(&t, specs, 2);
    assert_int_equal(testrun_run_group(&t, 1), 1000 + SIGKILL);
    assert_true(testrun_wait_gone(marker));
    assert_int_equal(testrun_run_group(&t, 2), 0);
    assert_outcome(&t, 1, OUTCOME_PASSED);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* Each of the signals ends the test in order: TERM, its own clean-up, no record. */
static void test_interrupted(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3; i++) {
        char *marker = new_marker();
        char *script = xasprintf("setsid sleep %s & trap 'touch cleaned; exit 0' TERM; touch "
                                 "ready; while :; do sleep 0.01; done",
                                 marker);
        const struct spec specs[] = {{.id = "a"},
                                     {.id = "b", .script = script, .same_group = true},
                                     {.id = "c", .same_group = true}};
        struct testrun t = {.grace_ms = 10000};
        testrun_create(&t, specs, 3);
        pid_t pid = start_and_wait(&t);
        kill(pid, signals[i]);
        assert_int_equal(testrun_wait(pid), 2);
        char *cleaned = path_join(t.dir, "cleaned");
        assert_int_equal(access(cleaned, F_OK), 0);
        assert_true(testrun_wait_gone(marker));
        assert_outcome(&t, 0, OUTCOME_PASSED);
        assert_outcome(&t, 1, OUTCOME_NONE);
        assert_int_equal(t.state.tests[1], TEST_PENDING);
        assert_int_equal(t.state.tests[2], TEST_PENDING);
        assert_int_equal(t.state.slots[0].test, 0);
        assert_slot_free(&t);
        free(cleaned);
        free(script);
        free(marker);
        testrun_remove(&t);
    }
}

/* The run's time is over: what runs has timed out, to be begun anew by a run that goes on. */
static void test_out_of_time(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script = xasprintf("setsid sleep %s & trap '' TERM; echo out; touch ready; while :; do "
                             "sleep 0.01; done",
                             marker);
    const struct spec specs[] = {{.id = "a", .script = script}, {.id = "b", .same_group = true}};
    struct testrun t = {.grace_ms = 100};
    testrun_create(&t, specs, 2);
    pid_t pid = start_and_wait(&t);
    t.state.run->stop = STOP_TIMEOUT;
    kill(pid, SIGTERM);
    assert_int_equal(testrun_wait(pid), 2);
    assert_true(testrun_wait_gone(marker));
    assert_outcome(&t, 0, OUTCOME_TIMEOUT);
    assert_outcome(&t, 1, OUTCOME_NONE);
    char *text = testrun_field(&t, 0, FIELD_MESSAGE);
    assert_non_null(strstr(text, "the run's time limit of"));
    free(text);
    struct record r;
    struct buf keep = BUF_INIT;
    assert_true(testrun_record(&t, 0, RECORD_RESULT, &r, &keep));
    assert_true(journal_has_field(&r, FIELD_CUT));
    buf_release(&keep);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* A second signal, not at once, cuts a long grace short. */
static void test_interrupted_twice(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script = xasprintf("trap 'touch asked' TERM; touch ready; while :; do sleep 0.01; done; "
                             "echo %s",
                             marker);
    const struct spec specs[] = {{.id = "a", .script = script}};
    struct testrun t = {.grace_ms = 3600000};
    testrun_create(&t, specs, 1);
    pid_t pid = start_and_wait(&t);
    char *asked = path_join(t.dir, "asked");
    kill(pid, SIGINT);
    assert_true(testrun_wait_file(asked));
    struct timespec pause = {1, 100 * 1000 * 1000};
    nanosleep(&pause, NULL);
    kill(pid, SIGINT);
    assert_int_equal(testrun_wait(pid), 2);
    assert_true(testrun_wait_gone(marker));
    free(asked);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* ---- Under GNU Make -------------------------------------------------------------------- */

static void write_makefile(const struct testrun *t, unsigned n_groups)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    buf_adds(&b, "all:");
    for (unsigned i = 1; i <= n_groups; i++)
        buf_addf(&b, " g%u", i);
    buf_addc(&b, '\n');
    for (unsigned i = 1; i <= n_groups; i++)
        buf_addf(&b, "g%u: ; @.rowlock/rowlock-exec " RUN_ID " %u $(GOALS)\n", i, i);
    char *path = path_join(t->dir, "tests.mk");
    assert_true(file_write(path, b.data, b.len, &err));
    free(path);
    buf_release(&b);
}

/* Starts make. Standalone: with the link that __begin would have made for it, and no driver. */
static pid_t start_make(const struct testrun *t, bool standalone, const char *goals)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    if (chdir(t->dir) != 0)
        _exit(126);
    if (standalone) {
        char name[64];
        rundir_make_link_name(getpid(), name, sizeof name);
        char *link = path_join(t->run, name);
        if (symlink("../" RUN_ID, link) != 0)
            _exit(126);
        unsetenv("ROWLOCK_RUN");
    } else {
        setenv("ROWLOCK_RUN", RUN_ID, 1);
    }
    unsetenv("MAKEFLAGS");
    char *out = path_join(t->run, "out");
    if (!freopen(out, "w", stdout))
        _exit(126);
    execlp("make", "make", "-rRs", "-j6", "-f", "tests.mk", goals, (char *)NULL);
    _exit(126);
}

static void test_make_killed(void **state)
{
    (void)state;
    char *marker = new_marker();
    char *script = xasprintf("setsid sleep %s & touch ready; sleep %s", marker, marker);
    const struct spec specs[] = {{.id = "a", .script = script},
                                 {.id = "b", .script = script},
                                 {.id = "c"}};
    struct testrun t = {0};
    testrun_create(&t, specs, 3);
    write_makefile(&t, 3);
    pid_t make = start_make(&t, false, NULL);
    char *ready = path_join(t.dir, "ready");
    assert_true(testrun_wait_file(ready));
    kill(make, SIGKILL);
    assert_int_equal(testrun_wait(make), 1000 + SIGKILL);
    assert_true(testrun_wait_gone(marker));
    assert_slot_free(&t);
    free(ready);
    free(script);
    free(marker);
    testrun_remove(&t);
}

/* More jobs than slots: nobody shares a worker's folder with another test. */
static void test_slots_exclude(void **state)
{
    (void)state;
    static const char script[] = "mkdir $FQCN_TEST_TEMP_DIR/mine || exit 1; sleep 0.05; "
                                 "rmdir $FQCN_TEST_TEMP_DIR/mine";
    struct spec specs[12];
    for (int i = 0; i < 12; i++)
        specs[i] = (struct spec){.id = "t", .script = script, .same_group = i % 2};
    struct testrun t = {.n_slots = 2};
    testrun_create(&t, specs, 12);
    write_makefile(&t, 6);
    assert_int_equal(testrun_wait(start_make(&t, false, NULL)), 0);
    for (uint32_t i = 0; i < 12; i++) {
        struct record r;
        struct buf keep = BUF_INIT;
        assert_outcome(&t, i, OUTCOME_PASSED);
        assert_true(testrun_record(&t, i, RECORD_RESULT, &r, &keep));
        assert_in_range(r.slot, 0, 1);
        buf_release(&keep);
    }
    testrun_remove(&t);
}

/* As slots_exclude, for named goals: serial tests and locks stand in for the order edges. */
static void test_locks_exclude(void **state)
{
    (void)state;
    static const char alone[] = "mkdir alone || exit 1; sleep 0.05; rmdir alone";
    static const char locked[] = "mkdir locked || exit 1; sleep 0.05; rmdir locked";
    const char *const ab[] = {"a", "b", NULL}, *const ba[] = {"b", "a", NULL};
    struct spec specs[6];
    for (int i = 0; i < 6; i++)
        specs[i] = i % 3 == 0
                       ? (struct spec){.id = "serial", .script = alone, .serial = true}
                       : (struct spec){.id = "l", .script = locked, .locks = i % 2 ? ab : ba};
    struct testrun t = {.n_slots = 6};
    testrun_create(&t, specs, 6);
    write_makefile(&t, 6);
    assert_int_equal(testrun_wait(start_make(&t, false, "GOALS=g1 g2 g3 g4 g5 g6")), 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_outcome(&t, i, OUTCOME_PASSED);
    testrun_remove(&t);
}

static void test_standalone(void **state)
{
    (void)state;
    const struct spec specs[] = {
        {.id = "a\n\x1b[31m\xff"},
        {.id = "b", .script = "printf 'line 1\\n\\033[2Jx\\n'; exit 1", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 2);
    t.state.run->standalone = 1;
    write_makefile(&t, 1);
    assert_int_equal(testrun_wait(start_make(&t, true, NULL)), 0);
    char *out = testrun_read(&t, "out");
    assert_non_null(strstr(out, "PASSED a\\n\\x1b[31m\\xff (gw0, 0."));
    assert_non_null(strstr(out, "FAILED b (gw0, 0."));
    assert_non_null(strstr(out, " s)\n  exit status 1\n  standard output:\n    line 1\n"
                                "    \\x1b[2Jx\n"));
    free(out);
    testrun_remove(&t);
}

/* Without a driver and without begin there is no run. */
static void test_no_run(void **state)
{
    (void)state;
    const struct spec specs[] = {{.id = "a"}};
    struct testrun t = {0};
    testrun_create(&t, specs, 1);
    char *line =
        xasprintf("cd '%s' && unset ROWLOCK_RUN; .rowlock/rowlock-exec " RUN_ID " 1 2>no-run",
                  t.dir);
    int status = system(line);
    assert_int_equal(WEXITSTATUS(status), 4);
    free(line);
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    line = path_join(t.dir, "no-run");
    assert_true(file_read(line, &b, &err));
    assert_non_null(strstr(b.data, "run 'make -f .rowlock/tests.mk' in the project's root"));
    buf_release(&b);
    free(line);
    testrun_remove(&t);
}

/* begin and end become rowlock's own, as children of make. */
static void test_begin_is_rowlock(void **state)
{
    (void)state;
    const struct spec specs[] = {{.id = "a"}};
    struct testrun t = {.program = "/bin/echo"};
    testrun_create(&t, specs, 1);
    char *line = xasprintf("cd '%s' && unset ROWLOCK_RUN && .rowlock/rowlock-exec " RUN_ID
                           " begin >words && .rowlock/rowlock-exec " RUN_ID " end t1 >>words",
                           t.dir);
    assert_int_equal(system(line), 0);
    free(line);
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    line = path_join(t.dir, "words");
    assert_true(file_read(line, &b, &err));
    assert_string_equal(b.data, "__begin " RUN_ID "\n__end " RUN_ID "\n");
    buf_release(&b);
    free(line);
    testrun_remove(&t);
}

int main(int argc, char **argv)
{
    int code = testrun_main(argc, argv);
    if (code >= 0)
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_inner_killed),
        cmocka_unit_test(test_outer_killed),
        cmocka_unit_test(test_slot_outlives_outer),
        cmocka_unit_test(test_both_killed),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_interrupted_twice),
        cmocka_unit_test(test_out_of_time),
        cmocka_unit_test(test_make_killed),
        cmocka_unit_test(test_slots_exclude),
        cmocka_unit_test(test_locks_exclude),
        cmocka_unit_test(test_standalone),
        cmocka_unit_test(test_no_run),
        cmocka_unit_test(test_begin_is_rowlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
