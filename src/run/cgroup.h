/* Which control groups this process is in, as cgroups(7) tells it. */
#ifndef RUN_CGROUP_H
#define RUN_CGROUP_H

#include <stdbool.h>

/* Calls each with the path of this process's group ("/ci/job"; "" is the root of the hierarchy) and of
 * every group above it: in the hierarchy of version 2, and in that of version 1 which has the controller
 * ("cpu"). root is "", or what stands before /proc. */
void cgroup_walk(const char *root, const char *controller,
                 void (*each)(void *ctx, bool v2, const char *group), void *ctx);

#endif
