/* A run in a step of GitHub Actions, whose runner obeys commands that stand in the output. */
#ifndef COMMAND_GITHUB_H
#define COMMAND_GITHUB_H

#include <stdbool.h>

#include "base/error.h"
#include "config/options.h"
#include "report/results.h"

/* Whether the run is to be reported to GitHub: --report-github, or GITHUB_ACTIONS=true, unless
 * --no-report-github is given or this is the test of another run of Rowlock. */
bool github_wanted(const struct options *o);
/* From here on the runner obeys nothing that is printed, since much of it is what tests have printed:
 * stop-commands with a random token. Nothing happens if no report is wanted, or it has begun. */
void github_begin(const struct options *o);
/* The same for a run without driver, whose begin and end are two processes: the token is kept in the
 * file at path, and taken from there, so that github_end works in the second one, too. */
void github_begin_at(const struct options *o, const char *path);
void github_resume_at(const char *path);
/* From here on it obeys again. Nothing happens if it has not begun. */
void github_end(void);
/* github_end, then the annotations, and the summary of the step where there is a file for it
 * (GITHUB_STEP_SUMMARY). Nothing happens if no report is wanted. */
bool github_report(const struct results *r, const struct options *o, struct error *err);

#endif
