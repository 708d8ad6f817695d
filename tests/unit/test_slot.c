/* run/slot and run/kernel_lock: who holds what, and what becomes free when. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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
#include "run/kernel_lock.h"
#include "run/signals.h"
#include "run/slot.h"

static char dir[4096];

static int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/slot-XXXXXX", tmp ? tmp : "/tmp");
    signals_init();
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(AT_FDCWD, dir) ? 0 : -1;
}

static uint32_t take(struct slot *s, uint32_t n)
{
    struct error err = ERROR_INIT;
    assert_int_equal(slot_take(s, dir, n, &err), LOCK_TAKEN);
    return s->number;
}

static enum lock_result try_slot(unsigned number)
{
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s/slots/%u", dir, number);
    int fd;
    enum lock_result rc = kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, &fd, &err);
    if (rc == LOCK_TAKEN)
        close(fd);
    free(path);
    return rc;
}

static void test_lowest_free(void **state)
{
    (void)state;
    struct slot a, b, c;
    assert_int_equal(take(&a, 3), 0);
    assert_int_equal(take(&b, 3), 1);
    assert_int_equal(take(&c, 3), 2);
    assert_int_equal(try_slot(1), LOCK_BUSY);
    slot_release(&b);
    assert_int_equal(try_slot(1), LOCK_TAKEN);
    slot_release(&a);
    assert_int_equal(take(&b, 3), 0);
    slot_release(&b);
    slot_release(&c);
    assert_int_equal(take(&a, 0), 0); /* there is always one */
    assert_true(fcntl(a.fd, F_GETFD) & FD_CLOEXEC);
    slot_release(&a);
}

/* A child says it is ready, and lives until it is killed. */
static pid_t start_holder(struct slot *own, uint32_t n)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err = ERROR_INIT;
        if (n && slot_take(own, dir, n, &err) != LOCK_TAKEN)
            _exit(1);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void kill_and_reap(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_killed_holder(void **state)
{
    (void)state;
    struct slot s;
    pid_t pid = start_holder(&s, 1);
    assert_int_equal(try_slot(0), LOCK_BUSY);
    kill_and_reap(pid);
    assert_int_equal(take(&s, 1), 0);
    slot_release(&s);
}

/* Shared by a fork: free when both have let go. */
static void test_shared_by_fork(void **state)
{
    (void)state;
    struct slot s;
    assert_int_equal(take(&s, 1), 0);
    pid_t pid = start_holder(&s, 0);
    slot_release(&s);
    assert_int_equal(try_slot(0), LOCK_BUSY);
    kill_and_reap(pid);
    assert_int_equal(try_slot(0), LOCK_TAKEN);
}

/* A program that the holder starts does not keep the slot. */
static void test_not_inherited_by_exec(void **state)
{
    (void)state;
    struct slot s;
    int out[2];
    char byte;
    assert_int_equal(take(&s, 1), 0);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out[1], 1);
        execlp("sh", "sh", "-c", "echo; exec sleep 1000", (char *)NULL);
        _exit(1);
    }
    assert_int_equal(read(out[0], &byte, 1), 1);
    slot_release(&s);
    assert_int_equal(try_slot(0), LOCK_TAKEN);
    kill_and_reap(pid);
    close(out[0]);
    close(out[1]);
}

/* All busy: waits, and goes on when one is released, its holder killed, or we are to stop. */
static void test_waiting(void **state)
{
    (void)state;
    struct slot a, b;
    pid_t holder = start_holder(&a, 1);
    pid_t waiter = fork();
    assert_true(waiter >= 0);
    if (waiter == 0) {
        struct error err = ERROR_INIT;
        _exit(slot_take(&b, dir, 1, &err) == LOCK_TAKEN ? 42 : 1);
    }
    kill_and_reap(holder);
    int status;
    assert_int_equal(waitpid(waiter, &status, 0), waiter);
    assert_int_equal(WEXITSTATUS(status), 42);

    holder = start_holder(&a, 1);
    waiter = fork();
    assert_true(waiter >= 0);
    if (waiter == 0) {
        struct error err = ERROR_INIT;
        _exit(slot_take(&b, dir, 1, &err) == LOCK_STOPPED ? 43 : 1);
    }
    kill(waiter, SIGTERM);
    assert_int_equal(waitpid(waiter, &status, 0), waiter);
    assert_int_equal(WEXITSTATUS(status), 43);
    kill_and_reap(holder);
}

static void test_shared_mode(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char *path = path_join(dir, "serial");
    int a, b, c;
    assert_int_equal(kernel_lock_try(path, LOCK_MODE_SHARED, &a, &err), LOCK_TAKEN);
    assert_int_equal(kernel_lock_try(path, LOCK_MODE_SHARED, &b, &err), LOCK_TAKEN);
    assert_int_equal(kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, &c, &err), LOCK_BUSY);
    close(a);
    close(b);
    assert_int_equal(kernel_lock_wait(path, LOCK_MODE_EXCLUSIVE, &c, &err), LOCK_TAKEN);
    assert_int_equal(kernel_lock_try(path, LOCK_MODE_SHARED, &a, &err), LOCK_BUSY);
    close(c);
    free(path);
}

static void test_lock_set(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct lock_set set = LOCK_SET_INIT;
    char *longest = xmalloc(65537), *locks = path_join(dir, "locks");
    memset(longest, '/', 65536);
    longest[65536] = '\0';
    char *const names[] = {(char *)"db", (char *)"../x\n", (char *)"",
                           (char *)"db", longest,          longest};
    assert_int_equal(lock_set_take(&set, locks, names, 6, &err), LOCK_TAKEN);
    assert_int_equal(set.n, 4);
    for (int i = 0; i < 6; i++) {
        char *file = lock_file_name(names[i]), *path = path_join(locks, file);
        int fd;
        assert_null(strchr(file, '/'));
        assert_true(strlen(file) < 256);
        assert_int_equal(kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, &fd, &err), LOCK_BUSY);
        free(path);
        free(file);
    }
    lock_set_release(&set);
    assert_int_equal(lock_set_take(&set, locks, names, 1, &err), LOCK_TAKEN);
    lock_set_release(&set);
    assert_int_equal(lock_set_take(&set, locks, names, 0, &err), LOCK_TAKEN);
    lock_set_release(&set);
    free(longest);
    free(locks);
}

static void test_lock_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"db", "l-db"},
                                           {"", "l-"},
                                           {"a/b.c%", "l-a%2Fb%2Ec%25"},
                                           {"\xff", "l-%FF"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *name = lock_file_name(cases[i][0]);
        assert_string_equal(name, cases[i][1]);
        free(name);
    }
    /* Long names differ where they are cut off, too. */
    char a[301], b[301];
    memset(a, 'x', 300);
    a[300] = '\0';
    memcpy(b, a, 301);
    b[299] = 'y';
    char *na = lock_file_name(a), *nb = lock_file_name(b);
    assert_string_not_equal(na, nb);
    free(na);
    free(nb);
}

static void test_broken(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct slot s;
    int fd;
    assert_int_equal(slot_take(&s, "/no/such", 2, &err), LOCK_BROKEN);
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_int_equal(kernel_lock_wait("/no/such/x/y", LOCK_MODE_SHARED, &fd, &err), LOCK_BROKEN);
    error_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowest_free),    cmocka_unit_test(test_killed_holder),
        cmocka_unit_test(test_shared_by_fork), cmocka_unit_test(test_not_inherited_by_exec),
        cmocka_unit_test(test_waiting),        cmocka_unit_test(test_shared_mode),
        cmocka_unit_test(test_lock_set),       cmocka_unit_test(test_lock_names),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
