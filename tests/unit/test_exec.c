/* rowlock-exec on native tests: real processes, verdicts, isolation, and nothing left behind. */
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

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "testrun.h"

static void assert_outcome(const struct testrun *t, uint32_t test, enum outcome o)
{
    struct buf keep = BUF_INIT;
    struct record r;
    assert_true(testrun_record(t, test, RECORD_RESULT, &r, &keep));
    assert_string_equal(outcome_name(r.outcome), outcome_name(o));
    assert_int_equal(state_outcome(&t->state, test), o);
    assert_int_equal(testrun_count(t, test, RECORD_RESULT), 1);
    buf_release(&keep);
}

static void assert_field(const struct testrun *t, uint32_t test, enum record_field tag,
                         const char *expected)
{
    char *text = testrun_field(t, test, tag);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_field_has(const struct testrun *t, uint32_t test, enum record_field tag,
                             const char *part)
{
    char *text = testrun_field(t, test, tag);
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    free(text);
}

static void write_file(const struct testrun *t, const char *name, const char *text, int mode)
{
    struct error err = ERROR_INIT;
    char *path = path_join(t->dir, name);
    assert_true(file_write(path, text, strlen(text), &err));
    chmod(path, (mode_t)mode);
    free(path);
}

static void test_exit_codes(void **state)
{
    (void)state;
    const struct spec specs[] = {
        {.id = "passes", .script = "echo out; echo err >&2"},
        {.id = "fails", .script = "echo why; exit 3", .same_group = true},
        {.id = "skips",
         .script = "echo first; echo 'no database '; echo; exit 77",
         .same_group = true},
        {.id = "crashes", .script = "kill -SEGV $$", .same_group = true},
        {.id = "skips silently", .script = "exit 77", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 5);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_outcome(&t, 0, OUTCOME_PASSED);
    assert_field(&t, 0, FIELD_MESSAGE, "");
    assert_field(&t, 0, FIELD_STDOUT, "out\n");
    assert_field(&t, 0, FIELD_STDERR, "err\n");
    assert_outcome(&t, 1, OUTCOME_FAILED);
    assert_field(&t, 1, FIELD_MESSAGE, "exit status 3");
    assert_outcome(&t, 2, OUTCOME_SKIPPED);
    assert_field(&t, 2, FIELD_MESSAGE, "no database");
    assert_outcome(&t, 3, OUTCOME_CRASHED);
    assert_field_has(&t, 3, FIELD_MESSAGE, "killed by SIGSEGV");
    assert_field(&t, 4, FIELD_MESSAGE, "exit status 77");
    assert_int_equal(t.state.run->ended, 5);
    assert_int_equal(t.state.run->failures, 2);
    char *out = testrun_read(&t, "out"), *err = testrun_read(&t, "err");
    assert_string_equal(out, "");
    assert_string_equal(err, "");
    free(out);
    free(err);
    testrun_remove(&t);
}

static void test_cannot_start(void **state)
{
    (void)state;
    const char *const missing[] = {"./not-there", NULL}, *const unknown[] = {"rowlock-no-such",
                                                                             NULL};
    const char *const plain[] = {"./plain", NULL}, *const no_interp[] = {"./no-interp", NULL};
    const char *const empty[] = {"", NULL};
    const struct spec specs[] = {
        {.id = "missing", .command = missing},
        {.id = "unknown", .command = unknown, .same_group = true},
        {.id = "not executable", .command = plain, .same_group = true},
        {.id = "no interpreter", .command = no_interp, .same_group = true},
        {.id = "no folder", .cwd = "no/such", .same_group = true},
        {.id = "empty", .command = empty, .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 6);
    write_file(&t, "plain", "", 0644);
    write_file(&t, "no-interp", "#!/no/such/interpreter\n", 0755);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_outcome(&t, i, OUTCOME_ERROR);
    assert_field(&t, 0, FIELD_MESSAGE,
                 "./not-there: cannot be started: No such file or directory; build it, or correct "
                 "its path");
    assert_field_has(&t, 1, FIELD_MESSAGE, "; install it, or name it with its folder");
    assert_field_has(&t, 2, FIELD_MESSAGE, "Permission denied; make it executable");
    assert_field_has(&t, 3, FIELD_MESSAGE, "interpreter");
    assert_field_has(&t, 4, FIELD_MESSAGE, "no/such: its folder cannot be entered: No such file");
    testrun_remove(&t);
}

/* Found through the PATH of the test's own environment, and below its own folder; a script
 * without a first line goes to the shell, with its arguments. */
static void test_finding_commands(void **state)
{
    (void)state;
    struct testrun t = {0};
    const char *const named[] = {"tool", "a b", "$(c)", NULL};
    const char *const relative[] = {"../bin/tool", "x", NULL};
    const char *const env[] = {"PATH=/no/such:bin:/usr/bin:/bin", NULL};
    const struct spec specs[] = {
        {.id = "by PATH", .command = named, .env = env},
        {.id = "relative to cwd", .command = relative, .cwd = "sub", .same_group = true},
    };
    testrun_create(&t, specs, 2);
    char *bin = path_join(t.dir, "bin"), *sub = path_join(t.dir, "sub");
    assert_int_equal(mkdir(bin, 0755), 0);
    assert_int_equal(mkdir(sub, 0755), 0);
    write_file(&t, "bin/tool", "printf '<%s>' \"$@\"; pwd\n", 0755);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    char *first = xasprintf("<a b><$(c)>%s\n", t.dir), *second = xasprintf("<x>%s\n", sub);
    assert_field(&t, 0, FIELD_STDOUT, first);
    assert_field(&t, 1, FIELD_STDOUT, second);
    assert_outcome(&t, 0, OUTCOME_PASSED);
    assert_outcome(&t, 1, OUTCOME_PASSED);
    free(first);
    free(second);
    free(bin);
    free(sub);
    testrun_remove(&t);
}

static const char show_environment[] =
    "echo $FQCN_TEST_WORKER_ID; echo $FQCN_TEST_MODE; echo ${PYTEST_XDIST_WORKER-none}; "
    "echo $PYTEST_XDIST_WORKER_COUNT; echo $PYTEST_XDIST_TESTRUNUID; "
    "echo $ROWLOCK_TEST_PREFIX; echo $ROWLOCK_SHARED_DIR; "
    "for d in \"$FQCN_TEST_TEMP_DIR\" \"$FQCN_CONFIG_DIR\" \"$FQCN_CACHE_DIR\" \"$TMPDIR\"; do "
    "  test -d \"$d\" && echo \"$d\"; touch \"$d/used\"; done; "
    "mkdir -p $TMPDIR/deep/er && chmod 500 $TMPDIR/deep; "
    "env | grep -c -e '^MAKE' -e '^MFLAGS' -e '^GNUMAKEFLAGS' "
    "-e '^ROWLOCK_GOALS' -e '^ROWLOCK_RUN='";

static void test_environment(void **state)
{
    (void)state;
    struct testrun t = {0};
    const struct spec specs[] = {{.id = "parallel", .script = show_environment}};
    setenv("MAKEFLAGS", "k --jobserver-auth=3,4 -- A=b", 1);
    setenv("MAKELEVEL", "1", 1);
    setenv("MFLAGS", "-k", 1);
    setenv("GNUMAKEFLAGS", "-k", 1);
    setenv("ROWLOCK_GOALS", "t1", 1);
    testrun_create(&t, specs, 1);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    char *expected =
        xasprintf("gw0\nparallel\ngw0\n2\n0123456789abcdef\nFQCN\n%s\n%s/gw0/tmp\n%s/gw0/config\n"
                  "%s/gw0/cache\n%s/gw0/t1\n0\n",
                  t.temp, t.temp, t.temp, t.temp, t.temp);
    assert_field(&t, 0, FIELD_STDOUT, expected);
    free(expected);
    char *gone = xasprintf("%s/gw0/t1", t.temp), *kept = xasprintf("%s/gw0/tmp/used", t.temp);
    assert_int_not_equal(access(gone, F_OK), 0);
    assert_int_equal(access(kept, F_OK), 0);
    free(gone);
    free(kept);
    testrun_remove(&t);

    t = (struct testrun){.flags = PLAN_SEQUENTIAL, .n_slots = 1};
    testrun_create(&t, specs, 1);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_field_has(&t, 0, FIELD_STDOUT, "master\nsequential\nnone\n1\n");
    struct record r;
    struct buf keep = BUF_INIT;
    assert_true(testrun_record(&t, 0, RECORD_RESULT, &r, &keep));
    assert_int_equal(r.slot, JOURNAL_NO_SLOT);
    buf_release(&keep);
    testrun_remove(&t);
    unsetenv("MAKEFLAGS");
    unsetenv("MAKELEVEL");
    unsetenv("MFLAGS");
    unsetenv("GNUMAKEFLAGS");
    unsetenv("ROWLOCK_GOALS");
}

/* Whatever a test does to its folder, the next one finds an empty one of its own. */
static void test_fresh_folder(void **state)
{
    (void)state;
    static const char *const scripts[] = {"true",
                                          "touch $TMPDIR/file",
                                          "mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a",
                                          "chmod 777 $TMPDIR",
                                          "chmod 0 $TMPDIR",
                                          "rmdir $TMPDIR",
                                          "rmdir $TMPDIR; ln -s / $TMPDIR",
                                          "rmdir $TMPDIR; echo "
                                          ">$TMPDIR",
                                          "true"};
    enum { N = sizeof scripts / sizeof scripts[0] };
    struct spec specs[N];
    char *texts[N];
    for (int i = 0; i < N; i++) {
        texts[i] =
            xasprintf("basename $TMPDIR; stat -c '%%F %%a' $TMPDIR; ls -A $TMPDIR; %s", scripts[i]);
        specs[i] = (struct spec){.id = "t", .script = texts[i], .same_group = true};
    }
    struct testrun t = {0};
    mode_t mask = umask(022);
    testrun_create(&t, specs, N);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    umask(mask);
    for (uint32_t i = 0; i < N; i++) {
        char *expected = xasprintf("t%u\ndirectory 755\n", i + 1);
        assert_field(&t, i, FIELD_STDOUT, expected);
        free(expected);
        expected = xasprintf("%s/gw0/t%u", t.temp, i + 1);
        assert_int_not_equal(access(expected, F_OK), 0);
        free(expected);
        free(texts[i]);
    }
    testrun_remove(&t);
}

/* Whatever rowlock-exec inherits or has open, a test sees its three streams only. The fourth
 * entry is the folder that ls reads. */
static void test_descriptors(void **state)
{
    (void)state;
    struct testrun t = {0};
    const struct spec specs[] = {
        {.id = "fds", .script = "ls /proc/self/fd | tr '\\n' ' '; cat; echo end"},
    };
    int inherited[2];
    assert_int_equal(pipe(inherited), 0);
    testrun_create(&t, specs, 1);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_field(&t, 0, FIELD_STDOUT, "0 1 2 3 end\n");
    close(inherited[0]);
    close(inherited[1]);
    testrun_remove(&t);
}

/* Started with closed standard streams, nothing of ours takes their place. */
static void test_closed_streams(void **state)
{
    (void)state;
    struct testrun t = {0};
    const struct spec specs[] = {{.id = "streams", .script = "cat; echo out; echo err >&2"}};
    testrun_create(&t, specs, 1);
    char *line = xasprintf("cd '%s' && ROWLOCK_RUN=" RUN_ID " exec .rowlock/rowlock-exec " RUN_ID
                           " 1 <&- >&- 2>&-",
                           t.dir);
    assert_int_equal(system(line), 0);
    free(line);
    assert_outcome(&t, 0, OUTCOME_PASSED);
    assert_field(&t, 0, FIELD_STDOUT, "out\n");
    assert_field(&t, 0, FIELD_STDERR, "err\n");
    testrun_remove(&t);
}

static void test_hostile_names(void **state)
{
    (void)state;
    char *longest = xmalloc(65537);
    memset(longest, 'L', 65536);
    longest[65536] = '\0';
    const char *const ids[] = {"$(touch pwned)", "`touch pwned`\n\t'\";#%:\\", "-n --help",
                               "\xff\xfe invalid", longest};
    struct spec specs[5] = {{.id = NULL}};
    const char *args[5][5], *envs[5][2], *locks[5][2];
    for (int i = 0; i < 5; i++) {
        const char *const argv[5] = {"sh", "-c", "printf %s \"$1$VAR\"", "sh", ids[i]};
        memcpy(args[i], argv, sizeof argv);
        envs[i][0] = xasprintf("VAR=%s", ids[i]);
        envs[i][1] = NULL;
        locks[i][0] = ids[i];
        locks[i][1] = NULL;
    }
    const char *terminated[5][6];
    for (int i = 0; i < 5; i++) {
        memcpy(terminated[i], args[i], sizeof args[i]);
        terminated[i][5] = NULL;
        specs[i] = (struct spec){.id = ids[i],
                                 .command = terminated[i],
                                 .env = envs[i],
                                 .locks = locks[i],
                                 .same_group = true};
    }
    struct testrun t = {.output_limit = 1 << 20};
    testrun_create(&t, specs, 5);
    /* As a named goal, so that its locks are taken too. */
    assert_int_equal(testrun_wait(testrun_start(&t, (const char *[]){RUN_ID, "1", "g1", NULL})), 0);
    for (uint32_t i = 0; i < 5; i++) {
        char *expected = xasprintf("%s%s", ids[i], ids[i]);
        assert_outcome(&t, i, OUTCOME_PASSED);
        assert_field(&t, i, FIELD_STDOUT, expected);
        free(expected);
        free((char *)(uintptr_t)envs[i][0]);
    }
    char *pwned = path_join(t.dir, "pwned");
    assert_int_not_equal(access(pwned, F_OK), 0);
    free(pwned);
    free(longest);
    testrun_remove(&t);
}

static void test_tap_record(void **state)
{
    (void)state;
    struct testrun t = {0};
    const struct spec specs[] = {
        {.id = "tap",
         .format = FORMAT_TAP,
         .script = "echo 1..4; echo ok 1 - a; echo not ok 2 - b; echo '# reason'; "
                   "echo 'ok 3 # SKIP no net'; echo 'not ok 4 - d # TODO later'"},
        {.id = "skipped",
         .format = FORMAT_TAP,
         .script = "echo '1..0 # SKIP no net'",
         .same_group = true},
        {.id = "exit",
         .format = FORMAT_TAP,
         .script = "echo 1..1; echo ok; exit 77",
         .same_group = true},
    };
    testrun_create(&t, specs, 3);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_outcome(&t, 0, OUTCOME_FAILED);
    assert_field(&t, 0, FIELD_MESSAGE, "1 of 4 points failed, the first: 2 - b");
    assert_field(&t, 0, FIELD_DETAIL, "not ok 2 - b\n# reason\n");
    assert_field_has(&t, 0, FIELD_STDOUT, "1..4\nok 1 - a\n");
    struct record r;
    struct buf keep = BUF_INIT, points = BUF_INIT;
    assert_true(testrun_record(&t, 0, RECORD_RESULT, &r, &keep));
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, &r);
    while (journal_next_field(&it, &tag, &data, &len))
        if (tag == FIELD_POINT)
            buf_addf(&points, "%s:%.*s;", outcome_name(data[0]), (int)len - 1,
                     (const char *)data + 1);
    assert_string_equal(points.data,
                        "passed:a;failed:b;skipped: # SKIP no net;xfailed:d # TODO later;");
    assert_outcome(&t, 1, OUTCOME_SKIPPED);
    assert_field(&t, 1, FIELD_MESSAGE, "no net");
    assert_outcome(&t, 2, OUTCOME_FAILED);
    assert_field(&t, 2, FIELD_MESSAGE, "exit status 77");
    buf_release(&keep);
    buf_release(&points);
    testrun_remove(&t);
}

static void test_depends(void **state)
{
    (void)state;
    const uint32_t on_failed[] = {0, UINT32_MAX}, on_skipped[] = {1, UINT32_MAX};
    const uint32_t on_passed[] = {3, UINT32_MAX}, on_later[] = {6, UINT32_MAX};
    const struct spec specs[] = {
        {.id = "start\n", .script = "exit 1"},
        {.id = "b", .depends = on_failed, .same_group = true},
        {.id = "c", .depends = on_skipped, .same_group = true},
        {.id = "d", .same_group = true},
        {.id = "e", .depends = on_passed, .same_group = true},
        {.id = "f", .depends = on_later, .same_group = true},
        {.id = "g", .same_group = true},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 7);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_outcome(&t, 1, OUTCOME_SKIPPED);
    assert_field(&t, 1, FIELD_MESSAGE, "depends on start\\n, which failed");
    assert_outcome(&t, 2, OUTCOME_SKIPPED);
    assert_field(&t, 2, FIELD_MESSAGE, "depends on b, which was skipped");
    assert_outcome(&t, 4, OUTCOME_PASSED);
    assert_field(&t, 5, FIELD_MESSAGE, "depends on g, which did not run");
    assert_outcome(&t, 6, OUTCOME_PASSED);
    testrun_remove(&t);
}

static void test_maxfail(void **state)
{
    (void)state;
    const struct spec specs[] = {
        {.id = "a", .script = "exit 1"},
        {.id = "b", .script = "exit 1", .same_group = true},
        {.id = "c", .same_group = true},
        {.id = "d"},
    };
    struct testrun t = {.maxfail = 2};
    testrun_create(&t, specs, 4);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_int_equal(testrun_run_group(&t, 2), 0);
    assert_outcome(&t, 1, OUTCOME_FAILED);
    assert_int_equal(t.state.run->stop, STOP_MAXFAIL);
    for (uint32_t i = 2; i < 4; i++) {
        assert_int_equal(testrun_count(&t, i, RECORD_RESULT), 0);
        assert_int_equal(t.state.tests[i], TEST_PENDING);
    }
    testrun_remove(&t);
}

/* A second start of a group, as when a run goes on, runs only what has no record. */
static void test_goes_on(void **state)
{
    (void)state;
    const struct spec specs[] = {{.id = "a", .script = "exit 1"}, {.id = "b", .same_group = true}};
    struct testrun t = {0};
    testrun_create(&t, specs, 2);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    t.state.tests[1] = TEST_PENDING;
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_int_equal(testrun_run_group(&t, 1), 0);
    assert_int_equal(testrun_count(&t, 0, RECORD_RESULT), 1);
    assert_int_equal(testrun_count(&t, 1, RECORD_RESULT), 2);
    testrun_remove(&t);
}

static int run_words(const struct testrun *t, const char *group, const char *goal)
{
    return testrun_wait(testrun_start(t, (const char *[]){RUN_ID, group, goal, NULL}));
}

static void test_named_goals(void **state)
{
    (void)state;
    const struct spec specs[] = {
        {.id = "a"},
        {.id = "b", .script = "exit 1", .same_group = true},
        {.id = "c", .same_group = true, .serial = true},
        {.id = "d", .script = "exit 1"},
    };
    struct testrun t = {0};
    testrun_create(&t, specs, 4);
    assert_int_equal(run_words(&t, "1", "t1"), 0);
    assert_int_equal(run_words(&t, "1", "t3"), 0);
    assert_int_equal(testrun_count(&t, 1, RECORD_RESULT), 0);
    assert_int_equal(run_words(&t, "1", "t2"), 1);
    /* It has ended already, and has failed. */
    assert_int_equal(run_words(&t, "1", "t2"), 1);
    assert_int_equal(testrun_count(&t, 1, RECORD_RESULT), 1);
    /* Named is only another group's test: ours is a prerequisite of something else. */
    char *path = path_join(t.run, "goals"), *at = xasprintf("@%s", path);
    struct error err = ERROR_INIT;
    assert_true(file_write(path, "t1\ng7 t3\n", 9, &err));
    assert_int_equal(run_words(&t, "2", at), 1);
    assert_outcome(&t, 3, OUTCOME_FAILED);
    free(path);
    free(at);
    testrun_remove(&t);
}

/* Under -n, -q and -t Make runs recipes with a + nevertheless. */
static void test_make_is_idle(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        bool runs;
    } cases[] = {
        {"n", false},
        {"kq", false},
        {"tks -j4", false},
        {"nw --jobserver-auth=3,4 -- A=b", false},
        {"", true},
        {" -j4 --no-print-directory", true},
        {"ks -j --warn-undefined-variables", true},
        {" -- n=t", true},
        {"--trace", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct spec specs[] = {{.id = "a"}};
        struct testrun t = {0};
        testrun_create(&t, specs, 1);
        setenv("MAKEFLAGS", cases[i].flags, 1);
        assert_int_equal(testrun_run_group(&t, 1), 0);
        unsetenv("MAKEFLAGS");
        assert_int_equal(state_outcome(&t.state, 0) != OUTCOME_NONE, cases[i].runs);
        testrun_remove(&t);
    }
}

static void test_usage(void **state)
{
    (void)state;
    const struct spec specs[] = {{.id = "a"}};
    struct testrun t = {0};
    testrun_create(&t, specs, 1);
    assert_int_equal(testrun_wait(testrun_start(&t, (const char *[]){"--version", NULL})), 0);
    assert_int_equal(testrun_wait(testrun_start(&t, (const char *[]){"--help", NULL})), 0);
    assert_int_equal(testrun_wait(testrun_start(&t, (const char *[]){RUN_ID, NULL})), 4);
    assert_int_equal(run_words(&t, "0", NULL), 4);
    assert_int_equal(run_words(&t, "1x", NULL), 4);
    assert_int_equal(run_words(&t, "2", NULL), 4);
    assert_int_equal(testrun_wait(testrun_start(&t, (const char *[]){"../x", "1", NULL})), 4);
    /* The driver's own: nothing to do. */
    assert_int_equal(run_words(&t, "begin", NULL), 0);
    assert_int_equal(run_words(&t, "end", NULL), 0);
    char *out = testrun_read(&t, "out"), *err = testrun_read(&t, "err");
    assert_non_null(strstr(out, "rowlock-exec "));
    assert_non_null(strstr(out, "usage: rowlock-exec RUN GROUP"));
    assert_non_null(strstr(err, "there is no group 2"));
    free(out);
    free(err);
    testrun_remove(&t);
}

/* A journal that takes nothing: an error, and the run is told to stop. */
static void test_full_disk(void **state)
{
    (void)state;
    const struct spec specs[] = {{.id = "a"}, {.id = "b", .same_group = true}};
    struct testrun t = {0};
    testrun_create(&t, specs, 2);
    char *journal = path_join(t.run, "journal");
    assert_int_equal(symlink("/dev/full", journal), 0);
    assert_int_equal(testrun_run_group(&t, 1), 3);
    assert_int_equal(t.state.run->stop, STOP_BROKEN);
    assert_int_equal(t.state.run->ended, 0);
    char *err = testrun_read(&t, "err");
    assert_non_null(strstr(err, "journal: cannot be written: No space left on device"));
    free(err);
    free(journal);
    testrun_remove(&t);
}

int main(int argc, char **argv)
{
    int code = testrun_main(argc, argv);
    if (code >= 0)
        return code;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_finding_commands),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_fresh_folder),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_closed_streams),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_tap_record),
        cmocka_unit_test(test_depends),
        cmocka_unit_test(test_maxfail),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_named_goals),
        cmocka_unit_test(test_make_is_idle),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
