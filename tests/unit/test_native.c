/* native: the data of GCC, read by any number of threads. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "coverage/native.h"
#include "coverage/write.h"

enum { FRAGMENTS = 300 }; /* enough that threads do share them */

struct fixture {
    char dir[64];
    char *objects, *fragments;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/native-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->objects = path_join(f->dir, "objects");
    f->fragments = path_join(f->dir, "fragments");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    file_remove_tree(AT_FDCWD, f->dir);
    free(f->objects);
    free(f->fragments);
    free(f);
    return 0;
}

static void read_sample(const char *name, const char *ending, struct buf *b)
{
    const char *src = getenv("ROWLOCK_SRCDIR");
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s/tests/e2e/gcov_samples/%s%s", src && *src ? src : ".", name, ending);
    buf_clear(b);
    assert_true(file_read(path, b, &err));
    free(path);
}

static void write_file(char *path, const char *data, size_t len)
{
    struct error err = ERROR_INIT;
    char *folder = path_dirname(path);
    assert_true(file_mkdirs(folder, &err));
    assert_true(file_write(path, data, len, &err));
    free(folder);
    free(path);
}

/* An object and what each of so many processes has left of it; every tenth was killed meanwhile. */
static void add_object(const struct fixture *f, const char *sample, int fragments)
{
    struct buf b = BUF_INIT;
    read_sample(sample, ".notes", &b);
    write_file(xasprintf("%s/%s.gcno", f->objects, sample), b.data, b.len);
    read_sample(sample, ".data", &b);
    for (int i = 0; i < fragments; i++)
        write_file(xasprintf("%s/%03d/%s.gcda", f->fragments, i, sample), b.data,
                   i % 10 == 9 ? b.len / 2 : b.len);
    buf_release(&b);
}

/* All that a reader can tell of the fragments: the report in two formats, and what it says. */
static void read_all(const struct fixture *f, unsigned threads, size_t n_data, struct buf *told)
{
    struct coverage c;
    struct strv problems = STRV_INIT, notes = STRV_INIT;
    struct error err = ERROR_INIT;
    char *inputs[] = {f->fragments}, *report = path_join(f->dir, "report");
    struct cov_native how = {.objects = f->objects,
                             .names = {.root = "/"},
                             .threads = threads,
                             .notes = &notes};
    struct cov_json json = {.decimals = 2};
    struct buf text = BUF_INIT;
    coverage_init(&c);
    assert_int_equal(cov_native_read(&c, inputs, 1, &how, &problems), n_data);
    coverage_finish(&c);
    assert_true(lcov_write(&c, report, &err) && file_read(report, told, &err));
    assert_true(cov_json_write(&c, report, &json, &err) && file_read(report, &text, &err));
    const char *files = strstr(text.data, "\"files\""); /* before it stands the time */
    assert_non_null(files);
    buf_adds(told, files);
    buf_release(&text);
    for (size_t i = 0; i < problems.n; i++)
        buf_addf(told, "problem: %s\n", problems.v[i]);
    for (size_t i = 0; i < notes.n; i++)
        buf_addf(told, "note: %s\n", notes.v[i]);
    strv_release(&problems);
    strv_release(&notes);
    coverage_release(&c);
    free(report);
}

/* What comes out is the same, however many threads read: one object with all the fragments, which
 * they have to share, beside others that are done soon. */
static void test_any_number_of_threads(void **state)
{
    struct fixture *f = *state;
    struct buf one = BUF_INIT, many = BUF_INIT;
    add_object(f, "cc-13", FRAGMENTS);
    add_object(f, "c-13", 1);
    add_object(f, "c-9", 10);
    size_t n_data = FRAGMENTS - FRAGMENTS / 10 + 1 + 9;
    read_all(f, 1, n_data, &one);
    assert_non_null(strstr(one.data, "009/cc-13.gcda: cut off"));
    static const unsigned threads[] = {0, 2, 3, 16, 1000};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        buf_clear(&many);
        read_all(f, threads[i], n_data, &many);
        assert_string_equal(many.data, one.data);
    }
    buf_release(&one);
    buf_release(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_number_of_threads, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
