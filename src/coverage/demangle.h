/* Readable names of C++ functions. */
#ifndef COVERAGE_DEMANGLE_H
#define COVERAGE_DEMANGLE_H

#include "coverage/model.h"

/* Fills in the demangled names of all functions that have none, as gcov shows them ("demangled_name"
 * of its JSON). Names that are not mangled, or so that no sense can be made of them, are left as they
 * are; so are all where Rowlock was built without a demangler. */
void cov_demangle(struct coverage *c);

/* The name that people are shown. */
const char *cov_shown_name(const struct cov_function *fn);
/* Likewise of a function of f whose name is the given one and that starts at the line or before it:
 * an arm's owner. */
const char *cov_shown_owner(const struct cov_file *f, const char *name, uint32_t line);

#endif
