/* Runs on disk: made, published, pruned; nothing of a dead run stays in the temporary folder. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
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
#include "run/runstore.h"
#include "run/state.h"

static char *home, *root;

static int enter(void **unused)
{
    (void)unused;
    const char *tmp = getenv("TMPDIR");
    home = getcwd(NULL, 0);
    root = xasprintf("%s/rs-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(root) && chdir(root) == 0 ? 0 : -1;
}

static int leave(void **unused)
{
    (void)unused;
    int rc = chdir(home);
    file_remove_tree(AT_FDCWD, root);
    free(root);
    free(home);
    return rc;
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static size_t count_runs(void)
{
    size_t n = 0;
    DIR *d = opendir(".rowlock/runs");
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static struct runstore make_run(pid_t owner)
{
    struct runstore r;
    struct error err = ERROR_INIT;
    assert_true(runstore_create(&r, owner, &err));
    assert_true(runstore_write_state(&r, 3, 2, 1, false, &err));
    return r;
}

/* A pid that no longer is one. */
static pid_t dead_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

static void a_run_has_its_folders(void **unused)
{
    (void)unused;
    struct runstore r = make_run(getpid());
    struct error err = ERROR_INIT;
    struct state s;
    char *path = runstore_path(&r, "state");
    assert_int_equal(strspn(r.id, "0123456789-"), strlen(r.id));
    assert_int_equal(strlen(r.uid), 32);
    assert_true(strlen(r.temp) <= 44);
    assert_true(exists(r.temp));
    assert_true(state_open(&s, path, &err));
    assert_string_equal(s.run->temp_dir, r.temp);
    assert_string_equal(s.run->run_uid, r.uid);
    assert_int_equal(s.run->maxfail, 1);
    state_close(&s);
    assert_true(runstore_publish(&r, "/bin/true", &err));
    assert_true(exists(".rowlock/rowlock-exec"));
    assert_true(exists(".rowlock/last/state"));
    char *temp = xstrdup(r.temp);
    runstore_close(&r, false);
    assert_false(exists(temp));
    assert_true(exists(path));
    free(temp);
    free(path);
}

/* Sockets have to lie in it, and their paths are short. */
static void a_long_folder_for_temporary_files_is_not_used(void **unused)
{
    (void)unused;
    enum { LONG_ENOUGH = 60 };
    const char *before = getenv("TMPDIR");
    char *saved = before ? xstrdup(before) : NULL;
    char *folder = xasprintf("%s/%0*d", root, LONG_ENOUGH, 0);
    assert_int_equal(mkdir(folder, 0777), 0);
    setenv("TMPDIR", folder, 1);
    struct runstore r = make_run(getpid());
    assert_int_equal(strncmp(r.temp, "/tmp/rl-", 8), 0);
    runstore_close(&r, true);
    if (saved)
        setenv("TMPDIR", saved, 1);
    else
        unsetenv("TMPDIR");
    free(folder);
    free(saved);
}

static void a_dropped_run_leaves_nothing(void **unused)
{
    (void)unused;
    struct runstore r = make_run(getpid());
    runstore_close(&r, true);
    assert_false(exists(".rowlock"));
}

static void two_runs_of_one_second_differ(void **unused)
{
    (void)unused;
    struct runstore a = make_run(getpid()), b = make_run(getpid());
    assert_string_not_equal(a.id, b.id);
    assert_string_not_equal(a.temp, b.temp);
    runstore_close(&a, true);
    runstore_close(&b, true);
}

static void old_runs_go_living_and_published_ones_stay(void **unused)
{
    struct error err = ERROR_INIT;
    pid_t dead = dead_process();
    (void)unused;
    struct runstore published = make_run(dead), living = make_run(getpid());
    assert_true(runstore_publish(&published, "/bin/true", &err));
    for (int i = 0; i < 6; i++) {
        struct runstore r = make_run(dead);
        char *temp = xstrdup(r.temp);
        /* As after kill -9: the temporary folder is still there. */
        runstore_release(&r);
        runstore_prune(100);
        assert_false(exists(temp));
        free(temp);
    }
    assert_int_equal(count_runs(), 8);
    runstore_prune(3);
    assert_int_equal(count_runs(), 5);
    assert_true(exists(published.dir));
    assert_true(exists(living.dir));
    assert_true(exists(living.temp));
    runstore_close(&published, true);
    runstore_close(&living, true);
}

static void a_foreign_temporary_folder_is_not_removed(void **unused)
{
    struct error err = ERROR_INIT;
    (void)unused;
    struct runstore r = make_run(dead_process());
    char *path = runstore_path(&r, "state");
    struct state s;
    assert_int_equal(mkdir("precious", 0700), 0);
    assert_true(state_open(&s, path, &err));
    snprintf(s.run->temp_dir, sizeof s.run->temp_dir, "%.50s/precious", root);
    state_close(&s);
    runstore_prune(0);
    assert_true(exists("precious"));
    file_remove_tree(AT_FDCWD, r.temp);
    free(path);
    runstore_release(&r);
}

static void an_unwritable_state_folder_is_said(void **unused)
{
    struct runstore r;
    struct error err = ERROR_INIT;
    (void)unused;
    assert_true(file_write(".rowlock", "", 0, &err));
    assert_false(runstore_create(&r, getpid(), &err));
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_non_null(strstr(err.msg, ".rowlock"));
    error_release(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_has_its_folders, enter, leave),
        cmocka_unit_test_setup_teardown(a_long_folder_for_temporary_files_is_not_used, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(a_dropped_run_leaves_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(two_runs_of_one_second_differ, enter, leave),
        cmocka_unit_test_setup_teardown(old_runs_go_living_and_published_ones_stay, enter, leave),
        cmocka_unit_test_setup_teardown(a_foreign_temporary_folder_is_not_removed, enter, leave),
        cmocka_unit_test_setup_teardown(an_unwritable_state_folder_is_said, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
