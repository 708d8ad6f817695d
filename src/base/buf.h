/* A growing byte buffer. data is always NUL-terminated once anything was added;
 * len does not count that NUL. The bytes may hold NULs themselves. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NULL while empty and never grown */
    size_t len; /* bytes used */
    size_t cap; /* bytes allocated */
};

#define BUF_INIT {NULL, 0, 0}

void buf_init(struct buf *b);
void buf_release(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/* Makes room for extra more bytes (and a NUL); returns where they go. */
char *buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes NULs and the characters of chars off the end. */
void buf_trim(struct buf *b, const char *chars);
/* Little-endian integers, for the formats on disk. */
void buf_add_u32(struct buf *b, uint32_t v);
void buf_add_u64(struct buf *b, uint64_t v);
/* Hands the content (NUL-terminated) to the caller, who frees it; b is empty after. */
char *buf_detach(struct buf *b);
/* The content as a C string; "" when empty. Owned by b. */
const char *buf_cstr(const struct buf *b);

#endif
