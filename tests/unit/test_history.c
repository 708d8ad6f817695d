/* history: what runs remember of tests. */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <sqlite3.h>
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
#include "history/history.h"

struct fixture {
    char dir[64];
    char *path;
    struct history *h;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/history-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->path = path_join(f->dir, "history.db");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    history_free(f->h);
    file_remove_tree(AT_FDCWD, f->dir);
    free(f->path);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *name, double seconds, const char *outcome,
                uint64_t peak)
{
    char *warning;
    struct history_result r = {name, outcome, strcmp(outcome, "passed") != 0, seconds, peak};
    assert_true(history_add(f->path, &r, 1, &warning));
    assert_null(warning);
}

static const struct history_test *find(struct fixture *f, const char *name)
{
    char *warning;
    history_free(f->h);
    f->h = history_read(f->path, &warning);
    assert_null(warning);
    return history_find(f->h, name);
}

static void sql(struct fixture *f, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_nothing_is_known_without_a_file(void **state)
{
    struct fixture *f = *state;
    assert_null(find(f, "a"));
    assert_int_equal(history_size(f->h), 0);
    assert_int_not_equal(access(f->path, F_OK), 0);
}

static void test_the_newest_run_counts_most(void **state)
{
    struct fixture *f = *state;
    add(f, "a", 1.0, "passed", 100);
    const struct history_test *t = find(f, "a");
    assert_true(t->seconds == 1.0 && !t->failed && t->peak_bytes == 100);
    add(f, "a", 2.0, "failed", 50);
    t = find(f, "a");
    assert_true(t->seconds > 1.29 && t->seconds < 1.31);
    assert_true(t->failed && t->peak_bytes == 100);
    assert_string_equal(t->outcome, "failed");
    assert_null(history_find(f->h, "b"));
}

static void test_names_are_bytes(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "'); DROP TABLE test; --", "\xff\xfe", "caf\xc3\xa9",
                                        "a\nb", "passed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(f, names[i], (double)i, "passed", 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(find(f, names[i])->seconds == (double)i);
    assert_int_equal(history_size(f->h), sizeof names / sizeof *names);
}

static void test_another_machine_is_better_than_nothing(void **state)
{
    struct fixture *f = *state;
    add(f, "a", 1.0, "passed", 0);
    sql(f, "UPDATE machine SET kind = 'abacus'");
    assert_true(find(f, "a")->seconds == 1.0);
    add(f, "a", 3.0, "passed", 0);
    assert_true(find(f, "a")->seconds == 3.0);
    sql(f, "UPDATE result SET at = at + 100 WHERE seconds = 1");
    assert_true(find(f, "a")->seconds == 3.0);
}

static void test_what_is_long_gone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    add(f, "old", 1.0, "passed", 0);
    sql(f, "UPDATE result SET at = at - 100 * 86400");
    assert_non_null(find(f, "old"));
    add(f, "new", 1.0, "passed", 0);
    assert_null(find(f, "old"));
    assert_non_null(find(f, "new"));
}

/* The folder has so many files that were set aside. */
static size_t count_aside(const struct fixture *f)
{
    glob_t g;
    char *pattern = xasprintf("%s.damaged-*", f->path);
    size_t n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    if (n)
        globfree(&g);
    free(pattern);
    return n;
}

static void test_a_damaged_file_is_set_aside(void **state)
{
    struct fixture *f = *state;
    char *warning;
    FILE *out = fopen(f->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("no database ", out);
    fclose(out);
    struct history *h = history_read(f->path, &warning);
    assert_int_equal(history_size(h), 0);
    assert_non_null(strstr(warning, "is damaged; it was set aside"));
    assert_int_equal(count_aside(f), 1);
    free(warning);
    history_free(h);
    add(f, "a", 1.0, "passed", 0);
    assert_non_null(find(f, "a"));
}

static void test_a_file_of_a_later_version_is_set_aside(void **state)
{
    struct fixture *f = *state;
    char *warning;
    sql(f, "PRAGMA user_version = 99");
    struct history_result r = {"a", "passed", false, 1, 0};
    assert_false(history_add(f->path, &r, 1, &warning));
    assert_non_null(strstr(warning, "made by a later version"));
    free(warning);
    assert_int_equal(count_aside(f), 1);
}

static void test_a_torn_file_does_no_harm(void **state)
{
    struct fixture *f = *state;
    char *warning, name[16];
    struct history_result r[200];
    for (size_t i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        r[i] = (struct history_result){xstrdup(name), "passed", false, 1, 0};
    }
    assert_true(history_add(f->path, r, 200, &warning));
    for (off_t size = 30000; size > 0; size -= 1111) {
        assert_true(truncate(f->path, size) == 0);
        history_free(history_read(f->path, &warning));
        free(warning);
        if (access(f->path, F_OK) != 0)
            assert_true(history_add(f->path, r, 200, &warning));
    }
    for (size_t i = 0; i < 200; i++)
        free((char *)r[i].name);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    char *warning;
    struct history_result r = {"a", "passed", false, 1, 0};
    assert_false(history_add("/nonexistent/history.db", &r, 1, &warning));
    assert_non_null(strstr(warning, "the run goes on without it"));
    free(warning);
}

static void test_runs_that_end_at_the_same_time(void **state)
{
    struct fixture *f = *state;
    enum { WRITERS = 4, TIMES = 10 };
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            bool ok = true;
            char *warning;
            for (int i = 0; i < TIMES && ok; i++) {
                struct history_result r[2] = {{"shared", "passed", false, 1, 0},
                                              {i % 2 ? "odd" : "even", "passed", false, 1, 0}};
                ok = history_add(f->path, r, 2, &warning);
            }
            _exit(ok ? 0 : 1);
        }
    int status;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    assert_non_null(find(f, "shared"));
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT max(runs), count(*) FROM result", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(s, 0), WRITERS * TIMES);
    assert_int_equal(sqlite3_column_int(s, 1), 3);
    sqlite3_finalize(s);
    sqlite3_close(db);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_nothing_is_known_without_a_file),
        WITH(test_the_newest_run_counts_most),
        WITH(test_names_are_bytes),
        WITH(test_another_machine_is_better_than_nothing),
        WITH(test_what_is_long_gone_is_forgotten),
        WITH(test_a_damaged_file_is_set_aside),
        WITH(test_a_file_of_a_later_version_is_set_aside),
        WITH(test_a_torn_file_does_no_harm),
        WITH(test_a_folder_that_is_not_there),
        WITH(test_runs_that_end_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
