#include "report_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/xalloc.h"

static void die(const char *what, struct error *err)
{
    fprintf(stderr, "report_fixture: %s: %s\n", what, err && err->msg ? err->msg : "failed");
    abort();
}

static uint64_t align(struct buf *b)
{
    while (b->len % 8)
        buf_addc(b, '\0');
    return b->len;
}

static struct plan_str put_string(struct buf *b, const char *s)
{
    struct plan_str at = {align(b), strlen(s)};
    buf_add(b, s, strlen(s) + 1);
    return at;
}

static struct plan_list put_markers(struct buf *b, const char *const *names)
{
    struct plan_str at[3];
    uint64_t n = 0;
    while (n < 3 && names[n]) {
        at[n] = put_string(b, names[n]);
        n++;
    }
    struct plan_list list = {align(b), n};
    buf_add(b, at, n * sizeof *at);
    return list;
}

static void put_plan(struct buf *b, const struct fixture_test *tests, uint32_t n, uint32_t flags)
{
    struct plan_head head = {.magic = PLAN_MAGIC,
                             .n_tests = n,
                             .n_groups = 1,
                             .n_members = n,
                             .n_slots = 2,
                             .flags = flags,
                             .output_limit = 65536};
    struct plan_test *pt = xcalloc(n, sizeof *pt);
    struct plan_group group = {.first = 0, .count = n, .format = FORMAT_EXEC, .weight = 1};
    size_t size_tests = n * sizeof *pt;
    head.off_tests = sizeof head;
    buf_reserve(b, sizeof head + size_tests);
    memset(b->data, 0, sizeof head + size_tests);
    b->len = sizeof head + size_tests;
    head.off_groups = align(b);
    buf_add(b, &group, sizeof group);
    head.off_members = align(b);
    for (uint32_t i = 0; i < n; i++)
        buf_add(b, &i, sizeof i);
    for (uint32_t i = 0; i < n; i++) {
        pt[i].id = put_string(b, tests[i].id);
        pt[i].suite = put_string(b, tests[i].suite);
        pt[i].markers = put_markers(b, tests[i].markers);
        pt[i].format = tests[i].format;
        pt[i].weight = 1;
    }
    head.run_id = put_string(b, "1");
    head.root = put_string(b, "/");
    align(b);
    head.size = b->len;
    memcpy(b->data, &head, sizeof head);
    memcpy(b->data + head.off_tests, pt, size_tests);
    free(pt);
}

void fixture_open(struct fixture *f, const struct fixture_test *tests, uint32_t n,
                  uint32_t plan_flags)
{
    struct error err = ERROR_INIT;
    const char *tmp = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    unsetenv("GITHUB_WORKSPACE"); /* reports name files as a CI server knows them */
    unsetenv("CI_PROJECT_DIR");
    snprintf(f->dir, sizeof f->dir, "%s/report-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        die(f->dir, NULL);
    f->plan_path = fixture_path(f, "plan");
    f->journal_path = fixture_path(f, "journal");
    struct buf plan = BUF_INIT;
    put_plan(&plan, tests, n, plan_flags);
    if (!file_write(f->plan_path, plan.data, plan.len, &err) ||
        !plan_map_open(&f->map, f->plan_path, &err))
        die("plan", &err);
    buf_release(&plan);
    f->journal = journal_open(f->journal_path, &err);
    if (f->journal < 0)
        die("journal", &err);
    results_init(&f->results, &f->map);
}

void fixture_close(struct fixture *f)
{
    results_release(&f->results);
    plan_map_close(&f->map);
    close(f->journal);
    file_remove_tree(AT_FDCWD, f->dir);
    buf_release(&f->fields);
    free(f->plan_path);
    free(f->journal_path);
}

void fixture_begin(struct fixture *f, uint32_t test, enum outcome o)
{
    buf_clear(&f->fields);
    f->rec = (struct record){.test = test,
                             .kind = RECORD_RESULT,
                             .outcome = o,
                             .attempt = 1,
                             .start_ns = 1700000000000000000,
                             .wall_ns = 1000000};
}

void fixture_field(struct fixture *f, enum record_field tag, const void *data, size_t len)
{
    journal_add_field(&f->fields, tag, data, len);
    f->rec.n_fields++;
}

void fixture_text(struct fixture *f, enum record_field tag, const char *text)
{
    fixture_field(f, tag, text, strlen(text));
}

void fixture_point(struct fixture *f, enum outcome o, const char *description)
{
    struct buf b = BUF_INIT;
    buf_addc(&b, (char)o);
    buf_adds(&b, description);
    fixture_field(f, FIELD_POINT, b.data, b.len);
    buf_release(&b);
}

void fixture_end(struct fixture *f)
{
    struct error err = ERROR_INIT;
    f->rec.fields = (const unsigned char *)f->fields.data;
    f->rec.fields_len = f->fields.len;
    if (!journal_write(f->journal, &f->rec, &err))
        die("journal", &err);
}

void fixture_read(struct fixture *f)
{
    struct error err = ERROR_INIT;
    results_release(&f->results);
    results_init(&f->results, &f->map);
    if (!results_read(&f->results, f->journal_path, &err))
        die("journal", &err);
    results_count(&f->results);
}

char *fixture_terminal(const struct fixture *f, const struct report_style *style)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        die("open_memstream", NULL);
    report_terminal(out, &f->results, style);
    fclose(out);
    return text;
}

