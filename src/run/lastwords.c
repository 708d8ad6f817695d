#include "run/lastwords.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum { MOST_BYTES = 1024 * 1024 + 1024 }; /* what the zygote writes of a long output */

/* What ended a worker whose time was over is our SIGABRT, and no error of Python's. */
static void name_timeout(struct buf *text)
{
    static const char abort[] = "Fatal Python error: Aborted\n", timeout[] = "Timeout\n";
    const char *at = text->len ? memmem(text->data, text->len, abort, sizeof abort - 1) : NULL;
    if (!at)
        return;
    struct buf named = BUF_INIT;
    size_t before = (size_t)(at - text->data), after = before + sizeof abort - 1;
    buf_add(&named, text->data, before);
    buf_adds(&named, timeout);
    buf_add(&named, text->data + after, text->len - after);
    buf_release(text);
    *text = named;
}

static void add_file(const char *path, enum record_field tag, struct record *r, struct buf *fields)
{
    /* A test may have put anything there. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct buf text = BUF_INIT;
    ssize_t n = 1;
    while (fd >= 0 && text.len < MOST_BYTES && (n = read(fd, buf_reserve(&text, 4096), 4096)) > 0)
        text.len += (size_t)n;
    if (tag == FIELD_DETAIL && r->outcome == OUTCOME_TIMEOUT)
        name_timeout(&text);
    if (text.len) {
        journal_add_field(fields, tag, text.data, text.len);
        r->n_fields++;
    }
    if (fd >= 0)
        close(fd);
    buf_release(&text);
}

void lastwords_add(const char *temp_dir, uint32_t slot, struct record *r, struct buf *fields)
{
    static const struct {
        const char *kind;
        enum record_field tag;
    } files[] = {{"crash", FIELD_DETAIL}, {"out", FIELD_STDOUT}, {"err", FIELD_STDERR}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = xasprintf("%s/gw%" PRIu32 ".%s", temp_dir, slot, files[i].kind);
        add_file(path, files[i].tag, r, fields);
        if (files[i].tag != FIELD_DETAIL)
            unlink(path);
        free(path);
    }
}
