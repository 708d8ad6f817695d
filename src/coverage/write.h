/* Writing a report: each format is a file of its own. The coverage has to be finished. Files appear
 * under their name when they are whole. */
#ifndef COVERAGE_WRITE_H
#define COVERAGE_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "coverage/model.h"

/* An LCOV tracefile that lcov 1.16 and genhtml read, too. EXIT_INTERNAL on failure. */
bool lcov_write(const struct coverage *c, const char *path, struct error *err);

struct cov_xml {
    const char *root;           /* absolute; the names of files are relative to it */
    const char *const *sources; /* folders, absolute or as names of files begin; files below one of
                                   them are named relative to it */
    size_t n_sources;
    bool relative; /* coverage.py's relative_files: the root is not named for files of Python */
    bool skip_empty; /* leave out files without statements */
    int package_depth; /* of how many folders packages are at most; 0: as many as there are */
};
/* Cobertura XML, for Codecov, GitLab and others. EXIT_INTERNAL on failure. */
bool cobertura_write(const struct coverage *c, const char *path, const struct cov_xml *how,
                     struct error *err);

struct cov_json {
    const char *version; /* of coverage.py, where it had a part in it; else NULL */
    int decimals;        /* of the percentages for people */
    bool contexts;       /* of each line who ran it */
};
/* JSON as coverage.py writes it, with more for native files. EXIT_INTERNAL on failure. */
bool cov_json_write(const struct coverage *c, const char *path, const struct cov_json *how,
                    struct error *err);

enum cov_table_format { COV_TABLE_TEXT, COV_TABLE_MARKDOWN, COV_TABLE_TOTAL /* the percentage alone */ };
struct cov_table {
    bool missing; /* a column with the lines that were not run and the branches not taken */
    int decimals; /* of the percentages */
    bool skip_covered; /* leave out files that are covered wholly */
    bool skip_empty;   /* and those without statements */
    const char *sort;  /* a column, "-" before it: in descending order. NULL: by name */
    enum cov_table_format format;
};
/* Is the word a column to sort by, as coverage.py's sort has it? */
bool cov_table_sorts_by(const char *word);
/* A table for people, as `coverage report` has it. */
void cov_table_write(const struct coverage *c, const struct cov_table *how, FILE *out);
/* "1-5, 8, 10->12": the lines of the file that were not run, and of those that were the branches
 * never taken (Python: "->exit"; native: how many, "10 (1 of 2 branches)"). */
void cov_missing(struct buf *b, const struct cov_file *f);

#endif
