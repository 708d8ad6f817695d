/* --coverage: where the data of a run's tests go, and the reports at its end. */
#ifndef COMMAND_COVRUN_H
#define COMMAND_COVRUN_H

#include <stdbool.h>

#include "base/error.h"
#include "command/suite.h"

/* Checks --cov-report, makes the folder for the data and tells rowlock-exec of it. Nothing happens
 * without --coverage or --cov. */
bool covrun_start(const struct suite *s, struct error *err);
/* Writes the reports, whatever the tests' verdicts; removes the data. Returns the exit code of the
 * run, which was code: that of failed tests stands, else that of the reports. */
int covrun_report(const struct suite *s, int code);

#endif
