#include "coverage/htmltext.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* ---- Characters -------------------------------------------------------------------------------- */

/* Would it be invisible, or change how others are shown? Unicode's Bidi_Control, the zero-width and
 * line-separating characters, and C1. */
static bool deceives(int32_t cp)
{
    return (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c || cp == 0x180e ||
           (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) ||
           (cp & 0xfffe) == 0xfffe || (cp >= 0xfdd0 && cp <= 0xfdef) ||
           (cp >= 0xe0000 && cp <= 0xe007f);
}

/* Appends the character as it is to be seen, not yet escaped for any format. */
static void show_char(struct buf *b, const char *s, size_t n, int32_t cp, bool bytes)
{
    if (cp < 0 && bytes)
        buf_addf(b, "\\x%02x", (unsigned)(unsigned char)*s);
    else if (cp < 0)
        text_add_char(b, 0xfffd);
    else if (cp < 0x20 && cp != '\t')
        text_add_char(b, 0x2400 + cp);
    else if (deceives(cp))
        buf_addf(b, "[U+%04X]", (unsigned)cp);
    else
        buf_add(b, s, n);
}

/* The bytes that need no second look, in source text nearly all. */
static bool plain(unsigned char c)
{
    return (c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'') ||
           c == '\t';
}

static const char *entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void add_html(struct buf *b, const char *s, size_t len, bool bytes)
{
    for (size_t i = 0; i < len;) {
        size_t run = i;
        while (run < len && plain((unsigned char)s[run]))
            run++;
        buf_add(b, s + i, run - i);
        i = run;
        if (i == len)
            break;
        int32_t cp;
        size_t n = text_char(s + i, len - i, &cp);
        const char *e = cp > 0 && cp < 0x80 ? entity((char)cp) : NULL;
        if (e)
            buf_adds(b, e);
        else
            show_char(b, s + i, n, cp, bytes);
        i += n;
    }
}

void html_text(struct buf *b, const char *s, size_t len)
{
    add_html(b, s, len, false);
}

void html_name(struct buf *b, const char *name)
{
    add_html(b, name, strlen(name), true);
}

/* The name as it is to be seen, not yet escaped. */
static void show_name(struct buf *b, const char *name)
{
    int32_t cp;
    size_t len = strlen(name);
    for (size_t i = 0, n; i < len; i += n) {
        n = text_char(name + i, len - i, &cp);
        show_char(b, name + i, n, cp, true);
    }
}

void html_js_string(struct buf *b, const char *name)
{
    struct buf shown = BUF_INIT;
    show_name(&shown, name);
    buf_addc(b, '"');
    for (size_t i = 0; i < shown.len; i++) {
        char c = shown.data[i];
        if (c == '"' || c == '\\' || c == '\t' || entity(c))
            buf_addf(b, "\\u%04x", (unsigned)c);
        else
            buf_addc(b, c);
    }
    buf_addc(b, '"');
    buf_release(&shown);
}

void html_fragment(struct buf *b, const char *name)
{
    struct buf shown = BUF_INIT;
    show_name(&shown, name);
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.data[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~/", c))
            buf_addc(b, (char)c);
        else
            buf_addf(b, "%%%02X", c);
    }
    buf_release(&shown);
}

void html_number(struct buf *b, uint64_t v)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            buf_addc(b, ',');
        buf_addc(b, digits[i]);
    }
}

/* ---- Templates --------------------------------------------------------------------------------- */

bool html_template_load(struct html_template *t, const char *folder, const char *name,
                        struct error *err)
{
    t->path = path_join(folder, name);
    buf_init(&t->text);
    if (file_read(t->path, &t->text, err))
        return true;
    err->code = EXIT_INTERNAL;
    return error_advise(err, "run 'make' or 'make install' again");
}

void html_template_release(struct html_template *t)
{
    free(t->path);
    buf_release(&t->text);
    t->path = NULL;
}

/* The length of the place at s, with both "@"; 0 if there is none. */
static size_t place_length(const char *s)
{
    size_t n = strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    return n && s[n + 1] == '@' ? n + 2 : 0;
}

static const struct html_place *find_place(const struct html_place *places, const char *name,
                                           size_t len)
{
    for (; places->name; places++)
        if (strlen(places->name) == len && memcmp(places->name, name, len) == 0)
            return places;
    return NULL;
}

bool html_template_fill(struct buf *b, const struct html_template *t,
                        const struct html_place *places, struct error *err)
{
    const char *s = buf_cstr(&t->text);
    for (;;) {
        size_t n = strcspn(s, "@");
        buf_add(b, s, n);
        s += n;
        if (!*s)
            return true;
        n = place_length(s);
        if (!n) {
            buf_addc(b, *s++);
            continue;
        }
        const struct html_place *p = find_place(places, s + 1, n - 2);
        if (!p)
            return error_set(err, EXIT_INTERNAL,
                             "%s: the place %.*s is unknown; run 'make install' again", t->path,
                             (int)n, s);
        buf_add(b, buf_cstr(p->value), p->value->len);
        s += n;
    }
}
