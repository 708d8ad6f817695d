/* __probe: the tests of the suite that validate runs. Each is a process like any test, and looks at
 * what it was given.
 *
 *   __probe worker DIR N   notes its worker's identity and folders in DIR, writes its name to a file in
 *                          each of them, stays until N workers are there at once, holding a shared lock
 *                          on DIR/alone meanwhile, and reads the files again
 *   __probe serial DIR     passes if nobody else holds DIR/alone
 *   __probe hold DIR N     stays until N of these were there at once; notes DIR/over if there are more
 *   __probe tokens         prints how many tokens of make's jobserver it can take (and returns)
 *
 * ROWLOCK_PROBE_PATIENCE: how many milliseconds to wait for others, instead of 20,000. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "run/jobserver.h"

enum { PATIENCE_MS = 20000 };

static int complain(const char *what, const char *value)
{
    printf("%s: %s\n", what, value ? value : "not set");
    return EXIT_FAILED;
}

static int patience(void)
{
    const char *text = getenv("ROWLOCK_PROBE_PATIENCE");
    int ms = text ? atoi(text) : 0;
    return ms > 0 ? ms : PATIENCE_MS;
}

/* The variable must name a folder in which a file can be made; it holds the text then. */
static bool writable_folder(const char *variable, const char *text)
{
    const char *dir = getenv(variable);
    char *file = dir ? path_join(dir, "probe") : NULL;
    int fd = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
    bool ok = fd >= 0 && file_write_all(fd, text, strlen(text)) == 0;
    if (fd >= 0)
        close(fd);
    free(file);
    if (!ok)
        complain(variable, dir);
    return ok;
}

/* Does the file still hold the text? */
static bool holds(const char *variable, const char *text)
{
    struct buf found = BUF_INIT;
    struct error err = ERROR_INIT;
    char *file = path_join(getenv(variable), "probe");
    bool ok = file_read(file, &found, &err) && strcmp(buf_cstr(&found), text) == 0;
    error_release(&err);
    buf_release(&found);
    free(file);
    if (!ok)
        complain("another worker wrote to the folder of this one", variable);
    return ok;
}

static size_t count_files(const char *dir, const char *prefix)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (d)
        closedir(d);
    return n;
}

static int lock_alone(const char *dir, int how)
{
    char *path = path_join(dir, "alone");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(path);
    return fd >= 0 && flock(fd, how | LOCK_NB) == 0 ? fd : -1;
}

/* Waits until there are so many files of that name, or DIR/full says that there were. */
static bool wait_for(const char *dir, const char *prefix, size_t wanted)
{
    struct timespec pause = {0, 5000000};
    char *full = path_join(dir, "full");
    bool there;
    for (int ms = 0; !(there = count_files(dir, prefix) >= wanted || access(full, F_OK) == 0) &&
                     ms <= patience();
         ms += 5)
        nanosleep(&pause, NULL);
    free(full);
    return there;
}

/* In place, as files are counted by their names. */
static bool note(const char *dir, const char *name, const char *text, size_t len)
{
    char *file = path_join(dir, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && file_write_all(fd, text, len) == 0;
    if (fd >= 0)
        close(fd);
    free(file);
    return ok;
}

static int probe_worker(const char *dir, size_t workers, const char *prefix)
{
    static const char *const ends[] = {"_TEST_TEMP_DIR", "_CONFIG_DIR", "_CACHE_DIR"};
    enum { N = sizeof ends / sizeof *ends };
    if (lock_alone(dir, LOCK_SH) < 0)
        return complain("a serial test runs beside this one", dir);
    char *name = xasprintf("%s_TEST_WORKER_ID", prefix), *variables[N];
    const char *id = getenv(name);
    free(name);
    struct buf text = BUF_INIT;
    bool ok = id && id[0] && !strchr(id, '/');
    for (int i = 0; i < N; i++) {
        variables[i] = xasprintf("%s%s", prefix, ends[i]);
        ok = ok && writable_folder(variables[i], id);
        if (ok)
            buf_addf(&text, "%s\n", getenv(variables[i]));
    }
    char *file = xasprintf("worker-%s", ok ? id : "none");
    if (!ok || !note(dir, file, buf_cstr(&text), text.len))
        ok = complain("worker", id) == EXIT_OK;
    if (ok && !wait_for(dir, "worker-gw", workers))
        ok = complain("other workers did not start beside this one", id) == EXIT_OK;
    for (int i = 0; i < N; i++) {
        ok = ok && holds(variables[i], id);
        free(variables[i]);
    }
    free(file);
    buf_release(&text);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static int probe_hold(const char *dir, size_t jobs)
{
    enum { LINGERS = 100 }; /* a hundredth of the patience */
    struct timespec pause = {0, 5000000};
    char name[32], text[16], *path, *told = path_join(dir, "over");
    snprintf(name, sizeof name, "hold-%ld", (long)getpid());
    snprintf(text, sizeof text, "%zu", jobs);
    path = path_join(dir, name);
    bool ok = note(dir, name, "", 0), over = false;
    if (!wait_for(dir, "hold-", jobs))
        ok = complain("jobs that were never there at once", text) == EXIT_OK;
    else
        note(dir, "full", "", 0);
    for (int ms = 0; ok && !over && ms < patience() / LINGERS; ms += 5) {
        nanosleep(&pause, NULL);
        over = count_files(dir, "hold-") > jobs || access(told, F_OK) == 0;
    }
    if (over)
        note(dir, "over", "", 0);
    unlink(path);
    free(told);
    free(path);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static int probe_tokens(void)
{
    struct jobserver j;
    char path[64], taken[256];
    jobserver_read(&j, getenv("MAKEFLAGS"));
    if (j.state != JOBSERVER_OPEN)
        return complain("the jobserver does not reach a recipe marked '+'", getenv("MAKEFLAGS"));
    bool fifo = j.fds[0] < 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", j.fds[0]);
    int in = open(fifo ? j.auth + 5 : path, (fifo ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = in < 0 ? -1 : 0;
    while (n >= 0 && n < (ssize_t)sizeof taken && read(in, taken + n, 1) == 1)
        n++;
    if (n > 0 && file_write_all(fifo ? in : j.fds[1], taken, (size_t)n) != 0)
        n = -1;
    printf("%zd\n", n);
    return n < 0 ? EXIT_FAILED : EXIT_OK;
}

int command_probe(const struct invocation *inv)
{
    char *const *a = inv->args.v;
    const char *prefix = getenv("ROWLOCK_PROBE_PREFIX");
    if (inv->args.n == 1 && strcmp(a[0], "tokens") == 0)
        return probe_tokens();
    if (inv->args.n == 3 && strcmp(a[0], "hold") == 0)
        return probe_hold(a[1], (size_t)atoi(a[2]));
    if (inv->args.n == 3 && strcmp(a[0], "worker") == 0)
        return probe_worker(a[1], (size_t)atoi(a[2]), prefix ? prefix : "FQCN");
    if (inv->args.n == 2 && strcmp(a[0], "serial") == 0)
        return lock_alone(a[1], LOCK_EX) >= 0 ? EXIT_OK : complain("not alone", a[1]);
    fprintf(stderr, "rowlock: __probe is for 'rowlock validate' only\n");
    return EXIT_USAGE;
}
