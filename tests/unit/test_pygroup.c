/* run/pygroup: what rowlock-exec makes of a zygote that behaves, dies, hangs or talks
 * nonsense. The zygote here is a process that follows a script; the real one is tested
 * end to end. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "run/zygote.h"
#include "pygroupplay.h"
#include "testrun.h"

static void amend_and_pass(const struct request *r, int k)
{
    play_send_start(r->conn, 0, 77);
    play_send_record(r->conn, 0, RECORD_RESULT, OUTCOME_PASSED, "fine");
    play_send_record(r->conn, 0, RECORD_AMEND, OUTCOME_ERROR, "teardown failed");
    play_send_record(r->conn, 12345, RECORD_NOTE, OUTCOME_NONE, "a note");
    struct request rest = *r;
    rest.n--;
    memmove(rest.tests, r->tests + 1, rest.n * sizeof rest.tests[0]);
    play_pass_all(&rest, k);
}

static void test_good(void **state)
{
    (void)state;
    struct play p;
    struct record r;
    struct buf keep = BUF_INIT;
    play_begin(&p, amend_and_pass, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "eppp");
    assert_int_equal(p.t.state.run->failures, 1);
    assert_true(testrun_record(&p.t, 0, RECORD_RESULT, &r, &keep));
    assert_int_equal(r.outcome, OUTCOME_PASSED);
    assert_int_equal(r.slot, 0);
    assert_true(r.start_ns == 1700000000000000000);
    assert_true(r.wall_ns == 1000 && r.user_ns == 2000 && r.sys_ns == 3000);
    assert_true(r.peak_bytes == 4000);
    play_expect_message_has(&p, 0, "fine");
    assert_int_equal(testrun_count(&p.t, 0, RECORD_AMEND), 1);
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 1);
    buf_release(&keep);
    play_end(&p);
}

/* ---- Nonsense --------------------------------------------------------------------------- */

static void raw(int conn, const void *data, size_t len)
{
    file_write_all(conn, data, len);
    play_await_close(conn);
}

#define SENDS_RAW(name, bytes)                         \
    static void name(const struct request *r, int k)   \
    {                                                  \
        play_send_start(r->conn, r->tests[0], 77);          \
        if (k == 0)                                    \
            raw(r->conn, bytes, sizeof bytes - 1);     \
        play_send_record(r->conn, r->tests[0], 1, 1, "");   \
        struct request rest = *r;                      \
        rest.n--;                                      \
        memmove(rest.tests, r->tests + 1, rest.n * 4); \
        play_pass_all(&rest, k);                            \
    }

SENDS_RAW(sends_noise, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
SENDS_RAW(sends_unknown, "\0\0\0\0Z")
SENDS_RAW(sends_short_start, "\4\0\0\0S\1\0\0\0")
SENDS_RAW(sends_second_start, "\10\0\0\0S\1\0\0\0\12\0\0\0")
SENDS_RAW(sends_early_end, "\4\0\0\0E\0\0\0\0")
SENDS_RAW(sends_short_exit, "\2\0\0\0X\0\0")
SENDS_RAW(sends_short_record, "\6\0\0\0J\0\0\0\0\1\1")
/* Records of 50 bytes and of 58: a bad kind, a bad outcome, a field longer than the record. */
#define ZEROS_40 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
SENDS_RAW(sends_bad_kind, "\62\0\0\0J\0\0\0\0\7\1" ZEROS_40 "\0\0\0\0")
SENDS_RAW(sends_bad_outcome, "\62\0\0\0J\0\0\0\0\1\143" ZEROS_40 "\0\0\0\0")
SENDS_RAW(sends_no_outcome, "\62\0\0\0J\0\0\0\0\1\0" ZEROS_40 "\0\0\0\0")
SENDS_RAW(sends_other_result, "\62\0\0\0J\2\0\0\0\1\1" ZEROS_40 "\0\0\0\0")
SENDS_RAW(sends_far_amend, "\62\0\0\0J\377\0\0\0\2\6" ZEROS_40 "\0\0\0\0")
SENDS_RAW(sends_long_field, "\72\0\0\0J\0\0\0\0\1\1" ZEROS_40 "\1\0\0\0\1\0\0\0\377\377\377\377")
SENDS_RAW(sends_too_few_fields, "\62\0\0\0J\0\0\0\0\1\1" ZEROS_40 "\2\0\0\0")

static void test_nonsense(void **state)
{
    (void)state;
    static script *const scripts[] = {sends_noise,        sends_unknown,       sends_short_start,
                                      sends_second_start, sends_early_end,     sends_short_exit,
                                      sends_short_record, sends_bad_kind,      sends_bad_outcome,
                                      sends_no_outcome,   sends_other_result,  sends_far_amend,
                                      sends_long_field,   sends_too_few_fields};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct play p;
        play_begin(&p, scripts[i], 0);
        assert_int_equal(testrun_run_group(&p.t, 1), 0);
        play_expect_outcomes(&p, "kppp");
        play_expect_message_has(&p, 0,
                           "the worker ended while it ran the test: it sent what is no "
                           "message");
        play_end(&p);
    }
}

