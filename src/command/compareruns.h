/* `rowlock report --compare A B`: where the verdicts of two runs differ. */
#ifndef COMMAND_COMPARERUNS_H
#define COMMAND_COMPARERUNS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/strv.h"

/* Is --compare among the words behind "report"? */
bool compareruns_asked(const struct strv *words);
/* Does what they say. The exit code: EXIT_OK, EXIT_FAILED if anything differs, EXIT_USAGE if a report
 * cannot be read, EXIT_NO_TESTS if no test ran in either. */
int compareruns(const struct strv *words);
void compareruns_help(FILE *out);

#endif
