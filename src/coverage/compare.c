#include "coverage/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "coverage/demangle.h"

struct compare {
    const char *name_a, *name_b; /* of the reports */
    const char *file;            /* for people */
    bool counts; /* how often counts, not only whether */
    FILE *out;
    size_t n;
};

/* A count for people: none where the report has no such thing. */
static void put_count(FILE *out, const int64_t *count, const char *where)
{
    if (count)
        fprintf(out, "%lld in %s", (long long)*count, where);
    else
        fprintf(out, "none in %s", where);
}

/* One difference; a or b is NULL where that report has nothing. */
static void differ(struct compare *k, uint32_t line, const char *what, const int64_t *a,
                   const int64_t *b)
{
    if (a && b && (*a == *b || (!k->counts && (*a > 0) == (*b > 0))))
        return;
    k->n++;
    fprintf(k->out, "%s", k->file);
    if (line)
        fprintf(k->out, ":%u", line);
    fprintf(k->out, ": %s%s", what, *what ? ": " : "");
    put_count(k->out, a, k->name_a);
    fputs(", ", k->out);
    put_count(k->out, b, k->name_b);
    putc('\n', k->out);
}

/* The next line from *i on that counts; NULL if there is none. */
static const struct cov_line *next_line(const struct cov_file *f, size_t *i)
{
    while (*i < f->n_lines && !cov_line_counts(&f->lines[*i]))
        ++*i;
    return *i < f->n_lines ? &f->lines[*i] : NULL;
}

static void compare_lines(struct compare *k, const struct cov_file *a, const struct cov_file *b)
{
    size_t i = 0, j = 0;
    for (;;) {
        const struct cov_line *la = next_line(a, &i), *lb = next_line(b, &j);
        if (!la && !lb)
            return;
        if (la && (!lb || la->line < lb->line)) {
            differ(k, la->line, "", &la->count, NULL);
            i++;
        } else if (!la || lb->line < la->line) {
            differ(k, lb->line, "", NULL, &lb->count);
            j++;
        } else {
            differ(k, la->line, "", &la->count, &lb->count);
            i++;
            j++;
        }
    }
}

/* The next arm from *i on that counts and was measured; NULL if it is of another line or there is
 * none. What a comment lets count as taken is in no report of coverage.py. */
static const struct cov_arm *next_arm(const struct cov_file *f, size_t *i, uint32_t line)
{
    while (*i < f->n_arms && f->arms[*i].flags & (COV_ARM_EXTRA | COV_ARM_ASSUMED))
        ++*i;
    return *i < f->n_arms && (!line || f->arms[*i].line == line) ? &f->arms[*i] : NULL;
}

/* The arms of a line, of which so many are taken, with those that a comment lets count; moves *i
 * behind them. */
static int64_t count_arms(const struct cov_file *f, size_t *i, uint32_t line, int64_t *taken)
{
    size_t n;
    int64_t counted = 0;
    const struct cov_arm *arms = cov_find_arms(f, line, &n);
    *taken = 0;
    for (size_t k = 0; k < n; k++) {
        if (arms[k].flags & COV_ARM_EXTRA)
            continue;
        counted++;
        *taken += cov_arm_taken(&arms[k]);
    }
    while (*i < f->n_arms && f->arms[*i].line <= line)
        ++*i;
    return counted;
}

/* One of the reports tells only how many of the line's were taken. */
static void compare_sums(struct compare *k, const struct cov_file *a, const struct cov_file *b,
                         size_t *i, size_t *j, uint32_t line)
{
    int64_t taken_a, taken_b;
    int64_t all_a = count_arms(a, i, line, &taken_a), all_b = count_arms(b, j, line, &taken_b);
    bool counts = k->counts;
    k->counts = true; /* 1 of 3 is not 2 of 3 */
    differ(k, line, "branches", &all_a, &all_b);
    differ(k, line, "branches taken", &taken_a, &taken_b);
    k->counts = counts;
}

/* Do the two tell no more than how many of the line's were taken? Names and numbers have each their
 * own order. */
static bool only_sums(const struct cov_arm *a, const struct cov_arm *b)
{
    uint32_t flags = (a ? a->flags : 0) | (b ? b->flags : 0);
    return flags & COV_ARM_NAMELESS || (a && b && !a->name != !b->name);
}

