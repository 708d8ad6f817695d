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
        if (arms[i].to > 0)
            buf_addf(b, "%s%u->%d", b->len ? ", " : "", line, arms[i].to);
        else if (arms[i].to < 0)
            buf_addf(b, "%s%u->exit", b->len ? ", " : "", line);
    }
    if (never && !arms[0].to)
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
    size_t number_width; /* of Stmts and Miss */
    size_t branch_width;
    bool branches; /* any file has them */
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

static void put_row(const struct layout *l, const char *name, const struct cov_totals *t,
                    const struct cov_file *f)
{
    char percent[COV_PERCENT_MAX];
    put_name(l, name);
    fprintf(l->out, "  %*llu  %*llu", (int)l->number_width, (unsigned long long)t->lines,
            (int)l->number_width, (unsigned long long)(t->lines - t->lines_hit));
    if (l->branches)
        fprintf(l->out, "  %*llu  %*llu", (int)l->branch_width, (unsigned long long)t->arms,
                (int)l->branch_width, (unsigned long long)t->partial);
    cov_percent_text(percent, cov_percent(t->covered, t->coverable), l->how->decimals);
    fprintf(l->out, "  %*s%%", l->how->decimals ? l->how->decimals + 4 : 4, percent);
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
    size_t width = l->name_width + 2 * (2 + l->number_width) + 2 + 5 +
                   (l->how->decimals ? (size_t)l->how->decimals : 0) +
                   (l->branches ? 2 * (2 + l->branch_width) : 0);
    put_name(l, "Name");
    fprintf(l->out, "  %*s  %*s", (int)l->number_width, "Stmts", (int)l->number_width, "Miss");
    if (l->branches)
        fprintf(l->out, "  %*s  %*s", (int)l->branch_width, "Branch", (int)l->branch_width,
                "BrPart");
    fprintf(l->out, "  %*s", l->how->decimals ? l->how->decimals + 5 : 5, "Cover");
    if (l->how->missing)
        fputs("   Missing", l->out);
    putc('\n', l->out);
    return width + (l->how->missing ? 10 : 0);
}

static void put_rule(const struct layout *l, size_t width)
{
    for (size_t i = 0; i < width; i++)
        putc('-', l->out);
    putc('\n', l->out);
}

void cov_table_write(const struct coverage *c, const struct cov_table *how, FILE *out)
{
    struct cov_totals all = coverage_totals(c);
    struct layout l = {how, out, 5, 5, 6, false};
    for (size_t i = 0; i < c->n_files; i++) {
        size_t n = shown_width(c->files[i]->name);
        l.name_width = n > l.name_width ? n : l.name_width;
        l.branches |= c->files[i]->has_branches;
    }
    l.number_width = digits(all.lines) > l.number_width ? digits(all.lines) : l.number_width;
    l.branch_width = digits(all.arms) > l.branch_width ? digits(all.arms) : l.branch_width;
    size_t width = put_heading(&l);
    put_rule(&l, width);
    for (size_t i = 0; i < c->n_files; i++) {
        struct cov_totals t = {0};
        cov_file_totals(c->files[i], &t);
        put_row(&l, c->files[i]->name, &t, c->files[i]);
    }
    put_rule(&l, width);
    put_row(&l, "TOTAL", &all, NULL);
}
