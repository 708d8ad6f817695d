#include "run/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

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

/* The quota of this process's cgroup and its parents in CPUs, rounded up; 0: none. */
static int quota(void)
{
    int least = 0;
    char line[4096];
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        int v2 = controllers[1] == '\0';
        if (!v2 && !strstr(controllers + 1, "cpu"))
            continue;
        for (;;) {
            char file[4400], period_file[4400];
            long long q = -1, period = 100000;
            if (v2) {
                snprintf(file, sizeof file, "/sys/fs/cgroup%s/cpu.max", path);
                read_numbers(file, &q, &period);
            } else {
                snprintf(file, sizeof file, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", path);
                snprintf(period_file, sizeof period_file, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us",
                         path);
                long long unused;
                read_numbers(file, &q, &unused);
                read_numbers(period_file, &period, &unused);
            }
            int cpus = q > 0 && period > 0 ? (int)((q + period - 1) / period) : 0;
            if (cpus && (!least || cpus < least))
                least = cpus;
            char *slash = strrchr(path, '/');
            if (!slash || path[0] == '\0')
                break;
            *slash = '\0';
        }
    }
    if (f)
        fclose(f);
    return least;
}

int cpus_available(int physical)
{
    int n = count_affinity(physical), most = quota();
    if (most && most < n)
        n = most;
    return n > 0 ? n : 1;
}
