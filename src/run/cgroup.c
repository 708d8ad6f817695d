#include "run/cgroup.h"

#include <stdio.h>
#include <string.h>

/* Is it among the controllers, "cpu,cpuacct"? */
static bool has_controller(const char *controllers, const char *wanted)
{
    size_t len = strlen(wanted);
    while (*controllers) {
        size_t n = strcspn(controllers, ",");
        if (n == len && strncmp(controllers, wanted, n) == 0)
            return true;
        controllers += n + (controllers[n] == ',');
    }
    return false;
}

void cgroup_walk(const char *root, const char *controller,
                 void (*each)(void *ctx, bool v2, const char *group), void *ctx)
{
    char line[4096], path[4200];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        bool v2 = controllers[1] == '\0';
        for (bool more = v2 || has_controller(controllers + 1, controller); more;) {
            each(ctx, v2, group);
            char *slash = strrchr(group, '/');
            more = slash != NULL;
            if (slash)
                *slash = '\0';
        }
    }
    if (f)
        fclose(f);
}
