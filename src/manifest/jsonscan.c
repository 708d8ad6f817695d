#include "manifest/jsonscan.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/xalloc.h"

struct scan {
    struct json *j;
    const char *text;
    size_t at, len;
    unsigned depth;
    bool nul_ok;
    struct json_fault *fault;
};

static bool scan_value(struct scan *s, size_t key);

static bool fail(struct scan *s, size_t off, const char *what)
{
    s->fault->off = off;
    s->fault->what = what;
    return false;
}

static void add_line(struct json *j, size_t off)
{
    if (j->n_lines == j->cap_lines) {
        j->cap_lines = j->cap_lines ? j->cap_lines * 2 : 64;
        j->lines = xreallocarray(j->lines, j->cap_lines, sizeof *j->lines);
    }
    j->lines[j->n_lines++] = off;
}

static void add_place(struct json *j, size_t key, size_t value)
{
    if (j->n_places == j->cap_places) {
        j->cap_places = j->cap_places ? j->cap_places * 2 : 64;
        j->places = xreallocarray(j->places, j->cap_places, sizeof *j->places);
    }
    j->places[j->n_places++] = (struct json_place){key, value};
}

/* The next byte, or -1 at the end. */
static int peek(const struct scan *s)
{
    return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

static void skip_space(struct scan *s)
{
    for (;; s->at++) {
        int c = peek(s);
        if (c == '\n')
            add_line(s->j, s->at + 1);
        else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

/* The four digits at off, or -1. */
static long hex4(const struct scan *s, size_t off)
{
    long v = 0;
    for (size_t i = off; i < off + 4; i++) {
        int c = i < s->len ? (unsigned char)s->text[i] : 0;
        const char *digits = "0123456789abcdef", *d = c ? strchr(digits, c | 0x20) : NULL;
        if (!d || (c < '0' || (c > '9' && c < 'A')))
            return -1;
        v = v * 16 + (d - digits);
    }
    return v;
}

/* At the u of an escape that began one byte before. */
static bool scan_unicode(struct scan *s)
{
    size_t start = s->at - 1;
    long v = hex4(s, s->at + 1);
    if (v < 0)
        return fail(s, start, "\\u takes four hexadecimal digits; write them");
    if (v == 0 && !s->nul_ok)
        return fail(s, start, "a string cannot hold a NUL; remove the \\u0000");
    s->at += 5;
    if (v < 0xd800 || v > 0xdfff)
        return true;
    long low = -1;
    if (v < 0xdc00 && s->len - s->at > 2 && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u')
        low = hex4(s, s->at + 2);
    if (low < 0xdc00 || low > 0xdfff)
        return fail(s, start, "half of a surrogate pair; write both halves or the character");
    s->at += 6;
    return true;
}

static bool scan_string(struct scan *s)
{
    size_t start = s->at++;
    for (;;) {
        int c = peek(s);
        if (c < 0 || c == '\n')
            return fail(s, start, "this string is not closed; add a '\"'");
        if (c < 0x20)
            return fail(s, s->at,
                        "a control character in a string; write it as \\t, \\n or \\u001f");
        s->at++;
        if (c == '"')
            return true;
        if (c != '\\')
            continue;
        c = peek(s);
        if (c == 'u') {
            if (!scan_unicode(s))
                return false;
        } else if (c > 0 && strchr("\"\\/bfnrt", c)) {
            s->at++;
        } else {
            return fail(s, s->at - 1, "no such escape in JSON; write a backslash as \\\\");
        }
    }
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool scan_digits(struct scan *s, size_t start)
{
    if (!is_digit(peek(s)))
        return fail(s, start, "this number is not complete; JSON wants digits here");
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool scan_number(struct scan *s)
{
    size_t start = s->at;
    if (peek(s) == '-')
        s->at++;
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s)))
            return fail(s, start, "a number cannot begin with 0; remove the 0");
    } else if (!scan_digits(s, start)) {
        return false;
    }
    if (peek(s) == '.') {
        s->at++;
        if (!scan_digits(s, start))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (!scan_digits(s, start))
            return false;
    }
    /* cJSON copies a number into 64 bytes. */
    return s->at - start < 60 || fail(s, start, "this number is too long; shorten it");
}

static bool scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (s->len - s->at >= n && memcmp(s->text + s->at, words[i], n) == 0) {
            s->at += n;
            return true;
        }
    }
    if (peek(s) == '\'')
        return fail(s, s->at, "JSON strings stand in double quotes; write \"…\"");
    return fail(s, s->at,
                peek(s) < 0 ? "the text ends where a value should stand; complete it"
                            : "expected a value: a string, number, array, object, true, false or "
                              "null; write one");
}

