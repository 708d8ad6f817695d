/* Exercises frame_read, the receiving end of the talk with the zygote, over a socket that gives
 * the bytes in pieces of odd sizes. The frames are those that a plain walk over the bytes finds;
 * one that is too long ends the talk with EMSGSIZE. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "run/zygote.h"
#include "support.h"

enum { HEAD = 5, LONGEST = 256 * 1024 * 1024 };

/* The frames as they stand in the input. */
struct walk {
    const uint8_t *data;
    size_t size, at;
};

static uint32_t length_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Is a frame that is too long the next thing? */
static bool at_long_frame(const struct walk *w)
{
    return w->size - w->at >= HEAD && length_at(w->data + w->at) > LONGEST;
}

static void check_frame(struct walk *w, const struct frame *f)
{
    CHECK(w->size - w->at >= HEAD);
    uint32_t len = length_at(w->data + w->at);
    CHECK(f->len == len && f->type == w->data[w->at + 4]);
    CHECK(w->size - w->at - HEAD >= len);
    CHECK(memcmp(f->payload, w->data + w->at + HEAD, len) == 0);
    w->at += HEAD + (size_t)len;
}

/* Reads all frames that are there; false when no more can come. */
static bool drain(struct frame_reader *r, struct walk *w)
{
    struct frame f;
    int rc;
    while ((rc = frame_read(r, &f)) == 1)
        check_frame(w, &f);
    if (rc < 0 && errno == EAGAIN)
        return true;
    CHECK(rc == 0 || errno == EMSGSIZE);
    CHECK((rc < 0) == at_long_frame(w));
    return false;
}

bool fuzz_seed(unsigned k, struct buf *b)
{
    static const char payload[] = "\1\0\0\0\2\0\0\0";
    int ends[2];
    char bytes[256];
    if (k > 0)
        return false;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(zygote_send(ends[0], 'S', payload, 8) && zygote_send(ends[0], 'E', payload, 4));
    CHECK(zygote_send(ends[0], 'P', NULL, 0));
    ssize_t n = read(ends[1], bytes, sizeof bytes);
    CHECK(n == 3 * HEAD + 12);
    buf_add(b, bytes, (size_t)n);
    close(ends[0]);
    close(ends[1]);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct frame_reader r;
    struct walk w = {data, size, 0};
    bool open = true;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    frame_reader_init(&r, ends[1]);
    for (size_t at = 0, n; at < size && open; at += n) {
        n = 1 + (at * 31 + size) % 5000;
        if (n > size - at)
            n = size - at;
        CHECK(file_write_all(ends[0], data + at, n) == 0);
        open = drain(&r, &w);
        CHECK(open || at_long_frame(&w));
    }
    close(ends[0]);
    if (open)
        CHECK(!drain(&r, &w));
    CHECK(at_long_frame(&w) || size - w.at < HEAD || size - w.at - HEAD < length_at(data + w.at));
    frame_reader_release(&r);
    close(ends[1]);
    return 0;
}
