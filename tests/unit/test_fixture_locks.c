/* librowlock: the lock and the ports. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
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
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "fixturecase.h"

/* ---- The lock ---------------------------------------------------------------------------------- */

enum { PROCESSES = 4, THREADS = 3, ROUNDS = 40 };

/* Adds one to the number in a file, so slowly that two at once would lose some. */
static void add_one(void)
{
    char text[32] = "", *path = path_join(case_dir, "number");
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
        pids[i] = case_start(counts);
    for (int i = 0; i < PROCESSES; i++)
        case_finish(pids[i]);
    char text[32] = "", *path = path_join(case_dir, "number");
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
    case_run(fork_with_lock);
}

/* Does a process wait for a lock? By /proc/locks. */
static bool waits(pid_t pid)
{
    char line[256];
    bool found = false;
    FILE *f = fopen("/proc/locks", "re");
    assert_non_null(f);
    while (!found && fgets(line, sizeof line, f)) {
        const char *waiting = strstr(line, "-> FLOCK");
        int of;
        found = waiting && sscanf(waiting, "-> FLOCK %*s %*s %d", &of) == 1 && of == pid;
    }
    fclose(f);
    return found;
}

static void takes_lock(void)
{
    CHECK(rowlock_serial_lock());
    case_say("held");
    CHECK(rowlock_serial_unlock());
}

/* A waiting process does not take the lock of a file that is gone for the lock. */
static void test_lock_whose_file_is_replaced(void **state)
{
    (void)state;
    unsigned long uid = (unsigned long)geteuid();
    char *path = xasprintf("%s/rowlock-%lu/serial.lock", case_dir, uid);
    case_run(takes_lock);
    free(case_hear());
    int old = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(old, LOCK_EX), 0);
    pid_t pid = case_start(takes_lock);
    while (!waits(pid))
        sched_yield();
    assert_int_equal(unlink(path), 0);
    int fresh = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fresh, LOCK_EX), 0);
    assert_int_equal(flock(old, LOCK_UN), 0);
    /* Either it waits again or it says, wrongly, that it has got it. */
    struct pollfd said = {case_talk[0], POLLIN, 0};
    while (!waits(pid) && poll(&said, 1, 0) == 0)
        sched_yield();
    assert_int_equal(poll(&said, 1, 0), 0);
    close(fresh);
    case_finish(pid);
    free(case_hear());
    close(old);
    free(path);
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
        case_say(text);
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

static void takes_ports_without_end(void)
{
    for (bool first = true;; first = false) {
        int port = rowlock_port_new();
        CHECK(port > 0);
        if (first)
            case_say("begun");
        rowlock_port_free(port);
    }
}

static void reads_whole_lines(void)
{
    char *path = xasprintf("/tmp/rowlock-%lu/ports", (unsigned long)geteuid()), line[128];
    int port = rowlock_port_new(), n, seen = 0;
    FILE *f = fopen(path, "re");
    CHECK(port > 0 && f);
    while (fgets(line, sizeof line, f)) {
        CHECK(strchr(line, '\n') && sscanf(line, "%d", &n) == 1);
        seen += n == port;
    }
    CHECK(seen == 1);
    fclose(f);
    free(path);
}

/* Killed in the midst of it, a process leaves a table that is whole. */
static void test_ports_of_the_killed(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        pid_t pid = case_start(takes_ports_without_end);
        free(case_hear());
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        case_run(reads_whole_lines);
    }
}

static void test_ports(void **state)
{
    (void)state;
    static unsigned char seen[65536];
    pid_t pids[HOLDERS];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    case_run(spoil_table);
    for (int i = 0; i < HOLDERS; i++)
        pids[i] = case_start(hold_ports);
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < HOLDERS * 2 * PORTS; i++) {
        char *text = case_hear();
        int port = atoi(text);
        assert_int_equal(seen[port], 0);
        seen[port] = 1;
        free(text);
    }
    close(hold[1]);
    for (int i = 0; i < HOLDERS; i++)
        case_finish(pids[i]);
    close(hold[0]);
    case_run(take_again);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, case_set_up, case_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(lock_between_threads_and_processes),
        CASE(lock_and_fork),
        CASE(lock_whose_file_is_replaced),
        CASE(ports),
        CASE(ports_of_the_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
