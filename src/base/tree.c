/* file_remove_tree alone: librowlock has a copy under another name, so it needs nothing of base. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder that lies deeper is moved up to the top and emptied from there, so that no tree is too deep for
 * our descriptors and our stack. */
enum { MOST_OPEN = 64 };

struct removal {
    int top;             /* the folder that is removed */
    unsigned long moved; /* folders that went up */
    unsigned long names; /* tried for them: a removal that was killed may have left some */
};

static int open_dir(int dirfd, const char *path)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, fd = openat(dirfd, path, flags);
    if (fd < 0 && errno == EACCES && fchmodat(dirfd, path, 0700, 0) == 0)
        fd = openat(dirfd, path, flags);
    if (fd >= 0)
        fchmod(fd, 0700);
    return fd;
}

static bool move_up(struct removal *r, int dirfd, const char *name)
{
    char fresh[40];
    do {
        snprintf(fresh, sizeof fresh, "rowlock-deep-%lu", r->names++);
        if (renameat(dirfd, name, r->top, fresh) == 0) {
            r->moved++;
            return true;
        }
    } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    return false;
}

enum outcome { GONE, STAYS, IS_FULL };

/* IS_FULL: a folder that is to be emptied first. */
static enum outcome remove_one(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return GONE;
    if (errno == ENOTDIR)
        return unlinkat(dirfd, name, 0) == 0 || errno == ENOENT ? GONE : STAYS;
    return IS_FULL;
}

static void empty_dir(struct removal *r, int fd, unsigned depth);

static void remove_below(struct removal *r, int dirfd, const char *name, unsigned depth)
{
    if (remove_one(dirfd, name) != IS_FULL)
        return;
    int fd = open_dir(dirfd, name);
    if (fd < 0) {
        unlinkat(dirfd, name, 0);
        return;
    }
    /* It is writable by now, as it has to be for that. */
    if (depth >= MOST_OPEN && move_up(r, dirfd, name)) {
        close(fd);
        return;
    }
    empty_dir(r, fd, depth);
    unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Takes over fd. */
static void empty_dir(struct removal *r, int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return;
    }
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type == DT_DIR || unlinkat(fd, e->d_name, 0) != 0)
            remove_below(r, fd, e->d_name, depth + 1);
    }
    closedir(d);
}

bool file_remove_tree(int dirfd, const char *path)
{
    enum outcome first = remove_one(dirfd, path);
    if (first != IS_FULL)
        return first == GONE;
    struct removal r = {.top = open_dir(dirfd, path)};
    if (r.top < 0)
        return unlinkat(dirfd, path, 0) == 0;
    unsigned long before;
    do {
        before = r.moved;
        int fd = open_dir(r.top, ".");
        if (fd >= 0)
            empty_dir(&r, fd, 0);
    } while (r.moved != before);
    close(r.top);
    return unlinkat(dirfd, path, AT_REMOVEDIR) == 0;
}
