/* JSON as coverage.py writes it, format 3. Native files have more, which coverage.py has no words
 * for, so that nothing is lost and reading it back gives the same:
 *
 *     "hits"       {"LINE": COUNT}, the lines that were run
 *     "unexecuted" [LINE], lines with a block that never ran
 *     "arms"       [[LINE, OWNER or null, BLOCK, ARM, NAME or null, FLAGS, COUNT]]
 *     "calls"      [[NAME, START LINE, COLUMN, END LINE, COLUMN, COUNT, BLOCKS, BLOCKS RUN]]
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "coverage/demangle.h"
#include "coverage/escape.h"
#include "coverage/write.h"

/* A line with contexts, and those of the file's that it has: n from seen on. */
struct row {
    uint32_t line;
    const struct cov_seen *seen;
    size_t n;
};
/* Which lines of a file a part of the report is about. */
struct part {
    const struct cov_file *f;
    const size_t *at; /* ascending indices of lines; NULL: all lines */
    size_t n;
    const struct row *rows; /* ascending; NULL: contexts are not shown */
    size_t n_rows;
    const size_t *shown; /* ascending indices of rows; NULL: all rows */
    size_t n_shown;
    bool branches;
    int decimals;
};

static const struct cov_line *line_of(const struct part *p, size_t i)
{
    return &p->f->lines[p->at ? p->at[i] : i];
}

enum list { EXECUTED, MISSING, EXCLUDED };

static void put_lines(FILE *out, const struct part *p, enum list which)
{
    const char *comma = "";
    putc('[', out);
    for (size_t i = 0; i < p->n; i++) {
        const struct cov_line *l = line_of(p, i);
        enum list is = !cov_line_counts(l) ? EXCLUDED : l->count ? EXECUTED : MISSING;
        if (is != which)
            continue;
        fprintf(out, "%s%u", comma, l->line);
        comma = ", ";
    }
    putc(']', out);
}

static void put_some_arcs(FILE *out, const struct cov_arm *arms, size_t n, bool taken,
                          const char **comma)
{
    for (size_t i = 0; i < n; i++) {
        const struct cov_arm *a = &arms[i];
        if (!a->to || (a->flags & COV_ARM_ASSUMED) || (a->count != 0) != taken)
            continue;
        fprintf(out, "%s[%u, %d]", *comma, a->line, a->to);
        *comma = ", ";
    }
}

/* The arms with a line that they lead to. */
static void put_arcs(FILE *out, const struct part *p, bool taken)
{
    const char *comma = "";
    putc('[', out);
    if (!p->at)
        put_some_arcs(out, p->f->arms, p->f->n_arms, taken, &comma);
    for (size_t i = 0; p->at && i < p->n; i++) {
        size_t n;
        const struct cov_arm *arms = cov_find_arms(p->f, line_of(p, i)->line, &n);
        put_some_arcs(out, arms, n, taken, &comma);
    }
    putc(']', out);
}

/* Of statements or branches alone. */
static void put_share(FILE *out, const char *of, uint64_t hit, uint64_t n, int decimals)
{
    char text[COV_PERCENT_MAX];
    double percent = cov_percent(hit, n);
    fprintf(out, ", \"percent_%s_covered\": ", of);
    cov_put_number(out, percent);
    fprintf(out, ", \"percent_%s_covered_display\": \"%s\"", of,
            cov_percent_text(text, percent, decimals));
}

static void put_totals(FILE *out, const struct cov_totals *t, bool branches, int decimals)
{
    char text[COV_PERCENT_MAX];
    uint64_t statements = t->lines, missing = t->lines - t->lines_hit;
    double percent = cov_percent(t->covered, t->coverable);
    fprintf(out, "{\"covered_lines\": %llu, \"num_statements\": %llu, \"percent_covered\": ",
            (unsigned long long)t->lines_hit, (unsigned long long)statements);
    cov_put_number(out, percent);
    fprintf(out,
            ", \"percent_covered_display\": \"%s\", \"missing_lines\": %llu, \"excluded_lines\": %llu",
            cov_percent_text(text, percent, decimals), (unsigned long long)missing,
            (unsigned long long)t->excluded);
    put_share(out, "statements", t->lines_hit, t->lines, decimals);
    if (branches) {
        put_share(out, "branches", t->arms_hit, t->arms, decimals);
        fprintf(out,
                ", \"num_branches\": %llu, \"num_partial_branches\": %llu, "
                "\"covered_branches\": %llu, \"missing_branches\": %llu",
                (unsigned long long)t->arms, (unsigned long long)t->partial,
                (unsigned long long)t->arms_hit, (unsigned long long)(t->arms - t->arms_hit));
    }
    putc('}', out);
}

