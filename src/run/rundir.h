/* Where a run lives, as seen from a recipe. The current folder is the project's root. */
#ifndef RUN_RUNDIR_H
#define RUN_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* The link that leads a make's recipes to the run that was begun for it, below the folder of
 * the run that wrote tests.mk: "make-PID-START". size 64 is enough. */
void rundir_make_link_name(pid_t make, char *out, size_t size);
/* The folder of tests.mk's own run: ".rowlock/runs/RUN"; NULL and err if run is no run id. */
char *rundir_of_plan(const char *run, struct error *err);
/* True if the driver runs this tests.mk (ROWLOCK_RUN names its run). */
bool rundir_is_driven(const char *run);
/* The folder of the run that a recipe belongs to: the driver's, or the one that our parent,
 * make, began. Caller frees. NULL and err (EXIT_USAGE) if there is none. */
char *rundir_find(const char *run, struct error *err);

#endif
