/* file_remove_tree alone: librowlock has a copy under another name, so it needs nothing of base. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_remove_tree(int dirfd, const char *path)
{
    if (unlinkat(dirfd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    if (errno == ENOTDIR)
        return unlinkat(dirfd, path, 0) == 0 || errno == ENOENT;
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dirfd, path, 0700, 0) == 0)
        fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unlinkat(dirfd, path, 0) == 0;
    fchmod(fd, 0700);
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return false;
    }
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type == DT_DIR || unlinkat(fd, e->d_name, 0) != 0)
            file_remove_tree(fd, e->d_name);
    }
    closedir(d);
    return unlinkat(dirfd, path, AT_REMOVEDIR) == 0;
}
