#include "command/makefilelook.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "command/automake.h"

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
        strv_push_words(&words, value);
        free(look->prefix);
        look->prefix = words.n ? xstrdup(words.v[0]) : NULL;
        strv_release(&words);
    }
}

static void look_at_line(struct makefilelook *look, char *line)
{
    struct strv words = STRV_INIT;
    char *end = line + strcspn(line, ":="), *set = end + strspn(end, ":");
    bool variable = *set == '=', rule = *end && !variable;
    while (variable && end > line && strchr("?+!", end[-1])) /* "?=", "+=", "!=" */
        end--;
    *end = '\0';
    strv_push_words(&words, line);
    if (variable)
        look_at_variable(look, &words, set + 1);
    else if (rule)
        look->lint = look->lint || strv_has(&words, "lint");
    else
        look_at_include(look, &words);
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
