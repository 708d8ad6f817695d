/* A zygote that was killed in the middle of a run is replaced by a new one. */
#ifndef COMMAND_REVIVE_H
#define COMMAND_REVIVE_H

#include <stdbool.h>

#include "run/zygote_host.h"

/* True if the zygote was started and is gone; what is left of it is ended then. */
bool revive_is_needed(struct zygote_host *z);
/* Starts another one, which collects anew. False when it does not get that far: err says why. */
bool revive_zygote(struct zygote_host *z, struct error *err);

#endif
