#include "run/platform.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"

void platform_adopt_orphans(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

bool platform_die_with_parent(int sig, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0);
    return getppid() == parent;
}

static void each_descriptor(int first, void (*call)(int fd))
{
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        int fd = atoi(e->d_name);
        if (isdigit((unsigned char)e->d_name[0]) && fd >= first && fd != dirfd(d))
            call(fd);
    }
    closedir(d);
}

static void set_cloexec(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void close_it(int fd)
{
    close(fd);
}

void platform_cloexec_from(int first)
{
#ifdef SYS_close_range
    enum { CLOEXEC = 4 }; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
    if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOEXEC) == 0)
        return;
#endif
    each_descriptor(first, set_cloexec);
}

void platform_close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0) /* Linux 5.9 */
        return;
#endif
    each_descriptor(first, close_it);
}

void platform_return_memory(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void platform_forget_peak(void)
{
    platform_return_memory();
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "5", 1) != 1)
        errno = 0; /* peak memory is then only less exact */
    close(fd);
}

void pid_list_add(struct pid_list *l, pid_t pid)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
    }
    l->v[l->n++] = pid;
}

void pid_list_release(struct pid_list *l)
{
    free(l->v);
    l->v = NULL;
    l->n = l->cap = 0;
}

bool pid_list_has(const struct pid_list *l, pid_t pid)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == pid)
            return true;
    return false;
}

/* Reads a whole small file below /proc; -1 if there is none. */
static ssize_t read_proc(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n = 0;
    while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    out[len] = '\0';
    return n < 0 ? -1 : (ssize_t)len;
}

/* Has the process a signal to stop pending that it does not block? See proc(5). */
static bool has_to_hear(pid_t pid)
{
    static const int stopping[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    unsigned long long own = 0, shared = 0, blocked = 0, wanted = 0;
    char path[64], line[256];
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++)
        wanted |= 1ull << (stopping[i] - 1);
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "SigPnd: %llx", &own) != 1 && sscanf(line, "ShdPnd: %llx", &shared) != 1)
            sscanf(line, "SigBlk: %llx", &blocked);
    if (f)
        fclose(f);
    return (own | shared) & ~blocked & wanted;
}

void platform_let_parent_hear(pid_t parent)
{
    enum { FIRST_NS = 50000, LONGEST_NS = 20000000 };
    struct timespec pause = {0, FIRST_NS};
    /* Changes nothing, but waits for whoever is sending a signal to a process group: by then all
     * of its members have it. */
    setpgid(0, getpgrp());
    while (getppid() == parent && has_to_hear(parent)) {
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < LONGEST_NS / 2 ? pause.tv_nsec * 2 : LONGEST_NS;
    }
}

struct process {
    pid_t pid, parent, group;
    char state;
    unsigned long long start;
    char name[32];
};

/* Reads /proc/PID/stat. The name stands in parentheses and may hold some itself. */
static bool read_process(pid_t pid, struct process *p)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (read_proc(path, text, sizeof text) <= 0)
        return false;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open)
        return false;
    *close = '\0';
    p->pid = pid;
    snprintf(p->name, sizeof p->name, "%s", open + 1);
    long parent = 0, group = 0;
    p->start = 0;
    /* Fields 3 to 5 are state, parent and process group, 22 is the start. */
    if (sscanf(close + 1,
               " %c %ld %ld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &p->state, &parent, &group, &p->start) < 3)
        return false;
    p->parent = (pid_t)parent;
    p->group = (pid_t)group;
    return true;
}

struct process_list {
    struct process *v;
    size_t n, cap;
};

static void scan_processes(struct process_list *l)
{
    DIR *d = opendir("/proc");
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        if (l->n == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 256;
            l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
        }
        if (read_process((pid_t)atol(e->d_name), &l->v[l->n]))
            l->n++;
    }
    closedir(d);
}

/* The kernel's own list of a thread's children; false if it was built without. */
static bool read_children_file(pid_t process, pid_t thread, struct pid_list *l)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)process, (long)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char text[4096];
    ssize_t n;
    long pid = 0;
    while ((n = read(fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (isdigit((unsigned char)text[i])) {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid) {
                pid_list_add(l, (pid_t)pid);
                pid = 0;
            }
        }
    }
    close(fd);
    return n == 0;
}