/* A start of a test that nobody asked for. */
static void starts_another(const struct request *r, int k)
{
    if (k == 0) {
        play_send_start(r->conn, 99, 77);
        play_await_close(r->conn);
    }
    play_pass_all(r, k);
}

static void test_wrong_test(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, starts_another, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "pppp"); /* none of them is charged for it */
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 1);
    play_end(&p);
}

/* ---- Deaths ----------------------------------------------------------------------------- */

static void closes_at_once(const struct request *r, int k)
{
    if (k > 2)
        play_pass_all(r, k);
}

/* Twice in a row nothing starts: then the first test is taken for the cause. */
static void test_early_close(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, closes_at_once, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "kppp");
    play_expect_message_has(&p, 0, "the worker ended before it started the test: its connection broke");
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 2);
    play_end(&p);
}

static void dies_in_second(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    play_send_start(r->conn, 0, 77);
    play_send_record(r->conn, 0, RECORD_RESULT, OUTCOME_PASSED, "");
    play_send_start(r->conn, 1, 77);
    unsigned char status[4] = {SIGSEGV | 0x80, 0, 0, 0};
    zygote_send(r->conn, 'X', status, 4);
}

static void test_worker_dies(void **state)
{
    (void)state;
    struct play p;
    struct error err = ERROR_INIT;
    play_begin(&p, dies_in_second, 0);
    char *crash = path_join(p.t.temp, "gw0.crash");
    assert_true(file_write(crash, "Fatal Python error", 18, &err));
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "pkpp");
    play_expect_message_has(&p, 1,
                       "the worker ended while it ran the test: killed by SIGSEGV "
                       "(core dumped)");
    char *detail = testrun_field(&p.t, 1, FIELD_DETAIL);
    assert_string_equal(detail, "Fatal Python error");
    free(detail);
    free(crash);
    play_end(&p);
}

/* Frames in single bytes, and a connection that breaks in the middle of one. */
static void breaks_inside_frame(const struct request *r, int k)
{
    static const char start[] = "\10\0\0\0S\0\0\0\0\115\0\0\0\310\0\0\0J\0\0";
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    for (size_t i = 0; i < sizeof start - 1; i++) {
        file_write_all(r->conn, start + i, 1);
        usleep(1000);
    }
}

static void test_torn_frame(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, breaks_inside_frame, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "kppp");
    play_expect_message_has(&p, 0, "its connection broke");
    play_end(&p);
}

static void kills_client(const struct request *r, int k)
{
    struct ucred who;
    socklen_t n = sizeof who;
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    play_send_start(r->conn, 0, 77);
    usleep(100000);
    if (getsockopt(r->conn, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
        kill(who.pid, SIGKILL);
    play_await_close(r->conn);
}

static void test_inner_killed(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, kills_client, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "kppp");
    play_expect_message_has(&p, 0, "rowlock-exec itself was ended while the test ran");
    play_end(&p);
}

static void test_no_zygote(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, play_pass_all, 0);
    kill(p.server, SIGKILL);
    testrun_wait(p.server);
    /* The driver starts another zygote, and then this group once more. */
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "----");
    /* Without a driver there will be none. */
    p.t.state.run->standalone = 1;
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "kkkk");
    play_expect_message_has(&p, 3, "it could not run: the pytest process was killed before");
    p.server = fork();
    if (p.server == 0)
        _exit(0);
    play_end(&p);
}

