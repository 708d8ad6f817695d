/* What was covered: files with their lines, branches and functions, C and Python side by side.
 * Readers add to it in any order and any number of times (counts of the same thing add up);
 * coverage_finish sorts it, and from then on the arrays are there to be read. Writers need
 * nothing else. */
#ifndef COVERAGE_MODEL_H
#define COVERAGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"

enum cov_language {
    COV_UNKNOWN, /* a tracefile that does not say; taken for native */
    COV_NATIVE,  /* C, C++ and what else GCC and LLVM compile */
    COV_PYTHON
};

enum cov_line_flag {
    COV_LINE_EXCLUDED = 1,  /* no statement: taken out by a comment or by exclude_lines; count 0 */
    COV_LINE_UNEXECUTED = 2 /* native: a block of the line never ran (gcov's unexecuted_block) */
};
/* A statement, or a line that was excluded. */
struct cov_line {
    uint32_t line;  /* from 1 */
    uint32_t flags; /* enum cov_line_flag */
    int64_t count;  /* how often it ran; Python: 0 or 1. Below 0: threads lost some (gcov) */
};

enum cov_arm_flag {
    COV_ARM_THROW = 1,       /* native: taken by an exception */
    COV_ARM_FALLTHROUGH = 2, /* native: on to the next block */
    COV_ARM_UNREACHED = 4,   /* what decides was never run: "-" in LCOV; count 0 */
    COV_ARM_EXTRA = 8,       /* Python: was run, but is none of those that the source allows:
                                stands in executed_branches, is not counted */
    COV_ARM_ASSUMED = 16,    /* Python: a comment says that it need not be run: is counted as
                                taken, stands in no list */
    COV_ARM_NAMELESS = 32    /* Cobertura, which tells only how many of a line's were taken: which
                                of them it is says nothing */
};
/* One way that a branch can go. Native: an arc of gcov, LCOV's BRDA. Python: an arc of coverage.py
 * from a line with more than one exit. Arms are the same if they agree in all of line, owner,
 * block, arm, to and name. */
struct cov_arm {
    uint32_t line;     /* the line that decides */
    uint32_t block;    /* LCOV's block number; native data: 0 */
    uint32_t arm;      /* the number within line, owner and block; Python: 0 */
    int32_t to;        /* Python: the line it leads to, negative: out of what starts there */
    const char *owner; /* native: the function, where several share the line (instances of a
                          template); else NULL */
    const char *name;  /* LCOV 2: an expression in place of the number; else NULL */
    uint32_t flags;    /* enum cov_arm_flag */
    int64_t count;
};

enum cov_region { COV_FUNCTION, COV_CLASS };
/* A function or a class (Python). Functions are the same if kind, name and start line are. */
struct cov_function {
    const char *name;      /* as in the object file: mangled; Python: dotted, "Class.method" */
    const char *demangled; /* NULL: unknown, or the same */
    enum cov_region kind;
    uint32_t start_line, start_column; /* 0: unknown */
    uint32_t end_line, end_column;     /* likewise */
    int64_t count;           /* calls; -1: not counted (Python, where the lines tell) */
    uint32_t blocks;         /* native: without entry and exit; 0: unknown */
    uint32_t blocks_run;     /* of those; adding up takes the larger one */
    const uint32_t *lines;   /* Python: the lines that are its own, ascending; NULL: unknown */
    size_t n_lines;
};

/* Who ran lines: a test, or what else a context of coverage.py stands for; "" for no one. */
struct cov_context {
    const char *name;
    uint32_t *lines; /* ascending, statements or not */
    size_t n_lines;
};

struct cov_file {
    const char *name; /* as reports show it: relative to the source root where it lies below it */
    enum cov_language language;
    uint32_t n_source_lines; /* how many the source has; 0: unknown */
    bool has_branches; /* they were measured, even if there are none */
    struct cov_line *lines; /* ascending, excluded ones among them */
    size_t n_lines, cap_lines, sorted_lines;
    struct cov_arm *arms; /* by line, owner, block, arm, to, name */
    size_t n_arms, cap_arms, sorted_arms;
    struct cov_function *functions; /* by start line, name, kind */
    size_t n_functions, cap_functions, sorted_functions;
    struct cov_context *contexts; /* by name; only where a report is to show them */
    size_t n_contexts, cap_contexts, sorted_contexts;
};

