/* Reading coverage, whatever its format: each is a row of the table in read.c and a file of its
 * own. */
#ifndef COVERAGE_READ_H
#define COVERAGE_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "coverage/model.h"

struct cov_format {
    const char *name; /* for messages: "an LCOV tracefile" */
    /* Does a file that begins with these bytes (at most COV_HEAD) look like it? */
    bool (*claims)(const char *head, size_t len);
    /* Adds the file to c. data is the whole of it, with a NUL behind it; NULL if the format opens
     * path by itself. On failure c may hold a part. The error reads "path:line: what". */
    bool (*read)(struct coverage *c, const char *path, const char *data, size_t len,
                 struct error *err);
    bool opens; /* read opens path by itself */
};
enum { COV_HEAD = 4096 };

/* Adds a report or data file to c, all of it or, on failure, nothing. EXIT_USAGE if it cannot be
 * read or is none of the formats. */
bool coverage_read_file(struct coverage *c, const char *path, struct error *err);
/* The language that the ending of a source file's name tells. */
enum cov_language cov_language_of(const char *name);

/* LCOV tracefiles of versions 1 and 2, as geninfo(1) describes them; also what llvm-cov, coverage.py
 * and others write. */
bool lcov_claims(const char *head, size_t len);
bool lcov_read(struct coverage *c, const char *path, const char *data, size_t len,
               struct error *err);
/* Cobertura XML; what defines entities is refused. */
bool cobertura_claims(const char *head, size_t len);
bool cobertura_read(struct coverage *c, const char *path, const char *data, size_t len,
                    struct error *err);
/* JSON of coverage.py, and what cov_json_write adds to it. */
bool cov_json_claims(const char *head, size_t len);
bool cov_json_read(struct coverage *c, const char *path, const char *data, size_t len,
                   struct error *err);

#endif