/* ---- Hanging ---------------------------------------------------------------------------- */

/* The worker is a process of ours that ends on SIGABRT, which we pass on as the zygote does. */
static void hangs_in_test(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    pid_t worker = fork();
    if (worker == 0) {
        for (;;)
            pause();
    }
    play_send_start(r->conn, r->tests[0], (uint32_t)worker);
    int status;
    waitpid(worker, &status, 0);
    unsigned char bytes[4] = {(unsigned char)status, (unsigned char)(status >> 8), 0, 0};
    /* A result that comes too late does not count. */
    play_send_record(r->conn, r->tests[0], RECORD_RESULT, OUTCOME_PASSED, "late");
    zygote_send(r->conn, 'X', bytes, 4);
}

static void test_timeout(void **state)
{
    (void)state;
    static const char dump[] = "Fatal Python error: Aborted\n\nThread 1";
    struct play p;
    struct error err = ERROR_INIT;
    play_begin(&p, hangs_in_test, 300);
    char *crash = path_join(p.t.temp, "gw0.crash");
    assert_true(file_write(crash, dump, sizeof dump - 1, &err));
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "tppp");
    play_expect_message_has(&p, 0, "timed out after 0.3 s");
    char *detail = testrun_field(&p.t, 0, FIELD_DETAIL);
    assert_string_equal(detail, "Timeout\n\nThread 1");
    free(detail);
    free(crash);
    struct record r;
    struct buf keep = BUF_INIT;
    assert_true(testrun_record(&p.t, 0, RECORD_RESULT, &r, &keep));
    assert_int_equal(WTERMSIG(r.status), SIGABRT);
    buf_release(&keep);
    play_end(&p);
}

/* Hangs in the teardown of what test 3 has left, then lets the rest pass. */
static void hangs_in_teardown(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    pid_t worker = fork();
    if (worker == 0) {
        for (;;)
            pause();
    }
    struct buf b = BUF_INIT;
    buf_add_u32(&b, 3);
    buf_add_u32(&b, (uint32_t)worker);
    zygote_send(r->conn, 'D', b.data, b.len);
    buf_release(&b);
    int status;
    waitpid(worker, &status, 0);
    /* The zygote has its own words for it, which rowlock-exec knows better. */
    play_send_record(r->conn, 3, RECORD_AMEND, OUTCOME_ERROR, "died while fixtures were torn down");
    unsigned char bytes[4] = {(unsigned char)status, (unsigned char)(status >> 8), 0, 0};
    zygote_send(r->conn, 'X', bytes, 4);
}

static void test_hangs_in_teardown(void **state)
{
    (void)state;
    struct play p;
    struct record r;
    struct buf keep = BUF_INIT;
    play_begin(&p, hangs_in_teardown, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "pppp");
    assert_int_equal(testrun_count(&p.t, 3, RECORD_AMEND), 1);
    assert_true(testrun_record(&p.t, 3, RECORD_AMEND, &r, &keep));
    assert_int_equal(r.outcome, OUTCOME_ERROR);
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, &r);
    assert_true(journal_next_field(&it, &tag, &data, &len));
    static const char expected[] =
        "timed out after 0.3 s while fixtures were torn down behind it";
    assert_int_equal(len, sizeof expected - 1);
    assert_memory_equal(data, expected, len);
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 0);
    buf_release(&keep);
    play_end(&p);
}

/* Under --forked the pid is that of the test's own process, and its worker goes on. */
static void loses_its_child(const struct request *r, int k)
{
    (void)k;
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    play_send_start(r->conn, r->tests[0], (uint32_t)child);
    waitpid(child, NULL, 0);
    play_send_record(r->conn, r->tests[0], RECORD_RESULT, OUTCOME_CRASHED, "killed by SIGABRT");
    struct request rest = *r;
    rest.n--;
    memmove(rest.tests, r->tests + 1, rest.n * sizeof rest.tests[0]);
    if (k == 0)
        play_pass_all(&rest, k);
}

