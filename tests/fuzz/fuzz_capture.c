/* Exercises capture, which keeps the beginning and the end of what a test prints, with the input
 * as output that comes in pieces. It never keeps more than its limit, and what it keeps is the
 * beginning and the end. */
#include <string.h>

#include "run/capture.h"
#include "support.h"

static void check_text(const struct capture *c, size_t limit, const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;
    size_t half = limit / 2;
    capture_text(c, &b);
    CHECK(c->total == size && c->head.len + c->tail.len <= limit);
    if (size <= 2 * half) {
        CHECK(b.len == size && (!size || memcmp(b.data, data, size) == 0));
    } else {
        CHECK(b.len > 2 * half && memcmp(b.data, data, half) == 0);
        CHECK(memcmp(b.data + b.len - half, data + size - half, half) == 0);
        CHECK(memmem(b.data, b.len, " bytes left out ...]", 20));
    }
    buf_release(&b);
}

static void check_last_line(const struct capture *c, size_t max)
{
    struct buf b = BUF_INIT;
    capture_last_line(c, &b, max);
    CHECK(b.len <= max && (!b.len || !memchr(b.data, '\n', b.len)));
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {0, 1, 2, 7, 64, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct capture c;
        capture_init(&c, limits[i]);
        for (size_t at = 0, n; at < size; at += n) {
            n = 1 + (at * 17 + i) % 29;
            if (n > size - at)
                n = size - at;
            capture_add(&c, data + at, n);
        }
        check_text(&c, limits[i], data, size);
        check_last_line(&c, 5);
        capture_release(&c);
    }
    return 0;
}
