#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"
#include "base/xalloc.h"

bool file_read(const char *path, struct buf *b, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, EXIT_USAGE, "%s", path);
    struct stat st;
    size_t chunk = 65536;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        chunk = (size_t)st.st_size + 1;
    for (;;) {
        ssize_t n = read(fd, buf_reserve(b, chunk), chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            error_errno(err, EXIT_USAGE, "%s", path);
            close(fd);
            return false;
        }
        b->len += (size_t)n;
        b->data[b->len] = '\0';
        if (n == 0)
            break;
    }
    close(fd);
    return true;
}

/* Does path lead to a device, a pipe or what a process has open, which must not be replaced? */
static bool is_stream(const char *path)
{
    static const char *const open_files[] = {"/dev/std", "/dev/fd/", "/proc/"};
    struct stat st;
    if (stat(path, &st) != 0 || S_ISDIR(st.st_mode))
        return false;
    for (size_t i = 0; i < sizeof open_files / sizeof *open_files; i++)
        if (strncmp(path, open_files[i], strlen(open_files[i])) == 0)
            return true;
    return !S_ISREG(st.st_mode);
}

static int open_temp(char *temp)
{
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd >= 0) {
        mode_t mask = umask(0);
        umask(mask);
        fchmod(fd, 0666 & ~mask);
    }
    return fd;
}

static void remove_temp(const struct outfile *o)
{
    if (o->temp)
        unlink(o->temp);
}

bool outfile_open(struct outfile *o, const char *path, struct error *err)
{
    o->path = xstrdup(path);
    o->temp = is_stream(path) ? NULL : xasprintf("%s.XXXXXX", path);
    int fd = o->temp ? open_temp(o->temp) : open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
    o->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (o->f)
        return true;
    error_errno(err, EXIT_INTERNAL, "%s: cannot be written", path);
    if (fd >= 0) {
        close(fd);
        remove_temp(o);
    }
    free(o->path);
    free(o->temp);
    o->path = o->temp = NULL;
    return false;
}

void outfile_drop(struct outfile *o)
{
    if (o->f) {
        fclose(o->f);
        remove_temp(o);
    }
    o->f = NULL;
    free(o->path);
    free(o->temp);
    o->path = o->temp = NULL;
}

bool outfile_commit(struct outfile *o, struct error *err)
{
    bool ok = fflush(o->f) == 0 && !ferror(o->f);
    if (fclose(o->f) != 0)
        ok = false;
    o->f = NULL;
    if (ok && o->temp && rename(o->temp, o->path) != 0)
        ok = false;
    if (!ok) {
        if (!errno)
            errno = EIO; /* an earlier write failed, and why is forgotten */
        error_errno(err, EXIT_INTERNAL, "%s: cannot be written", o->path);
        remove_temp(o);
    }
    outfile_drop(o);
    return ok;
}

bool file_write(const char *path, const void *data, size_t len, struct error *err)
{
    struct outfile o;
    if (!outfile_open(&o, path, err))
        return false;
    fwrite(data, 1, len, o.f);
    return outfile_commit(&o, err);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_mkdirs(const char *path, struct error *err)
{
    char *p = xstrdup(path);
    bool ok = true;
    for (char *s = p + (*p == '/'); ok; s++) {
        char c = *s;
        if (c != '/' && c != '\0')
            continue;
        *s = '\0';
        int failed = *p && mkdir(p, 0777) != 0 ? errno : 0;
        if (failed && !is_folder(p)) {
            /* EEXIST: a file, or a link to nowhere, stands in the way */
            errno = failed == EEXIST ? ENOTDIR : failed;
            ok = error_errno(err, EXIT_INTERNAL, "%s: cannot be created", p);
        }
        *s = c;
        if (!c)
            break;
    }
    free(p);
    return ok;
}

bool file_symlink(const char *target, const char *link, struct error *err)
{
    char *temp = xasprintf("%s.%ld.tmp", link, (long)getpid());
    unlink(temp);
    bool ok = symlink(target, temp) == 0 && rename(temp, link) == 0;
    if (!ok) {
        error_errno(err, EXIT_INTERNAL, "%s: cannot be linked", link);
        unlink(temp);
    }
    free(temp);
    return ok;
}

int file_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

char *path_join(const char *a, const char *b)
{
    if (b[0] == '/' || !a[0])
        return xstrdup(b);
    size_t n = strlen(a);
    return xasprintf("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

/* Folds one component onto the absolute path in b. */
static void fold(struct buf *b, const char *part, size_t len)
{
    if (len == 0 || (len == 1 && part[0] == '.'))
        return;
    if (len == 2 && part[0] == '.' && part[1] == '.') {
        while (b->len && b->data[b->len - 1] != '/')
            b->len--;
        if (b->len)
            b->len--;
        if (b->data)
            b->data[b->len] = '\0';
        return;
    }
    buf_addc(b, '/');
    buf_add(b, part, len);
}

char *path_absolute(const char *path)
{
    char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = path_join(cwd ? cwd : "/", path);
    struct buf b = BUF_INIT;
    const char *p = whole;
    while (*p) {
        const char *end = strchrnul(p, '/');
        fold(&b, p, (size_t)(end - p));
        p = *end ? end + 1 : end;
    }
    if (!b.len)
        buf_addc(&b, '/');
    free(whole);
    free(cwd);
    return buf_detach(&b);
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xmemdup0(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool path_executable(const char *name)
{
    if (strchr(name, '/'))
        return is_program(name);
    const char *p = getenv("PATH");
    bool found = false;
    for (p = p ? p : "/usr/local/bin:/bin:/usr/bin"; !found; p++) {
        const char *end = strchrnul(p, ':');
        char *dir = xmemdup0(p, (size_t)(end - p));
        char *full = path_join(dir[0] ? dir : ".", name);
        found = is_program(full);
        free(full);
        free(dir);
        if (!*end)
            break;
        p = end;
    }
    return found;
}