static void test_timeout_forked(void **state)
{
    (void)state;
    struct play p;
    play_begin_flagged(&p, loses_its_child, 300, PLAN_FORKED);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "tppp");
    char *text = testrun_field(&p.t, 0, FIELD_MESSAGE);
    assert_string_equal(text, "timed out after 0.3 s");
    free(text);
    play_end(&p);
}

/* It ends just when its time is over: the next test has begun, and is not to blame. */
static void ends_too_late(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    pid_t worker = fork();
    if (worker == 0) {
        for (;;)
            pause();
    }
    play_send_start(r->conn, r->tests[0], (uint32_t)worker);
    waitpid(worker, NULL, 0);
    play_send_record(r->conn, r->tests[0], RECORD_RESULT, OUTCOME_PASSED, "late");
    play_send_start(r->conn, r->tests[1], (uint32_t)worker);
    play_await_close(r->conn);
}

static void test_ends_too_late(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, ends_too_late, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "tppp");
    play_end(&p);
}

static void tells_where_it_died(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    play_send_start(r->conn, r->tests[0], 77);
    static const char payload[] = "\x0b\0\0\0in its set-up";
    zygote_send(r->conn, 'X', payload, sizeof payload - 1);
}

static void test_where_it_died(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, tells_where_it_died, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "kppp");
    play_expect_message_has(&p, 0, "the worker ended in its set-up: killed by SIGSEGV");
    play_end(&p);
}

static volatile sig_atomic_t aborted;

static void on_abort(int sig)
{
    (void)sig;
    aborted = 1;
}

/* A pid that is no process of the zygote's: the test program's own. */
static void names_a_stranger(const struct request *r, int k)
{
    if (k > 0) {
        play_pass_all(r, k);
        return;
    }
    play_send_start(r->conn, r->tests[0], (uint32_t)getppid());
    play_await_close(r->conn);
}

static void test_stranger_is_spared(void **state)
{
    (void)state;
    struct play p;
    signal(SIGABRT, on_abort);
    play_begin(&p, names_a_stranger, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "tppp");
    assert_false(aborted);
    signal(SIGABRT, SIG_DFL);
    play_end(&p);
}

static void hangs_before_first(const struct request *r, int k)
{
    if (k == 0)
        play_await_close(r->conn);
    else
        play_pass_all(r, k);
}

/* The clock stands still while a worker starts. */
static void starts_slowly(const struct request *r, int k)
{
    if (k == 0) {
        zygote_send(r->conn, 'W', "\1\0\0", 4);
        usleep(600 * 1000);
        play_send_record(r->conn, r->tests[0], RECORD_RESULT, OUTCOME_ERROR, "not there");
        zygote_send(r->conn, 'W', "\0\0\0", 4);
    }
    hangs_before_first(r, k);
}

static void test_hangs_before_first(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, hangs_before_first, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "tppp");
    play_expect_message_has(&p, 0, "the worker hung before it started the test: timed out after 0.3 s");
    play_end(&p);
    play_begin(&p, starts_slowly, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "etpp");
    play_end(&p);
}

static void hangs_behind_last(const struct request *r, int k)
{
    (void)k;
    for (uint32_t i = 0; i < r->n; i++) {
        play_send_start(r->conn, r->tests[i], 77);
        play_send_record(r->conn, r->tests[i], RECORD_RESULT, OUTCOME_PASSED, "");
    }
    play_await_close(r->conn);
}

static void test_hangs_behind_last(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, hangs_behind_last, 300);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "pppp");
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 1);
    play_end(&p);
}

/* ---- Ends ------------------------------------------------------------------------------- */

static void stops_early(const struct request *r, int k)
{
    (void)k;
    play_send_start(r->conn, 0, 77);
    play_send_record(r->conn, 0, RECORD_RESULT, OUTCOME_FAILED, "");
    play_send_end(r->conn, 1);
}

static void leaves_out(const struct request *r, int k)
{
    (void)k;
    play_send_record(r->conn, 0, RECORD_RESULT, OUTCOME_ERROR, "not collected");
    play_send_end(r->conn, 0);
}

