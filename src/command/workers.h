/* How many workers a run has: what -n, --tx, --maxprocesses and the environment say. */
#ifndef COMMAND_WORKERS_H
#define COMMAND_WORKERS_H

#include "command/suite.h"

/* Sets s->workers, s->sequential and s->options.dist as pytest-xdist understands its options.
 * EXIT_USAGE if somebody wants both workers and a debugger. */
bool workers_choose(struct suite *s, enum suite_mode mode, struct error *err);

#endif
