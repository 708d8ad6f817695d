#include "run/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

static const unsigned char magic[4] = {'R', 'L', 'J', '1'};

enum {
    HEAD_SIZE = 68,                     /* all that stands before the fields */
    LEAST_SIZE = HEAD_SIZE + 4,         /* and the end */
    GREATEST_SIZE = 1024 * 1024 * 1024, /* a longer record is a damaged length */
    FIELD_HEAD = 8
};

int journal_open(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        error_errno(err, EXIT_INTERNAL, "%s: cannot be opened", path);
    return fd;
}

void journal_add_field(struct buf *fields, enum record_field tag, const void *data, size_t len)
{
    buf_add_u32(fields, (uint32_t)tag);
    buf_add_u32(fields, (uint32_t)len);
    buf_add(fields, data, len);
}

static void encode(struct buf *b, const struct record *r, uint32_t size)
{
    buf_reserve(b, size);
    buf_add(b, magic, sizeof magic);
    buf_add_u32(b, size);
    buf_add_u32(b, r->test);
    buf_addc(b, (char)r->kind);
    buf_addc(b, (char)r->outcome);
    buf_addc(b, (char)(r->slot & 0xff));
    buf_addc(b, (char)(r->slot >> 8));
    buf_add_u32(b, r->attempt);
    buf_add_u32(b, (uint32_t)r->status);
    buf_add_u64(b, (uint64_t)r->start_ns);
    buf_add_u64(b, r->wall_ns);
    buf_add_u64(b, r->user_ns);
    buf_add_u64(b, r->sys_ns);
    buf_add_u64(b, r->peak_bytes);
    buf_add_u32(b, r->n_fields);
    if (r->fields_len)
        buf_add(b, r->fields, r->fields_len);
    buf_add_u32(b, size);
}

bool journal_write(int fd, const struct record *r, struct error *err)
{
    if (r->fields_len > GREATEST_SIZE - LEAST_SIZE)
        return error_set(err, EXIT_INTERNAL, "journal: a record of %zu bytes is too long",
                         r->fields_len);
    struct buf b = BUF_INIT;
    encode(&b, r, (uint32_t)(LEAST_SIZE + r->fields_len));
    ssize_t n;
    do
        n = write(fd, b.data, b.len);
    while (n < 0 && errno == EINTR);
    bool ok = n == (ssize_t)b.len;
    /* What was cut short stays as a torn record: a second write could land behind another
     * process's record. */
    if (n >= 0 && !ok)
        errno = ENOSPC;
    buf_release(&b);
    return ok || error_errno(err, EXIT_INTERNAL, "journal: cannot be written");
}

void journal_fields(struct field_iter *it, const struct record *r)
{
    it->p = r->fields;
    it->end = r->fields_len ? r->fields + r->fields_len : r->fields;
    it->left = r->n_fields;
}

bool journal_next_field(struct field_iter *it, uint32_t *tag, const unsigned char **data,
                        size_t *len)
{
    if (!it->left || it->end - it->p < FIELD_HEAD)
        return false;
    size_t n = get_u32(it->p + 4);
    if (n > (size_t)(it->end - it->p) - FIELD_HEAD)
        return false;
    *tag = get_u32(it->p);
    *data = it->p + FIELD_HEAD;
    *len = n;
    it->p += FIELD_HEAD + n;
    it->left--;
    return true;
}

bool journal_has_field(const struct record *r, enum record_field tag)
{
    struct field_iter it;
    uint32_t found;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, r);
    while (journal_next_field(&it, &found, &data, &len))
        if (found == (uint32_t)tag)
            return true;
    return false;
}

bool journal_fields_valid(const unsigned char *fields, size_t len, uint32_t n_fields)
{
    struct field_iter it = {fields, len ? fields + len : fields, n_fields};
    uint32_t tag;
    const unsigned char *data;
    size_t n;
    while (journal_next_field(&it, &tag, &data, &n))
        ;
    return it.left == 0 && it.p == it.end;
}

enum verdict { WHOLE, PARTIAL, DAMAGED };

/* Judges what stands at data, len bytes being there. PARTIAL: more bytes might complete it. */
static enum verdict decode(const unsigned char *data, size_t len, struct record *r, size_t *size)
{
    size_t known = len < sizeof magic ? len : sizeof magic;
    if (memcmp(data, magic, known) != 0)
        return DAMAGED;
    if (len < 8)
        return PARTIAL;
    *size = get_u32(data + 4);
    if (*size < LEAST_SIZE || *size > GREATEST_SIZE)
        return DAMAGED;
    if (*size > len)
        return PARTIAL;
    if (get_u32(data + *size - 4) != *size || data[12] < RECORD_RESULT || data[12] > RECORD_VOID ||
        data[13] >= OUTCOME_COUNT)
        return DAMAGED;
    r->test = get_u32(data + 8);
    r->kind = (enum record_kind)data[12];
    r->outcome = (enum outcome)data[13];
    r->slot = (uint16_t)(data[14] | data[15] << 8);
    r->attempt = get_u32(data + 16);
    r->status = (int32_t)get_u32(data + 20);
    r->start_ns = (int64_t)get_u64(data + 24);
    r->wall_ns = get_u64(data + 32);
    r->user_ns = get_u64(data + 40);
    r->sys_ns = get_u64(data + 48);
    r->peak_bytes = get_u64(data + 56);
    r->n_fields = get_u32(data + 64);
    r->fields = data + HEAD_SIZE;
    r->fields_len = *size - LEAST_SIZE;
    return journal_fields_valid(r->fields, r->fields_len, r->n_fields) ? WHOLE : DAMAGED;
}

/* The place of the next whole record behind pos, or len if there is none. */
static size_t resync(const unsigned char *data, size_t len, size_t pos, struct record *r,
                     size_t *size)
{
    for (size_t at = pos + 1; at < len; at++) {
        const unsigned char *p = memchr(data + at, magic[0], len - at);
        if (!p)
            break;
        at = (size_t)(p - data);
        if (decode(p, len - at, r, size) == WHOLE)
            return at;
    }
    return len;
}

bool journal_parse(const unsigned char *data, size_t len, size_t *pos, struct record *r,
                   bool at_end, size_t *torn)
{
    if (*pos >= len)
        return false;
    size_t size = 0;
    enum verdict v = decode(data + *pos, len - *pos, r, &size);
    if (v == PARTIAL && !at_end)
        return false;
    if (v != WHOLE) {
        size_t at = resync(data, len, *pos, r, &size);
        if (at == len && !at_end)
            return false;
        ++*torn;
        *pos = at;
        if (at == len)
            return false;
    }
    *pos += size;
    return true;
}
