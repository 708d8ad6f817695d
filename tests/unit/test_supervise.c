/* run/supervise: one process from its start to the end of all that came of it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "run/platform.h"
#include "run/signals.h"
#include "run/supervise.h"
#include "testrun.h"

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

extern char **environ;

static int null;

static int set_up(void **state)
{
    (void)state;
    signals_init();
    platform_adopt_orphans();
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return null < 3;
}

static struct supervise shell(char **argv, const char *script)
{
    argv[0] = (char *)"sh";
    argv[1] = (char *)"-c";
    argv[2] = (char *)(uintptr_t)script;
    argv[3] = NULL;
    return (struct supervise){
        .argv = argv, .envp = environ, .in = null, .grace_ms = 300, .output_limit = 65536};
}

static void run(const struct supervise *what, struct supervised *res)
{
    struct error err = ERROR_INIT;
    assert_true(supervise_run(what, res, &err));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void assert_text(const struct capture *c, const char *expected)
{
    struct buf b = BUF_INIT;
    capture_text(c, &b);
    assert_string_equal(buf_cstr(&b), expected);
    buf_release(&b);
}

static void test_status_and_output(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    struct supervise what = shell(argv, "echo out; echo err >&2; exit 3");
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_ENDED);
    assert_int_equal(WEXITSTATUS(res.status), 3);
    assert_text(&res.out, "out\n");
    assert_text(&res.err, "err\n");
    assert_true(res.wall_ns > 0 && res.peak_bytes > 0 && res.start_ns > 0);
    assert_int_equal(res.leftovers.n, 0);
    supervised_release(&res);
}

/* Its own process group; no signal ignored or blocked; standard input empty. */
static void test_clean_start(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    /* Who was started by posix_spawn, as by GNU Make, or from a program with threads may ignore
     * 32 and 33, glibc's own. */
    struct supervise what =
        shell(argv, "cat; awk '{print ($1 == $5)}' /proc/$$/stat; "
                    "grep -e SigBlk -e SigIgn /proc/self/status | tr -d '\\t\\n' | "
                    "sed 's/[01][08]\\(.......\\)$/00\\1/'");
    signal(SIGUSR2, SIG_IGN);
    signals_init();
    run(&what, &res);
    assert_text(&res.out, "1\nSigBlk:0000000000000000SigIgn:0000000000000000");
    supervised_release(&res);
}

static void test_not_started(void **state)
{
    (void)state;
    char *argv[] = {(char *)"./no-such-program", NULL};
    struct supervised res;
    struct supervise what = {.argv = argv, .envp = environ, .in = null, .output_limit = 100};
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_NOT_STARTED);
    assert_int_equal(res.failure.step, SPAWN_EXEC);
    assert_int_equal(res.failure.error, ENOENT);
    supervised_release(&res);
    what.cwd = "/no/such/folder";
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_NOT_STARTED);
    assert_int_equal(res.failure.step, SPAWN_CHDIR);
    supervised_release(&res);
}

static void test_closed_output(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    struct supervise what = shell(argv, "echo before; exec >&- 2>&-; sleep 0.05; exit 4");
    run(&what, &res);
    assert_int_equal(WEXITSTATUS(res.status), 4);
    assert_text(&res.out, "before\n");
    supervised_release(&res);
}

static uint64_t seen;

static void count_bytes(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    (void)data;
    seen += len;
}

static long own_peak_kib(void)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    return ru.ru_maxrss;
}

/* 200 MB cost no more memory than the limit says; both ends of it are there. And what we
 * hold of it is not charged to the next test. */
static void test_flood(void **state)
{
    (void)state;
    enum { MB = 1024 * 1024 };
    char *flood[] = {(char *)(uintptr_t)testrun_program(), (char *)"--flood", (char *)"200000000",
                     NULL};
    char *tiny[4];
    struct supervised res;
    struct supervise small = shell(tiny, ":");
    run(&small, &res);
    uint64_t tiny_peak = res.peak_bytes;
    supervised_release(&res);
    long before = own_peak_kib();
    struct supervise what = {.argv = flood,
                             .envp = environ,
                             .in = null,
                             .output_limit = 8 * MB,
                             .on_output = count_bytes};
    seen = 0;
    run(&what, &res);
    assert_int_equal(res.status, 0);
    assert_true(res.out.total > 200000000);
    assert_true(res.out.total == seen);
    if (!SANITIZED)
        assert_true(own_peak_kib() - before < 20 * 1024);
    struct buf b = BUF_INIT;
    capture_text(&res.out, &b);
    assert_true(b.len < 8 * MB + 100);
    assert_memory_equal(b.data, "first line\nxxx", 14);
    assert_memory_equal(b.data + b.len - 14, "xxx\nlast line\n", 14);
    buf_release(&b);
    supervised_release(&res);
    run(&small, &res);
    if (!SANITIZED)
        assert_true(res.peak_bytes < tiny_peak + 2 * MB);
    supervised_release(&res);
}

