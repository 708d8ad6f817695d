/* Reading the source of a file that was measured. Its name comes from the data, which may come from
 * anywhere: nothing outside of the source root is shown. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "coverage/htmlreport.h"

enum { LARGEST_SOURCE = 256 << 20 };

static bool lies_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    return strcmp(root, "/") == 0 || (strncmp(path, root, n) == 0 && path[n] == '/');
}

static bool read_all(int fd, struct buf *text, size_t size)
{
    while (text->len < size) {
        ssize_t n = read(fd, buf_reserve(text, size - text->len), size - text->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        text->len += (size_t)n;
        text->data[text->len] = '\0';
    }
    return true;
}

enum html_source_state html_source(struct buf *text, const struct html_report *r,
                                   const struct cov_file *f, bool *newer)
{
    char *path = path_join(r->root ? r->root : "/", f->name), *real = realpath(path, NULL);
    enum html_source_state state = HTML_SOURCE_UNREADABLE;
    struct stat st;
    *newer = false;
    free(path);
    if (!real || !r->root)
        state = HTML_SOURCE_NOT_FOUND;
    else if (!lies_below(real, r->root))
        state = HTML_SOURCE_OUTSIDE;
    else {
        /* Not a FIFO or a device, which would block or never end. */
        int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LARGEST_SOURCE &&
            read_all(fd, text, (size_t)st.st_size)) {
            state = HTML_SOURCE_READ;
            *newer = r->how->data_time && st.st_mtime > r->how->data_time;
        }
        if (fd >= 0)
            close(fd);
    }
    free(real);
    return state;
}