static void scan_children(pid_t parent, struct pid_list *l)
{
    struct process_list all = {NULL, 0, 0};
    scan_processes(&all);
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].parent == parent)
            pid_list_add(l, all.v[i].pid);
    free(all.v);
}

void platform_children(struct pid_list *l)
{
    if (!read_children_file(getpid(), (pid_t)syscall(SYS_gettid), l))
        scan_children(getpid(), l);
}

void platform_children_of(pid_t parent, struct pid_list *l)
{
    if (!read_children_file(parent, parent, l))
        scan_children(parent, l);
}

/* The processes below us with their parents, as one scan saw them. */
static void find_descendants(struct process_list *below)
{
    struct process_list all = {NULL, 0, 0};
    struct pid_list known = PID_LIST_INIT;
    scan_processes(&all);
    pid_list_add(&known, getpid());
    below->v = xcalloc(all.n + 1, sizeof *below->v);
    below->n = 0;
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < all.n; i++) {
            struct process *p = &all.v[i];
            if (!p->pid || !pid_list_has(&known, p->parent))
                continue;
            pid_list_add(&known, p->pid);
            below->v[below->n++] = *p;
            p->pid = 0;
            found = true;
        }
    }
    pid_list_release(&known);
    free(all.v);
}

void platform_descendants(struct pid_list *l)
{
    struct process_list below;
    find_descendants(&below);
    for (size_t i = 0; i < below.n; i++)
        if (below.v[i].state != 'Z')
            pid_list_add(l, below.v[i].pid);
    free(below.v);
}

/* Through a pidfd, looked at again once that holds the process: if its pid were recycled
 * meanwhile, its start would differ. Without pidfds (before Linux 5.3) a moment remains in
 * which that could happen. */
static void signal_process(const struct process *p, int sig)
{
    struct process again;
#if defined SYS_pidfd_open && defined SYS_pidfd_send_signal
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd >= 0) {
        if (read_process(p->pid, &again) && again.start == p->start)
            syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
        close(fd);
        return;
    }
    if (errno != ENOSYS)
        return;
#endif
    if (read_process(p->pid, &again) && again.start == p->start)
        kill(p->pid, sig);
}

void platform_signal_descendants(int sig, const struct pid_list *but_groups)
{
    struct process_list below;
    find_descendants(&below);
    for (size_t i = 0; i < below.n; i++)
        if (below.v[i].state != 'Z' && !pid_list_has(but_groups, below.v[i].group))
            signal_process(&below.v[i], sig);
    free(below.v);
}

bool platform_is_below(pid_t pid, pid_t ancestor)
{
    struct process p;
    if (pid <= 1 || ancestor <= 1)
        return false;
    for (int depth = 0; depth < 100 && pid > 1; depth++) {
        if (pid == ancestor)
            return true;
        if (!read_process(pid, &p))
            return false;
        pid = p.parent;
    }
    return false;
}

void platform_process_name(pid_t pid, char *out, size_t size)
{
    struct process p;
    snprintf(out, size, "%s", read_process(pid, &p) ? p.name : "?");
}

unsigned long long platform_start_time(pid_t pid)
{
    struct process p;
    return read_process(pid, &p) ? p.start : 0;
}

uint32_t platform_oom_kills(void)
{
    char line[128];
    unsigned long n = 0;
    FILE *f = fopen("/proc/vmstat", "re"); /* proc_vmstat(5), Linux 4.13 */
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "oom_kill %lu", &n) == 1)
            break;
    if (f)
        fclose(f);
    return (uint32_t)n;
}

int platform_end_of(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0); /* Linux 5.3 */
#else
    (void)pid;
    return -1;
#endif
}

int platform_watch(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

void platform_wait_exit(pid_t pid, unsigned long long start)
{
    int fd = platform_end_of(pid);
    if (fd >= 0 && platform_start_time(pid) == start) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
            ;
    }
    if (fd >= 0)
        close(fd);
    while (start && platform_start_time(pid) == start)
        poll(NULL, 0, 20);
}
