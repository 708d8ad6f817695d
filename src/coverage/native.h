/* Folders with .gcda files of GCC, found together with their .gcno files and read on all cores. */
#ifndef COVERAGE_NATIVE_H
#define COVERAGE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "coverage/model.h"
#include "coverage/names.h"

struct cov_native {
    const char *objects;     /* folder with the .gcno files; NULL: they lie beside the .gcda files */
    struct cov_names names;  /* where not only_root, those of the system are left out */
    unsigned threads;        /* at most so many read; 0 is 1 */
    struct strv *notes;      /* gets what is worth knowing and no problem; may be NULL */
};

/* True for a folder and for a .gcda or .gcno file: an input of cov_native_read. */
bool cov_native_claims(const char *path);
/* Adds what lies at the inputs to c. A .gcda file is counted for the .gcno file of the same name
 * beside it, below how->objects (where the most folders of the two paths agree), or, as in a tree of
 * GCOV_PREFIX, where a part of its path leads from the root. A .gcno file without any .gcda was
 * never run. Of a GCC that is not known here, gcov is asked (gcovtool.h). What is torn, foreign or
 * without notes is skipped, with a message for each in problems. Returns how many .gcda files were
 * added. */
size_t cov_native_read(struct coverage *c, char *const *inputs, size_t n_inputs,
                       const struct cov_native *how, struct strv *problems);

#endif
