#include "run/kernel_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "run/signals.h"

enum { LONGEST_NAME = 200, FIRST_PAUSE = 500 * 1000, LONGEST_PAUSE = 20 * 1000 * 1000 };

/* Opens path, making its folder when that is what is missing. */
static int open_lock(const char *path)
{
    enum { FLAGS = O_RDWR | O_CREAT | O_CLOEXEC };
    int fd = open(path, FLAGS, 0666);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    char *dir = path_dirname(path);
    if (mkdir(dir, 0777) == 0 || errno == EEXIST)
        fd = open(path, FLAGS, 0666);
    free(dir);
    return fd;
}

static enum lock_result lock_open_file(int fd, enum lock_mode mode)
{
    int how = (mode == LOCK_MODE_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB;
    while (flock(fd, how) != 0) {
        if (errno == EWOULDBLOCK)
            return LOCK_BUSY;
        if (errno != EINTR)
            return LOCK_BROKEN;
    }
    return LOCK_TAKEN;
}

enum lock_result kernel_lock_try(const char *path, enum lock_mode mode, int *fd, struct error *err)
{
    *fd = open_lock(path);
    enum lock_result rc = *fd < 0 ? LOCK_BROKEN : lock_open_file(*fd, mode);
    if (rc == LOCK_BROKEN)
        error_errno(err, EXIT_INTERNAL, "%s: cannot be locked", path);
    if (rc != LOCK_TAKEN && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

bool kernel_lock_pause(long *ns)
{
    *ns = *ns ? *ns * 2 : FIRST_PAUSE;
    if (*ns > LONGEST_PAUSE)
        *ns = LONGEST_PAUSE;
    signals_poll(NULL, 0, *ns);
    return !signals_stop();
}

enum lock_result kernel_lock_wait(const char *path, enum lock_mode mode, int *fd, struct error *err)
{
    *fd = open_lock(path);
    if (*fd < 0) {
        error_errno(err, EXIT_INTERNAL, "%s: cannot be opened", path);
        return LOCK_BROKEN;
    }
    long pause = 0;
    enum lock_result rc;
    while ((rc = lock_open_file(*fd, mode)) == LOCK_BUSY) {
        if (!kernel_lock_pause(&pause)) {
            rc = LOCK_STOPPED;
            break;
        }
    }
    if (rc == LOCK_BROKEN)
        error_errno(err, EXIT_INTERNAL, "%s: cannot be locked", path);
    if (rc != LOCK_TAKEN) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

/* FNV-1a, 64 bit. Two names that met in one file would only exclude each other. */
static uint64_t hash_of(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

static bool plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

char *lock_file_name(const char *name)
{
    struct buf b = BUF_INIT;
    buf_adds(&b, "l-"); /* an empty name is a name too */
    for (const char *s = name; *s && b.len < LONGEST_NAME; s++) {
        if (plain((unsigned char)*s))
            buf_addc(&b, *s);
        else
            buf_addf(&b, "%%%02X", (unsigned char)*s);
    }
    if (b.len >= LONGEST_NAME)
        buf_addf(&b, ".%016" PRIx64, hash_of(name));
    return buf_detach(&b);
}

enum lock_result lock_set_take(struct lock_set *set, const char *dir, char *const *names, size_t n,
                               struct error *err)
{
    /* Ordered and freed of doubles as files: two names in one file would wait for themselves. */
    struct strv files = STRV_INIT;
    for (size_t i = 0; i < n; i++)
        strv_push_nodup(&files, lock_file_name(names[i]));
    strv_sort(&files);
    set->fds = xcalloc(n, sizeof *set->fds);
    set->n = 0;
    enum lock_result rc = LOCK_TAKEN;
    for (size_t i = 0; i < files.n && rc == LOCK_TAKEN; i++) {
        if (i && strcmp(files.v[i], files.v[i - 1]) == 0)
            continue;
        char *path = path_join(dir, files.v[i]);
        rc = kernel_lock_wait(path, LOCK_MODE_EXCLUSIVE, &set->fds[set->n], err);
        free(path);
        if (rc == LOCK_TAKEN)
            set->n++;
    }
    strv_release(&files);
    if (rc != LOCK_TAKEN)
        lock_set_release(set);
    return rc;
}

void lock_set_release(struct lock_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        close(set->fds[i]);
    free(set->fds);
    set->fds = NULL;
    set->n = 0;
}
