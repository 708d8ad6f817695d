/* A .gcno file: the flow graphs of an object's functions and the lines of their blocks. With the
 * counters of its .gcda files added, the counts of all blocks and arcs follow. */
#ifndef COVERAGE_GCNOTES_H
#define COVERAGE_GCNOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "coverage/gcbytes.h"
#include "coverage/model.h"

enum gc_arc_flag {
    GC_ARC_ON_TREE = 1, /* has no counter: its count follows from the others */
    GC_ARC_FAKE = 2,    /* leaves the function in the middle of a block: a call that may not return */
    GC_ARC_FALLTHROUGH = 4,
    GC_ARC_THROW = 8, /* the rest is derived */
    GC_ARC_UNCONDITIONAL = 16,
    GC_ARC_CALL = 32, /* fake, and not from the entry */
    GC_ARC_KNOWN = 64
};
struct gc_arc {
    uint32_t from, to; /* blocks of the function */
    uint32_t flags;
    uint64_t count; /* modulo 2^64, as gcov adds */
};

/* Lines of one source file that a block touches. */
struct gc_place {
    uint32_t block;
    uint32_t file;
    uint32_t first, n; /* in notes.lines */
};

struct gc_block {
    size_t arc;       /* the first of its arcs, in notes.arcs; by `to` once solved */
    size_t into;      /* the first of the arcs into it, in notes.into; filled in when solved */
    uint32_t n_arcs, n_into;
    uint64_t count;
    bool known;
    bool exceptional; /* only an exception leads there */
};

struct gc_function {
    const char *name;
    uint32_t ident, lineno_checksum, cfg_checksum;
    bool artificial; /* stands in no source file */
    bool group;      /* others start on the same line: instances of a template */
    bool has_catch;
    uint32_t file;
    uint32_t start_line, start_column, end_line, end_column;
    size_t block, place;        /* the first, in notes.blocks and notes.places */
    uint32_t n_blocks, n_places;
    size_t counter; /* the first, in the counters of the object */
    uint32_t n_counters;
};

struct gc_notes {
    struct gc_head head;
    const char *cwd; /* of the compiler; "" if it is unknown */
    const char *path; /* of the notes, borrowed; NULL: unknown */
    struct arena arena;
    struct gc_function *functions;
    size_t n_functions, cap_functions;
    struct gc_block *blocks;
    size_t n_blocks, cap_blocks;
    struct gc_arc *arcs;
    size_t n_arcs, cap_arcs;
    size_t *into; /* indices of arcs, by the block they lead to */
    struct gc_place *places; /* by function and block */
    size_t n_places, cap_places;
    uint32_t *lines; /* of each place ascending */
    size_t n_lines, cap_lines;
    const char **files;
    size_t n_files, cap_files;
    uint32_t *by_ident; /* functions by ident; of equal ones the last */
    size_t n_idents;
    uint64_t *counters; /* of all functions, one after another */
    size_t n_counters;
    unsigned n_data; /* how many .gcda files were added: whoever adds them counts */
};

enum gc_result {
    GC_OK,
    GC_BAD,    /* err says why */
    GC_UNKNOWN /* of a version that this reader does not know; head.version is set */
};

/* Reads a .gcno file from memory; path is for messages. n is released unless the result is GC_OK.
 * Afterwards data may go. */
enum gc_result gc_notes_read(struct gc_notes *n, const char *path, const void *data, size_t len,
                             struct error *err);
void gc_notes_release(struct gc_notes *n);
/* Adds the counters of a .gcda file to counters, an array like n->counters, all or none: GC_BAD if it is
 * torn or belongs to another .gcno (stamp, checksums, number of counters). What libgcov left out counts
 * as 0. */
enum gc_result gc_data_add(const struct gc_notes *n, uint64_t *counters, const char *path,
                           const void *data, size_t len, struct error *err);
/* "12.2" for "B22*"; for messages. */
const char *gc_version_text(uint32_t version, char text[16]);

/* Derives the counts of all blocks and arcs of a function from its counters, once. False if the graph is
 * such that they do not follow; then those that do not are 0. */
bool gc_flow_solve(struct gc_notes *n, struct gc_function *fn);

/* Adds the files, lines, branches and functions of an object whose counters are complete to c, as
 * `gcov --json-format` counts them; solves its functions. name gives the name that a file of n has
 * in c, or NULL if it is not wanted. Returns how many functions could not be solved. */
size_t gc_lines_add(struct gc_notes *n, struct coverage *c,
                    const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                    void *arg);

#endif