/* Times and memory are the test's, its children's included. */
static void test_usage(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    struct supervise what =
        shell(argv, "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; "
                    "awk 'BEGIN { s = \"x\"; while (length(s) < 40000000) s = s s }'");
    run(&what, &res);
    assert_int_equal(res.status, 0);
    assert_true(res.user_ns > 10 * 1000 * 1000);
    assert_true(res.peak_bytes > 40000000);
    assert_true(res.peak_bytes < 4000000000);
    supervised_release(&res);
}

static void test_daemon(void **state)
{
    (void)state;
    char *marker = xasprintf("3601.%ld", (long)getpid());
    char *argv[] = {(char *)(uintptr_t)testrun_program(), (char *)"--daemon", marker, NULL};
    struct supervised res;
    struct supervise what = {.argv = argv, .envp = environ, .in = null, .output_limit = 100};
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_ENDED);
    assert_int_equal(res.status, 0);
    assert_int_equal(res.leftovers.n, 1);
    assert_non_null(strstr(res.leftovers.v[0], " sleep"));
    assert_true(testrun_wait_gone(marker));
    supervised_release(&res);
    free(marker);
}

/* Many generations, each in a session of its own, all deaf to SIGTERM. */
static void test_tree_of_sessions(void **state)
{
    (void)state;
    char *argv[4], *marker = xasprintf("3602.%ld", (long)getpid());
    char *script = xasprintf("trap '' TERM; for i in 1 2 3; do setsid sh -c '"
                             "(setsid sh -c \"sleep %s & sleep %s\" &) ; sleep %s' & done; "
                             "sleep %s",
                             marker, marker, marker, marker);
    struct supervised res;
    struct supervise what = shell(argv, script);
    what.timeout_ms = 300;
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_TIMED_OUT);
    assert_true(WIFSIGNALED(res.status));
    assert_true(testrun_wait_gone(marker));
    supervised_release(&res);
    free(script);
    free(marker);
}

/* Processes that keep starting others until they are killed. */
static void test_restless(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    struct supervise what =
        shell(argv, "trap '' TERM; r() { sleep 0.01; r & }; r & r & r & exit 5");
    run(&what, &res);
    assert_int_equal(WEXITSTATUS(res.status), 5);
    assert_int_equal(res.end, SUPERVISE_ENDED);
    supervised_release(&res);
}

/* Asked once: a second SIGTERM is "now" to many a program. */
static void test_timeout_then_grace(void **state)
{
    (void)state;
    char *argv[4];
    struct supervised res;
    struct supervise what =
        shell(argv, "trap 'echo asked; n=20' TERM; echo ready; n=-1; "
                    "while [ $n != 0 ]; do sleep 0.01; n=$((n - 1)); done; exit 7");
    what.timeout_ms = 1500;
    what.grace_ms = 20000;
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_TIMED_OUT);
    assert_int_equal(WEXITSTATUS(res.status), 7);
    assert_text(&res.out, "ready\nasked\n");
    supervised_release(&res);
}

/* A flood does not keep the clock or a signal from being heard. */
static void test_timeout_of_flood(void **state)
{
    (void)state;
    char *argv[] = {(char *)"yes", NULL};
    struct supervised res;
    struct supervise what = {.argv = argv,
                             .envp = environ,
                             .in = null,
                             .timeout_ms = 300,
                             .grace_ms = 100,
                             .output_limit = 1000};
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_TIMED_OUT);
    assert_true(res.out.total > 1000);
    supervised_release(&res);
}

static void stop_on_output(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    (void)data;
    (void)len;
    kill(getpid(), SIGTERM);
}

