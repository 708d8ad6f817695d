/* How much memory there is, as proc_meminfo(5), the kernel's Documentation/admin-guide/cgroup-v2.rst and
 * cgroup-v1/memory.rst, and Documentation/accounting/psi.rst tell it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/cgroup.h"
#include "run/platform.h"

/* Where the files of a control group lie and what they are called. Mounts are where systemd and
 * containers have them; beside v1 controllers the v2 hierarchy lies in "unified". */
struct group_files {
    const char *folder, *limit, *usage, *inactive;
};
static const struct group_files version1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                            "memory.usage_in_bytes", "total_inactive_file"};
static const struct group_files version2 = {"/sys/fs/cgroup", "memory.max", "memory.current",
                                            "inactive_file"};
static const struct group_files beside1 = {"/sys/fs/cgroup/unified", "memory.max",
                                           "memory.current", "inactive_file"};

/* The number behind a word that begins a line of a file; false if there is none. */
static bool read_line(const char *path, const char *word, uint64_t *value)
{
    char line[256];
    size_t n = strlen(word);
    bool found = false;
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *end;
        if (strncmp(line, word, n) != 0 || (n && line[n] != ' ' && line[n] != ':'))
            continue;
        const char *digits = line + n + strspn(line + n, ": ");
        *value = strtoull(digits, &end, 10);
        found = end != digits && *digits != '-';
    }
    if (f)
        fclose(f);
    return found;
}

static bool read_group(const char *root, const struct group_files *v, const char *group,
                       const char *file, const char *word, uint64_t *value)
{
    char path[4600];
    int len = snprintf(path, sizeof path, "%s%s%s/%s", root, v->folder, group, file);
    return len > 0 && (size_t)len < sizeof path && read_line(path, word, value);
}

struct walk {
    const char *root;
    struct platform_memory *m;
};

/* What one group leaves: its limit without what it uses, files that can be dropped left out. */
static void apply_files(const struct walk *w, const struct group_files *v, const char *group)
{
    uint64_t limit, usage, inactive = 0;
    if (!read_group(w->root, v, group, v->limit, "", &limit) || limit >= w->m->total ||
        !read_group(w->root, v, group, v->usage, "", &usage))
        return;
    read_group(w->root, v, group, "memory.stat", v->inactive, &inactive);
    usage = usage > inactive ? usage - inactive : 0;
    uint64_t left = limit > usage ? limit - usage : 0;
    w->m->total = limit;
    if (left < w->m->available)
        w->m->available = left;
}

static void apply_group(void *ctx, bool v2, const char *group)
{
    apply_files(ctx, v2 ? &version2 : &version1, group);
    if (v2)
        apply_files(ctx, &beside1, group);
}

/* "some avg10=1.23 avg60=…": percent of the last ten seconds in which somebody waited for memory. */
static double read_pressure(const char *root)
{
    char path[4200], line[256];
    double some = -1;
    snprintf(path, sizeof path, "%s/proc/pressure/memory", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "some avg10=%lf", &some) == 1)
            break;
    if (f)
        fclose(f);
    return some;
}

bool platform_memory(const char *root, struct platform_memory *m)
{
    char path[4200];
    uint64_t total, available;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!read_line(path, "MemTotal", &total) || !read_line(path, "MemAvailable", &available))
        return false;
    *m = (struct platform_memory){.total = total * 1024, .available = available * 1024};
    struct walk w = {root, m};
    cgroup_walk(root, "memory", apply_group, &w);
    m->pressure = read_pressure(root);
    return true;
}
