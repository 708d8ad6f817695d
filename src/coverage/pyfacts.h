/* What the sources of a Python project say: statements, excluded lines, branches, functions. Only
 * Python itself can tell, so src/pytest/covfacts.py asks coverage.py, once for all files that are
 * new; what it answers is kept by the content of the sources, and with all of it known no Python is
 * started. */
#ifndef COVERAGE_PYFACTS_H
#define COVERAGE_PYFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "coverage/pydata.h"

/* How to ask. */
struct py_how {
    const char *python;          /* the interpreter that has coverage.py */
    const char *script;          /* path of covfacts.py */
    const char *rcfile;          /* configuration of coverage.py; NULL: where it looks by itself */
    const struct strv *sources;  /* in place of the configuration's source; may be NULL */
    const char *cache;           /* file that keeps the answers; NULL: none */
};

enum py_config_flag {
    PY_SKIP_COVERED = 1,
    PY_SKIP_EMPTY = 2,
    PY_SHOW_MISSING = 4,
    PY_IGNORE_ERRORS = 8,
    PY_BRANCH = 16,
    PY_RELATIVE_FILES = 32,
    PY_JSON_CONTEXTS = 64, /* show them */
    PY_HTML_CONTEXTS = 128
};
/* What the configuration says about reports. */
struct py_config {
    const char *version; /* of coverage.py */
    int precision;
    unsigned flags; /* enum py_config_flag */
    int package_depth;
    double fail_under;
    const char *sort, *format; /* of the table; "": not given */
    const char **sources; /* folders, as an XML report names them */
    size_t n_sources;
    const char **contexts; /* regular expressions: only data of contexts that match one count */
    size_t n_contexts;
};

struct py_numbers {
    const int32_t *v;
    size_t n;
};
enum { PY_COUNTS, PY_TO_EXCLUDED, PY_NEVER_MISSING }; /* kinds of arms */
enum py_jump { PY_GOES, PY_COMES }; /* what the other arc does where there is the one */
enum py_source_flag { PY_REPORTED = 1, PY_NO_PYTHON = 2, PY_LISTS_ALL = 4 };
struct py_region {
    int kind; /* 0 function, 1 class */
    const char *name;
    uint32_t start;
    struct py_numbers ranges; /* first, last, first, last… */
};
/* One file. */
struct py_source {
    const char *asked, *path, *name; /* in the data; the source file; in reports */
    const char *error;               /* NULL: none */
    unsigned flags;                  /* enum py_source_flag */
    uint32_t n_lines; /* of the source */
    struct py_numbers statements, excluded;
    struct py_numbers firsts; /* line, first line of its statement; ascending */
    struct py_numbers better; /* from, to, better from, better to (0 0: none); ascending */
    struct py_numbers jumps;  /* from, to, other from, other to, enum py_jump */
    struct py_numbers arms;   /* from, to, kind; ascending */
    struct py_region *regions;
    size_t n_regions;
};
struct py_facts {
    struct arena arena;
    struct buf kept, fresh; /* what everything points into */
    struct py_config config;
    struct py_source *sources; /* one for each file of the data, in its order */
    size_t n_sources;
};

/* Finds the facts of all files of d; release them whatever it returns. Failures, EXIT_USAGE: no
 * coverage.py, or a configuration that it does not take. */
bool py_facts_get(struct py_facts *facts, const struct py_data *d, const struct py_how *how,
                  struct error *err);
/* Sets wanted[i] for each context of d that one of the n regular expressions of Python matches.
 * EXIT_USAGE: one is none, or Python cannot be asked. */
bool py_facts_match(const struct py_data *d, const struct py_how *how, const char *const *patterns,
                    size_t n, bool *wanted, struct error *err);
void py_facts_release(struct py_facts *facts);

#endif
