#include "coverage/gcbytes.h"

#include <string.h>

enum { BYTES_SINCE = 12 };

uint32_t gc_word(struct gc_bytes *b)
{
    uint32_t w;
    if (b->end - b->p < 4) {
        b->failed = true;
        b->p = b->end;
        return 0;
    }
    memcpy(&w, b->p, sizeof w);
    b->p += sizeof w;
    return b->swap ? __builtin_bswap32(w) : w;
}

/* Two characters for the major version, "A9" or "B2" for 12. 0 if this reader does not know it. */
static int major_of(uint32_t version)
{
    if (version == GC_CLANG_VERSION)
        return GC_CLANG;
    int tens = (int)(version >> 24) - 'A', ones = (int)(version >> 16 & 0xff) - '0';
    int major = tens * 10 + ones;
    bool known = tens >= 0 && ones >= 0 && ones <= 9 && major >= GC_OLDEST && major <= GC_NEWEST;
    return known ? major : 0;
}

bool gc_bytes_open(struct gc_bytes *b, const void *data, size_t len, uint32_t magic,
                   struct gc_head *head)
{
    const unsigned char *p = data;
    *b = (struct gc_bytes){p, p + len, false, false, false};
    uint32_t found = gc_word(b);
    b->swap = found == __builtin_bswap32(magic);
    if (found != magic && !b->swap)
        return false;
    head->version = gc_word(b);
    head->major = major_of(head->version);
    head->stamp = 0;
    if (!head->major)
        return !b->failed;
    head->stamp = gc_word(b);
    b->bytes = head->major >= BYTES_SINCE;
    if (b->bytes)
        gc_word(b); /* a checksum of the whole */
    return !b->failed;
}

static size_t unit(const struct gc_bytes *b)
{
    return b->bytes ? 1 : 4;
}

const char *gc_string(struct gc_bytes *b)
{
    size_t len = (size_t)gc_word(b) * unit(b);
    const unsigned char *s = b->p;
    if (!len)
        return NULL;
    if (len > (size_t)(b->end - b->p) || !memchr(s, '\0', len)) {
        b->failed = true;
        return NULL;
    }
    b->p += len;
    return (const char *)s;
}

uint64_t gc_counter(const struct gc_bytes *b, const unsigned char *p)
{
    uint32_t low, high;
    memcpy(&low, p, sizeof low);
    memcpy(&high, p + sizeof low, sizeof high);
    if (b->swap) {
        low = __builtin_bswap32(low);
        high = __builtin_bswap32(high);
    }
    return (uint64_t)high << 32 | low;
}

bool gc_record(struct gc_bytes *b, uint32_t *tag, struct gc_bytes *part, size_t *zeros,
               bool *ended)
{
    *ended = false;
    *zeros = 0;
    if (b->p == b->end)
        return false;
    *tag = gc_word(b);
    *ended = !b->failed && !*tag;
    if (b->failed || !*tag)
        return false;
    int32_t length = (int32_t)gc_word(b);
    size_t len = length < 0 ? 0 : (size_t)length * unit(b);
    if (b->failed || len > (size_t)(b->end - b->p)) {
        b->failed = true;
        return false;
    }
    if (length < 0)
        *zeros = (size_t)(-(int64_t)length) * unit(b) / 8;
    *part = *b;
    part->end = b->p + len;
    b->p += len;
    return true;
}
