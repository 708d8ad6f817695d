/* What a test printed, in bounded memory: the first and the last bytes of a stream, with a
 * note in the middle of how many were left out. */
#ifndef RUN_CAPTURE_H
#define RUN_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct capture {
    size_t half;     /* kept of the beginning, and of the end */
    uint64_t total;  /* bytes that were printed */
    struct buf head; /* the beginning */
    struct buf tail; /* a ring once it is full */
    size_t at;       /* where the ring's oldest byte is */
};

/* Keeps limit bytes at most. */
void capture_init(struct capture *c, size_t limit);
void capture_release(struct capture *c);
void capture_add(struct capture *c, const void *data, size_t len);
/* Appends what was kept to b. */
void capture_text(const struct capture *c, struct buf *b);
/* Appends the last line that is not blank, at most max bytes of it, without its newline. */
void capture_last_line(const struct capture *c, struct buf *b, size_t max);

#endif
