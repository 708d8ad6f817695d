/* Filling the registry of markers: for config.c alone. */
#ifndef CONFIG_REGISTRY_H
#define CONFIG_REGISTRY_H

#include "config/config.h"

/* Adds a marker from a line of the ini, "name(arguments): description". */
void registry_add(struct config *c, const char *line);
/* Adds Rowlock's own markers, except those that the project has registered under that name. */
void registry_add_built_in(struct config *c);

#endif
