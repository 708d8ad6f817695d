/* What only Linux has, behind names that another system can implement: the parent-death
 * signal, the subreaper, and what /proc tells of processes. A port of Rowlock is a port of
 * platform_linux.c; a function that a system cannot offer does nothing there, and what the
 * tests leave running is then found through their process groups alone. */
#ifndef RUN_PLATFORM_H
#define RUN_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Orphans among our descendants become our children from now on. Not inherited by fork. */
void platform_adopt_orphans(void);
/* Has the kernel send us sig when our parent ends. parent is the pid that getppid gave
 * earlier; false if that process is gone already. Not inherited by fork. */
bool platform_die_with_parent(int sig, pid_t parent);
/* Waits while a signal to stop (SIGINT, SIGTERM, SIGHUP, SIGQUIT) is on its way to parent, our
 * parent. What ends by a Ctrl-C that went to all of a process group calls this last: if it were
 * quicker than a GNU Make that sleeps in wait(2), make would reap it first and then find no child
 * to wait for in its own handler, "wait: No child processes", and exit with 2. */
void platform_let_parent_hear(pid_t parent);
/* Marks every descriptor from first on as close-on-exec. */
void platform_cloexec_from(int first);
/* Closes every descriptor from first on. */
void platform_close_from(int first);
/* Hands what memory is allocated no longer back to the system, as far as the C library can. */
void platform_return_memory(void);
/* Does so and forgets our own peak: a child starts out with its parent's as a lower bound. */
void platform_forget_peak(void);

struct pid_list {
    pid_t *v;
    size_t n, cap;
};
#define PID_LIST_INIT \
    {                 \
        NULL, 0, 0    \
    }
void pid_list_add(struct pid_list *l, pid_t pid);
bool pid_list_has(const struct pid_list *l, pid_t pid);
void pid_list_release(struct pid_list *l);

/* Our own children, zombies included. They cannot vanish before we reap them. */
void platform_children(struct pid_list *l);
/* Those of another process: a snapshot, pids may be recycled as soon as it ends or reaps. */
void platform_children_of(pid_t parent, struct pid_list *l);
/* All processes below us, zombies left out. */
void platform_descendants(struct pid_list *l);
/* Sends sig to all processes below us, members of the given process groups left out. A pid
 * that was recycled meanwhile is not hit. */
void platform_signal_descendants(int sig, const struct pid_list *but_groups);
/* True if pid is ancestor or stands below it. */
bool platform_is_below(pid_t pid, pid_t ancestor);
/* The process's short name (untrusted bytes, at most size - 1); "?" if unknown. */
void platform_process_name(pid_t pid, char *out, size_t size);
/* When the process started, in ticks since boot; 0 if unknown. With the pid it names a
 * process for good. */
unsigned long long platform_start_time(pid_t pid);

/* How many processes the kernel has killed for want of memory since boot, those of other users and
 * containers among them; 0 if unknown. */
uint32_t platform_oom_kills(void);

/* Memory that this process may use: of the machine, or of the smallest control group (v1 or v2) that it
 * is in. root is "", or what stands before /proc and /sys. False if that cannot be told. */
struct platform_memory {
    uint64_t total, available; /* bytes */
    double pressure;           /* percent of the last ten seconds in which some process waited for
                                  memory; below 0: not known */
};
bool platform_memory(const char *root, struct platform_memory *m);

/* A descriptor that becomes readable when the process ends, -1 where there is no such thing or no
 * such process. The caller's. */
int platform_end_of(pid_t pid);
/* A descriptor (close-on-exec) that becomes readable when the process ends; -1: none can be had. */
int platform_watch(pid_t pid);
/* Sleeps until the process that platform_start_time gave start for has ended. */
void platform_wait_exit(pid_t pid, unsigned long long start);

#endif