/* The sums of a part: as cov_file_totals has them, of some lines only. */
static struct cov_totals part_totals(const struct part *p)
{
    struct cov_totals t = {0};
    if (!p->at) {
        cov_file_totals(p->f, &t);
        return t;
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct cov_line *l = line_of(p, i);
        size_t n;
        const struct cov_arm *arms = cov_find_arms(p->f, l->line, &n);
        t.excluded += !cov_line_counts(l);
        t.lines += cov_line_counts(l);
        t.lines_hit += cov_line_counts(l) && l->count;
        for (size_t k = 0; k < n; k++) {
            if (arms[k].flags & COV_ARM_EXTRA)
                continue;
            t.arms++;
            t.arms_hit += cov_arm_taken(&arms[k]);
            t.partial += !cov_arm_taken(&arms[k]) && l->count;
        }
    }
    bool combined = p->f->language == COV_PYTHON && p->f->has_branches;
    t.covered = t.lines_hit + (combined ? t.arms_hit : 0);
    t.coverable = t.lines + (combined ? t.arms : 0);
    return t;
}

static void put_contexts(FILE *out, const struct part *p)
{
    const char *comma = "";
    fputs(", \"contexts\": {", out);
    for (size_t i = 0; i < p->n_shown; i++) {
        const struct row *row = &p->rows[p->shown ? p->shown[i] : i];
        fprintf(out, "%s\"%u\": [", comma, row->line);
        for (size_t k = 0; k < row->n; k++) {
            fputs(k ? ", " : "", out);
            cov_put_json(out, p->f->contexts[row->seen[k].context].name);
        }
        putc(']', out);
        comma = ", ";
    }
    putc('}', out);
}

static void put_part(FILE *out, const struct part *p)
{
    struct cov_totals t = part_totals(p);
    fputs("\"executed_lines\": ", out);
    put_lines(out, p, EXECUTED);
    fputs(", \"summary\": ", out);
    put_totals(out, &t, p->branches, p->decimals);
    fputs(", \"missing_lines\": ", out);
    put_lines(out, p, MISSING);
    fputs(", \"excluded_lines\": ", out);
    put_lines(out, p, EXCLUDED);
    if (p->rows)
        put_contexts(out, p);
    if (p->branches) {
        fputs(", \"executed_branches\": ", out);
        put_arcs(out, p, true);
        fputs(", \"missing_branches\": ", out);
        put_arcs(out, p, false);
    }
}

/* ---- Functions and classes ---------------------------------------------------------------------- */

static uint32_t line_at(const struct part *p, size_t i)
{
    return p->f->lines[i].line;
}

static uint32_t row_at(const struct part *p, size_t i)
{
    return p->rows[i].line;
}

/* n things with ascending lines, of a part's file. */
struct lined {
    const struct part *p;
    size_t n;
    uint32_t (*line)(const struct part *p, size_t i);
};

/* The first that is not before the line. */
static size_t first_from(const struct lined *l, uint32_t line)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->line(l->p, middle) < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Puts the indices of those of a region to at; returns how many there are. */
static size_t find(const struct lined *l, const struct cov_function *fn, size_t *at)
{
    size_t n = 0;
    if (!fn->lines)
        for (size_t i = first_from(l, fn->start_line); i < l->n; i++) {
            if (l->line(l->p, i) > fn->end_line)
                break;
            at[n++] = i;
        }
    for (size_t k = 0; k < fn->n_lines; k++) {
        size_t i = first_from(l, fn->lines[k]);
        if (i < l->n && l->line(l->p, i) == fn->lines[k] && (!n || at[n - 1] < i))
            at[n++] = i;
    }
    return n;
}

static bool is_region(const struct cov_function *fn, enum cov_region kind)
{
    return fn->kind == kind && (fn->lines || fn->end_line);
}

static bool has_statements(const struct part *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (cov_line_counts(line_of(p, i)))
            return true;
    return false;
}

struct range {
    uint32_t first, last;
};

static int compare_ranges(const void *va, const void *vb)
{
    const struct range *a = va, *b = vb;
    return (a->first > b->first) - (a->first < b->first);
}

/* The first line that belongs to no region; 1 if they all do. */
static uint32_t first_outside(const struct cov_file *f, enum cov_region kind)
{
    uint32_t last = f->n_lines ? f->lines[f->n_lines - 1].line : 0, line = 1;
    size_t n = 0, most = 0;
    for (size_t i = 0; i < f->n_functions; i++)
        most += f->functions[i].lines ? f->functions[i].n_lines : 1;
    struct range *ranges = xcalloc(most + 1, sizeof *ranges);
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (!is_region(fn, kind))
            continue;
        if (!fn->lines)
            ranges[n++] = (struct range){fn->start_line, fn->end_line};
        for (size_t k = 0; k < fn->n_lines; k++)
            ranges[n++] = (struct range){fn->lines[k], fn->lines[k]};
    }
    qsort(ranges, n, sizeof *ranges, compare_ranges);
    for (size_t i = 0; i < n && ranges[i].first <= line; i++)
        if (ranges[i].last >= line && ranges[i].last < UINT32_MAX)
            line = ranges[i].last + 1;
    free(ranges);
    last = f->n_source_lines ? f->n_source_lines : last;
    return line <= last ? line : 1;
}

