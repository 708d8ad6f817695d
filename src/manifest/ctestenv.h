/* ENVIRONMENT and ENVIRONMENT_MODIFICATION of CTest. */
#ifndef MANIFEST_CTESTENV_H
#define MANIFEST_CTESTENV_H

#include <stdbool.h>

#include "base/strv.h"

/* Sets "NAME=value", or takes "NAME" away. */
void ctestenv_set(struct strv *env, const char *var);
/* Applies one "NAME=OP:VALUE" to env, whose entries are "NAME=value", or "NAME" for a variable that
 * is unset; what is not in env is as in our own environment. base: env before the first of them,
 * for "reset". False for an operation that CMake does not know. */
bool ctestenv_modify(struct strv *env, const struct strv *base, const char *modification);

#endif
