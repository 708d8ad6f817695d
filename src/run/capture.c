#include "run/capture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void capture_init(struct capture *c, size_t limit)
{
    memset(c, 0, sizeof *c);
    c->half = limit / 2;
}

void capture_release(struct capture *c)
{
    buf_release(&c->head);
    buf_release(&c->tail);
    c->total = 0;
    c->at = 0;
}

/* Fills the ring, then goes round. */
static void add_tail(struct capture *c, const char *p, size_t len)
{
    if (len > c->half) {
        p += len - c->half;
        len = c->half;
    }
    if (c->tail.len < c->half) {
        size_t room = c->half - c->tail.len;
        size_t n = len < room ? len : room;
        buf_add(&c->tail, p, n);
        p += n;
        len -= n;
    }
    while (len) {
        size_t n = c->half - c->at;
        if (n > len)
            n = len;
        memcpy(c->tail.data + c->at, p, n);
        c->at = (c->at + n) % c->half;
        p += n;
        len -= n;
    }
}

void capture_add(struct capture *c, const void *data, size_t len)
{
    const char *p = data;
    c->total += len;
    size_t room = c->half - c->head.len;
    size_t n = len < room ? len : room;
    if (n)
        buf_add(&c->head, p, n);
    if (len > n)
        add_tail(c, p + n, len - n);
}

static void tail_text(const struct capture *c, struct buf *b)
{
    if (!c->tail.len)
        return;
    buf_add(b, c->tail.data + c->at, c->tail.len - c->at);
    buf_add(b, c->tail.data, c->at);
}

void capture_text(const struct capture *c, struct buf *b)
{
    if (c->head.len)
        buf_add(b, c->head.data, c->head.len);
    uint64_t left_out = c->total - c->head.len - c->tail.len;
    if (left_out)
        buf_addf(b, "\n[... %" PRIu64 " bytes left out ...]\n", left_out);
    tail_text(c, b);
}

void capture_last_line(const struct capture *c, struct buf *b, size_t max)
{
    struct buf all = BUF_INIT;
    if (c->tail.len)
        tail_text(c, &all);
    else if (c->head.len)
        buf_add(&all, c->head.data, c->head.len);
    size_t end = all.len;
    while (end && strchr(" \t\r\n", all.data[end - 1]) && all.data[end - 1])
        end--;
    size_t start = end;
    while (start && all.data[start - 1] != '\n')
        start--;
    if (end > start)
        buf_add(b, all.data + start, end - start < max ? end - start : max);
    buf_release(&all);
}
