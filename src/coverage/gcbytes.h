/* The words and strings of GCC's .gcno and .gcda files. */
#ifndef COVERAGE_GCBYTES_H
#define COVERAGE_GCBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Major versions of GCC whose files are known. What the next one changes is not known before it is
 * out. */
enum { GC_OLDEST = 9, GC_NEWEST = 16 };
/* "408*": what clang --coverage writes, in the format of GCC 4.8. */
enum { GC_CLANG = 4, GC_CLANG_VERSION = 0x3430382a };
enum { GC_NOTES_MAGIC = 0x67636e6f, GC_DATA_MAGIC = 0x67636461 };
enum {
    GC_TAG_FUNCTION = 0x01000000,
    GC_TAG_BLOCKS = 0x01410000,
    GC_TAG_ARCS = 0x01430000,
    GC_TAG_LINES = 0x01450000,
    GC_TAG_ARC_COUNTERS = 0x01a10000
};

struct gc_bytes {
    const unsigned char *p, *end;
    bool swap;          /* written by a machine of the other byte order */
    bool bytes;         /* GCC 12 and newer: lengths count bytes; else words */
    bool failed;        /* something was read beyond the end */
};

/* What all files begin with. */
struct gc_head {
    uint32_t version; /* "B22*" for 12.2, the first character in the highest byte */
    int major;        /* 0: unknown */
    uint32_t stamp;
};

/* Starts reading a file; takes the magic number, which has to be magic, the version and the stamp,
 * with the checksum behind it. False if this is no such file. If the version is unknown (major is
 * 0) b stands behind the version. */
bool gc_bytes_open(struct gc_bytes *b, const void *data, size_t len, uint32_t magic,
                   struct gc_head *head);
/* The next word; 0 and b->failed behind the end. */
uint32_t gc_word(struct gc_bytes *b);
/* The next string, NULL for an empty one; points into the data, ends with a NUL there. */
const char *gc_string(struct gc_bytes *b);
/* The counter at p: two words, the low one first. */
uint64_t gc_counter(const struct gc_bytes *b, const unsigned char *p);
/* The part of the next record: its tag is taken, its length too, and b goes on behind it. False at
 * the end: a tag of 0, or no more bytes (then *torn tells whether some were missing). A length
 * below 0 (counters that are all 0) has no bytes: *zeros is how many it stands for. */
bool gc_record(struct gc_bytes *b, uint32_t *tag, struct gc_bytes *part, size_t *zeros, bool *ended);

#endif
