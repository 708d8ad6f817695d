#include "base/text.h"

#include <string.h>

#include "base/xalloc.h"

enum { NEAREST_LONGEST = 128, QUOTE_LONGEST = 60 };

/* The code point of n bytes of UTF-8, or -1: continuation bytes, shortest form and range. */
static int32_t decode(const unsigned char *s, size_t n, size_t len)
{
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (n > len)
        return -1;
    int32_t cp = s[0] & (0xff >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return -1;
        cp = cp << 6 | (s[i] & 0x3f);
    }
    if (cp < smallest[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return -1;
    return cp;
}

size_t text_char(const char *s, size_t len, int32_t *cp)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) {
        *cp = u[0];
        return 1;
    }
    size_t n = u[0] < 0xc0 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf8 ? 4 : 0;
    *cp = n ? decode(u, n, len) : -1;
    return *cp < 0 ? 1 : n;
}

void text_add_char(struct buf *b, int32_t cp)
{
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    buf_addc(b, (char)(lead[more] | cp >> (6 * more)));
    while (more-- > 0)
        buf_addc(b, (char)(0x80 | (cp >> (6 * more) & 0x3f)));
}

size_t text_count(const char *s, size_t len)
{
    size_t count = 0;
    int32_t cp;
    for (size_t i = 0; i < len; count++)
        i += text_char(s + i, len - i, &cp);
    return count;
}

void text_escape(struct buf *b, const char *s, size_t len, size_t max)
{
    static const char named[] = "abtnvfr"; /* from 7 on */
    int32_t cp; /* -1, an invalid byte, is below every control character */
    buf_reserve(b, 0);
    for (size_t i = 0; i < len;) {
        if (max-- == 0) {
            buf_adds(b, "...");
            return;
        }
        size_t n = text_char(s + i, len - i, &cp);
        if (cp >= 7 && cp <= 13)
            buf_addf(b, "\\%c", named[cp - 7]);
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
            buf_addf(b, "\\x%02x", cp < 0 ? (unsigned)(unsigned char)s[i] : (unsigned)cp);
        else
            buf_add(b, s + i, n);
        i += n;
    }
}

char *text_quote(const char *s)
{
    struct buf b = BUF_INIT;
    buf_addc(&b, '\'');
    text_escape(&b, s, strlen(s), QUOTE_LONGEST);
    buf_addc(&b, '\'');
    return buf_detach(&b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment on bytes; both are at most NEAREST_LONGEST long. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NEAREST_LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[nb];
}

void nearest_init(struct nearest *n, const char *word)
{
    n->word = word;
    n->best = NULL;
    n->distance = least((strlen(word) + 1) / 2, 4);
}

void nearest_try(struct nearest *n, const char *candidate)
{
    size_t na = strlen(n->word), nb = strlen(candidate);
    if (na > NEAREST_LONGEST || nb > NEAREST_LONGEST)
        return;
    if ((na > nb ? na - nb : nb - na) >= n->distance)
        return;
    size_t d = edit_distance(n->word, na, candidate, nb);
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}

char *nearest_question(const struct nearest *n)
{
    if (!n->best)
        return xstrdup("");
    return xasprintf("did you mean %.*s? ", (int)strcspn(n->best, " "), n->best);
}

char *nearest_in_table(const char *word, const char *const *first, size_t n, size_t row)
{
    struct nearest near;
    nearest_init(&near, word);
    for (size_t i = 0; i < n; i++)
        nearest_try(&near, *(const char *const *)((const char *)first + i * row));
    return nearest_question(&near);
}
