#include "run/console.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

enum { ID_MAX = 1000, MESSAGE_MAX = 1000, TEXT_MAX = 16 * 1024 };

static void add_id(struct buf *b, const char *id)
{
    text_escape(b, id, strlen(id), ID_MAX);
}

/* The last bytes of a text, line by line, indented. The end is where a failure tells why. */
static void add_text(struct buf *b, const char *title, const unsigned char *data, size_t len)
{
    const char *p = (const char *)data, *end = p + len;
    while (end > p && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    if (end == p)
        return;
    buf_addf(b, "  %s:\n", title);
    if (end - p > TEXT_MAX) {
        buf_addf(b, "    [... %zu bytes left out ...]\n", (size_t)(end - p) - TEXT_MAX);
        p = end - TEXT_MAX;
    }
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl ? nl : end;
        buf_adds(b, "    ");
        text_escape(b, p, (size_t)(stop - p), TEXT_MAX);
        buf_addc(b, '\n');
        p = nl ? nl + 1 : end;
    }
}

static void add_failure(struct buf *b, const struct record *r)
{
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t len;
    journal_fields(&it, r);
    while (journal_next_field(&it, &tag, &data, &len)) {
        if (tag == FIELD_MESSAGE) {
            buf_adds(b, "  ");
            text_escape(b, (const char *)data, len, MESSAGE_MAX);
            buf_addc(b, '\n');
        } else if (tag == FIELD_DETAIL) {
            add_text(b, "detail", data, len);
        } else if (tag == FIELD_STDOUT) {
            add_text(b, "standard output", data, len);
        } else if (tag == FIELD_STDERR) {
            add_text(b, "standard error", data, len);
        } else if (tag == FIELD_LOG) {
            add_text(b, "log", data, len);
        } else if (tag == FIELD_LEFTOVER) {
            buf_adds(b, "  left running: ");
            text_escape(b, (const char *)data, len, MESSAGE_MAX);
            buf_addc(b, '\n');
        }
    }
}

void console_result(const char *id, const char *worker, const struct record *r)
{
    struct buf b = BUF_INIT;
    if (r->kind == RECORD_ATTEMPT)
        buf_adds(&b, "RERUN");
    else
        for (const char *s = outcome_name(r->outcome); *s; s++)
            buf_addc(&b, (char)toupper((unsigned char)*s));
    buf_addc(&b, ' ');
    add_id(&b, id);
    buf_addf(&b, " (%s, %.2f s)\n", worker, (double)r->wall_ns / 1e9);
    if (outcome_is_failure(r->outcome))
        add_failure(&b, r);
    /* A reader that went away is no reason to stop testing. */
    file_write_all(STDOUT_FILENO, b.data, b.len);
    buf_release(&b);
}

void console_error(const char *message)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "rowlock-exec: %s\n", message);
    file_write_all(STDERR_FILENO, b.data, b.len);
    buf_release(&b);
}
