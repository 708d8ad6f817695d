/* The table for people, as coverage.py's `coverage report` lays it out. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/xalloc.h"
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

/* ---- Rows -------------------------------------------------------------------------------------- */

struct row {
    char *name; /* for people */
    struct cov_totals t;
    const struct cov_file *file; /* NULL: the total */
    char percent[COV_PERCENT_MAX];
};

enum column { NAME, STMTS, MISS, BRANCH, BRPART, COVER, MISSING, N_COLUMNS };
static const char *const headings[] = {"Name",   "Stmts", "Miss",   "Branch",
                                       "BrPart", "Cover", "Missing"};

struct layout {
    const struct cov_table *how;
    FILE *out;
    struct row *rows;
    size_t n;
    struct row total;
    bool branches; /* any file has them */
    size_t width[N_COLUMNS];
};

static bool is_shown(const struct layout *l, enum column c)
{
    if (c == BRANCH || c == BRPART)
        return l->branches;
    return c != MISSING || l->how->missing;
}

/* The figure of a column that has one. */
static uint64_t figure(const struct row *r, enum column c)
{
    switch (c) {
    case STMTS:
        return r->t.lines;
    case MISS:
        return r->t.lines - r->t.lines_hit;
    case BRANCH:
        return r->t.arms;
    default:
        return r->t.partial;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* As coverage.py sorts: digits as numbers, "b2" before "b10"; what stands between them ends where
 * digits begin. */
static int compare_names(const char *a, const char *b)
{
    const char *s = a, *t = b;
    while (*s && *t) {
        if (is_digit(*s) && is_digit(*t)) {
            s += strspn(s, "0");
            t += strspn(t, "0");
            size_t n = strspn(s, "0123456789"), m = strspn(t, "0123456789");
            int c = n != m ? (n > m) - (n < m) : memcmp(s, t, n);
            if (c)
                return c;
            s += n;
            t += m;
        } else if (*s != *t) {
            if (is_digit(*s) || is_digit(*t))
                return is_digit(*s) ? -1 : 1;
            return (unsigned char)*s < (unsigned char)*t ? -1 : 1;
        } else {
            s++;
            t++;
        }
    }
    return *s || *t ? (*s != 0) - (*t != 0) : strcmp(a, b);
}

/* The column that a word of coverage.py's "sort" names, with + or - before it; N_COLUMNS: none. */
static enum column sort_column(const char *word)
{
    word += *word == '+' || *word == '-';
    for (int c = NAME; c < MISSING; c++)
        if (strcasecmp(word, headings[c]) == 0)
            return (enum column)c;
    return N_COLUMNS;
}

bool cov_table_sorts_by(const char *word)
{
    return sort_column(word) != N_COLUMNS;
}

static int compare_rows(const void *va, const void *vb, void *arg)
{
    const struct layout *l = arg;
    const struct row *a = va, *b = vb;
    const char *word = l->how->sort ? l->how->sort : "";
    enum column by = sort_column(word);
    int c = 0;
    if (by == COVER) {
        double p = cov_percent(a->t.covered, a->t.coverable);
        double q = cov_percent(b->t.covered, b->t.coverable);
        c = (p > q) - (p < q);
    } else if (by != NAME && by != N_COLUMNS) {
        uint64_t p = figure(a, by), q = figure(b, by);
        c = (p > q) - (p < q);
    }
    if (!c)
        c = by == NAME || by == N_COLUMNS ? compare_names(a->name, b->name) : strcmp(a->name, b->name);
    return *word == '-' ? -c : c;
}

static char *shown_name(const char *name)
{
    struct buf shown = BUF_INIT;
    text_escape(&shown, name, strlen(name), SIZE_MAX);
    return buf_detach(&shown);
}

static void fill_row(const struct layout *l, struct row *r, const char *name)
{
    r->name = shown_name(name);
    cov_percent_text(r->percent, cov_percent(r->t.covered, r->t.coverable), l->how->decimals);
}

/* Why a file is left out of the table. */
enum left { LEFT_NOT, LEFT_COVERED, LEFT_EMPTY };
static enum left is_left_out(const struct cov_table *how, const struct cov_totals *t)
{
    if (how->skip_covered && t->lines == t->lines_hit && !t->partial)
        return LEFT_COVERED;
    return how->skip_empty && !t->lines ? LEFT_EMPTY : LEFT_NOT;
}

/* Sets how many files are left out, for each reason. */
static void fill(struct layout *l, const struct coverage *c, size_t left[3])
{
    l->rows = xcalloc(c->n_files + 1, sizeof *l->rows);
    for (size_t i = 0; i < c->n_files; i++) {
        struct row *r = &l->rows[l->n];
        memset(r, 0, sizeof *r);
        cov_file_totals(r->file = c->files[i], &r->t);
        l->branches |= r->file->has_branches;
        enum left why = is_left_out(l->how, &r->t);
        left[why]++;
        if (!why) {
            fill_row(l, r, r->file->name);
            l->n++;
        }
    }
    qsort_r(l->rows, l->n, sizeof *l->rows, compare_rows, l);
    l->total.t = coverage_totals(c);
    fill_row(l, &l->total, "TOTAL");
}

/* What stands in a column other than that of the name, without a percent sign. */
static void add_cell(struct buf *b, const struct row *r, enum column c)
{
    if (c == COVER)
        buf_adds(b, r->percent);
    else if (c != MISSING)
        buf_addf(b, "%llu", (unsigned long long)figure(r, c));
    else if (r->file)
        cov_missing(b, r->file);
}

/* ---- As text ----------------------------------------------------------------------------------- */

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void put_spaces(FILE *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        putc(' ', out);
}

static void measure_text(struct layout *l)
{
    size_t name = 5, digits = 5, percent = most(strlen(l->total.percent) + 3, 7);
    struct buf number = BUF_INIT;
    for (size_t i = 0; i < l->n; i++) {
        name = most(name, text_count(l->rows[i].name, strlen(l->rows[i].name)));
        percent = most(percent, strlen(l->rows[i].percent) + 2);
    }
    for (int c = STMTS; c <= BRPART; c++) {
        buf_clear(&number);
        add_cell(&number, &l->total, (enum column)c);
        digits = is_shown(l, (enum column)c) ? most(digits, number.len) : digits;
    }
    for (int c = STMTS; c <= BRPART; c++)
        l->width[c] = most(digits + 1, 7);
    l->width[NAME] = name + 1;
    l->width[COVER] = percent;
    l->width[MISSING] = 10;
    buf_release(&number);
}

static void put_row(const struct layout *l, const struct row *r)
{
    struct buf cell = BUF_INIT;
    fputs(r->name, l->out);
    put_spaces(l->out, l->width[NAME] - text_count(r->name, strlen(r->name)));
    for (int c = STMTS; c < N_COLUMNS; c++) {
        buf_clear(&cell);
        if (is_shown(l, (enum column)c))
            add_cell(&cell, r, (enum column)c);
        if (c == MISSING && cell.len)
            fprintf(l->out, "   %s", cell.data);
        else if (cell.len)
            fprintf(l->out, "%*s%s", (int)l->width[c] - (c == COVER), cell.data, c == COVER ? "%" : "");
    }
    putc('\n', l->out);
    buf_release(&cell);
}

static void put_rule(const struct layout *l)
{
    for (int c = 0; c < N_COLUMNS; c++)
        for (size_t i = 0; is_shown(l, (enum column)c) && i < l->width[c]; i++)
            putc('-', l->out);
    putc('\n', l->out);
}

static void put_text(struct layout *l)
{
    measure_text(l);
    fprintf(l->out, "%-*s", (int)l->width[NAME], headings[NAME]);
    for (int c = STMTS; c < N_COLUMNS; c++)
        if (is_shown(l, (enum column)c))
            fprintf(l->out, "%*s", (int)l->width[c], headings[c]);
    putc('\n', l->out);
    put_rule(l);
    for (size_t i = 0; i < l->n; i++)
        put_row(l, &l->rows[i]);
    if (l->n)
        put_rule(l);
    put_row(l, &l->total);
}

/* ---- As Markdown ------------------------------------------------------------------------------- */

static char *markdown_text(const char *s)
{
    struct buf b = BUF_INIT;
    for (; *s; s++) {
        if (strchr("!\"#$%&'()*+:;<=>?@[\\]^_`{|}~", *s))
            buf_addc(&b, '\\');
        buf_addc(&b, *s);
    }
    return buf_detach(&b);
}

static void put_markdown_name(const struct layout *l, const char *before, const char *name,
                              const char *behind)
{
    fprintf(l->out, "%s%s", before, name);
    put_spaces(l->out, l->width[NAME] - text_count(name, strlen(name)));
    fputs(behind, l->out);
}

static void put_markdown_row(const struct layout *l, const struct row *r)
{
    char *name = markdown_text(r->name);
    struct buf cell = BUF_INIT;
    if (r->file)
        put_markdown_name(l, "| ", name, "|");
    else
        put_markdown_name(l, "|", " **TOTAL**", " |");
    for (int c = STMTS; c < N_COLUMNS; c++) {
        if (!is_shown(l, (enum column)c))
            continue;
        buf_clear(&cell);
        add_cell(&cell, r, (enum column)c);
        char *text = c == COVER ? xasprintf("%s%%", buf_cstr(&cell)) : markdown_text(buf_cstr(&cell));
        char *bold = r->file || !*text ? xstrdup(text) : xasprintf(" **%s**", text);
        fprintf(l->out, "%*s |", (int)l->width[c], bold);
        free(bold);
        free(text);
    }
    putc('\n', l->out);
    free(name);
    buf_release(&cell);
}

/* Figures stand at the right. */
static void put_markdown_rule(const struct layout *l, enum column c)
{
    const char *end = c == NAME ? "- |" : "-: |";
    size_t whole = l->width[c] + (c == NAME ? 2 : 1);
    if (c != NAME)
        putc(' ', l->out);
    for (size_t i = strlen(end); i < whole; i++)
        putc('-', l->out);
    fputs(end, l->out);
}

static void put_markdown(struct layout *l)
{
    size_t name = strlen("**TOTAL**");
    for (size_t i = 0; i < l->n; i++) {
        char *text = markdown_text(l->rows[i].name);
        name = most(name, text_count(text, strlen(text)));
        free(text);
    }
    for (int c = STMTS; c <= BRPART; c++)
        l->width[c] = 9;
    l->width[NAME] = name + 1;
    l->width[COVER] = most(strlen(l->total.percent) + 6, 7);
    l->width[MISSING] = 10;
    put_markdown_name(l, "| ", headings[NAME], "|");
    for (int c = STMTS; c < N_COLUMNS; c++)
        if (is_shown(l, (enum column)c))
            fprintf(l->out, "%*s |", (int)l->width[c], headings[c]);
    fputs("\n|", l->out);
    put_markdown_rule(l, NAME);
    for (int c = STMTS; c < N_COLUMNS; c++)
        if (is_shown(l, (enum column)c))
            put_markdown_rule(l, (enum column)c);
    putc('\n', l->out);
    for (size_t i = 0; i < l->n; i++)
        put_markdown_row(l, &l->rows[i]);
    put_markdown_row(l, &l->total);
}

/* ---- All of it --------------------------------------------------------------------------------- */

static void put_left_out(const struct layout *l, size_t n, const char *what, const char *why)
{
    if (n)
        fprintf(l->out, "\n%zu %s%s skipped%s.\n", n, what, n == 1 ? "" : "s", why);
}

void cov_table_write(const struct coverage *c, const struct cov_table *how, FILE *out)
{
    struct layout l = {.how = how, .out = out};
    size_t left[] = {0, 0, 0};
    fill(&l, c, left);
    if (how->format == COV_TABLE_TOTAL) {
        fprintf(out, "%s\n", l.total.percent);
    } else {
        if (how->format == COV_TABLE_MARKDOWN)
            put_markdown(&l);
        else
            put_text(&l);
        put_left_out(&l, left[LEFT_COVERED], "file", " due to complete coverage");
        put_left_out(&l, left[LEFT_EMPTY], "empty file", "");
    }
    for (size_t i = 0; i < l.n; i++)
        free(l.rows[i].name);
    free(l.rows);
    free(l.total.name);
}
