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
/* One measured file. */
struct py_file {
    const char *path;   /* as the data files have it, UTF-8 or not */
    const char *tracer; /* the plugin of coverage.py that measured it; NULL: it is Python */
    uint8_t *bits;      /* line n was run: bit n % 8 of byte n / 8 */
    size_t n_bits, cap_bits;   /* bytes */
    struct py_arc *arcs;       /* by from, to; each once after py_data_finish */
    size_t n_arcs, cap_arcs, sorted_arcs;
};
struct py_data {
    struct arena arena;
    struct py_file *files;
    size_t n_files, cap_files;
    struct map by_path;
    bool has_arcs, has_lines; /* some data file had them; never both */
};

void py_data_init(struct py_data *d);
void py_data_release(struct py_data *d);
/* Does the file at path look like a data file? */
bool py_data_claims(const char *path);
/* Adds the data file at path: all of it or, on failure (EXIT_USAGE), nothing. Reads what
 * coverage.py 5 to 7 write (schema 7), whatever the context; never writes to it. */
bool py_data_read(struct py_data *d, const char *path, struct error *err);
/* Sorts the arcs. */
void py_data_finish(struct py_data *d);
/* Adds one thing. */
struct py_file *py_data_file(struct py_data *d, const char *path);
void py_file_add_bits(struct py_file *f, const uint8_t *bits, size_t n);
void py_file_add_arc(struct py_file *f, int32_t from, int32_t to);
/* Adds the lines and arcs of another one. */
void py_file_add(struct py_file *f, const struct py_file *from);

#endif
