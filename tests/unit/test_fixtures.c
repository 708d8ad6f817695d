/* librowlock: each case in processes of its own, as the library reads the environment once. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "fixtures/rowlock/fixtures.h"

static char dir[4096]; /* TMPDIR of each case, fresh */
static int talk[2];    /* from children to the case */

/* In a child, where cmocka's own assertions would go on with the parent's tests. */
#define CHECK(x)                                                                               \
    do {                                                                                       \
        if (!(x)) {                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__, #x,          \
                    rowlock_error());                                                          \
            _exit(1);                                                                          \
        }                                                                                      \
    } while (0)

/* Of a string that only has to be there. */
static void discard(char *text)
{
    CHECK(text);
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    static const char *const names[] = {"ROWLOCK_TEST_PREFIX", "ROWLOCK_SHARED_DIR",
                                        "FQCN_TEST_WORKER_ID", "FQCN_TEST_MODE",
                                        "FQCN_TEST_TEMP_DIR",  "FQCN_CONFIG_DIR",
                                        "FQCN_CACHE_DIR",      "PYTEST_XDIST_WORKER",
                                        "PYTEST_XDIST_WORKER_COUNT"};
    static char outer[2048];
    if (!outer[0])
        snprintf(outer, sizeof outer, "%s", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    snprintf(dir, sizeof dir, "%s/fixtures-XXXXXX", outer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    if (!mkdtemp(dir) || pipe2(talk, O_CLOEXEC) != 0)
        return -1;
    return setenv("TMPDIR", dir, 1);
}

static int tear_down(void **state)
{
    (void)state;
    close(talk[0]);
    close(talk[1]);
    return file_remove_tree(AT_FDCWD, dir) ? 0 : -1;
}

static pid_t start(void (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    body();
    exit(0);
}

static void finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void run(void (*body)(void))
{
    finish(start(body));
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
    char *path = path_join(dir, name);
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

static void say(const char *text)
{
    char line[512] = "";
    snprintf(line, sizeof line, "%s", text);
    CHECK(write(talk[1], line, sizeof line) == (ssize_t)sizeof line);
}

/* One of those lines; for free. */
static char *hear(void)
{
    char line[512];
    assert_int_equal(read(talk[0], line, sizeof line), sizeof line);
    return xstrdup(line);
}

/* ---- Folders ----------------------------------------------------------------------------------- */

static void outside(void)
{
    struct stat st;
    char *a = rowlock_temp_dir_new(), *b = rowlock_temp_dir_new(), *own;
    own = xasprintf("%s/rowlock-%lu/", dir, (unsigned long)geteuid());
    CHECK(strcmp(rowlock_worker_id(), "master") == 0 && !rowlock_is_parallel());
    CHECK(a && b && strcmp(a, b) != 0);
    CHECK(strncmp(a, own, strlen(own)) == 0);
    CHECK(stat(a, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    char *file = rowlock_temp_file(a, "sub/name", "text", 4);
    CHECK(file && access(file, R_OK) == 0);
    say(b);
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
    run(outside);
    char *path = hear();
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
    say(c->temp_dir);
    rowlock_context_free(c);
    discard(rowlock_temp_dir_new());
    CHECK(rowlock_serial_lock());
}

static void enter_run(const char *tmpdir)
{
    char *shared = path_join(dir, "shared"), *tmp = path_join(dir, tmpdir);
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
        run(inside);
        char *path = hear(), *begin = path_join(dir, expected[i][1]);
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
    CHECK(path && strncmp(path, dir, strlen(dir)) == 0);
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
    run(bad_environment);
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
    run(makes_files);
}

/* ---- Crashes ----------------------------------------------------------------------------------- */

static int how; /* a signal, or 0 for _exit */

static void leave_behind(void)
{
    char *path = rowlock_temp_dir_new();
    CHECK(path && rowlock_temp_file(path, "file", "x", 1) && chmod(path, 0500) == 0);
    CHECK(rowlock_serial_lock());
    say(path);
    signal(how ? how : SIGCHLD, SIG_DFL);
    if (how)
        raise(how);
    _exit(0);
}

static void wait_for_end(void)
{
    char *path = rowlock_temp_dir_new();
    say(path);
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
    pid_t alive = start(wait_for_end);
    char *lives = hear(), *path, *strange = xasprintf("%s/rowlock-%lu/1.2.3", dir, uid);
    assert_int_equal(mkdir(strange, 0700), 0); /* of another namespace */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        int status;
        how = ends[i];
        pid_t pid = start(leave_behind);
        path = hear();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(access(path, F_OK), 0);
        run(sweep);
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
    char *path = xasprintf("%s/rowlock-%lu", dir, (unsigned long)geteuid());
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    run(is_refused);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink(".", path), 0);
    run(is_refused);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    run(is_refused);
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
    run(environment);
}

/* ---- The lock ---------------------------------------------------------------------------------- */

enum { PROCESSES = 4, THREADS = 3, ROUNDS = 40 };

/* Adds one to the number in a file, so slowly that two at once would lose some. */
static void add_one(void)
{
    char text[32] = "", *path = path_join(dir, "number");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && pread(fd, text, sizeof text - 1, 0) >= 0);
    sched_yield();
    int n = snprintf(text, sizeof text, "%d", atoi(text) + 1);
    CHECK(pwrite(fd, text, (size_t)n, 0) == n);
    close(fd);
    free(path);
}

static void *count(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(rowlock_serial_lock());
        CHECK(rowlock_serial_trylock() == 1); /* who holds it may take it again */
        add_one();
        CHECK(rowlock_serial_unlock() && rowlock_serial_unlock());
    }
    return arg;
}

static void counts(void)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, count, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK(!rowlock_serial_unlock() && strstr(rowlock_error(), "does not hold"));
}

static void test_lock_between_threads_and_processes(void **state)
{
    (void)state;
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start(counts);
    for (int i = 0; i < PROCESSES; i++)
        finish(pids[i]);
    char text[32] = "", *path = path_join(dir, "number");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    free(path);
    assert_int_equal(atoi(text), PROCESSES * THREADS * ROUNDS);
}

static void *is_busy(void *arg)
{
    CHECK(rowlock_serial_trylock() == 0 && !rowlock_serial_unlock());
    return arg;
}

static void is_busy_here(void)
{
    is_busy(NULL);
}

/* The parent keeps what it holds, whatever its child does; the child ends without atexit. */
static void fork_with_lock(void)
{
    pthread_t t;
    CHECK(rowlock_serial_lock());
    pid_t pid = fork();
    if (pid == 0) {
        is_busy(NULL);
        char *path = rowlock_temp_dir_new();
        CHECK(path);
        rowlock_temp_dir_free(path);
        _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    pid = fork();
    if (pid == 0) {
        is_busy_here();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(pthread_create(&t, NULL, is_busy, NULL) == 0 && pthread_join(t, NULL) == 0);
    /* A child that lives on does not keep it. */
    int end[2];
    char c;
    CHECK(pipe(end) == 0);
    pid = fork();
    if (pid == 0) {
        close(end[1]);
        CHECK(read(end[0], &c, 1) == 0);
        CHECK(rowlock_serial_trylock() == 1);
        _exit(0);
    }
    CHECK(rowlock_serial_unlock());
    CHECK(rowlock_serial_trylock() == 1 && rowlock_serial_unlock());
    close(end[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_lock_and_fork(void **state)
{
    (void)state;
    run(fork_with_lock);
}

/* ---- Ports ------------------------------------------------------------------------------------- */

enum { HOLDERS = 40, PORTS = 4 };
static int hold[2]; /* a holder lives until its other end is closed */

static int listen_on(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0);
    return fd;
}

static void *get_ports(void *arg)
{
    for (int i = 0; i < PORTS; i++) {
        char text[32];
        int port = rowlock_port_new();
        CHECK(port >= 1024 && port < 65536);
        if (i % 2)
            listen_on(port);
        snprintf(text, sizeof text, "%d", port);
        say(text);
    }
    return arg;
}

static void hold_ports(void)
{
    pthread_t t;
    char c;
    close(hold[1]);
    CHECK(pthread_create(&t, NULL, get_ports, NULL) == 0);
    get_ports(NULL);
    pthread_join(t, NULL);
    CHECK(read(hold[0], &c, 1) == 0);
}

static void spoil_table(void)
{
    char *path = xasprintf("/tmp/rowlock-%lu/ports", (unsigned long)geteuid()), *lock;
    lock = xasprintf("%s.lock", path);
    CHECK(rowlock_port_new() > 0);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
        FILE *f = fopen(path, "ae");
        CHECK(f && fputs("nonsense\n99999999999999 1 1\n-1 -1 -1\n70000 1 1\n\n", f) >= 0);
        CHECK(fclose(f) == 0);
        close(fd);
    }
    free(path);
    free(lock);
}

static void take_again(void)
{
    int port = rowlock_port_new();
    int fd = listen_on(port);
    rowlock_port_free(port);
    /* It is in use, though in no table. */
    for (int i = 0; i < PORTS; i++)
        CHECK(rowlock_port_new() != port);
    close(fd);
    rowlock_port_free(-1);
    rowlock_port_free(70000);
}

static void test_ports(void **state)
{
    (void)state;
    static unsigned char seen[65536];
    pid_t pids[HOLDERS];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    run(spoil_table);
    for (int i = 0; i < HOLDERS; i++)
        pids[i] = start(hold_ports);
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < HOLDERS * 2 * PORTS; i++) {
        char *text = hear();
        int port = atoi(text);
        assert_int_equal(seen[port], 0);
        seen[port] = 1;
        free(text);
    }
    close(hold[1]);
    for (int i = 0; i < HOLDERS; i++)
        finish(pids[i]);
    close(hold[0]);
    run(take_again);
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
    run(frees_nothing);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(outside),
        CASE(inside),
        CASE(variables_that_cannot_be),
        CASE(files),
        CASE(crashes),
        CASE(folder_of_somebody_else),
        CASE(environment),
        CASE(lock_between_threads_and_processes),
        CASE(lock_and_fork),
        CASE(ports),
        CASE(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
