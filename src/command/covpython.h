/* The Python part of --coverage: coverage.py in the pytest process, without pytest-cov. */
#ifndef COMMAND_COVPYTHON_H
#define COMMAND_COVPYTHON_H

#include <stdbool.h>

#include "base/strv.h"
#include "command/suite.h"

/* Adds to the arguments of zygote.py what is to be measured; nothing without --coverage or --cov. */
void covpython_ask(struct strv *argv, const struct options *o);
/* Adds to the words for collect the data files that pytest processes have left below folder. True if
 * there are any. */
bool covpython_inputs(struct strv *words, const struct suite *s, const char *folder);

#endif