char *fixture_path(const struct fixture *f, const char *name)
{
    return path_join(f->dir, name);
}

char *fixture_slurp(const char *path)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    if (!file_read(path, &b, &err))
        die(path, &err);
    return buf_detach(&b);
}

static size_t count_files(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

void fixture_expect_unwritable(struct fixture *f, fixture_report *report)
{
    struct error err = ERROR_INIT;
    char *below_file = fixture_path(f, "plan/report"), *path = fixture_path(f, "report");
    bool written = report(below_file, &f->results, &err);
    assert_false(written);
    assert_int_equal(err.code, EXIT_INTERNAL);
    error_release(&err);
    assert_true(file_write(path, "before", 6, &err));
    size_t files = count_files(f->dir);
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    written = report(path, &f->results, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    assert_false(written);
    assert_int_equal(err.code, EXIT_INTERNAL);
    assert_non_null(strstr(err.msg, path));
    error_release(&err);
    assert_int_equal(count_files(f->dir), files);
    char *text = fixture_slurp(path);
    assert_string_equal(text, "before");
    free(text);
    free(below_file);
    free(path);
}

static void add_python_results(struct fixture *f)
{
    static const char property[] = "ticket\0ABC-1 & <more>";
    fixture_begin(f, 0, OUTCOME_PASSED);
    f->rec.wall_ns = 12000000;
    f->rec.user_ns = 9000000;
    f->rec.peak_bytes = 20000000;
    fixture_field(f, FIELD_PROPERTY, property, sizeof property - 1);
    fixture_end(f);
    fixture_begin(f, 1, OUTCOME_FAILED);
    f->rec.slot = 1;
    f->rec.wall_ns = 340000000;
    f->rec.user_ns = 200000000;
    f->rec.sys_ns = 10000000;
    f->rec.peak_bytes = 34000000;
    fixture_text(f, FIELD_MESSAGE, "AssertionError: assert 3 == 4");
    fixture_text(f, FIELD_DETAIL,
                 "    def test_large(self):\n>       assert add(1, 2) == 4\n"
                 "E       AssertionError: assert 3 == 4\n\n"
                 "tests/test_math.py:12: AssertionError");
    fixture_text(f, FIELD_LOCATION, "tests/test_math.py:12");
    fixture_text(f, FIELD_STDOUT, "adding 1 and 2\n");
    fixture_text(f, FIELD_STDERR, "a warning");
    fixture_text(f, FIELD_LOG, "INFO math:math.py:3 adding\n");
    fixture_end(f);
    fixture_begin(f, 2, OUTCOME_PASSED);
    fixture_end(f);
    fixture_begin(f, 6, OUTCOME_SKIPPED);
    fixture_text(f, FIELD_MESSAGE, "needs a database");
    fixture_text(f, FIELD_LOCATION, "tests/test_db.py:7");
    fixture_end(f);
    fixture_begin(f, 7, OUTCOME_XFAILED);
    fixture_text(f, FIELD_MESSAGE, "known bug");
    fixture_end(f);
    fixture_begin(f, 8, OUTCOME_FAILED);
    fixture_text(f, FIELD_MESSAGE, "connection refused");
    fixture_end(f);
    fixture_begin(f, 8, OUTCOME_PASSED);
    f->rec.attempt = 2;
    fixture_end(f);
    fixture_begin(f, 2, OUTCOME_ERROR);
    f->rec.kind = RECORD_AMEND;
    fixture_text(f, FIELD_MESSAGE, "OSError: cannot close");
    fixture_text(f, FIELD_DETAIL, "E   OSError: cannot close\ntests/conftest.py:9: OSError");
    fixture_end(f);
}

static void add_native_results(struct fixture *f)
{
    fixture_begin(f, 3, OUTCOME_CRASHED);
    f->rec.status = 11; /* as waitpid reports SIGSEGV */
    f->rec.wall_ns = 2000000000;
    f->rec.peak_bytes = 5300000;
    fixture_text(f, FIELD_STDERR, "about to migrate\n");
    fixture_end(f);
    fixture_begin(f, 4, OUTCOME_TIMEOUT);
    f->rec.slot = 1;
    f->rec.wall_ns = 123000000000;
    fixture_text(f, FIELD_LEFTOVER, "4711 sleep");
    fixture_end(f);
    fixture_begin(f, 5, OUTCOME_FAILED);
    f->rec.status = 1 << 8;
    fixture_text(f, FIELD_DETAIL, "#   Failed test 'subtracts'\n");
    fixture_point(f, OUTCOME_PASSED, "adds");
    fixture_point(f, OUTCOME_FAILED, "subtracts");
    fixture_point(f, OUTCOME_SKIPPED, "divides");
    fixture_point(f, OUTCOME_XFAILED, "");
    fixture_end(f);
    fixture_begin(f, 10, OUTCOME_PASSED);
    fixture_text(f, FIELD_LEFTOVER, "4712 server");
    fixture_text(f, FIELD_LEFTOVER, "4713 sh");
    fixture_end(f);
    fixture_begin(f, UINT32_MAX, OUTCOME_NONE);
    f->rec.kind = RECORD_NOTE;
    fixture_text(f, FIELD_MESSAGE, "worker gw0 was replaced");
    fixture_end(f);
}

void fixture_sample(struct fixture *f)
{
    static const struct fixture_test tests[] = {
        {"tests/test_math.py::TestAdd::test_small[a::b/c.py]",
         "py",
         FORMAT_PYTEST,
         {"unit", "slow"}},
        {"tests/test_math.py::TestAdd::test_large", "py", FORMAT_PYTEST, {"unit"}},
        {"tests/test_db.py::test_fixture", "py", FORMAT_PYTEST, {NULL}},
        {"db/migrate", "", FORMAT_EXEC, {"serial"}},
        {"native/slow", "native", FORMAT_EXEC, {NULL}},
        {"t/basic.t", "shell", FORMAT_TAP, {NULL}},
        {"tests/test_db.py::test_skipped", "py", FORMAT_PYTEST, {NULL}},
        {"tests/test_db.py::test_todo", "py", FORMAT_PYTEST, {NULL}},
        {"tests/test_db.py::test_network", "py", FORMAT_PYTEST, {NULL}},
        {"tests/test_db.py::test_never", "py", FORMAT_PYTEST, {NULL}},
        {"build/daemon", "native", FORMAT_EXEC, {NULL}},
    };
    fixture_open(f, tests, sizeof tests / sizeof *tests, 0);
    add_python_results(f);
    add_native_results(f);
    fixture_read(f);
    f->results.wall_seconds = 3.214;
}

void fixture_hostile(struct fixture *f)
{
    static const char nul[] = "before\0after";
    static const char property[] = HOSTILE_BYTES "\0" HOSTILE_BYTES;
    char *huge = xmalloc(65537);
    memset(huge, 'x', 65536);
    huge[65536] = '\0';
    memcpy(huge, "huge::\n", 7);
    const struct fixture_test tests[] = {
        {HOSTILE_BYTES, HOSTILE_BYTES, FORMAT_EXEC, {HOSTILE_BYTES}},
        {"tests/a b.py::" HOSTILE_BYTES "[" HOSTILE_BYTES "]", "", FORMAT_PYTEST, {NULL}},
        {huge, "", FORMAT_EXEC, {NULL}},
        {"-e \\", "", FORMAT_TAP, {NULL}},
    };
    fixture_open(f, tests, 4, 0);
    fixture_begin(f, 0, OUTCOME_FAILED);
    fixture_text(f, FIELD_MESSAGE, HOSTILE_BYTES);
    fixture_text(f, FIELD_DETAIL, HOSTILE_BYTES);
    fixture_text(f, FIELD_LOCATION, "loc" HOSTILE_BYTES);
    fixture_field(f, FIELD_STDOUT, nul, sizeof nul - 1);
    fixture_text(f, FIELD_STDERR, HOSTILE_BYTES);
    fixture_text(f, FIELD_LOG, HOSTILE_BYTES);
    fixture_text(f, FIELD_LEFTOVER, HOSTILE_BYTES);
    fixture_end(f);
    fixture_begin(f, 1, OUTCOME_SKIPPED);
    fixture_text(f, FIELD_MESSAGE, HOSTILE_BYTES);
    fixture_end(f);
    fixture_begin(f, 2, OUTCOME_PASSED);
    fixture_field(f, FIELD_PROPERTY, property, sizeof property - 1);
    f->rec.start_ns = INT64_MAX;
    f->rec.wall_ns = f->rec.user_ns = f->rec.sys_ns = f->rec.peak_bytes = UINT64_MAX;
    f->rec.attempt = UINT32_MAX;
    f->rec.slot = 65534;
    fixture_end(f);
    fixture_begin(f, 3, OUTCOME_FAILED);
    fixture_point(f, OUTCOME_FAILED, HOSTILE_BYTES);
    fixture_field(f, FIELD_POINT, "", 0);
    fixture_field(f, FIELD_POINT, "\xff", 1);
    fixture_end(f);
    free(huge);
    fixture_read(f);
}
