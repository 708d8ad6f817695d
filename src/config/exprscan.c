#include "config/exprscan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"

/* Bytes of the text that a message shows before and behind the place. */
enum { SHOWN_BEFORE = 48, SHOWN_BEHIND = 24 };

const char *token_name(enum token_type t)
{
    static const char *const names[] = {"left parenthesis",
                                        "right parenthesis",
                                        "or",
                                        "and",
                                        "not",
                                        "identifier",
                                        "end of input",
                                        "=",
                                        "string literal",
                                        ","};
    return names[t];
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

bool exprscan_fail(const struct exprscan *s, size_t at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *what = xvasprintf(fmt, ap);
    va_end(ap);

    size_t from = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0;
    size_t to = s->len - at > SHOWN_BEHIND ? at + SHOWN_BEHIND : s->len;
    while (from > 0 && is_continuation(s->text[from]))
        from--;
    while (to < s->len && is_continuation(s->text[to]))
        to++;
    struct buf shown = BUF_INIT;
    buf_adds(&shown, from > 0 ? "..." : "");
    text_escape(&shown, s->text + from, at - from, SIZE_MAX);
    size_t caret = text_count(buf_cstr(&shown), shown.len);
    text_escape(&shown, s->text + at, to - at, SIZE_MAX);
    buf_adds(&shown, to < s->len ? "..." : "");
    error_set(s->err, EXIT_USAGE, "%s: at column %zu: %s\n    %s\n    %*s^", s->option,
              text_count(s->text, at) + 1, what, shown.data, (int)caret, "");
    buf_release(&shown);
    free(what);
    return false;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80 || (c && strchr("_:+-.[]\\/", c));
}

static bool scan_string(struct exprscan *s)
{
    const char *start = s->text + s->at;
    const char *end = strchr(start + 1, *start);
    if (!end)
        return exprscan_fail(s, s->at, "closing quote \"%c\" is missing", *start);
    const char *backslash = memchr(start, '\\', (size_t)(end - start));
    if (backslash)
        return exprscan_fail(s, (size_t)(backslash - s->text),
                             "escaping with \"\\\" not supported in marker expression");
    s->current = (struct token){TOKEN_STRING, s->at, (size_t)(end - start) + 1};
    s->at += s->current.len;
    return true;
}

static bool scan_word(struct exprscan *s)
{
    const char *start = s->text + s->at;
    size_t len = 0;
    while (is_word(start[len]))
        len++;
    if (!len) {
        struct buf c = BUF_INIT;
        text_escape(&c, start, 1, 1);
        exprscan_fail(s, s->at, "unexpected character \"%s\"", c.data);
        buf_release(&c);
        return false;
    }
    enum token_type type = TOKEN_IDENT;
    if (len == 2 && memcmp(start, "or", 2) == 0)
        type = TOKEN_OR;
    else if (len == 3 && memcmp(start, "and", 3) == 0)
        type = TOKEN_AND;
    else if (len == 3 && memcmp(start, "not", 3) == 0)
        type = TOKEN_NOT;
    s->current = (struct token){type, s->at, len};
    s->at += len;
    return true;
}

bool exprscan_next(struct exprscan *s)
{
    s->at += strspn(s->text + s->at, " \t");
    char c = s->text[s->at];
    static const char single[] = "()=,";
    static const enum token_type types[] = {TOKEN_LPAREN, TOKEN_RPAREN, TOKEN_EQUAL, TOKEN_COMMA};
    if (!c) {
        s->current = (struct token){TOKEN_END, s->at, 0};
        return true;
    }
    const char *known = strchr(single, c);
    if (known) {
        s->current = (struct token){types[known - single], s->at++, 1};
        return true;
    }
    return c == '\'' || c == '"' ? scan_string(s) : scan_word(s);
}

bool exprscan_start(struct exprscan *s, const char *option, const char *text, struct error *err)
{
    *s = (struct exprscan){.option = option, .text = text, .len = strlen(text), .err = err};
    return exprscan_next(s);
}

bool exprscan_take(struct exprscan *s, enum token_type type, struct token *t)
{
    if (s->current.type != type)
        return exprscan_fail(s, s->current.at, "expected %s; got %s", token_name(type),
                             token_name(s->current.type));
    *t = s->current;
    return exprscan_next(s);
}