struct coverage {
    struct arena arena;      /* all strings */
    struct cov_file **files; /* by name once finished */
    size_t n_files, cap_files;
    struct map by_name; /* indices of files; valid while adding and after finishing */
    struct map strings;
    const char **interned;
    size_t n_strings, cap_strings;
};

void coverage_init(struct coverage *c);
void coverage_release(struct coverage *c);
/* The file of that name, made if there is none. Stays where it is until c is released. */
struct cov_file *coverage_file(struct coverage *c, const char *name);
/* NULL if there is none. */
struct cov_file *coverage_find(const struct coverage *c, const char *name);
/* A copy of s that lives as long as c, the same one for equal strings; NULL for NULL. All strings
 * that are put into c's structures have to come from here. */
const char *coverage_intern(struct coverage *c, const char *s);

/* Each adds one thing to a file: counts of the same thing add up (saturating; a function's count
 * of -1 is no summand), flags: excluded wins, UNREACHED holds only if all say so. A line or an
 * arm of line 0 is dropped. Language and has_branches are the caller's to set. */
void cov_add_line(struct cov_file *f, uint32_t line, int64_t count, uint32_t flags);
void cov_add_arm(struct cov_file *f, const struct cov_arm *arm);
/* lines is borrowed and has to live as long as f. */
void cov_add_function(struct cov_file *f, const struct cov_function *function);
/* lines is copied, in any order; contexts are the same if their names are. */
void cov_add_context(struct cov_file *f, const char *name, const uint32_t *lines, size_t n);
/* Adds all of from to c. */
void coverage_merge(struct coverage *c, const struct coverage *from);
/* Sorts everything. More may be added after it; then it has to be called again. */
void coverage_finish(struct coverage *c);
/* Takes out the files for which keep says false. c has to be finished, and stays it. */
void coverage_filter(struct coverage *c, bool (*keep)(const struct cov_file *f, void *arg),
                     void *arg);

/* Gives every file the name that name returns for its own (the caller frees it; NULL: the file is
 * taken out). Files that get the same name are added up. */
void coverage_rename(struct coverage *c, char *(*name)(const char *name, void *arg), void *arg);

/* Ascending, each once. Returns how many are left. */
size_t cov_sort_numbers(uint32_t *v, size_t n);
/* The line (of a finished file); NULL if it is none of the file's. */
const struct cov_line *cov_find_line(const struct cov_file *f, uint32_t line);
/* The index of the first line (of a finished file) that is not before `line`. */
size_t cov_line_from(const struct cov_file *f, uint32_t line);
/* The arms of line: sets *n, returns the first. */
const struct cov_arm *cov_find_arms(const struct cov_file *f, uint32_t line, size_t *n);

/* A line that was run in a context. */
struct cov_seen {
    uint32_t line;
    uint32_t context; /* index of the file's contexts */
};
/* All of those of a finished file, by line and context; sets *n. The caller frees it. */
struct cov_seen *cov_seen_by_line(const struct cov_file *f, size_t *n);

/* What reports sum up. "Hit": count is not 0. */
struct cov_totals {
    uint64_t lines, lines_hit; /* statements, without the excluded ones */
    uint64_t excluded;
    uint64_t arms, arms_hit; /* without EXTRA */
    uint64_t partial;        /* arms never taken of lines that were run (coverage.py) */
    uint64_t functions, functions_hit; /* kind COV_FUNCTION with a count or with lines */
    /* What the percentage is of: lines; of Python files with branches lines and arms, as
     * coverage.py has it. */
    uint64_t covered, coverable;
};
/* Adds those of f to t. */
void cov_file_totals(const struct cov_file *f, struct cov_totals *t);
/* Those of all files. */
struct cov_totals coverage_totals(const struct coverage *c);
/* covered of coverable in percent; 100 if there is nothing to cover. */
double cov_percent(uint64_t covered, uint64_t coverable);
enum { COV_PERCENT_MAX = 32 };
/* The percentage with so many decimals (0 to 9) and no "%", as coverage.py shows it: "100" only
 * if all is covered, "0" only if nothing is. Returns text. */
const char *cov_percent_text(char text[COV_PERCENT_MAX], double percent, int decimals);
/* True for lines that count, those that are not excluded. */
bool cov_line_counts(const struct cov_line *line);
/* Does the arm count as taken? */
bool cov_arm_taken(const struct cov_arm *arm);
/* Was the function (of a finished file) run? One of Python was if one of its own lines was. */
bool cov_function_hit(const struct cov_file *f, const struct cov_function *fn);

#endif
