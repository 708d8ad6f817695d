#include "manifest/cmakeregex.h"

#include <regex.h>
#include <string.h>

enum { BYTES = 256 };

/* Reads the set behind "[" (and "^"); returns what stands behind its "]", or NULL and *why. */
static const char *read_set(const char *s, bool set[BYTES], const char **why)
{
    memset(set, 0, BYTES * sizeof *set);
    unsigned char last = 0;
    if (*s == ']' || *s == '-')
        set[last = (unsigned char)*s++] = true;
    for (; *s && *s != ']'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '-' && s[1] && s[1] != ']') {
            unsigned char end = (unsigned char)*++s;
            if (last > end + 1) {
                *why = "a range in [] ends before it starts";
                return NULL;
            }
            for (unsigned k = last; k <= end; k++)
                set[k] = k != 0;
            c = end;
        } else {
            set[c] = true;
        }
        last = c;
    }
    *why = "its [ has no ]";
    return *s ? s + 1 : NULL;
}

/* "]" in front, "[", "^" and "-" at the end, so that none of them means anything. */
static void write_set(struct buf *b, const bool set[BYTES], bool negated)
{
    size_t start = b->len;
    buf_adds(b, negated ? "[^" : "[");
    size_t empty = b->len;
    if (set[']'])
        buf_addc(b, ']');
    for (unsigned c = 1; c < BYTES; c++)
        if (set[c] && !strchr("][^-", (int)c))
            buf_addc(b, (char)c);
    if (set['['])
        buf_addc(b, '[');
    if (set['^'] && b->len == empty && !negated && !set['-']) {
        b->len = start;
        buf_adds(b, "\\^");
        return;
    }
    if (set['^'] && b->len == empty && !negated) {
        buf_adds(b, "-^]");
        return;
    }
    if (set['^'])
        buf_addc(b, '^');
    if (set['-'])
        buf_addc(b, '-');
    buf_addc(b, ']');
}

static void write_literal(struct buf *b, char c)
{
    if (strchr(".[]\\()*+?{}|^$", c))
        buf_addc(b, '\\');
    buf_addc(b, c);
}

enum before { NOTHING, ATOM, REPEATED };

/* One element of the expression at s; returns what stands behind it, or NULL and *why. */
static const char *translate_one(const char *s, struct buf *b, enum before *before,
                                 const char **why)
{
    bool set[BYTES];
    enum before was = *before;
    *before = ATOM;
    switch (*s) {
    case '*':
    case '+':
    case '?':
        *why = was == NOTHING ? "there is nothing in front of its *, + or ?"
                              : "its *, + or ? follows another one";
        buf_addc(b, *s);
        *before = REPEATED;
        return was == ATOM ? s + 1 : NULL;
    case '[':
        s++;
        bool negated = *s == '^';
        s = read_set(s + negated, set, why);
        if (s)
            write_set(b, set, negated);
        return s;
    case '\\':
        *why = "it ends in a backslash";
        if (s[1])
            write_literal(b, s[1]);
        return s[1] ? s + 2 : NULL;
    case '(':
    case '|':
    case '^':
        *before = NOTHING;
        buf_addc(b, *s);
        return s + 1;
    case ')':
    case '.':
    case '$':
        buf_addc(b, *s);
        return s + 1;
    default:
        write_literal(b, *s);
        return s + 1;
    }
}

bool cmakeregex_translate(const char *expression, struct buf *ere, const char **why)
{
    regex_t compiled;
    enum before before = NOTHING;
    size_t start = ere->len;
    for (const char *s = expression; s && *s;) {
        s = translate_one(s, ere, &before, why);
        if (!s)
            return false;
    }
    *why = "it is no valid expression";
    if (ere->len == start || regcomp(&compiled, ere->data + start, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    regfree(&compiled);
    return true;
}
