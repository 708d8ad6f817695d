/* pydata and pyreport: coverage.py's data files, and what becomes of them. */
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
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
#include "coverage/pyreport.h"

static const char schema[] =
    "create table coverage_schema (version integer);"
    "create table meta (key text, value text, unique (key));"
    "create table file (id integer primary key, path text, unique (path));"
    "create table context (id integer primary key, context text, unique (context));"
    "create table line_bits (file_id integer, context_id integer, numbits blob,"
    "  unique (file_id, context_id));"
    "create table arc (file_id integer, context_id integer, fromno integer, tono integer,"
    "  unique (file_id, context_id, fromno, tono));"
    "create table tracer (file_id integer primary key, tracer text);"
    "insert into coverage_schema values (7);";

struct fixture {
    char dir[64];
    char *path;
    struct py_data data;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/pydata-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->path = path_join(f->dir, ".coverage");
    py_data_init(&f->data);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    py_data_release(&f->data);
    file_remove_tree(AT_FDCWD, f->dir);
    free(f->path);
    free(f);
    return 0;
}

/* Makes the data file anew. */
static void make(struct fixture *f, const char *tables, const char *rows)
{
    sqlite3 *db;
    unlink(f->path);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, tables, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void reads(struct fixture *f, const char *rows)
{
    struct error err = ERROR_INIT;
    make(f, schema, rows);
    assert_true(py_data_claims(f->path));
    assert_true(py_data_read(&f->data, f->path, &err));
    assert_null(err.msg);
}

static void refuses_file(struct fixture *f, const char *why)
{
    struct error err = ERROR_INIT;
    size_t files = f->data.n_files;
    assert_false(py_data_read(&f->data, f->path, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.msg, f->path));
    if (!strstr(err.msg, why))
        fail_msg("%s: not about %s", err.msg, why);
    assert_int_equal(f->data.n_files, files);
    error_release(&err);
}

static void refuses(struct fixture *f, const char *tables, const char *rows, const char *why)
{
    make(f, tables, rows);
    refuses_file(f, why);
}

/* Each file's runs as "context: lines or arcs; ", by the name of the context. */
static const char *runs_of(struct fixture *f, const char *path, struct buf *text)
{
    const struct py_file *file = py_data_file(&f->data, path);
    struct strv found = STRV_INIT;
    for (size_t i = 0; i < file->n_runs; i++) {
        const struct py_run *r = &file->runs[i];
        buf_clear(text);
        buf_addf(text, "%s:", r->context == PY_NO_CONTEXT ? "?" : f->data.contexts[r->context]);
        for (size_t k = 0; k < 8 * r->n_bits; k++)
            if (r->bits[k / 8] & 1 << k % 8)
                buf_addf(text, " %zu", k);
        for (size_t k = 0; k < r->n_arcs; k++)
            buf_addf(text, " %d>%d", r->arcs[k].from, r->arcs[k].to);
        buf_adds(text, "; ");
        strv_push(&found, buf_cstr(text));
    }
    strv_sort(&found);
    buf_clear(text);
    for (size_t i = 0; i < found.n; i++)
        buf_adds(text, found.v[i]);
    strv_release(&found);
    return buf_cstr(text);
}

/* All data files add up, each context for itself; it is the name that tells contexts. */
static void test_lines(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    reads(f, "insert into meta values ('has_arcs', '0');"
             "insert into file values (4, '/a.py'), (9, '/b.html');"
             "insert into context values (1, ''), (2, 'test_x|run');"
             "insert into tracer values (9, 'jinja');"
             "insert into line_bits values (4, 1, x'02'), (4, 2, x'0001'), (9, 1, x'04');");
    reads(f, "insert into meta values ('has_arcs', '0'); insert into file values (1, '/a.py');"
             "insert into context values (1, 'test_y|run'), (2, ''), (7, 'test_x|run');"
             "insert into line_bits values (1, 2, x'08'), (1, 7, x'02'), (1, 1, x'10'),"
             "  (1, 5, x'20');");
    reads(f, ""); /* nothing was measured */
    assert_int_equal(f->data.n_files, 2);
    assert_string_equal(runs_of(f, "/a.py", &text),
                        ": 1 3; ?: 5; test_x|run: 1 8; test_y|run: 4; ");
    assert_string_equal(runs_of(f, "/b.html", &text), ": 2; ");
    assert_null(py_data_file(&f->data, "/a.py")->tracer);
    assert_string_equal(py_data_file(&f->data, "/b.html")->tracer, "jinja");
    assert_true(f->data.has_lines && !f->data.has_arcs);
    make(f, schema, "insert into meta values ('has_arcs', '1');");
    refuses_file(f, "branch data");
    buf_release(&text);
}

static void test_arcs(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 2; i++)
        reads(f, "insert into meta values ('has_arcs', '1'); insert into file values (1, '/a.py');"
                 "insert into context values (1, ''), (2, 't');"
                 "insert into arc values (1, 1, 2, 3), (1, 1, -1, 2), (1, 2, 2, 3), (1, 1, 3, -1);");
    py_data_finish(&f->data);
    assert_string_equal(runs_of(f, "/a.py", &text), ": -1>2 2>3 3>-1; t: 2>3; ");
    buf_release(&text);
}

