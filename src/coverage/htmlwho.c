#include "coverage/htmlwho.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "coverage/htmltext.h"

/* What two names have in common at their start: only of characters that are shown as they are, one
 * each for a script, too. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n] && a[n] >= 0x20 && a[n] < 0x7f)
        n++;
    return n;
}

/* Names are sorted, and those of the tests of a file begin alike. */
static void add_names(struct html_who *w, const struct cov_file *f)
{
    const char *before = "";
    for (size_t i = 0; i < f->n_contexts; i++) {
        const char *name = f->contexts[i].name;
        size_t n = common(before, name);
        buf_addf(&w->names, "%s%zu ", i ? "\n" : "", n);
        html_name(&w->names, name + n);
        w->named += name[0] != '\0';
        before = name;
    }
}

/* The set of n contexts, which ascend. */
static void put_set(struct buf *b, const struct cov_seen *seen, size_t n)
{
    buf_clear(b);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && seen[end].context == seen[end - 1].context + 1;)
            end++;
        buf_addf(b, i ? ",%u" : "%u", seen[i].context);
        if (end > i + 1)
            buf_addf(b, "-%u", seen[end - 1].context);
    }
}

void html_who_make(struct html_who *w, const struct cov_file *f)
{
    size_t n, n_sets = 0;
    struct cov_seen *seen = cov_seen_by_line(f, &n);
    struct map sets = MAP_INIT;
    struct arena arena = ARENA_INIT;
    struct buf set = BUF_INIT;
    memset(w, 0, sizeof *w);
    add_names(w, f);
    w->lines = xreallocarray(NULL, n + 1, sizeof *w->lines);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && seen[end].line == seen[i].line;)
            end++;
        put_set(&set, seen + i, end - i);
        size_t at = map_get(&sets, set.data);
        if (at == MAP_NONE) {
            at = n_sets++;
            map_put(&sets, arena_strdup(&arena, set.data), at);
            buf_addf(&w->sets, "%s%s", at ? "\n" : "", set.data);
        }
        bool outside = !f->contexts[seen[i].context].name[0];
        w->lines[w->n_lines++] =
            (struct html_who_line){seen[i].line, (uint32_t)at, (uint32_t)(end - i - outside)};
    }
    free(seen);
    buf_release(&set);
    map_release(&sets);
    arena_release(&arena);
}

void html_who_release(struct html_who *w)
{
    free(w->lines);
    buf_release(&w->names);
    buf_release(&w->sets);
}

static int compare_line(const void *key, const void *element)
{
    uint32_t line = *(const uint32_t *)key, other = ((const struct html_who_line *)element)->line;
    return (line > other) - (line < other);
}

const struct html_who_line *html_who_find(const struct html_who *w, uint32_t line)
{
    return w->n_lines ? bsearch(&line, w->lines, w->n_lines, sizeof *w->lines, compare_line) : NULL;
}
