/* __probe: the tests of the suite that validate runs. Each is a process like any test, and looks at
 * what it was given.
 *
 *   __probe worker DIR N   notes its worker's identity and folders in DIR, stays until N workers are
 *                          there at once, holding a shared lock on DIR/alone meanwhile
 *   __probe serial DIR     passes if nobody else holds DIR/alone
 *   __probe tokens         prints how many tokens of make's jobserver it can take (and returns) */
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

/* The variable must name a folder in which a file can be made. */
static bool writable_folder(const char *variable)
{
    const char *dir = getenv(variable);
    char *file = dir ? path_join(dir, "probe") : NULL;
    int fd = file ? open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0)
        close(fd);
    free(file);
    if (fd < 0)
        complain(variable, dir);
    return fd >= 0;
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

static int probe_worker(const char *dir, size_t workers, const char *prefix)
{
    static const char *const ends[] = {"_TEST_TEMP_DIR", "_CONFIG_DIR", "_CACHE_DIR"};
    if (lock_alone(dir, LOCK_SH) < 0)
        return complain("a serial test runs beside this one", dir);
    char *name = xasprintf("%s_TEST_WORKER_ID", prefix);
    const char *id = getenv(name);
    free(name);
    struct buf text = BUF_INIT;
    bool ok = id && id[0] && !strchr(id, '/') && writable_folder("TMPDIR");
    for (size_t i = 0; i < sizeof ends / sizeof *ends && ok; i++) {
        char *variable = xasprintf("%s%s", prefix, ends[i]);
        ok = writable_folder(variable);
        if (ok)
            buf_addf(&text, "%s\n", getenv(variable));
        free(variable);
    }
    char *file = ok ? xasprintf("%s/worker-%s", dir, id) : NULL;
    struct error err = ERROR_INIT;
    ok = ok && file_write(file, buf_cstr(&text), text.len, &err);
    error_release(&err);
    free(file);
    buf_release(&text);
    if (!ok)
        return complain("worker", id);
    struct timespec pause = {0, 5000000};
    for (int ms = 0; count_files(dir, "worker-gw") < workers; ms += 5) {
        if (ms > PATIENCE_MS)
            return complain("other workers did not start beside this one", id);
        nanosleep(&pause, NULL);
    }
    return EXIT_OK;
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
    if (inv->args.n == 3 && strcmp(a[0], "worker") == 0)
        return probe_worker(a[1], (size_t)atoi(a[2]), prefix ? prefix : "FQCN");
    if (inv->args.n == 2 && strcmp(a[0], "serial") == 0)
        return lock_alone(a[1], LOCK_EX) >= 0 ? EXIT_OK : complain("not alone", a[1]);
    fprintf(stderr, "rowlock: __probe is for 'rowlock validate' only\n");
    return EXIT_USAGE;
}
