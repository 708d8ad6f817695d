/* The table for people, as coverage.py's `coverage report` lays it out. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "coverage/write.h"

/* ---- What is missing --------------------------------------------------------------------------- */

static void add_range(struct buf *b, uint32_t first, uint32_t last)
{
    buf_addf(b, "%s%u", b->len ? ", " : "", first);
    if (last != first)
        buf_addf(b, "-%u", last);
}

/* Has a line that counts and was not run: the list names it anyway. */
static bool is_missing(const struct cov_file *f, int32_t line)
{
    const struct cov_line *l = line > 0 ? cov_find_line(f, (uint32_t)line) : NULL;
    return l && cov_line_counts(l) && !l->count;
}

/* The arms of a line that was run: those never taken. */
static void add_arms(struct buf *b, const struct cov_file *f, uint32_t line)
{
    size_t n, counted = 0, never = 0;
    const struct cov_arm *arms = cov_find_arms(f, line, &n);
    for (size_t i = 0; i < n; i++) {
        if (arms[i].flags & COV_ARM_EXTRA)
            continue;
        counted++;
        if (arms[i].count)
            continue;
        never++;
        if (arms[i].to > 0 && !is_missing(f, arms[i].to))
            buf_addf(b, "%s%u->%d", b->len ? ", " : "", line, arms[i].to);
        else if (arms[i].to < 0)
            buf_addf(b, "%s%u->exit", b->len ? ", " : "", line);
    }
    if (never && f->language != COV_PYTHON)
        buf_addf(b, "%s%u (%zu of %zu branches)", b->len ? ", " : "", line, never, counted);
}

/* A range goes on over lines that are no statements. */
void cov_missing(struct buf *b, const struct cov_file *f)
{
    struct buf own = BUF_INIT;
    uint32_t first = 0, last = 0;
    for (size_t i = 0; i < f->n_lines; i++) {
        const struct cov_line *l = &f->lines[i];
        if (!cov_line_counts(l))
            continue;
        if (!l->count) {
            first = first ? first : l->line;
            last = l->line;
            continue;
        }
        if (first)
            add_range(&own, first, last);
        first = 0;
        add_arms(&own, f, l->line);
    }
    if (first)
        add_range(&own, first, last);
    buf_add(b, buf_cstr(&own), own.len);
    buf_release(&own);
}

/* ---- The table --------------------------------------------------------------------------------- */

struct layout {
    const struct cov_table *how;
    FILE *out;
    size_t name_width;
    size_t number_width; /* of all columns with numbers, with the space before them */
    size_t cover_width;  /* likewise, with the percent sign */
    bool branches;       /* any file has them */
};

static size_t digits(uint64_t v)
{
    size_t n = 1;
    for (; v > 9; v /= 10)
        n++;
    return n;
}

static void put_name(const struct layout *l, const char *name)
{
    struct buf shown = BUF_INIT;
    text_escape(&shown, name, strlen(name), SIZE_MAX);
    fputs(buf_cstr(&shown), l->out);
    for (size_t n = text_count(buf_cstr(&shown), shown.len); n < l->name_width; n++)
        putc(' ', l->out);
    buf_release(&shown);
}

static size_t shown_width(const char *name)
{
    struct buf shown = BUF_INIT;
    text_escape(&shown, name, strlen(name), SIZE_MAX);
    size_t n = text_count(buf_cstr(&shown), shown.len);
    buf_release(&shown);
    return n;
}

static void put_number(const struct layout *l, uint64_t n)
{
    fprintf(l->out, "%*llu", (int)l->number_width, (unsigned long long)n);
}

static void put_row(const struct layout *l, const char *name, const struct cov_totals *t,
                    const struct cov_file *f)
{
    char percent[COV_PERCENT_MAX];
    put_name(l, name);
    put_number(l, t->lines);
    put_number(l, t->lines - t->lines_hit);
    if (l->branches) {
        put_number(l, t->arms);
        put_number(l, t->partial);
    }
    cov_percent_text(percent, cov_percent(t->covered, t->coverable), l->how->decimals);
    fprintf(l->out, "%*s%%", (int)l->cover_width - 1, percent);
    struct buf missing = BUF_INIT;
    if (f && l->how->missing)
        cov_missing(&missing, f);
    if (missing.len)
        fprintf(l->out, "   %s", missing.data);
    putc('\n', l->out);
    buf_release(&missing);
}

static size_t put_heading(const struct layout *l)
{
    static const char *const columns[] = {"Stmts", "Miss", "Branch", "BrPart"};
    size_t n = l->branches ? 4 : 2;
    put_name(l, "Name");
    for (size_t i = 0; i < n; i++)
        fprintf(l->out, "%*s", (int)l->number_width, columns[i]);
    fprintf(l->out, "%*s%s\n", (int)l->cover_width, "Cover", l->how->missing ? "   Missing" : "");
    return l->name_width + n * l->number_width + l->cover_width + (l->how->missing ? 10 : 0);
}

static void put_rule(const struct layout *l, size_t width)
{
    for (size_t i = 0; i < width; i++)
        putc('-', l->out);
    putc('\n', l->out);
}

/* Why a file is left out of the table. */
enum left { LEFT_NOT, LEFT_COVERED, LEFT_EMPTY };
static enum left is_left_out(const struct cov_table *how, const struct cov_totals *t)
{
    if (how->skip_covered && t->lines == t->lines_hit && !t->partial)
        return LEFT_COVERED;
    return how->skip_empty && !t->lines ? LEFT_EMPTY : LEFT_NOT;
}

static void put_left_out(const struct layout *l, size_t n, const char *what, const char *why)
{
    if (n)
        fprintf(l->out, "\n%zu %s%s skipped%s.\n", n, what, n == 1 ? "" : "s", why);
}

void cov_table_write(const struct coverage *c, const struct cov_table *how, FILE *out)
{
    struct cov_totals all = coverage_totals(c);
    struct layout l = {how, out, 5, 7, how->decimals ? (size_t)how->decimals + 6 : 7, false};
    size_t left[] = {0, 0, 0};
    for (size_t i = 0; i < c->n_files; i++) {
        struct cov_totals t = {0};
        cov_file_totals(c->files[i], &t);
        l.branches |= c->files[i]->has_branches;
        size_t n = is_left_out(how, &t) ? 0 : shown_width(c->files[i]->name);
        l.name_width = n > l.name_width ? n : l.name_width;
    }
    l.name_width++;
    uint64_t most = all.lines > all.arms ? all.lines : all.arms;
    l.number_width = digits(most) + 1 > l.number_width ? digits(most) + 1 : l.number_width;
    size_t width = put_heading(&l);
    put_rule(&l, width);
    for (size_t i = 0; i < c->n_files; i++) {
        struct cov_totals t = {0};
        cov_file_totals(c->files[i], &t);
        enum left why = is_left_out(how, &t);
        left[why]++;
        if (!why)
            put_row(&l, c->files[i]->name, &t, c->files[i]);
    }
    if (left[LEFT_NOT])
        put_rule(&l, width);
    put_row(&l, "TOTAL", &all, NULL);
    put_left_out(&l, left[LEFT_COVERED], "file", " due to complete coverage");
    put_left_out(&l, left[LEFT_EMPTY], "empty file", "");
}