static void test_left_out(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, stops_early, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "f---");
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 0);
    play_end(&p);
    play_begin(&p, leaves_out, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "e---");
    assert_int_equal(testrun_count(&p.t, UINT32_MAX, RECORD_NOTE), 1);
    play_end(&p);
}

static void runs_forever(const struct request *r, int k)
{
    (void)k;
    play_send_start(r->conn, 0, 77);
    play_await_close(r->conn);
}

static void test_interrupted(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, runs_forever, 0);
    pid_t pid = testrun_start(&p.t, (const char *[]){RUN_ID, "1", NULL});
    while (p.t.state.tests[0] != TEST_RUNNING)
        usleep(1000);
    kill(pid, SIGTERM);
    assert_int_equal(testrun_wait(pid), 2);
    play_expect_outcomes(&p, "----");
    assert_int_equal(p.t.state.tests[0], TEST_PENDING);
    play_end(&p);
}

static void test_out_of_time(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, runs_forever, 0);
    pid_t pid = testrun_start(&p.t, (const char *[]){RUN_ID, "1", NULL});
    while (p.t.state.tests[0] != TEST_RUNNING)
        usleep(1000);
    p.t.state.run->stop = STOP_TIMEOUT;
    kill(pid, SIGTERM);
    testrun_wait(pid);
    play_expect_outcomes(&p, "t---");
    play_expect_message_has(&p, 0, "stopped when the run's time limit of");
    struct record r;
    struct buf keep = BUF_INIT;
    assert_true(testrun_record(&p.t, 0, RECORD_RESULT, &r, &keep));
    assert_true(journal_has_field(&r, FIELD_CUT));
    buf_release(&keep);
    play_end(&p);
}

static void sends_much(const struct request *r, int k)
{
    char *text = xmalloc(5000001);
    memset(text, 'm', 5000000);
    text[5000000] = '\0';
    play_send_start(r->conn, 0, 77);
    play_send_record(r->conn, 0, RECORD_RESULT, OUTCOME_FAILED, text);
    free(text);
    struct request rest = *r;
    rest.n--;
    memmove(rest.tests, r->tests + 1, rest.n * sizeof rest.tests[0]);
    play_pass_all(&rest, k);
}

static void test_much(void **state)
{
    (void)state;
    struct play p;
    play_begin(&p, sends_much, 0);
    assert_int_equal(testrun_run_group(&p.t, 1), 0);
    play_expect_outcomes(&p, "fppp");
    char *message = testrun_field(&p.t, 0, FIELD_MESSAGE);
    assert_int_equal(strlen(message), 5000000);
    free(message);
    play_end(&p);
}

/* TEMP may be longer than a socket's address. */
static void test_long_path(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/py-XXXXXX", tmp ? tmp : "/tmp"), *here = getcwd(NULL, 0);
    struct error err = ERROR_INIT;
    assert_non_null(mkdtemp(dir));
    char *deep = xasprintf("%s/%0100d/%0100d", dir, 1, 2);
    assert_true(file_mkdirs(deep, &err));
    assert_int_equal(zygote_connect(deep, &err), -1);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "zygote"};
    assert_int_equal(chdir(deep), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(chdir(here), 0);
    int fd = zygote_connect(deep, &err);
    assert_true(fd >= 0);
    char *now = getcwd(NULL, 0);
    assert_string_equal(now, here);
    close(fd);
    close(listener);
    error_release(&err);
    assert_true(file_remove_tree(AT_FDCWD, dir));
    free(now);
    free(here);
    free(deep);
    free(dir);
}

int main(int argc, char **argv)
{
    int code = testrun_main(argc, argv);
    if (code >= 0)
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_wrong_test),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_worker_dies),
        cmocka_unit_test(test_torn_frame),
        cmocka_unit_test(test_inner_killed),
        cmocka_unit_test(test_no_zygote),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_hangs_in_teardown),
        cmocka_unit_test(test_timeout_forked),
        cmocka_unit_test(test_ends_too_late),
        cmocka_unit_test(test_where_it_died),
        cmocka_unit_test(test_stranger_is_spared),
        cmocka_unit_test(test_hangs_before_first),
        cmocka_unit_test(test_hangs_behind_last),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_out_of_time),
        cmocka_unit_test(test_much),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