static void test_what_is_none(void **state)
{
    struct fixture *f = *state;
    static const char arcs[] = "insert into meta values ('has_arcs', '1');"
                               "insert into file values (1, '/a.py');";
    char rows[400];
    refuses(f, "create table x (y);", "", "tables are missing");
    refuses(f, schema, "drop table arc; create view arc as with recursive r (n) as (select 1 union all"
                       " select n + 1 from r) select n file_id, n fromno, n tono from r;",
            "tables are missing");
    refuses(f, schema, "update coverage_schema set version = 5;", "schema 5");
    refuses(f, schema, "insert into file values (1, '');", "name of a measured file");
    refuses(f, schema, "insert into file values (1, cast(x'610062' as text));", "name of a measured");
    refuses(f, schema, "insert into context values (1, null);", "name of a context");
    refuses(f, schema, "insert into context values (1, cast(x'610062' as text));", "name of a context");
    static const char *const bad[] = {
        "insert into arc values (2, 1, 1, 2);", "insert into arc values (1, 1, 1, 99999999999);",
        "insert into arc values (1, 1, -8388608, 2);", "insert into line_bits values (7, 1, x'01');",
        "insert into line_bits values (1, 1, 'text');",
        "insert into line_bits values (1, 1, zeroblob(2000000));"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(rows, sizeof rows, "%s%s", arcs, bad[i]);
        refuses(f, schema, rows, i < 3 ? "arcs of a file" : "lines of a file");
    }
    /* Torn in the middle: what could be read is not taken. */
    make(f, schema, arcs);
    assert_int_equal(truncate(f->path, 9000), 0);
    refuses_file(f, "no whole data file");
    unlink(f->path);
    assert_false(py_data_claims(f->path));
    refuses_file(f, "no whole data file");
}

#define NUMBERS(...)                                                                                \
    {(const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)}

/* Lines 1 to 3 are one statement; 5 branches to 6 and 8, and, without counting, to 9; what leaves
 * a with statement (7, 4) means (7, 8). */
static const struct py_source source = {
    .asked = "/a.py",
    .name = "a.py",
    .flags = PY_REPORTED | PY_LISTS_ALL,
    .statements = NUMBERS(1, 4, 5, 6, 7, 8, 10),
    .excluded = NUMBERS(9),
    .firsts = NUMBERS(2, 1, 3, 1),
    .better = NUMBERS(4, 8, 0, 0, 7, 4, 7, 8),
    .arms = NUMBERS(5, 6, PY_COUNTS, 5, 8, PY_COUNTS, 5, 9, PY_TO_EXCLUDED, 7, 8, PY_COUNTS, 7, 10,
                    PY_COUNTS, 8, -1, PY_NEVER_MISSING, 8, 10, PY_COUNTS),
    .regions = (struct py_region[]){{0, "f", 4, NUMBERS(5, 6, 8, 8)}},
    .n_regions = 1,
};

