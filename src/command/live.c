#include "command/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "report/report.h"

enum {
    LONGEST_LINE = 64 * 1024, /* a longer one is broken */
    PIPE_SIZE = 1024 * 1024,
    PATIENCE = 120, /* ticks */
    MARK_SIZE = sizeof LIVE_MARK - 1
};

static int open_pipe(const char *path)
{
    /* Read and write: so there is always a writer, and no end of file between two workers. */
    int fd =
        mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW) : -1;
#ifdef F_SETPIPE_SZ
    if (fd >= 0)
        (void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
#endif
    return fd;
}

bool live_open(struct live *l, const char *temp, unsigned n_slots, bool labels, bool color,
               struct error *err)
{
    memset(l, 0, sizeof *l);
    l->labels = labels;
    l->color = color;
    l->open = -1;
    l->hold = true;
    l->pipes = xcalloc(n_slots, sizeof *l->pipes);
    l->fds = xcalloc(n_slots, sizeof *l->fds);
    for (unsigned i = 0; i < n_slots; i++) {
        struct live_pipe *p = &l->pipes[l->n];
        p->path = xasprintf("%s/gw%u.live", temp, i);
        l->fds[l->n] = p->fd = open_pipe(p->path);
        l->n++;
        if (l->fds[i] < 0)
            return error_errno(err, EXIT_INTERNAL, "%s", p->path);
    }
    return true;
}

void live_close(struct live *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->pipes[i].fd >= 0)
            close(l->pipes[i].fd);
        unlink(l->pipes[i].path);
        free(l->pipes[i].path);
        buf_release(&l->pipes[i].line);
        buf_release(&l->pipes[i].in);
    }
    free(l->pipes);
    free(l->fds);
    memset(l, 0, sizeof *l);
    l->open = -1;
}

void live_end_line(struct live *l, struct buf *b)
{
    if (l->open >= 0)
        buf_addc(b, '\n');
    l->open = -1;
}

/* Adds text as that worker's; ended: its line ends here. */
static void add_text(struct live *l, struct buf *b, size_t slot, const char *text, size_t len, bool ended)
{
    if (l->open != (long)slot) {
        live_end_line(l, b);
        if (l->labels)
            buf_addf(b, len ? "[gw%zu] " : "[gw%zu]", slot);
    }
    report_output(b, text, len, l->color);
    if (ended)
        buf_addc(b, '\n');
    l->open = ended ? -1 : (long)slot;
}

/* Adds what has come of an unfinished line. */
static void add_start(struct live *l, struct buf *b, size_t slot)
{
    struct live_pipe *p = &l->pipes[slot];
    if (p->line.len)
        add_text(l, b, slot, p->line.data, p->line.len, false);
    buf_clear(&p->line);
}

static void take(struct live *l, struct buf *b, size_t slot, const char *data, size_t len)
{
    struct live_pipe *p = &l->pipes[slot];
    const char *end = data + len;
    while (data < end) {
        if (p->after_cr && *data == '\n') {
            p->after_cr = false;
            data++;
            continue;
        }
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline ? newline : end;
        const char *cr = memchr(data, '\r', (size_t)(stop - data));
        stop = cr ? cr : stop;
        buf_add(&p->line, data, (size_t)(stop - data));
        if (cr && !p->line.len && l->open != (long)slot) { /* back to where it is already */
            data = stop + 1;
            continue;
        }
        p->after_cr = cr != NULL;
        if (stop == end && p->line.len < LONGEST_LINE)
            break;
        add_text(l, b, slot, buf_cstr(&p->line), p->line.len, true);
        buf_clear(&p->line);
        data = stop + (stop < end);
    }
}

/* The line that a worker has begun ends here. */
static void end_started(struct live *l, struct buf *b, size_t slot)
{
    add_start(l, b, slot);
    if (l->open == (long)slot)
        live_end_line(l, b);
    l->pipes[slot].after_cr = false;
}

/* How much of the end of the bytes may be the start of a mark. */
static size_t mark_begun(const struct buf *in)
{
    size_t most = in->len < MARK_SIZE - 1 ? in->len : MARK_SIZE - 1;
    while (most && memcmp(in->data + in->len - most, LIVE_MARK, most) != 0)
        most--;
    return most;
}

/* Takes what has been read, as far as it need not wait. */
static void take_all(struct live *l, struct buf *b, size_t slot)
{
    struct live_pipe *p = &l->pipes[slot];
    size_t at = 0;
    while (!p->held && at < p->in.len) {
        const char *data = p->in.data + at;
        const char *mark = memmem(data, p->in.len - at, LIVE_MARK, MARK_SIZE);
        if (!mark) {
            size_t keep = mark_begun(&p->in), len = p->in.len - at;
            keep = keep < len && !p->stale ? keep : 0;
            take(l, b, slot, data, len - keep);
            at += len - keep;
            break;
        }
        take(l, b, slot, data, (size_t)(mark - data));
        end_started(l, b, slot);
        at += (size_t)(mark - data) + MARK_SIZE;
        p->held = l->hold ? PATIENCE : 0;
    }
    if (at)
        memmove(p->in.data, p->in.data + at, p->in.len - at);
    p->in.len -= at;
    l->fds[slot] = p->held ? -1 : p->fd;
}

static void read_pipe(struct live *l, struct buf *b, size_t slot)
{
    enum { CHUNK = 64 * 1024 };
    struct live_pipe *p = &l->pipes[slot];
    int there = 0;
    /* No more than there is now: one worker that floods must not keep all else waiting. */
    if (ioctl(p->fd, FIONREAD, &there) != 0)
        there = 0;
    while (there > 0 && !p->held) {
        ssize_t n = read(p->fd, buf_reserve(&p->in, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        p->in.len += (size_t)n;
        there -= (int)n;
        p->stale = false;
        take_all(l, b, slot);
    }
}

void live_read(struct live *l, struct buf *b)
{
    for (size_t i = 0; i < l->n; i++) {
        read_pipe(l, b, i);
        if (l->partial && !l->labels)
            add_start(l, b, i);
    }
}

void live_tick(struct live *l, struct buf *b)
{
    for (size_t i = 0; i < l->n; i++) {
        struct live_pipe *p = &l->pipes[i];
        if (p->held)
            p->held--;
        take_all(l, b, i);
        if (l->partial && p->stale)
            add_start(l, b, i);
        p->stale = true;
    }
}

void live_end_test(struct live *l, struct buf *b, unsigned slot)
{
    if (slot >= l->n)
        return;
    struct live_pipe *p = &l->pipes[slot];
    take_all(l, b, slot);
    if (!p->held) /* its worker died, or has no marks */
        read_pipe(l, b, slot);
    end_started(l, b, slot);
    p->held = 0;
    l->fds[slot] = p->fd;
}

void live_release(struct live *l)
{
    l->hold = false;
    for (size_t i = 0; i < l->n; i++) {
        l->pipes[i].held = 0;
        l->fds[i] = l->pipes[i].fd;
    }
}

void live_add_block(struct live *l, struct buf *b, unsigned slot, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        add_text(l, b, slot, text, (size_t)(stop - text), true);
        text = stop + 1;
    }
}

void live_end(struct live *l, struct buf *b)
{
    live_release(l);
    live_read(l, b);
    for (size_t i = 0; i < l->n; i++) {
        take_all(l, b, i);
        end_started(l, b, i);
    }
}
