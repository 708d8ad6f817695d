/* Measured lines and what the sources say, put together: what coverage.py reports. */
#ifndef COVERAGE_PYREPORT_H
#define COVERAGE_PYREPORT_H

#include "base/strv.h"
#include "coverage/model.h"
#include "coverage/pydata.h"
#include "coverage/pyfacts.h"

/* What is to be reported of contexts. */
struct py_contexts {
    const bool *wanted; /* by index of those of the data: only these count; NULL: all */
    bool show;          /* name them for each line */
};
/* Adds the files of the data to c. Files that cannot be reported are skipped, with a message for
 * each in problems. facts are those of d, which has to be finished. */
void py_report(struct coverage *c, const struct py_data *d, const struct py_facts *facts,
               const struct py_contexts *contexts, struct strv *problems);

#endif
