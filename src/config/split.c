/* Words of addopts and testpaths: what Python's shlex.split makes of a text, since that is what
 * pytest applies. It differs from a shell in two small ways: inside double quotes a backslash
 * escapes only itself and the quote, and a backslash before a line end keeps that line end. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/config.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Adds what stands between the quote at *at and its counterpart; *at moves to the latter.
 * False if there is none. */
static bool take_quoted(struct buf *word, const char **at)
{
    const char quote = **at;
    const char *p = *at + 1;
    for (; *p && *p != quote; p++) {
        if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
            p++;
        buf_addc(word, *p);
    }
    *at = p;
    return *p == quote;
}

/* Adds the word that starts at *at, which moves behind it. */
static bool take_word(struct buf *word, const char **at, const char *text, const char *where,
                      struct error *err)
{
    const char *p = *at;
    for (; *p && !is_blank(*p); p++) {
        const char *start = p;
        if (*p == '\'' || *p == '"') {
            if (!take_quoted(word, &p))
                return error_set(err, EXIT_USAGE,
                                 "%s: no closing quotation for the %c at character %zu; close it, "
                                 "or put a backslash before it",
                                 where, *start, (size_t)(start - text) + 1);
        } else if (*p != '\\') {
            buf_addc(word, *p);
        } else if (p[1]) {
            buf_addc(word, *++p);
        } else {
            return error_set(err, EXIT_USAGE,
                             "%s: no escaped character behind the backslash at the end; remove or "
                             "double it",
                             where);
        }
    }
    *at = p;
    return true;
}

bool config_split(const char *text, const char *where, struct strv *words, struct error *err)
{
    const size_t before = words->n;
    struct buf word = BUF_INIT;
    const char *p = text;
    bool ok = true;
    while (ok) {
        while (is_blank(*p))
            p++;
        if (!*p)
            break;
        ok = take_word(&word, &p, text, where, err);
        if (ok)
            strv_push(words, buf_cstr(&word));
        buf_clear(&word);
    }
    while (!ok && words->n > before) {
        free(words->v[--words->n]);
        words->v[words->n] = NULL;
    }
    buf_release(&word);
    return ok;
}