/* What has left the group is asked to end like the rest. */
static void test_all_are_asked(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/sup-XXXXXX", tmp ? tmp : "/tmp"), *argv[4];
    assert_non_null(mkdtemp(dir));
    char *asked = path_join(dir, "asked");
    char *script = xasprintf("cd '%s'; setsid sh -c 'trap \"touch asked; exit\" TERM; "
                             "echo up; while :; do sleep 0.01; done' & sleep 1000",
                             dir);
    struct supervised res;
    struct supervise what = shell(argv, script);
    what.on_output = stop_on_output;
    what.grace_ms = 20000;
    run(&what, &res);
    signals_forget();
    assert_int_equal(res.end, SUPERVISE_STOPPED);
    assert_int_equal(access(asked, F_OK), 0);
    supervised_release(&res);
    assert_true(file_remove_tree(AT_FDCWD, dir));
    free(script);
    free(asked);
    free(dir);
}

/* A descriptor that is always ready does not keep signals out. */
static void test_signals_and_data(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    struct pollfd p = {fds[0], POLLIN, 0};
    kill(getpid(), SIGTERM);
    assert_false(signals_stop());
    assert_int_equal(signals_poll(&p, 1, -1), 1);
    assert_true(signals_stop());
    signals_forget();
    close(fds[0]);
    close(fds[1]);
}

static void send_term_to_parent(void *ctx, pid_t pid)
{
    (void)ctx;
    (void)pid;
    kill(getpid(), SIGTERM);
}

static void test_stopped(void **state)
{
    (void)state;
    char *argv[] = {(char *)"yes", NULL};
    struct supervised res;
    struct supervise what = {.argv = argv,
                             .envp = environ,
                             .in = null,
                             .grace_ms = 10000,
                             .output_limit = 1000,
                             .on_start = send_term_to_parent};
    run(&what, &res);
    assert_int_equal(res.end, SUPERVISE_STOPPED);
    assert_true(WIFSIGNALED(res.status) && WTERMSIG(res.status) == SIGTERM);
    supervised_release(&res);
    signals_forget();
}

/* Somebody outside opens the test's output and never closes it: nobody waits for that. */
static void test_held_pipe(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/sup-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    pid_t outsider = getpid(), inner = fork();
    assert_true(inner >= 0);
    if (inner == 0) {
        /* The test tells its pid and waits until the outsider has got hold of its output. */
        char *argv[4];
        char *script = xasprintf("cd '%s'; echo $$ >pid.new; mv pid.new pid; echo text; "
                                 "while ! test -e held; do sleep 0.01; done",
                                 dir);
        struct supervised res;
        struct error err = ERROR_INIT;
        struct supervise what = shell(argv, script);
        what.timeout_ms = 20000;
        signals_init();
        platform_adopt_orphans();
        bool ok = supervise_run(&what, &res, &err) && res.end == SUPERVISE_ENDED &&
                  res.status == 0 && res.out.total == 5 && getppid() == outsider;
        _exit(ok ? 42 : 1);
    }
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    char *pid_file = path_join(dir, "pid"), *held = path_join(dir, "held");
    assert_true(testrun_wait_file(pid_file));
    assert_true(file_read(pid_file, &b, &err));
    char *out = xasprintf("/proc/%d/fd/1", atoi(b.data));
    int fd = open(out, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(file_write(held, "", 0, &err));
    assert_int_equal(testrun_wait(inner), 42);
    close(fd);
    assert_true(file_remove_tree(AT_FDCWD, dir));
    buf_release(&b);
    free(out);
    free(held);
    free(pid_file);
    free(dir);
}

int main(int argc, char **argv)
{
    int code = testrun_main(argc, argv);
    if (code >= 0)
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_and_output),
        cmocka_unit_test(test_clean_start),
        cmocka_unit_test(test_not_started),
        cmocka_unit_test(test_closed_output),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_daemon),
        cmocka_unit_test(test_tree_of_sessions),
        cmocka_unit_test(test_restless),
        cmocka_unit_test(test_timeout_then_grace),
        cmocka_unit_test(test_timeout_of_flood),
        cmocka_unit_test(test_all_are_asked),
        cmocka_unit_test(test_signals_and_data),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_held_pipe),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
