#include "run/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "run/cgroup.h"

/* The affinity mask counted, each core once if physical. */
static int count_affinity(int physical)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    if (!physical)
        return CPU_COUNT(&set);
    struct strv seen = STRV_INIT; /* "package/core" */
    int n = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        char path[128], ids[2][32] = {"", ""};
        static const char *const names[] = {"physical_package_id", "core_id"};
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, names[i]);
            FILE *f = fopen(path, "re");
            if (f && !fgets(ids[i], sizeof ids[i], f))
                ids[i][0] = '\0';
            if (f)
                fclose(f);
        }
        char key[80];
        snprintf(key, sizeof key, "%s/%s", ids[0], ids[1]);
        if (ids[1][0] && strv_has(&seen, key))
            continue;
        strv_push(&seen, key);
        n++;
    }
    strv_release(&seen);
    return n;
}

/* Reads up to two numbers; "max" counts as -1. Returns how many. */
static int read_numbers(const char *path, long long *a, long long *b)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    char line[128] = "";
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    if (!got)
        return 0;
    if (strncmp(line, "max", 3) == 0) {
        *a = -1;
        return 1;
    }
    int n = sscanf(line, "%lld %lld", a, b);
    return n < 0 ? 0 : n;
}

/* The quota that one group sets, in CPUs, rounded up; 0: none. Mounts are where systemd and
 * containers have them; beside v1 controllers the v2 hierarchy lies in "unified". */
static int group_quota(const char *root, bool v2, const char *group)
{
    char file[4600];
    long long quota = -1, period = 100000, unused;
    if (v2) {
        snprintf(file, sizeof file, "%s/sys/fs/cgroup%s/cpu.max", root, group);
        if (!read_numbers(file, &quota, &period)) {
            snprintf(file, sizeof file, "%s/sys/fs/cgroup/unified%s/cpu.max", root, group);
            read_numbers(file, &quota, &period);
        }
    } else {
        snprintf(file, sizeof file, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", root, group);
        read_numbers(file, &quota, &unused);
        snprintf(file, sizeof file, "%s/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", root, group);
        read_numbers(file, &period, &unused);
    }
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period != 0);
    return cpus < INT_MAX ? (int)cpus : INT_MAX;
}

struct least {
    const char *root;
    int cpus; /* 0: no quota */
};

static void apply_quota(void *ctx, bool v2, const char *group)
{
    struct least *l = ctx;
    int cpus = group_quota(l->root, v2, group);
    if (cpus && (!l->cpus || cpus < l->cpus))
        l->cpus = cpus;
}

int cpus_quota(const char *root)
{
    struct least l = {root, 0};
    cgroup_walk(root, "cpu", apply_quota, &l);
    return l.cpus;
}

int cpus_available(int physical)
{
    int n = count_affinity(physical), most = cpus_quota("");
    if (most && most < n)
        n = most;
    return n > 0 ? n : 1;
}
