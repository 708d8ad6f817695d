#include "report/placescan.h"

#include <string.h>
#include <strings.h>

enum { MOST_BYTES = 512 * 1024, MOST_NAME = 4096, MOST_LINE = 16 * 1024 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What cannot be part of a file's name here. */
static bool is_end(char c)
{
    return (unsigned char)c <= ' ' || strchr("\"'`()<>[]{},;|=", c) != NULL;
}

static bool has_word(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if (strncasecmp(line + i, word, n) == 0)
            return true;
    return false;
}

static bool is_strong(const char *line, size_t len)
{
    static const char *const words[] = {"error", "fail", "assert", "panic", "exception", "not ok"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(line, len, words[i]))
            return true;
    return false;
}

/* The length of the name that ends before end; 0 if there is none. */
static size_t name_before(const char *line, const char *end)
{
    const char *p = end;
    while (p > line && end - p < MOST_NAME && !is_end(p[-1]) && p[-1] != ':')
        p--;
    size_t len = (size_t)(end - p), digits = 0;
    while (digits < len && is_digit(p[digits])) /* a time, a column */
        digits++;
    return digits < len ? len : 0;
}

/* The end of the name before "line 12": NAME line 12, NAME: line 12, "NAME", line 12. */
static const char *before_word(const char *line, const char *digits)
{
    static const char word[] = "line ";
    size_t n = sizeof word - 1;
    if ((size_t)(digits - line) <= n || memcmp(digits - n, word, n) != 0)
        return NULL;
    const char *p = digits - n;
    while (p > line && strchr(" ,:\"'", p[-1]))
        p--;
    return p;
}

/* Whether what follows the digits may follow a line number. */
static bool fits(const char *digits, const char *after, const char *end)
{
    if (digits[-1] == '(')
        return after < end && *after == ')';
    return after == end || strchr(": ),.]\"'\t\r", *after) != NULL;
}

/* Finds the next place in the line from *at on, and moves *at behind it. */
static bool next_place(const char *line, size_t len, size_t *at, struct placescan_hit *hit)
{
    const char *end = line + len;
    for (const char *p = line + *at; p < end; p++) {
        if (!is_digit(*p) || p == line || is_digit(p[-1]))
            continue;
        const char *digits = p, *name_end;
        uint64_t n = 0;
        for (; p < end && is_digit(*p); p++)
            n = n < UINT32_MAX ? n * 10 + (uint64_t)(*p - '0') : n;
        *at = (size_t)(p - line);
        bool colon = digits[-1] == ':' || digits[-1] == '(';
        name_end = colon ? digits - 1 : before_word(line, digits);
        if (!name_end || n == 0 || n > INT32_MAX || !fits(digits, p, end))
            continue;
        size_t name = name_before(line, name_end);
        if (name == 0)
            continue;
        *hit = (struct placescan_hit){.name = name_end - name, .len = name, .line = (uint32_t)n};
        return true;
    }
    return false;
}

void placescan(const char *text, size_t len, bool last,
               bool (*take)(void *arg, const struct placescan_hit *hit), void *arg)
{
    const char *end = text + (len < MOST_BYTES ? len : MOST_BYTES);
    while (text && text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = newline ? (size_t)(newline - text) : (size_t)(end - text), at = 0;
        size_t seen = n < MOST_LINE ? n : MOST_LINE;
        struct placescan_hit hit;
        bool any = false, strong = false;
        while (next_place(text, seen, &at, &hit)) {
            if (!any && !last)
                strong = is_strong(text, seen);
            any = true;
            hit.strong = strong;
            hit.traceback = last || (hit.name - text >= 6 && memcmp(hit.name - 6, "File \"", 6) == 0);
            if (!take(arg, &hit))
                return;
        }
        text += n + 1;
    }
}