/* Two ways out of a function are the same whatever line it is said to start at: that of its
 * decorator, or in LCOV that of its def. */
static void compare_arms(struct compare *k, const struct cov_file *a, const struct cov_file *b)
{
    size_t i = 0, j = 0;
    uint32_t line = 0, rank = 0;
    for (;;) {
        const struct cov_arm *xa = next_arm(a, &i, 0), *xb = next_arm(b, &j, 0);
        if (!xa && !xb)
            return;
        uint32_t next = xa && (!xb || xa->line <= xb->line) ? xa->line : xb->line;
        rank = next == line ? rank + 1 : 0;
        line = next;
        xa = next_arm(a, &i, line);
        xb = next_arm(b, &j, line);
        if (only_sums(xa, xb)) {
            compare_sums(k, a, b, &i, &j, line);
            continue;
        }
        if (xa && xb && xa->to && xb->to && xa->to != xb->to && (xa->to > 0 || xb->to > 0)) {
            if (xa->to < xb->to)
                xb = NULL;
            else
                xa = NULL;
        }
        char what[48];
        int32_t to = xa && xa->to ? xa->to : xb ? xb->to : 0;
        if (to)
            snprintf(what, sizeof what, "branch to %d", to);
        else
            snprintf(what, sizeof what, "branch %u", rank);
        differ(k, line, what, xa ? &xa->count : NULL, xb ? &xb->count : NULL);
        i += xa != NULL;
        j += xb != NULL;
    }
}

static int compare_names(const struct cov_function *a, const struct cov_function *b)
{
    if (a->start_line != b->start_line)
        return a->start_line < b->start_line ? -1 : 1;
    int c = strcmp(a->name, b->name);
    return c ? c : (int)a->kind - (int)b->kind;
}

/* Those without a count are told by their lines. */
static const struct cov_function *next_function(const struct cov_file *f, size_t *i)
{
    while (*i < f->n_functions && f->functions[*i].count == -1)
        ++*i;
    return *i < f->n_functions ? &f->functions[*i] : NULL;
}

/* Where one of the reports has none of the file there is nothing to compare: not all count them. */
static void compare_functions(struct compare *k, const struct cov_file *a,
                              const struct cov_file *b)
{
    size_t i = 0, j = 0;
    if (!next_function(a, &i) || !next_function(b, &j))
        return;
    for (;;) {
        const struct cov_function *fa = next_function(a, &i), *fb = next_function(b, &j);
        if (!fa && !fb)
            return;
        int order = !fa ? 1 : !fb ? -1 : compare_names(fa, fb);
        fa = order <= 0 ? fa : NULL;
        fb = order >= 0 ? fb : NULL;
        const struct cov_function *either = fa ? fa : fb;
        struct buf what = BUF_INIT;
        buf_adds(&what, "function ");
        const char *shown = cov_shown_name(either);
        text_escape(&what, shown, strlen(shown), 200);
        differ(k, either->start_line, what.data, fa ? &fa->count : NULL, fb ? &fb->count : NULL);
        buf_release(&what);
        i += fa != NULL;
        j += fb != NULL;
    }
}

size_t cov_compare(const struct coverage *a, const struct coverage *b, const char *name_a,
                   const char *name_b, bool counts, FILE *out)
{
    struct compare k = {.name_a = name_a, .name_b = name_b, .counts = counts, .out = out};
    size_t i = 0, j = 0;
    while (i < a->n_files || j < b->n_files) {
        const struct cov_file *fa = i < a->n_files ? a->files[i] : NULL;
        const struct cov_file *fb = j < b->n_files ? b->files[j] : NULL;
        int order = !fa ? 1 : !fb ? -1 : strcmp(fa->name, fb->name);
        const char *name = order <= 0 ? fa->name : fb->name;
        struct buf shown = BUF_INIT;
        text_escape(&shown, name, strlen(name), SIZE_MAX);
        k.file = buf_cstr(&shown);
        i += order <= 0;
        j += order >= 0;
        if (order == 0) {
            compare_lines(&k, fa, fb);
            compare_arms(&k, fa, fb);
            compare_functions(&k, fa, fb);
        } else {
            k.n++;
            fprintf(out, "%s: only in %s\n", k.file, order < 0 ? name_a : name_b);
        }
        buf_release(&shown);
    }
    return k.n;
}
