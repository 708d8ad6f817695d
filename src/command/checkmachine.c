/* validate: what the machine gives: disks, limits of the process, quotas of the control group. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/validation.h"
#include "run/cgroup.h"
#include "run/cpus.h"
#include "run/platform.h"

/* What a run needs: so much by itself, and so much for each worker (a recipe of two processes, a worker
 * and a test; pipes and files of each). */
enum { OWN_FILES = 64, WORKER_FILES = 16, OWN_PROCESSES = 16, WORKER_PROCESSES = 6 };
/* Bytes that a worker takes: with less it will not do, with less than the second it is tight. */
#define WORKER_MEMORY ((uint64_t)32 << 20)
#define AMPLE_MEMORY ((uint64_t)128 << 20)

static uint64_t processes_needed(const struct validation *v)
{
    return OWN_PROCESSES + (uint64_t)WORKER_PROCESSES * v->workers;
}

/* Can a file of some bytes be written in that folder? Else errno. */
static bool can_write(const char *dir)
{
    char *path = xasprintf("%s/rl-validate-XXXXXX", dir);
    int fd = mkstemp(path), saved = errno;
    bool ok = fd >= 0 && file_write_all(fd, "test\n", 5) == 0;
    if (fd >= 0) {
        saved = errno;
        close(fd);
        unlink(path);
    }
    free(path);
    errno = saved;
    return ok;
}

static bool check_disk(struct validation *v, const char *name, const char *dir, const char *remedy)
{
    struct statvfs fs;
    if (!can_write(dir)) {
        validation_add(v, CHECK_FAILED, name, remedy, "%s: %s", dir, strerror(errno));
        return false;
    }
    bool known = statvfs(dir, &fs) == 0;
    double left = known ? (double)fs.f_bavail * (double)fs.f_frsize : 0;
    bool ok = known && left >= (double)v->free_bytes && (fs.f_files == 0 || fs.f_favail > 1000);
    validation_add(v, ok ? CHECK_OK : CHECK_FAILED, name, remedy, "%s: %.0f MB free%s", dir,
                   left / 1e6,
                   ok                             ? ""
                   : left < (double)v->free_bytes ? ", which is not enough"
                                                  : ", but no room for more files");
    return true;
}

void validate_disk(struct validation *v)
{
    const char *temp = getenv("TMPDIR");
    struct stat st;
    bool there = lstat(".rowlock", &st) == 0;
    check_disk(v, "temporary folder", temp && temp[0] ? temp : "/tmp",
               "free some space, or set TMPDIR to a folder that can be written");
    v->state_ok = check_disk(v, "state folder", there ? ".rowlock" : ".",
                             "free some space, or make it writable: a run writes .rowlock in the project's folder");
}

/* Processes and threads of this user. */
static uint64_t count_tasks(void)
{
    uint64_t n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc)) != NULL;) {
        char path[300];
        struct stat st;
        snprintf(path, sizeof path, "/proc/%s/task", e->d_name);
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || stat(path, &st) != 0 ||
            st.st_uid != getuid())
            continue;
        n += st.st_nlink > 2 ? st.st_nlink - 2 : 1;
    }
    if (proc)
        closedir(proc);
    return n;
}

void validate_limits(struct validation *v)
{
    struct rlimit files, processes;
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NPROC, &processes);
    uint64_t need = OWN_FILES + (uint64_t)WORKER_FILES * v->workers;
    validation_add(v, files.rlim_cur >= need ? CHECK_OK : CHECK_FAILED, "open files",
                   "raise the limit with 'ulimit -n', or take fewer workers",
                   "limit %" PRIu64 ", %u workers need %" PRIu64, (uint64_t)files.rlim_cur,
                   v->workers, need);
    if (processes.rlim_cur == RLIM_INFINITY) {
        validation_add(v, CHECK_OK, "processes", "", "no limit");
        return;
    }
    uint64_t used = getuid() ? count_tasks() : 0, limit = processes.rlim_cur;
    need = processes_needed(v);
    validation_add(v, limit >= used + need ? CHECK_OK : CHECK_FAILED, "processes",
                   "raise the limit with 'ulimit -u', or take fewer workers",
                   "limit %" PRIu64 ", in use %" PRIu64 ", %u workers need %" PRIu64, limit, used,
                   v->workers, need);
}

/* The processes that control groups leave. */
struct pids {
    const char *root;
    uint64_t left;
    bool limited;
};

static bool read_number(const char *root, bool v2, const char *group, const char *file,
                        uint64_t *value)
{
    char path[4600];
    snprintf(path, sizeof path, "%s/sys/fs/cgroup%s%s/%s", root, v2 ? "" : "/pids", group, file);
    FILE *f = fopen(path, "re");
    bool found = f && fscanf(f, "%" SCNu64, value) == 1; /* "max" is none */
    if (f)
        fclose(f);
    return found;
}

static void apply_pids(void *ctx, bool v2, const char *group)
{
    struct pids *p = ctx;
    uint64_t most, used = 0;
    if (!read_number(p->root, v2, group, "pids.max", &most))
        return;
    read_number(p->root, v2, group, "pids.current", &used);
    uint64_t left = most > used ? most - used : 0;
    if (!p->limited || left < p->left)
        p->left = left;
    p->limited = true;
}

static void check_processors(struct validation *v, const char *root)
{
    int quota = cpus_quota(root), cpus = cpus_available(0);
    if (quota && quota < cpus)
        cpus = quota;
    bool crowded = quota && v->workers_given && v->workers > (unsigned)quota;
    if (quota)
        validation_add(v, crowded ? CHECK_WARNING : CHECK_OK, "processors",
                       "tests that compute gain nothing from more workers than that; take -n auto",
                       "%d can be used; the control group's quota is %d%s", cpus, quota,
                       crowded ? ", which is less than the workers" : "");
    else
        validation_add(v, CHECK_OK, "processors", "", "%d can be used; no quota", cpus);
}

static void check_memory(struct validation *v, const char *root)
{
    struct platform_memory m;
    if (!platform_memory(root, &m)) {
        validation_add(v, CHECK_SKIPPED, "memory", "", "/proc/meminfo cannot be read");
        return;
    }
    enum check_status status = m.available < WORKER_MEMORY * v->workers  ? CHECK_FAILED
                               : m.available < AMPLE_MEMORY * v->workers ? CHECK_WARNING
                                                                         : CHECK_OK;
    validation_add(v, status, "memory",
                   "take fewer workers, raise the limit of the control group, or set memory_floor",
                   "%" PRIu64 " MB of %" PRIu64 " MB can be used, %" PRIu64 " MB by each of %u "
                   "workers",
                   m.available >> 20, m.total >> 20, (m.available / v->workers) >> 20, v->workers);
}

void validate_quotas(struct validation *v, const char *root)
{
    struct pids p = {root, 0, false};
    check_processors(v, root);
    check_memory(v, root);
    cgroup_walk(root, "pids", apply_pids, &p);
    if (p.limited)
        validation_add(v, p.left >= processes_needed(v) ? CHECK_OK : CHECK_FAILED, "process quota",
                       "raise the limit of the control group (pids.max), or take fewer workers",
                       "the control group allows %" PRIu64 " more, %u workers need %" PRIu64,
                       p.left, v->workers, processes_needed(v));
    else
        validation_add(v, CHECK_OK, "process quota", "", "none in the control group");
}
