/* What MAKEFLAGS says: GNU Make 4.0 to 4.4 in pipe and FIFO mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/cpus.h"
#include "run/jobserver.h"

static void dry_runs_are_recognised(void **unused)
{
    static const char *const dry[] = {"n",     "kn", "nk", "-n",  "n -j4 --jobserver-auth=3,4",
                                      "ks -n", "t",  "q",  " -n", "sn --no-print-directory"};
    static const char *const wet[] = {"",
                                      "k",
                                      "-j4",
                                      " -j4 --jobserver-auth=3,4",
                                      "krRs -j2",
                                      NULL,
                                      "--no-silent",
                                      "k -- n=1",
                                      " -- tests=1",
                                      "I/nqt",
                                      "w -Onone",
                                      "--shuffle=nqt"};
    (void)unused;
    for (size_t i = 0; i < sizeof dry / sizeof *dry; i++)
        assert_true(makeflags_dry(dry[i]));
    for (size_t i = 0; i < sizeof wet / sizeof *wet; i++)
        assert_false(makeflags_dry(wet[i]));
}

static struct jobserver read_flags(const char *flags)
{
    struct jobserver j;
    jobserver_read(&j, flags);
    return j;
}

static void none_without_word_of_it(void **unused)
{
    (void)unused;
    assert_int_equal(read_flags(NULL).state, JOBSERVER_NONE);
    assert_int_equal(read_flags("k").state, JOBSERVER_NONE);
    assert_int_equal(read_flags("k").jobs, 0);
    assert_int_equal(read_flags(" -j4 --jobserver-auth=garbage").state, JOBSERVER_NONE);
    /* What stands behind "--" are variables. */
    assert_int_equal(read_flags("k -- --jobserver-auth=0,1").state, JOBSERVER_NONE);
}

static void open_pipes_are_found(void **unused)
{
    char flags[128];
    int fds[2];
    (void)unused;
    assert_int_equal(pipe(fds), 0);
    snprintf(flags, sizeof flags, "k -j4 --jobserver-auth=%d,%d", fds[0], fds[1]);
    struct jobserver j = read_flags(flags);
    assert_int_equal(j.state, JOBSERVER_OPEN);
    assert_int_equal(j.jobs, 4);
    assert_int_equal(j.fds[0], fds[0]);
    assert_int_equal(j.fds[1], fds[1]);
    snprintf(flags, sizeof flags, "-j --jobserver-fds=%d,%d", fds[0], fds[1]);
    assert_int_equal(read_flags(flags).state, JOBSERVER_OPEN);
    /* The last one wins; 4.4 takes it back from recipes without '+' like this. */
    snprintf(flags, sizeof flags, " -j4 --jobserver-auth=%d,%d --jobserver-auth=-2,-2", fds[0],
             fds[1]);
    assert_int_equal(read_flags(flags).state, JOBSERVER_CLOSED);
    close(fds[0]);
    close(fds[1]);
    snprintf(flags, sizeof flags, " -j4 --jobserver-auth=%d,%d", fds[0], fds[1]);
    assert_int_equal(read_flags(flags).state, JOBSERVER_CLOSED);
}

static void reused_descriptors_are_no_jobserver(void **unused)
{
    char flags[64];
    FILE *file = tmpfile();
    (void)unused;
    assert_non_null(file);
    snprintf(flags, sizeof flags, " -j4 --jobserver-auth=%d,%d", fileno(file), fileno(file));
    assert_int_equal(read_flags(flags).state, JOBSERVER_CLOSED);
    fclose(file);
}

static void fifos_are_found(void **unused)
{
    char dir[] = "/tmp/rl-test-XXXXXX", path[64], flags[128];
    (void)unused;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a b", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(flags, sizeof flags, "s -j8 --jobserver-auth=fifo:%s/a\\ b", dir);
    struct jobserver j = read_flags(flags);
    assert_int_equal(j.state, JOBSERVER_OPEN);
    assert_int_equal(j.jobs, 8);
    assert_int_equal(j.fds[0], -1);
    unlink(path);
    assert_int_equal(read_flags(flags).state, JOBSERVER_CLOSED);
    rmdir(dir);
}

static void hostile_flags_do_no_harm(void **unused)
{
    size_t len = 200000;
    char *flags = malloc(len + 1);
    (void)unused;
    memset(flags, 'x', len);
    flags[len] = '\0';
    assert_int_equal(read_flags(flags).state, JOBSERVER_NONE);
    memcpy(flags, "--jobserver-auth=fifo:/", 23);
    assert_int_equal(read_flags(flags).state, JOBSERVER_CLOSED);
    assert_false(makeflags_dry(flags));
    free(flags);
}

static void there_is_a_processor(void **unused)
{
    (void)unused;
    assert_true(cpus_available(0) >= 1);
    assert_true(cpus_available(1) >= 1);
    assert_true(cpus_available(1) <= cpus_available(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dry_runs_are_recognised),
        cmocka_unit_test(none_without_word_of_it),
        cmocka_unit_test(open_pipes_are_found),
        cmocka_unit_test(reused_descriptors_are_no_jobserver),
        cmocka_unit_test(fifos_are_found),
        cmocka_unit_test(hostile_flags_do_no_harm),
        cmocka_unit_test(there_is_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
