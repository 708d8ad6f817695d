/* How many workers a machine can feed. */
#ifndef RUN_CPUS_H
#define RUN_CPUS_H

/* The CPUs this process may use: its affinity, capped by the CPU quota of its cgroup (v2
 * cpu.max, v1 cpu.cfs_quota_us), at least 1. With physical, hardware threads of one core count
 * once, as pytest-xdist's "auto" with psutil does. */
int cpus_available(int physical);
/* The CPU quota of this process's cgroup and of those above it, in CPUs, rounded up; 0: none. root
 * is "", or what stands before /proc and /sys. */
int cpus_quota(const char *root);

#endif
