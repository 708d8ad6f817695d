/* `--dry-run`: what would run, where and in which order. */
#ifndef COMMAND_DRYRUN_H
#define COMMAND_DRYRUN_H

#include <stdio.h>

#include "plan/plan.h"

void dryrun_print(FILE *out, const struct plan *p);

#endif
