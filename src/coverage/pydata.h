/* The data files of coverage.py: which lines were run, or which arcs between lines. What they mean
 * (a statement, a branch) only the sources tell: pyreport.h. All data files are added up here before
 * that is asked. */
#ifndef COVERAGE_PYDATA_H
#define COVERAGE_PYDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

enum { PY_MOST_LINE = (1 << 23) - 1 }; /* beyond it, nothing is read */
/* From one line to another; negative: into or out of the code that starts at that line. */
struct py_arc {
    int32_t from, to;
};
/* What was run of a file in one context. */
struct py_run {
    uint32_t context;        /* index of py_data's contexts, or PY_NO_CONTEXT */
    uint8_t *bits;           /* line n was run: bit n % 8 of byte n / 8 */
    size_t n_bits, cap_bits; /* bytes */
    struct py_arc *arcs;     /* by from, to; each once after py_data_finish */
    size_t n_arcs, cap_arcs, sorted_arcs;
};
#define PY_NO_CONTEXT UINT32_MAX /* the data name none: was run, but in no context */
/* One measured file. */
struct py_file {
    const char *path;    /* as the data files have it, UTF-8 or not */
    const char *tracer;  /* the plugin of coverage.py that measured it; NULL: it is Python */
    struct py_run *runs; /* in any order, each context once */
    size_t n_runs, cap_runs;
};
struct py_data {
    struct arena arena;
    struct py_file *files;
    size_t n_files, cap_files;
    struct map by_path;
    const char **contexts; /* their names, UTF-8 or not, in any order; "" is that of no test */
    size_t n_contexts, cap_contexts;
    struct map by_context, by_run; /* by_run: all but the first run of a file, by its two numbers */
    bool has_arcs, has_lines; /* some data file had them; never both */
};

void py_data_init(struct py_data *d);
void py_data_release(struct py_data *d);
/* Does the file at path look like a data file? */
bool py_data_claims(const char *path);
/* Adds the data file at path: all of it or, on failure (EXIT_USAGE), nothing. Reads what
 * coverage.py 5 to 7 write (schema 7); never writes to it. */
bool py_data_read(struct py_data *d, const char *path, struct error *err);
/* Sorts the arcs. */
void py_data_finish(struct py_data *d);
/* Adds one thing. What is returned stays until the next of its kind is added. */
struct py_file *py_data_file(struct py_data *d, const char *path);
uint32_t py_data_context(struct py_data *d, const char *name);
struct py_run *py_file_run(struct py_data *d, struct py_file *f, uint32_t context);
void py_run_add_bits(struct py_run *r, const uint8_t *bits, size_t n);
void py_run_add_arc(struct py_run *r, int32_t from, int32_t to);
/* Adds the lines and arcs of another one. */
void py_run_add(struct py_run *r, const struct py_run *from);
/* Sorts the arcs of this one alone. */
void py_run_finish(struct py_run *r);
void py_run_release(struct py_run *r);

#endif