static void check_arm(const struct cov_file *f, uint32_t line, int32_t to, unsigned flags,
                      int64_t count)
{
    size_t n;
    const struct cov_arm *arms = cov_find_arms(f, line, &n);
    for (size_t i = 0; i < n; i++)
        if (arms[i].to == to) {
            assert_int_equal(arms[i].flags, flags);
            assert_int_equal(arms[i].count, count);
            return;
        }
    fail_msg("no arm from %u to %d", line, to);
}

static void add_arcs(struct fixture *f, const char *context, const int32_t (*arcs)[2], size_t n)
{
    struct py_file *file = py_data_file(&f->data, "/a.py");
    struct py_run *run = py_file_run(&f->data, file, py_data_context(&f->data, context));
    f->data.has_arcs = true;
    for (size_t i = 0; i < n; i++)
        py_run_add_arc(run, arcs[i][0], arcs[i][1]);
}

static void test_report(void **state)
{
    struct fixture *f = *state;
    struct coverage c;
    struct strv problems = STRV_INIT;
    static const int32_t arcs[][2] = {{-1, 1}, {2, 4}, {4, 5}, {5, 9}, {5, 8}, {5, 10}, {7, 4},
                                      {4, 8},  {8, 8}, {8, 10}};
    add_arcs(f, "", arcs, sizeof arcs / sizeof *arcs);
    py_data_file(&f->data, "/b.html")->tracer = "jinja";
    py_data_file(&f->data, "/c.py");
    py_data_file(&f->data, "/d.txt");
    py_data_finish(&f->data);
    struct py_source sources[] = {
        source,
        {.name = "b.html"},
        {.name = "c.py", .error = "no source"},
        {.name = "d.txt", .error = "no Python", .flags = PY_NO_PYTHON}};
    struct py_facts facts = {.sources = sources, .n_sources = 4};
    coverage_init(&c);
    py_report(&c, &f->data, &facts, &(struct py_contexts){0}, &problems);
    coverage_finish(&c);
    assert_int_equal(problems.n, 2);
    assert_non_null(strstr(problems.v[0], "/b.html: measured by a plugin"));
    assert_string_equal(problems.v[1], "/c.py: no source");
    assert_int_equal(c.n_files, 1);
    const struct cov_file *file = coverage_find(&c, "a.py");
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < file->n_lines; i++)
        buf_addf(&text, "%u%s ", file->lines[i].line,
                 file->lines[i].flags ? "x" : file->lines[i].count ? "" : "-");
    assert_string_equal(text.data, "1 4 5 6- 7 8 9x 10 ");
    check_arm(file, 5, 6, 0, 0);
    check_arm(file, 5, 8, 0, 1);
    check_arm(file, 5, 9, COV_ARM_EXTRA, 1);
    check_arm(file, 5, 10, COV_ARM_EXTRA, 1);
    check_arm(file, 7, 8, 0, 1);
    check_arm(file, 7, 10, 0, 0);
    check_arm(file, 8, -1, COV_ARM_ASSUMED, 1);
    check_arm(file, 8, 10, 0, 1);
    struct cov_totals t = {0};
    cov_file_totals(file, &t);
    assert_int_equal(t.arms, 6);
    assert_int_equal(t.arms_hit, 4);
    assert_int_equal(file->functions[0].n_lines, 3);
    assert_int_equal(file->n_contexts, 0); /* not asked for */
    buf_release(&text);
    coverage_release(&c);
    strv_release(&problems);
}

/* The same file at two paths, run in three contexts: lines are those of the data, and all contexts
 * together are what was run. */
