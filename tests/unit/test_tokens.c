/* run/tokens: further jobserver tokens of heavy groups. */
#include <fcntl.h>
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

#include "run/signals.h"
#include "run/tokens.h"

/* A jobserver with some tokens in it. */
struct fixture {
    int fds[2];
    struct jobserver server;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char flags[64];
    if (pipe(f->fds) != 0)
        return -1;
    snprintf(flags, sizeof flags, " -j4 --jobserver-auth=%d,%d", f->fds[0], f->fds[1]);
    jobserver_read(&f->server, flags);
    signals_init();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close(f->fds[0]);
    close(f->fds[1]);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *bytes)
{
    assert_int_equal(write(f->fds[1], bytes, strlen(bytes)), strlen(bytes));
}

/* What is in the jobserver, in any order. */
static void expect_left(struct fixture *f, size_t n)
{
    char bytes[64];
    fcntl(f->fds[0], F_SETFL, O_NONBLOCK);
    ssize_t got = read(f->fds[0], bytes, sizeof bytes);
    assert_int_equal(got < 0 ? 0 : got, n);
    if (got > 0)
        assert_int_equal(write(f->fds[1], bytes, (size_t)got), got);
}

static bool nobody(void *ctx)
{
    if (ctx)
        ++*(int *)ctx;
    return false;
}

static bool never_asked(void *ctx)
{
    (void)ctx;
    fail_msg("all tokens were there");
    return false;
}

static void test_takes_one_less_than_its_weight(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    put(f, "+++");
    assert_int_equal(tokens_take(&t, &f->server, 3, never_asked, NULL, &err), LOCK_TAKEN);
    assert_int_equal(t.store->n, 2);
    expect_left(f, 1);
    tokens_release(&t);
    expect_left(f, 3);
}

static void test_the_same_bytes_come_back(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    char bytes[4] = "";
    put(f, "abc");
    assert_int_equal(tokens_take(&t, &f->server, 4, never_asked, NULL, &err), LOCK_TAKEN);
    tokens_return(&t);
    tokens_return(&t);
    assert_int_equal(read(f->fds[0], bytes, 4), 3);
    assert_string_equal(bytes, "abc");
    tokens_release(&t);
}

static void test_a_weight_above_n_is_clamped(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    put(f, "+++++");
    assert_int_equal(tokens_take(&t, &f->server, 99, never_asked, NULL, &err), LOCK_TAKEN);
    assert_int_equal(t.store->n, 3);
    tokens_release(&t);
}

static void test_nothing_is_taken_without_need(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    struct jobserver none;
    jobserver_read(&none, "-j4");
    put(f, "+");
    assert_int_equal(tokens_take(&t, &f->server, 1, never_asked, NULL, &err), LOCK_TAKEN);
    assert_int_equal(tokens_take(&t, &f->server, 0, never_asked, NULL, &err), LOCK_TAKEN);
    assert_int_equal(tokens_take(&t, &none, 3, never_asked, NULL, &err), LOCK_TAKEN);
    expect_left(f, 1);
    tokens_release(&t);
}

static void test_those_that_are_there_now(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT, more = TOKENS_INIT, none = TOKENS_INIT;
    struct jobserver nowhere;
    jobserver_read(&nowhere, "-j4");
    put(f, "+++");
    assert_int_equal(tokens_try(&t, &f->server, 2), 2);
    assert_int_equal(tokens_try(&more, &f->server, 2), 1);
    assert_int_equal(tokens_try(&none, &nowhere, 2), 0);
    tokens_release(&none);
    expect_left(f, 0);
    tokens_release(&t);
    tokens_release(&more);
    expect_left(f, 3);
    assert_int_equal(tokens_try(&t, &f->server, 0), 0);
    expect_left(f, 3);
    tokens_release(&t);
}

static void test_alone_it_starts_with_what_it_has(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    int asked = 0;
    put(f, "+");
    assert_int_equal(tokens_take(&t, &f->server, 4, nobody, &asked, &err), LOCK_TAKEN);
    assert_int_equal(t.store->n, 1);
    assert_true(asked > 1);
    tokens_release(&t);
    expect_left(f, 1);
}

/* Others are at work, and the first time that we ask one of them is done. */
static bool one_ends(void *ctx)
{
    put(ctx, "+");
    return true;
}

static void test_waits_for_the_tokens_of_others(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(tokens_take(&t, &f->server, 3, one_ends, f, &err), LOCK_TAKEN);
    assert_int_equal(t.store->n, 2);
    tokens_release(&t);
    expect_left(f, 2);
}

static bool told_to_stop(void *ctx)
{
    (void)ctx;
    raise(SIGTERM);
    return true;
}

static void test_stops_when_told(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    put(f, "+");
    assert_int_equal(tokens_take(&t, &f->server, 4, told_to_stop, NULL, &err), LOCK_STOPPED);
    tokens_release(&t);
    expect_left(f, 1);
    signals_forget();
}

static void test_a_child_returns_them_for_a_dead_parent(void **state)
{
    struct fixture *f = *state;
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    int status;
    put(f, "+++");
    assert_int_equal(tokens_take(&t, &f->server, 4, never_asked, NULL, &err), LOCK_TAKEN);
    pid_t child = fork();
    if (child == 0) {
        tokens_return(&t);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    expect_left(f, 3);
    tokens_release(&t);
    expect_left(f, 3);
}

static void test_a_fifo(void **state)
{
    (void)state;
    char dir[] = "/tmp/tokens-XXXXXX", path[64], flags[128];
    struct tokens t = TOKENS_INIT;
    struct error err = ERROR_INIT;
    struct jobserver server;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_NONBLOCK);
    assert_int_equal(write(fd, "xyz", 3), 3);
    snprintf(flags, sizeof flags, " -j4 --jobserver-auth=fifo:%s", path);
    jobserver_read(&server, flags);
    assert_int_equal(tokens_take(&t, &server, 3, never_asked, NULL, &err), LOCK_TAKEN);
    assert_int_equal(t.store->n, 2);
    tokens_release(&t);
    char bytes[8];
    assert_int_equal(read(fd, bytes, sizeof bytes), 3);
    close(fd);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_takes_one_less_than_its_weight),
        WITH(test_the_same_bytes_come_back),
        WITH(test_a_weight_above_n_is_clamped),
        WITH(test_nothing_is_taken_without_need),
        WITH(test_those_that_are_there_now),
        WITH(test_alone_it_starts_with_what_it_has),
        WITH(test_waits_for_the_tokens_of_others),
        WITH(test_stops_when_told),
        WITH(test_a_child_returns_them_for_a_dead_parent),
        WITH(test_a_fifo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
