#include "base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void strv_init(struct strv *s)
{
    s->v = NULL;
    s->n = s->cap = 0;
}

void strv_release(struct strv *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    strv_init(s);
}

void strv_push_nodup(struct strv *s, char *str)
{
    if (s->n + 1 >= s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
    }
    s->v[s->n++] = str;
    s->v[s->n] = NULL;
}

void strv_push(struct strv *s, const char *str)
{
    strv_push_nodup(s, xstrdup(str));
}

void strv_pushf(struct strv *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    strv_push_nodup(s, xvasprintf(fmt, ap));
    va_end(ap);
}

void strv_push_all(struct strv *s, char *const *from)
{
    for (; from && *from; from++)
        strv_push(s, *from);
}

void strv_push_words(struct strv *s, const char *text)
{
    static const char blanks[] = " \t\r\n";
    while (*(text += strspn(text, blanks))) {
        size_t n = strcspn(text, blanks);
        strv_push_nodup(s, xmemdup0(text, n));
        text += n;
    }
}

bool strv_has(const struct strv *s, const char *str)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i], str) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *s)
{
    if (s->n)
        qsort(s->v, s->n, sizeof *s->v, compare);
}