/* The name that people are shown; a mangled one where two start on one line that are shown alike, as
 * the two constructors of a class are. in_line has those of the line before this one. */
static const char *name_in_line(const struct cov_function *fn, struct map *in_line, uint32_t *line)
{
    if (fn->start_line != *line)
        map_release(in_line);
    *line = fn->start_line;
    const char *shown = cov_shown_name(fn);
    return map_put(in_line, shown, 1) == MAP_NONE ? shown : fn->name;
}

/* All regions of a kind, one after the other. */
struct regions {
    FILE *out;
    enum cov_region kind;
    struct part p;   /* the current one */
    size_t *at, *shown; /* its own */
    struct map seen, in_line;
    struct map last; /* of a name, the last region with statements */
    uint32_t line;
};

static void find_lines(struct regions *r, const struct cov_function *fn)
{
    struct lined lines = {&r->p, r->p.f->n_lines, line_at};
    r->p.n = find(&lines, fn, r->at);
}

static void find_rows(struct regions *r, const struct cov_function *fn)
{
    struct lined rows = {&r->p, r->p.n_rows, row_at};
    r->p.n_shown = find(&rows, fn, r->shown);
}

static void find_last(struct regions *r)
{
    const struct cov_file *f = r->p.f;
    for (size_t i = 0; i < f->n_functions; i++) {
        if (!is_region(&f->functions[i], r->kind))
            continue;
        find_lines(r, &f->functions[i]);
        if (has_statements(&r->p))
            map_put(&r->last, cov_shown_name(&f->functions[i]), i);
    }
}

/* "name", or, as the first region of that name with statements has it, "name@line". */
static void put_region_name(struct regions *r, size_t i)
{
    const struct cov_function *fn = &r->p.f->functions[i];
    const char *shown = name_in_line(fn, &r->in_line, &r->line);
    size_t last = map_get(&r->last, cov_shown_name(fn));
    bool better_later = last != MAP_NONE && last > i;
    if (map_get(&r->seen, shown) == MAP_NONE && (has_statements(&r->p) || !better_later)) {
        map_put(&r->seen, shown, i);
        cov_put_json(r->out, shown);
        return;
    }
    char *name = xasprintf("%s@%u", shown, fn->start_line);
    cov_put_json(r->out, name);
    free(name);
}

/* Marks those at the n indices. */
static void set(unsigned char *marks, const size_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        marks[at[i]] = 1;
}

/* What no region has. A pattern of several lines may exclude one behind the last, and data may be of
 * another source: those lines are outside of all. */
static void put_outside(struct regions *r, const unsigned char *lines, const unsigned char *rows)
{
    struct part *p = &r->p;
    uint32_t last = p->f->n_source_lines ? p->f->n_source_lines : UINT32_MAX;
    p->n = p->n_shown = 0;
    for (size_t i = 0; i < p->f->n_lines; i++)
        if (!lines[i] && line_at(p, i) <= last)
            r->at[p->n++] = i;
    for (size_t i = 0; i < p->n_rows; i++)
        if (!rows[i] && row_at(p, i) <= last)
            r->shown[p->n_shown++] = i;
    fputs("\"\": {", r->out);
    put_part(r->out, p);
    fprintf(r->out, ", \"start_line\": %u}}", first_outside(p->f, r->kind));
}

static void put_regions(FILE *out, const struct part *whole, enum cov_region kind)
{
    const struct cov_file *f = whole->f;
    struct regions r = {.out = out, .kind = kind, .p = *whole};
    unsigned char *lines = xcalloc(f->n_lines + 1, 1), *rows = xcalloc(whole->n_rows + 1, 1);
    r.p.at = r.at = xcalloc(f->n_lines + 1, sizeof *r.at);
    r.p.shown = r.shown = xcalloc(whole->n_rows + 1, sizeof *r.shown);
    find_last(&r);
    putc('{', out);
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (!is_region(fn, kind))
            continue;
        find_lines(&r, fn);
        find_rows(&r, fn);
        set(lines, r.at, r.p.n);
        set(rows, r.shown, r.p.n_shown);
        put_region_name(&r, i);
        fputs(": {", out);
        put_part(out, &r.p);
        fprintf(out, ", \"start_line\": %u}, ", fn->start_line);
    }
    put_outside(&r, lines, rows);
    map_release(&r.seen);
    map_release(&r.in_line);
    map_release(&r.last);
    free(lines);
    free(rows);
    free(r.at);
    free(r.shown);
}

