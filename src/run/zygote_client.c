#include "run/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"

enum {
    FRAME_HEAD = 5,
    FRAME_MAX = 256 * 1024 * 1024,
    READ_SIZE = 65536,
    SEND_SECONDS = 30 /* a zygote that takes nothing for so long is stuck */
};

static int connect_here(int fd, const char *path)
{
    struct sockaddr_un sa;
    memset(&sa, 0, sizeof sa);
    sa.sun_family = AF_UNIX;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    int rc;
    do
        rc = connect(fd, (struct sockaddr *)&sa, sizeof sa);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* A socket's address holds some 100 bytes. For a longer path we step into its folder. */
static int connect_below(int fd, const char *temp_dir)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (here < 0)
        return -1;
    int rc = chdir(temp_dir);
    if (rc == 0) {
        rc = connect_here(fd, "zygote");
        int saved = errno;
        if (fchdir(here) != 0 && rc == 0) {
            rc = -1;
            saved = errno;
        }
        errno = saved;
    }
    int saved = errno;
    close(here);
    errno = saved;
    return rc;
}

static int connect_to(int fd, const char *temp_dir)
{
    static const char name[] = "/zygote";
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t n = strlen(temp_dir);
    if (n + sizeof name > sizeof path)
        return connect_below(fd, temp_dir);
    memcpy(path, temp_dir, n);
    memcpy(path + n, name, sizeof name);
    return connect_here(fd, path);
}

int zygote_connect(const char *temp_dir, struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = SEND_SECONDS};
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect_to(fd, temp_dir) == 0)
        return fd;
    int saved = errno;
    error_errno(err, EXIT_INTERNAL, "%s/zygote: the pytest process cannot be reached", temp_dir);
    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

bool zygote_send(int fd, uint8_t type, const void *payload, size_t len)
{
    if (len > FRAME_MAX) {
        errno = EMSGSIZE;
        return false;
    }
    struct buf b = BUF_INIT;
    buf_add_u32(&b, (uint32_t)len);
    buf_addc(&b, (char)type);
    buf_add(&b, payload, len);
    size_t sent = 0;
    while (sent < b.len) {
        ssize_t n = send(fd, b.data + sent, b.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    int saved = errno;
    bool ok = sent == b.len;
    buf_release(&b);
    errno = saved;
    return ok;
}

void frame_reader_init(struct frame_reader *r, int fd)
{
    r->fd = fd;
    buf_init(&r->in);
    r->used = 0;
}

void frame_reader_release(struct frame_reader *r)
{
    buf_release(&r->in);
    r->used = 0;
}

/* A frame that is wholly there: 1; none: 0; one that is too long: -1. */
static int take_frame(struct frame_reader *r, struct frame *f)
{
    size_t have = r->in.len - r->used;
    if (have < FRAME_HEAD)
        return 0;
    const unsigned char *p = (const unsigned char *)r->in.data + r->used;
    uint32_t len =
        (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (len > FRAME_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (have - FRAME_HEAD < len)
        return 0;
    f->type = p[4];
    f->len = len;
    f->payload = p + FRAME_HEAD;
    r->used += FRAME_HEAD + (size_t)len;
    return 1;
}

/* Forgets what was handed out. Moves the rest only when that frees at least half, so that
 * many small frames in one read cost no more than their bytes. */
static void drop_used(struct frame_reader *r)
{
    if (!r->used || r->used < r->in.len - r->used)
        return;
    r->in.len -= r->used;
    memmove(r->in.data, r->in.data + r->used, r->in.len);
    r->used = 0;
}

int frame_read(struct frame_reader *r, struct frame *f)
{
    for (;;) {
        int rc = take_frame(r, f);
        if (rc != 0)
            return rc;
        drop_used(r);
        ssize_t n = read(r->fd, buf_reserve(&r->in, READ_SIZE), READ_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return 0;
        r->in.len += (size_t)n;
        r->in.data[r->in.len] = '\0';
    }
}

bool frame_record(const struct frame *f, struct record *r)
{
    enum { HEAD = 4 + 1 + 1 + 8 + 4 * 8 + 4 };
    const unsigned char *p = f->payload;
    if (f->len < HEAD || p[4] < RECORD_RESULT ||
        (p[4] > RECORD_NOTE && p[4] != RECORD_ATTEMPT) || p[5] >= OUTCOME_COUNT)
        return false;
    *r = (struct record){.test = get_u32(p),
                         .kind = p[4],
                         .outcome = p[5],
                         .attempt = 1,
                         .start_ns = (int64_t)get_u64(p + 6),
                         .wall_ns = get_u64(p + 14),
                         .user_ns = get_u64(p + 22),
                         .sys_ns = get_u64(p + 30),
                         .peak_bytes = get_u64(p + 38),
                         .n_fields = get_u32(p + 46),
                         .fields = p + HEAD,
                         .fields_len = f->len - HEAD};
    return journal_fields_valid(r->fields, r->fields_len, r->n_fields);
}
