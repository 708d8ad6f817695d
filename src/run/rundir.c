#include "run/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "run/platform.h"

void rundir_make_link_name(pid_t make, char *out, size_t size)
{
    snprintf(out, size, "make-%ld-%llu", (long)make, platform_start_time(make));
}

char *rundir_of_plan(const char *run, struct error *err)
{
    if (run[0] && strspn(run, "0123456789-") == strlen(run))
        return xasprintf(".rowlock/runs/%s", run);
    error_set(err, EXIT_USAGE,
              "%.80s: no run of ours; rowlock-exec is for the recipes of .rowlock/tests.mk", run);
    return NULL;
}

bool rundir_is_driven(const char *run)
{
    const char *driven = getenv("ROWLOCK_RUN");
    return driven && strcmp(driven, run) == 0;
}

char *rundir_find(const char *run, struct error *err)
{
    char *plan_dir = rundir_of_plan(run, err);
    if (!plan_dir || rundir_is_driven(run))
        return plan_dir;
    char name[64];
    rundir_make_link_name(getppid(), name, sizeof name);
    char *dir = xasprintf("%s/%s", plan_dir, name);
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        error_set(err, EXIT_USAGE,
                  "%s: no run was begun here; run 'make -f .rowlock/tests.mk' in the project's "
                  "root, or 'rowlock parallel'",
                  plan_dir);
        free(dir);
        dir = NULL;
    }
    free(plan_dir);
    return dir;
}