/* ---- What only native files have ---------------------------------------------------------------- */

static void put_name(FILE *out, const char *name)
{
    if (name)
        cov_put_json(out, name);
    else
        fputs("null", out);
}

static void put_native(FILE *out, const struct cov_file *f)
{
    const char *comma = "";
    fputs(", \"hits\": {", out);
    for (size_t i = 0; i < f->n_lines; i++, comma = ", ")
        fprintf(out, "%s\"%u\": %lld", comma, f->lines[i].line, (long long)f->lines[i].count);
    fputs("}, \"unexecuted\": [", out);
    comma = "";
    for (size_t i = 0; i < f->n_lines; i++) {
        if (!(f->lines[i].flags & COV_LINE_UNEXECUTED))
            continue;
        fprintf(out, "%s%u", comma, f->lines[i].line);
        comma = ", ";
    }
    fputs("], \"arms\": [", out);
    for (size_t i = 0; i < f->n_arms; i++) {
        const struct cov_arm *a = &f->arms[i];
        fprintf(out, "%s[%u, ", i ? ", " : "", a->line);
        put_name(out, a->owner);
        fprintf(out, ", %u, %u, ", a->block, a->arm);
        put_name(out, a->name);
        fprintf(out, ", %u, %lld]", a->flags, (long long)a->count);
    }
    fputs("], \"calls\": [", out);
    comma = "";
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (fn->count == -1)
            continue;
        fprintf(out, "%s[", comma);
        cov_put_json(out, fn->name);
        fprintf(out, ", %u, %u, %u, %u, %lld, %u, %u]", fn->start_line, fn->start_column,
                fn->end_line, fn->end_column, (long long)fn->count, fn->blocks, fn->blocks_run);
        comma = ", ";
    }
    putc(']', out);
}

static void put_meta(FILE *out, const struct cov_json *how, bool branches)
{
    char text[32];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(out,
            "{\"meta\": {\"format\": 3, \"version\": \"%s\", \"timestamp\": \"%s\", "
            "\"branch_coverage\": %s, \"show_contexts\": %s}, \"files\": {",
            how->version ? how->version : "rowlock " ROWLOCK_VERSION, text,
            branches ? "true" : "false", how->contexts ? "true" : "false");
}

/* The rows of a file with so many of seen; the caller frees them. */
static struct row *make_rows(const struct cov_seen *seen, size_t n, size_t *n_rows)
{
    struct row *rows = xreallocarray(NULL, n + 1, sizeof *rows);
    *n_rows = 0;
    for (size_t i = 0; i < n; i++)
        if (i && seen[i].line == seen[i - 1].line)
            rows[*n_rows - 1].n++;
        else
            rows[(*n_rows)++] = (struct row){seen[i].line, &seen[i], 1};
    return rows;
}

static void put_file(FILE *out, const struct cov_file *f, const struct cov_json *how, bool branches)
{
    struct part p = {.f = f, .n = f->n_lines, .branches = branches, .decimals = how->decimals};
    size_t n = 0;
    struct cov_seen *seen = how->contexts ? cov_seen_by_line(f, &n) : NULL;
    struct row *rows = how->contexts ? make_rows(seen, n, &p.n_rows) : NULL;
    p.rows = rows;
    p.n_shown = p.n_rows;
    cov_put_json(out, f->name);
    fputs(": {", out);
    put_part(out, &p);
    if (f->language != COV_PYTHON)
        put_native(out, f);
    fputs(", \"functions\": ", out);
    put_regions(out, &p, COV_FUNCTION);
    fputs(", \"classes\": ", out);
    put_regions(out, &p, COV_CLASS);
    putc('}', out);
    free(rows);
    free(seen);
}

bool cov_json_write(const struct coverage *c, const char *path, const struct cov_json *how,
                    struct error *err)
{
    struct outfile o;
    if (!outfile_open(&o, path, err))
        return false;
    bool branches = false;
    for (size_t i = 0; i < c->n_files; i++)
        branches |= c->files[i]->has_branches;
    put_meta(o.f, how, branches);
    for (size_t i = 0; i < c->n_files; i++) {
        fputs(i ? ", " : "", o.f);
        put_file(o.f, c->files[i], how, branches);
    }
    struct cov_totals t = coverage_totals(c);
    fputs("}, \"totals\": ", o.f);
    put_totals(o.f, &t, branches, how->decimals);
    fputs("}\n", o.f);
    return outfile_commit(&o, err);
}
