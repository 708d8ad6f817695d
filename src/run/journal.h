/* The journal: an append-only file of records, each written by one write(2) on an O_APPEND
 * descriptor, so that it is readable after kill -9 of everything.
 *
 * A record, little-endian, no padding:
 *
 *     u32 magic "RLJ1"    u32 length of the whole record in bytes, this head and the end included
 *     u32 test            index in the plan; UINT32_MAX for a record of the run itself
 *     u8  kind            enum record_kind
 *     u8  outcome         enum outcome
 *     u16 slot            worker slot; 0xffff for none ("master")
 *     u32 attempt         1, 2, …
 *     i32 status          wait status of its process; 0 if it had none of its own
 *     i64 start_ns        CLOCK_REALTIME
 *     u64 wall_ns, user_ns, sys_ns
 *     u64 peak_bytes      peak resident memory
 *     u32 n_fields        then that many fields: u32 tag (enum record_field), u32 length, bytes
 *     u32 end             the length again: a record without it was torn
 *
 * A reader that meets a torn record looks for the next magic whose length is confirmed by its
 * end; nothing else is lost. */
#ifndef RUN_JOURNAL_H
#define RUN_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "run/state.h"

enum record_kind {
    RECORD_RESULT = 1, /* the verdict of a test */
    RECORD_AMEND = 2,  /* what came to light after a test's record: a teardown of a wider fixture
                          failed; its outcome and fields are merged into the test's result */
    RECORD_NOTE = 3,  /* a message of the run itself (FIELD_MESSAGE): a worker that died */
    RECORD_COLLECT = 4, /* a file that could not be collected, or, if the outcome is OUTCOME_SKIPPED, skips
                           itself: FIELD_TITLE is its name; of a skip, FIELD_DETAIL is "file:line" */
    RECORD_ATTEMPT = 5, /* a test failed and is to run again: all that a RESULT would have */
    RECORD_VOID = 6     /* the test's result is none, as another test may have forged it: it runs
                           again */
};

enum record_field {
    FIELD_MESSAGE = 1, /* one line: why it did not pass */
    FIELD_DETAIL = 2,  /* the whole failure text (pytest's longrepr, TAP's diagnostics) */
    FIELD_STDOUT = 3,  /* what it printed; cut in the middle where it was too long */
    FIELD_STDERR = 4,
    FIELD_LOG = 5,      /* captured log records */
    FIELD_POINT = 6,    /* one TAP point: u8 outcome, then its description; repeated */
    FIELD_LEFTOVER = 7, /* a process that the test left running: "pid name"; repeated */
    FIELD_PROPERTY = 8, /* "name\0value": user_properties; repeated */
    FIELD_LOCATION = 9, /* "file:line" of the failure, if known */
    FIELD_CALL = 10,    /* u8 outcome of the call phase, when teardown made it an error */
    FIELD_DOING = 11,   /* what a test was at when its own process died; for rowlock-exec */
    FIELD_TITLE = 12,   /* heading of the DETAIL, STDOUT, STDERR or LOG field that follows it;
                           what failed in a teardown: FIELD_TITLE_TEARDOWN, then its message */
    FIELD_CUT = 14, /* it ended only because the run's time was over; a resumed run begins it anew */
    FIELD_PLACE = 13    /* a file that the summary folds equal skips by; without it, LOCATION */
};

#define FIELD_TITLE_TEARDOWN "teardown: "

struct record {
    uint32_t test;
    enum record_kind kind;
    enum outcome outcome;
    uint16_t slot;
    uint32_t attempt;
    int32_t status;
    int64_t start_ns;
    uint64_t wall_ns, user_ns, sys_ns, peak_bytes;
    uint32_t n_fields;
    const unsigned char *fields; /* n_fields of them, in the form above; borrowed */
    size_t fields_len;
};

#define JOURNAL_NO_SLOT 0xffffu

/* Opens path for appending, creating it. Returns the descriptor (O_CLOEXEC) or -1 and err. */
int journal_open(const char *path, struct error *err);
/* Appends one field to fields (the caller counts n_fields). */
void journal_add_field(struct buf *fields, enum record_field tag, const void *data, size_t len);
/* Writes r with one write(2). False with errno's message (a full disk is EXIT_INTERNAL). */
bool journal_write(int fd, const struct record *r, struct error *err);

/* Walks the fields of a record. */
struct field_iter {
    const unsigned char *p, *end;
    uint32_t left;
};
void journal_fields(struct field_iter *it, const struct record *r);
/* Next field; false at the end or where the bytes do not add up. *data is borrowed. */
bool journal_next_field(struct field_iter *it, uint32_t *tag, const unsigned char **data,
                        size_t *len);
/* True if the record has a field of that tag. */
bool journal_has_field(const struct record *r, enum record_field tag);
/* True if the bytes are exactly n_fields fields. */
bool journal_fields_valid(const unsigned char *fields, size_t len, uint32_t n_fields);

/* Reads records from bytes at *pos of a mapped or growing journal. Returns true and moves *pos
 * past the record; false when no whole record is there (yet). *torn is raised by the number
 * of damaged places that were passed over; at_end tells that no more bytes will come. */
bool journal_parse(const unsigned char *data, size_t len, size_t *pos, struct record *r,
                   bool at_end, size_t *torn);

#endif
