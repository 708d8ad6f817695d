#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void buf_init(struct buf *b)
{
    b->data = NULL;
    b->len = b->cap = 0;
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t extra)
{
    if (b->cap - b->len <= extra) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap - b->len <= extra)
            cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
        b->data = xreallocarray(b->data, cap, 1);
        b->cap = cap;
        b->data[b->len] = '\0'; /* a string even if nothing is added after all */
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);
    if (len)
        memcpy(to, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_trim(struct buf *b, const char *chars)
{
    while (b->len && strchr(chars, b->data[b->len - 1]))
        b->data[--b->len] = '\0';
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    size_t room = 64;
    for (;;) {
        char *to = buf_reserve(b, room);
        va_start(ap, fmt);
        int n = vsnprintf(to, room + 1, fmt, ap);
        va_end(ap);
        if (n < 0) {
            *to = '\0';
            return;
        }
        if ((size_t)n <= room) {
            b->len += (size_t)n;
            return;
        }
        room = (size_t)n;
    }
}

void buf_add_u32(struct buf *b, uint32_t v)
{
    unsigned char d[4] = {(unsigned char)v, (unsigned char)(v >> 8), (unsigned char)(v >> 16),
                          (unsigned char)(v >> 24)};
    buf_add(b, d, sizeof d);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    buf_add_u32(b, (uint32_t)v);
    buf_add_u32(b, (uint32_t)(v >> 32));
}

char *buf_detach(struct buf *b)
{
    buf_reserve(b, 0);
    b->data[b->len] = '\0';
    char *s = b->data;
    buf_init(b);
    return s;
}

const char *buf_cstr(const struct buf *b)
{
    return b->data ? b->data : "";
}