static void test_contexts(void **state)
{
    struct fixture *f = *state;
    struct coverage c;
    struct strv problems = STRV_INIT;
    struct buf text = BUF_INIT;
    static const int32_t first[][2] = {{-1, 1}, {2, 4}}, second[][2] = {{4, 5}, {5, 8}},
                         third[][2] = {{8, -4}, {4, 5}};
    add_arcs(f, "", first, 2);
    add_arcs(f, "t|run", second, 2);
    struct py_file *other = py_data_file(&f->data, "/elsewhere/a.py");
    struct py_run *run = py_file_run(&f->data, other, py_data_context(&f->data, "s|run"));
    for (int i = 0; i < 2; i++)
        py_run_add_arc(run, third[i][0], third[i][1]);
    py_run_add_arc(py_file_run(&f->data, other, py_data_context(&f->data, "t|run")), 10, -1);
    py_run_add_arc(py_file_run(&f->data, other, PY_NO_CONTEXT), 6, 8);
    py_data_finish(&f->data);
    struct py_source sources[] = {source, source};
    struct py_facts facts = {.sources = sources, .n_sources = 2};
    struct py_contexts contexts = {NULL, true};
    coverage_init(&c);
    py_report(&c, &f->data, &facts, &contexts, &problems);
    coverage_finish(&c);
    const struct cov_file *file = coverage_find(&c, "a.py");
    for (size_t i = 0; i < file->n_lines; i++)
        buf_addf(&text, "%u%s ", file->lines[i].line, file->lines[i].count ? "" : "-");
    assert_string_equal(text.data, "1 4 5 6 7- 8 9- 10 ");
    check_arm(file, 5, 8, 0, 1);
    size_t n;
    struct cov_seen *seen = cov_seen_by_line(file, &n);
    buf_clear(&text);
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%u:%s ", seen[i].line, file->contexts[seen[i].context].name);
    assert_string_equal(text.data, "1: 2: 4: 4:s|run 4:t|run 5:s|run 5:t|run 8:s|run 8:t|run 10:t|run ");
    free(seen);
    coverage_release(&c);
    /* Of one context, and nothing that has none. */
    bool wanted[3] = {false};
    wanted[py_data_context(&f->data, "s|run")] = true;
    contexts.wanted = wanted;
    coverage_init(&c);
    py_report(&c, &f->data, &facts, &contexts, &problems);
    coverage_finish(&c);
    file = coverage_find(&c, "a.py");
    buf_clear(&text);
    for (size_t i = 0; i < file->n_lines; i++)
        buf_addf(&text, "%u%s ", file->lines[i].line, file->lines[i].count ? "" : "-");
    assert_string_equal(text.data, "1- 4 5 6- 7- 8 9- 10- ");
    assert_int_equal(file->n_contexts, 1);
    check_arm(file, 5, 8, 0, 0);
    buf_release(&text);
    coverage_release(&c);
    strv_release(&problems);
}

/* coverage.py before 7.17, of "with a: / with b: / c" and a line behind: (3, 2) and (2, 1) go back
 * to the with statements, and (3, 4) is meant by the chain of both. */
static void test_chains(void **state)
{
    struct fixture *f = *state;
    struct coverage c;
    struct strv problems = STRV_INIT;
    static const int32_t arcs[][2] = {{-1, 1}, {1, 2}, {2, 3}, {3, 2}, {2, 1}, {1, 4}, {4, -1}};
    add_arcs(f, "", arcs, sizeof arcs / sizeof *arcs);
    py_data_finish(&f->data);
    struct py_source chained = {
        .asked = "/a.py",
        .name = "a.py",
        .flags = PY_REPORTED,
        .statements = NUMBERS(1, 2, 3, 4),
        .jumps = NUMBERS(3, 2, 3, 2, PY_GOES, 3, 2, 2, 1, PY_GOES, 3, 2, 1, 4, PY_GOES, 3, 2, 2, 4,
                         PY_GOES, 3, 2, 3, 4, PY_COMES, 9, 9, 1, 2, PY_GOES),
        .arms = NUMBERS(1, 2, PY_COUNTS, 1, 4, PY_COUNTS, 2, 1, PY_COUNTS, 2, 3, PY_COUNTS, 3, 2,
                        PY_COUNTS, 3, 4, PY_COUNTS),
    };
    struct py_facts facts = {.sources = &chained, .n_sources = 1};
    coverage_init(&c);
    py_report(&c, &f->data, &facts, &(struct py_contexts){0}, &problems);
    coverage_finish(&c);
    const struct cov_file *file = coverage_find(&c, "a.py");
    check_arm(file, 1, 2, 0, 1);
    check_arm(file, 1, 4, 0, 0);
    check_arm(file, 2, 1, 0, 0);
    check_arm(file, 2, 3, 0, 1);
    check_arm(file, 3, 2, 0, 0);
    check_arm(file, 3, 4, 0, 1);
    coverage_release(&c);
    strv_release(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arcs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_contexts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
