#include "command/makefilelook.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "command/automake.h"

#define BLANK " \t\r"

static void split(struct strv *words, const char *p, size_t len)
{
    for (const char *end = p + len; p < end;) {
        size_t n = strcspn(p, BLANK);
        n = n < (size_t)(end - p) ? n : (size_t)(end - p);
        if (n)
            strv_push_nodup(words, xmemdup0(p, n));
        p += n + 1;
    }
}

static void look_at_include(struct makefilelook *look, const struct strv *words)
{
    static const char *const names[] = {"include", "-include", "sinclude", NULL};
    bool include = false;
    for (int i = 0; words->n && names[i]; i++)
        include = include || strcmp(words->v[0], names[i]) == 0;
    for (size_t i = 1; include && i < words->n; i++)
        if (strcmp(path_basename(words->v[i]), "rowlock.mk") == 0)
            look->includes = true;
}

/* NAME = VALUE; name is what stands before the op, value what is behind it. */
static void look_at_variable(struct makefilelook *look, const struct strv *name, const char *value)
{
    const char *last = name->n ? name->v[name->n - 1] : "";
    if (strcmp(last, "ROWLOCK_LINT") == 0)
        look->sets_lint = true;
    if (strcmp(last, "ROWLOCK_COVERAGE") == 0)
        look->sets_coverage = true;
    if (strcmp(last, "ROWLOCK_PREFIX") == 0) {
        struct strv words = STRV_INIT;
        split(&words, value, strlen(value));
        free(look->prefix);
        look->prefix = words.n ? xstrdup(words.v[0]) : NULL;
        strv_release(&words);
    }
}

static void look_at_line(struct makefilelook *look, const char *line)
{
    struct strv words = STRV_INIT;
    size_t len = strcspn(line, ":=");
    const char *set = line + len + strspn(line + len, ":");
    if (!line[len]) {
        split(&words, line, len);
        look_at_include(look, &words);
    } else if (*set == '=') { /* "=", ":=", "::=", and with a sign before it "?=", "+=", "!=" */
        while (len && strchr("?+!", line[len - 1]))
            len--;
        split(&words, line, len);
        look_at_variable(look, &words, set + 1);
    } else {
        split(&words, line, len);
        look->lint = look->lint || strv_has(&words, "lint");
    }
    strv_release(&words);
}

void makefilelook_add(struct makefilelook *look, const char *name)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    if (file_read(name, &text, &err)) {
        char *lines = automake_lines(buf_cstr(&text)), *rest = lines;
        for (char *line; (line = strsep(&rest, "\n"));)
            look_at_line(look, line);
        free(lines);
    }
    error_release(&err);
    buf_release(&text);
}

void makefilelook_release(struct makefilelook *look)
{
    free(look->prefix);
    look->prefix = NULL;
}
