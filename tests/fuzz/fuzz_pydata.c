/* Exercises py_data_read, which reads data files of coverage.py, on damaged ones: what it takes is
 * within bounds, sorted, and the same when it is read once more. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "coverage/pydata.h"
#include "support.h"

/* As coverage.py 7 makes them, with small pages. */
static const char schema[] =
    "pragma page_size = 512;"
    "CREATE TABLE coverage_schema (version integer);"
    "CREATE TABLE meta (key text, value text, unique (key));"
    "CREATE TABLE file (id integer primary key, path text, unique (path));"
    "CREATE TABLE context (id integer primary key, context text, unique (context));"
    "CREATE TABLE line_bits (file_id integer, context_id integer, numbits blob,"
    "  foreign key (file_id) references file (id), unique (file_id, context_id));"
    "CREATE TABLE arc (file_id integer, context_id integer, fromno integer, tono integer,"
    "  foreign key (file_id) references file (id), unique (file_id, context_id, fromno, tono));"
    "CREATE TABLE tracer (file_id integer primary key, tracer text);"
    "insert into coverage_schema values (7);"
    "insert into context values (1, ''), (2, 'test_a.py::test|run');"
    "insert into file values (1, '/src/a.py'), (2, '/src/b.html');"
    "insert into tracer values (2, 'jinja.Plugin');";
static const char *const rows[] = {
    "insert into meta values ('has_arcs', '0'), ('version', '7.2');"
    "insert into line_bits values (1, 1, x'fe0103'), (1, 2, x'00ff'), (2, 1, x'02');",
    "insert into meta values ('has_arcs', '1');"
    "insert into arc values (1, 1, -1, 1), (1, 1, 1, 2), (1, 2, 2, -1), (1, 2, 1, 2), (2, 1, -1, 9);",
};

bool fuzz_seed(unsigned k, struct buf *b)
{
    struct error err = ERROR_INIT;
    sqlite3 *db;
    if (k >= sizeof rows / sizeof *rows)
        return false;
    char *path = path_join(fuzz_folder(), "seed.db");
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_exec(db, rows[k], NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK(file_read(path, b, &err));
    unlink(path);
    free(path);
    return true;
}

static void check_run(const struct py_data *d, const struct py_run *r)
{
    CHECK(r->context == PY_NO_CONTEXT || r->context < d->n_contexts);
    CHECK(r->n_bits <= (PY_MOST_LINE + 1) / 8 && r->sorted_arcs == r->n_arcs);
    for (size_t i = 0; i < r->n_arcs; i++) {
        const struct py_arc *a = &r->arcs[i];
        CHECK(a->from >= -PY_MOST_LINE && a->from <= PY_MOST_LINE);
        CHECK(a->to >= -PY_MOST_LINE && a->to <= PY_MOST_LINE);
        CHECK(!i || a[-1].from < a->from || (a[-1].from == a->from && a[-1].to < a->to));
    }
}

static void check_data(struct py_data *d)
{
    for (size_t i = 0; i < d->n_contexts; i++)
        CHECK(py_data_context(d, d->contexts[i]) == i);
    for (size_t i = 0; i < d->n_files; i++) {
        struct py_file *f = &d->files[i];
        CHECK(f->path[0]);
        for (size_t k = 0; k < f->n_runs; k++) {
            check_run(d, &f->runs[k]);
            CHECK(py_file_run(d, f, f->runs[k].context) == &f->runs[k]);
        }
    }
}

static void check_same(const struct py_data *a, const struct py_data *b)
{
    CHECK(a->n_files == b->n_files && a->n_contexts == b->n_contexts);
    for (size_t i = 0; i < a->n_files; i++) {
        CHECK(a->files[i].n_runs == b->files[i].n_runs);
        for (size_t k = 0; k < a->files[i].n_runs; k++) {
            const struct py_run *r = &a->files[i].runs[k], *s = &b->files[i].runs[k];
            CHECK(r->context == s->context && r->n_arcs == s->n_arcs && r->n_bits == s->n_bits);
            CHECK(!r->n_bits || memcmp(r->bits, s->bits, r->n_bits) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    struct py_data once, twice;
    struct error err = ERROR_INIT;
    py_data_init(&once);
    py_data_init(&twice);
    bool ok = py_data_read(&once, path, &err);
    fuzz_check_error(&err, ok, 1);
    CHECK(ok || !once.n_files);
    py_data_finish(&once);
    check_data(&once);
    if (ok) {
        CHECK(py_data_read(&twice, path, &err) && py_data_read(&twice, path, &err));
        py_data_finish(&twice);
        check_same(&once, &twice);
    }
    py_data_release(&once);
    py_data_release(&twice);
    return 0;
}
