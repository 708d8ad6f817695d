/* What reports call a source file. */
#ifndef COVERAGE_NAMES_H
#define COVERAGE_NAMES_H

#include <stdbool.h>

#include "base/strv.h"
#include "coverage/model.h"

struct cov_names {
    const char *root; /* absolute; files below it are named relative to it, unless it is "/" */
    bool only_root;   /* leave out files that are not below it */
    const struct strv *include; /* globs on absolute names: these are kept wherever they lie;
                                   may be NULL */
};

/* The part of path (absolute, as path_absolute makes it) below the root; NULL if it is not below. */
const char *cov_name_below(const struct cov_names *n, const char *path);
/* Does one of the globs match the name, the absolute path, or a folder above? A name of NULL, and
 * globs of NULL, match nothing. */
bool cov_name_matches(const struct strv *globs, const char *name, const char *path);
/* Names all files of c, which have the names that reports gave them: absolute ones, or relative to
 * the current folder or to the root. Those that become one are added up. */
void cov_name_files(struct coverage *c, const struct cov_names *n);

#endif
