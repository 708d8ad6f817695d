/* librowlock: folders, files, and the environment. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "fixturecase.h"

/* Of a string that only has to be there. */
static void discard(char *text)
{
    CHECK(text);
    free(text);
}

/* What stands at printf-like path below the case's folder. */
static bool exists(const char *format, ...)
{
    char name[4096];
    struct stat st;
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    char *path = path_join(case_dir, name);
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

/* ---- Folders ----------------------------------------------------------------------------------- */

static void outside(void)
{
    struct stat st;
    char *a = rowlock_temp_dir_new(), *b = rowlock_temp_dir_new(), *own;
    own = xasprintf("%s/rowlock-%lu/", case_dir, (unsigned long)geteuid());
    CHECK(strcmp(rowlock_worker_id(), "master") == 0 && !rowlock_is_parallel());
    CHECK(a && b && strcmp(a, b) != 0);
    CHECK(strncmp(a, own, strlen(own)) == 0);
    CHECK(stat(a, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    char *file = rowlock_temp_file(a, "sub/name", "text", 4);
    CHECK(file && access(file, R_OK) == 0);
    case_say(b);
    rowlock_temp_dir_free(a);
    CHECK(access(file, F_OK) != 0);
    file_remove_tree(AT_FDCWD, b);
    /* A test may remove what holds its folders, and goes on. */
    *strrchr(b, '/') = '\0';
    CHECK(rmdir(b) == 0);
    char *again = rowlock_temp_dir_new();
    CHECK(again && access(again, W_OK) == 0);
    discard(rowlock_temp_file(again, "left", NULL, 0));
    CHECK(strcmp(rowlock_error(), "") == 0);
    free(file);
    free(b);
    free(own);
    free(again);
}

static void test_outside(void **state)
{
    (void)state;
    case_run(outside);
    char *path = case_hear();
    assert_int_not_equal(access(path, F_OK), 0);
    *strrchr(path, '/') = '\0';
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

static void inside(void)
{
    struct rowlock_context *c = rowlock_context_new();
    CHECK(c && strcmp(c->worker_id, "gw3") == 0 && strcmp(c->mode, "parallel") == 0);
    CHECK(c->is_parallel && rowlock_is_parallel() && c->worker_count == 4);
    CHECK(strcmp(c->testrun_uid, "uid") == 0 && c->process_id == getpid());
    CHECK(c->thread_id == (uint64_t)getpid() && c->start_time > 1e9);
    CHECK(strcmp(rowlock_env_prefix(), "ACME") == 0);
    case_say(c->temp_dir);
    rowlock_context_free(c);
    discard(rowlock_temp_dir_new());
    CHECK(rowlock_serial_lock());
}

static void enter_run(const char *tmpdir)
{
    char *shared = path_join(case_dir, "shared"), *tmp = path_join(case_dir, tmpdir);
    char *worker = path_join(shared, "gw3"), *own = path_join(worker, "tmp");
    mkdir(shared, 0700);
    mkdir(worker, 0700);
    mkdir(own, 0700);
    mkdir(tmp, 0700);
    setenv("ROWLOCK_SHARED_DIR", shared, 1);
    setenv("ROWLOCK_TEST_PREFIX", "ACME", 1);
    setenv("ACME_TEST_WORKER_ID", "gw3", 1);
    setenv("ACME_TEST_MODE", "parallel", 1);
    setenv("ACME_TEST_TEMP_DIR", own, 1);
    setenv("PYTEST_XDIST_WORKER_COUNT", "4", 1);
    setenv("PYTEST_XDIST_TESTRUNUID", "uid", 1);
    setenv("TMPDIR", tmp, 1);
    free(shared);
    free(tmp);
    free(worker);
    free(own);
}

/* Folders are in TMPDIR where that is the run's, else in the worker's folder. */
static void test_inside(void **state)
{
    (void)state;
    static const char *const expected[][2] = {{"shared/gw3/t7", "shared/gw3/t7/p"},
                                              {"elsewhere", "shared/gw3/tmp/p"}};
    for (int i = 0; i < 2; i++) {
        enter_run("shared"); /* makes the folders above */
        enter_run(expected[i][0]);
        case_run(inside);
        char *path = case_hear(), *begin = path_join(case_dir, expected[i][1]);
        assert_memory_equal(path, begin, strlen(begin));
        assert_int_not_equal(access(path, F_OK), 0);
        free(path);
        free(begin);
    }
    assert_true(exists("shared/serial.lock"));
    assert_false(exists("elsewhere/rowlock-%lu", (unsigned long)geteuid()));
}

static void bad_environment(void)
{
    CHECK(strcmp(rowlock_env_prefix(), "FQCN") == 0);
    CHECK(strcmp(rowlock_worker_id(), "gw1") == 0 && rowlock_is_parallel());
    char *path = rowlock_temp_dir_new();
    CHECK(path && strncmp(path, case_dir, strlen(case_dir)) == 0);
    free(path);
}

static void test_variables_that_cannot_be(void **state)
{
    (void)state;
    setenv("ROWLOCK_TEST_PREFIX", "A;B=", 1);
    setenv("ROWLOCK_SHARED_DIR", "relative", 1);
    setenv("FQCN_TEST_TEMP_DIR", "/no/such/folder", 1);
    setenv("PYTEST_XDIST_WORKER", "gw1", 1);
    setenv("PYTEST_XDIST_WORKER_COUNT", "-1", 1);
    case_run(bad_environment);
}

static void makes_files(void)
{
    static const char *const refused[] = {"", "/x", "..", "../x", "a/../b", "a/..", "a/"};
    char *d = rowlock_temp_dir_new();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK(!rowlock_temp_file(d, refused[i], "x", 1));
        CHECK(strstr(rowlock_error(), "relative name"));
    }
    char *a = rowlock_temp_file(d, "one/..two/x\ny", "12\0" "456", 6), text[16];
    discard(a);
    a = rowlock_temp_file(d, "one/..two/x\ny", "new", 3);
    int fd = open(a, O_RDONLY);
    CHECK(read(fd, text, sizeof text) == 3 && memcmp(text, "new", 3) == 0);
    close(fd);
    char *b = rowlock_temp_file(NULL, "x", NULL, 0), *c = rowlock_temp_file(NULL, "x", NULL, 0);
    CHECK(b && c && strcmp(b, c) != 0);
    /* A file stands where a folder would have to. */
    CHECK(!rowlock_temp_file(d, "one/..two/x\ny/z", "", 0) && strstr(rowlock_error(), "cannot be"));
    free(a);
    free(b);
    free(c);
    rowlock_temp_dir_free(d);
}

static void test_files(void **state)
{
    (void)state;
    case_run(makes_files);
}

/* ---- Crashes ----------------------------------------------------------------------------------- */

static int how; /* a signal, or 0 for _exit */

static void leave_behind(void)
{
    char *path = rowlock_temp_dir_new();
    CHECK(path && rowlock_temp_file(path, "file", "x", 1) && chmod(path, 0500) == 0);
    CHECK(rowlock_serial_lock());
    case_say(path);
    signal(how ? how : SIGCHLD, SIG_DFL);
    if (how)
        raise(how);
    _exit(0);
}

static void wait_for_end(void)
{
    char *path = rowlock_temp_dir_new();
    case_say(path);
    pause();
}

static void sweep(void)
{
    CHECK(rowlock_serial_trylock() == 1);
    discard(rowlock_temp_dir_new());
}

static void test_crashes(void **state)
{
    (void)state;
    static const int ends[] = {0, SIGSEGV, SIGKILL, SIGABRT};
    unsigned long uid = (unsigned long)geteuid();
    pid_t alive = case_start(wait_for_end);
    char *lives = case_hear(), *path, *strange = xasprintf("%s/rowlock-%lu/1.2.3", case_dir, uid);
    assert_int_equal(mkdir(strange, 0700), 0); /* of another namespace */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        int status;
        how = ends[i];
        pid_t pid = case_start(leave_behind);
        path = case_hear();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(access(path, F_OK), 0);
        case_run(sweep);
        assert_int_not_equal(access(path, F_OK), 0);
        *strrchr(path, '/') = '\0';
        assert_int_not_equal(access(path, F_OK), 0);
        free(path);
    }
    assert_int_equal(access(lives, F_OK), 0);
    assert_int_equal(access(strange, F_OK), 0);
    kill(alive, SIGKILL);
    waitpid(alive, NULL, 0);
    free(lives);
    free(strange);
}

/* What has ended is dead though nobody has waited for it, and alive as long as one thread is. */
static void *hold_thread(void *arg)
{
    char c;
    char *path = rowlock_temp_dir_new(), *stat = xasprintf("/proc/%d/stat", (int)getpid());
    for (char state = 0; state != 'Z'; sched_yield()) {
        FILE *f = fopen(stat, "re");
        CHECK(f && fscanf(f, "%*d %*s %c", &state) == 1);
        fclose(f);
    }
    case_say(path);
    free(path);
    free(stat);
    while (read(*(int *)arg, &c, 1) > 0)
        continue;
    _exit(0);
}

static int threads_end[2];

static void leave_to_thread(void)
{
    pthread_t t;
    close(threads_end[1]);
    CHECK(pthread_create(&t, NULL, hold_thread, &threads_end[0]) == 0);
    pthread_exit(NULL);
}

static void test_dead_and_not_waited_for(void **state)
{
    (void)state;
    siginfo_t info;
    assert_int_equal(pipe2(threads_end, O_CLOEXEC), 0);
    pid_t alive = case_start(leave_to_thread);
    char *lives = case_hear();
    how = SIGKILL;
    pid_t dead = case_start(leave_behind);
    char *path = case_hear();
    assert_int_equal(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(access(path, F_OK), 0);
    case_run(sweep);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(access(lives, F_OK), 0);
    waitpid(dead, NULL, 0);
    close(threads_end[0]);
    close(threads_end[1]);
    case_finish(alive);
    free(path);
    free(lives);
}

static void is_refused(void)
{
    CHECK(!rowlock_temp_dir_new() && strstr(rowlock_error(), "for this user alone"));
    CHECK(!rowlock_serial_lock() && strstr(rowlock_error(), "for this user alone"));
    CHECK(!rowlock_environment_new());
    CHECK(!rowlock_context_new());
}

/* Who may write to the folder could put a link there, and we would follow it. */
static void test_folder_of_somebody_else(void **state)
{
    (void)state;
    char *path = xasprintf("%s/rowlock-%lu", case_dir, (unsigned long)geteuid());
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    case_run(is_refused);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(".", path), 0);
    case_run(is_refused);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    case_run(is_refused);
    free(path);
}

/* ---- Environment ------------------------------------------------------------------------------- */

static void environment(void)
{
    setenv("ODD", "a=b\nc", 1);
    struct rowlock_environment *e = rowlock_environment_new(), *inner;
    CHECK(e && strcmp(getenv("FQCN_TEST_WORKER_ID"), e->worker_id) == 0);
    CHECK(strcmp(getenv("FQCN_TEST_MODE"), "sequential") == 0);
    CHECK(strcmp(getenv("FQCN_TEST_TEMP_DIR"), e->temp_dir) == 0);
    CHECK(strcmp(getenv("FQCN_CONFIG_DIR"), e->config_dir) == 0);
    CHECK(strcmp(getenv("FQCN_CACHE_DIR"), e->cache_dir) == 0);
    CHECK(access(e->config_dir, W_OK) == 0 && access(e->cache_dir, W_OK) == 0);
    bool odd = false;
    for (size_t i = 0; e->original[i]; i++)
        odd = odd || strcmp(e->original[i], "ODD=a=b\nc") == 0;
    CHECK(odd);
    inner = rowlock_environment_new();
    CHECK(inner && strcmp(inner->temp_dir, e->temp_dir) != 0);
    setenv("ODD", "changed", 1);
    setenv("MORE", "1", 1);
    unsetenv("PATH");
    rowlock_environment_free(inner);
    CHECK(strcmp(getenv("FQCN_TEST_TEMP_DIR"), e->temp_dir) == 0);
    CHECK(strcmp(getenv("ODD"), "a=b\nc") == 0 && !getenv("MORE") && getenv("PATH"));
    rowlock_environment_free(e);
    CHECK(!getenv("FQCN_TEST_TEMP_DIR") && !getenv("FQCN_CACHE_DIR"));
    CHECK(strcmp(getenv("ODD"), "a=b\nc") == 0);
}

static void test_environment(void **state)
{
    (void)state;
    case_run(environment);
}

/* ---- Nothing ------------------------------------------------------------------------------------ */

static void frees_nothing(void)
{
    rowlock_context_free(NULL);
    rowlock_temp_dir_free(NULL);
    rowlock_environment_free(NULL);
    rowlock_mappings_free(NULL);
    rowlock_mock_config_free(NULL);
}

static void test_nothing(void **state)
{
    (void)state;
    case_run(frees_nothing);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, case_set_up, case_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(outside),
        CASE(inside),
        CASE(variables_that_cannot_be),
        CASE(files),
        CASE(crashes),
        CASE(dead_and_not_waited_for),
        CASE(folder_of_somebody_else),
        CASE(environment),
        CASE(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
