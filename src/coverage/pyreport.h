/* Measured lines and what the sources say, put together: what coverage.py reports. */
#ifndef COVERAGE_PYREPORT_H
#define COVERAGE_PYREPORT_H

#include "base/strv.h"
#include "coverage/model.h"
#include "coverage/pydata.h"
#include "coverage/pyfacts.h"

/* Adds the files of the data to c, with the contexts in which lines were run if they are wanted.
 * Files that cannot be reported are skipped, with a message for each in problems. facts are those
 * of d, which has to be finished. */
void py_report(struct coverage *c, const struct py_data *d, const struct py_facts *facts,
               bool contexts, struct strv *problems);

#endif