/* Behind an element: true if another one follows, false at the end or on failure (*ok). */
static bool scan_comma(struct scan *s, int close, size_t open, bool *ok)
{
    skip_space(s);
    int c = peek(s);
    *ok = true;
    if (c == close) {
        s->at++;
        return false;
    }
    if (c == ',') {
        size_t comma = s->at++;
        skip_space(s);
        if (peek(s) != close)
            return true;
        *ok = fail(s, comma, "a comma with nothing behind it; remove it");
        return false;
    }
    if (c < 0)
        *ok = fail(s, open,
                   close == ']' ? "this array is not closed; add a ']'"
                                : "this object is not closed; add a '}'");
    else
        *ok = fail(s, s->at,
                   close == ']' ? "expected ',' or ']'; is a comma missing?"
                                : "expected ',' or '}'; is a comma missing?");
    return false;
}

static bool scan_array(struct scan *s)
{
    size_t open = s->at++;
    bool ok = true;
    skip_space(s);
    if (peek(s) == ']') {
        s->at++;
        return true;
    }
    do {
        skip_space(s);
        if (peek(s) < 0)
            return fail(s, open, "this array is not closed; add a ']'");
        if (!scan_value(s, SIZE_MAX))
            return false;
    } while (scan_comma(s, ']', open, &ok));
    return ok;
}

static bool scan_object(struct scan *s)
{
    size_t open = s->at++;
    bool ok = true;
    skip_space(s);
    if (peek(s) == '}') {
        s->at++;
        return true;
    }
    do {
        skip_space(s);
        size_t key = s->at;
        if (peek(s) < 0)
            return fail(s, open, "this object is not closed; add a '}'");
        if (peek(s) != '"')
            return fail(s, key, "expected a key in double quotes; write \"key\": value");
        if (!scan_string(s))
            return false;
        skip_space(s);
        if (peek(s) != ':')
            return fail(s, s->at, "expected ':' behind the key; write \"key\": value");
        s->at++;
        skip_space(s);
        if (!scan_value(s, key))
            return false;
    } while (scan_comma(s, '}', open, &ok));
    return ok;
}

static bool scan_value(struct scan *s, size_t key)
{
    add_place(s->j, key == SIZE_MAX ? s->at : key, s->at);
    if (s->j->n_places >= INT_MAX)
        return fail(s, s->at, "too many values; split the file");
    int c = peek(s);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || is_digit(c))
        return scan_number(s);
    if (c != '[' && c != '{')
        return scan_word(s);
    if (++s->depth > JSON_DEEPEST)
        return fail(s, s->at, "nested too deeply; remove some levels");
    bool ok = c == '[' ? scan_array(s) : scan_object(s);
    s->depth--;
    return ok;
}

bool json_scan(struct json *j, bool nul_ok, struct json_fault *fault)
{
    struct scan s = {.j = j, .text = j->text, .len = j->len, .nul_ok = nul_ok, .fault = fault};
    add_line(j, 0);
    bool from_start = j->cut.at || (!j->cut.line && !j->cut.column);
    if (from_start && j->len >= 3 && memcmp(j->text, "\xef\xbb\xbf", 3) == 0)
        s.at = 3;
    skip_space(&s);
    if (peek(&s) < 0)
        return fail(&s, s.at, "the file is empty; write {\"rowlock\": 1, \"tests\": […]}");
    if (!scan_value(&s, SIZE_MAX))
        return false;
    skip_space(&s);
    return peek(&s) < 0 ||
           fail(&s, s.at, "something stands behind the end of the JSON value; remove it");
}
