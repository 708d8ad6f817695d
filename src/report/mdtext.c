#include "report/mdtext.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "report/report.h"
#include "report/show.h"

/* Every ASCII character but letters, digits, space, '/', ',' and '-' as a reference, which to
 * Markdown is a character and never markup. */
static void add_references(struct buf *b, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || isalnum(c) || strchr(" /,-", c))
            buf_addc(b, (char)c);
        else
            buf_addf(b, "&#%u;", c);
    }
}

/* text on one line, at most max characters of it. */
static void plain_line(struct buf *b, const char *text, size_t len, size_t max)
{
    size_t used = 0, n = 0;
    while (used < len && n < max) {
        int32_t cp;
        used += text_char(text + used, len - used, &cp);
        n++;
    }
    show_text(b, text, used, false, COLORS_STRIP);
    if (used < len)
        buf_adds(b, "…");
}

/* Whether text can stand between backticks, in a table too. */
static bool is_span(const char *text, size_t len)
{
    return len && text[0] != ' ' && text[len - 1] != ' ' && !memchr(text, '`', len) &&
           !memchr(text, '|', len);
}

void md_code(struct buf *b, const char *text, size_t len, size_t max)
{
    struct buf line = BUF_INIT;
    plain_line(&line, text, len, max);
    if (is_span(buf_cstr(&line), line.len)) {
        buf_addf(b, "`%s`", line.data);
    } else {
        buf_adds(b, "<code>");
        add_references(b, buf_cstr(&line), line.len);
        buf_adds(b, "</code>");
    }
    buf_release(&line);
}

void md_html_code(struct buf *b, const char *text, size_t len, size_t max)
{
    struct buf line = BUF_INIT;
    plain_line(&line, text, len, max);
    buf_adds(b, "<code>");
    add_references(b, buf_cstr(&line), line.len);
    buf_adds(b, "</code>");
    buf_release(&line);
}

void md_text(struct buf *b, const char *text, size_t len)
{
    struct buf line = BUF_INIT;
    plain_line(&line, text, len, SIZE_MAX);
    add_references(b, buf_cstr(&line), line.len);
    buf_release(&line);
}

/* Where the last lines of text begin that are no more than asked for. */
static size_t tail_start(const char *text, size_t len, size_t lines, size_t bytes)
{
    size_t at = len, n = 0;
    while (at > 0 && len - at < bytes) {
        if (text[at - 1] == '\n' && at < len && ++n == lines)
            return at;
        at--;
    }
    if (at == 0)
        return 0;
    const char *newline = memchr(text + at, '\n', len - at); /* a whole line, if there is one */
    if (newline && newline + 1 < text + len)
        return (size_t)(newline + 1 - text);
    while (at < len && ((unsigned char)text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static size_t longest_run(const char *text, size_t len, char c)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < len; i++) {
        n = text[i] == c ? n + 1 : 0;
        most = n > most ? n : most;
    }
    return most;
}

void md_block(struct buf *b, const char *text, size_t len, size_t lines, size_t bytes)
{
    struct buf plain = BUF_INIT;
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    size_t start = len ? tail_start(text, len, lines, bytes) : 0, before = 0;
    report_output(&plain, text + start, len - start, false);
    if (!plain.len) {
        buf_release(&plain);
        return;
    }
    for (size_t i = 0; i < start; i++)
        before += text[i] == '\n';
    size_t fence = longest_run(plain.data, plain.len, '`') + 1;
    fence = fence < 3 ? 3 : fence;
    if (before)
        buf_addf(b, "*%zu line%s before:*\n\n", before, before == 1 ? "" : "s");
    else if (start)
        buf_addf(b, "*%zu bytes before:*\n\n", start);
    for (size_t i = 0; i < fence; i++)
        buf_addc(b, '`');
    buf_adds(b, "text\n");
    buf_add(b, plain.data, plain.len);
    buf_addc(b, '\n');
    for (size_t i = 0; i < fence; i++)
        buf_addc(b, '`');
    buf_adds(b, "\n\n");
    buf_release(&plain);
}
