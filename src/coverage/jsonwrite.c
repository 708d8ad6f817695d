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
    const unsigned char *wanted; /* by index of lines; NULL: all */
    const struct row *rows;      /* ascending; NULL: contexts are not shown */
    size_t n_rows;
    const unsigned char *shown;  /* by index of rows; NULL: all */
    bool branches;
    int decimals;
};

static bool has(const struct part *p, size_t i)
{
    return !p->wanted || p->wanted[i];
}

enum list { EXECUTED, MISSING, EXCLUDED };

static void put_lines(FILE *out, const struct part *p, enum list which)
{
    const char *comma = "";
    putc('[', out);
    for (size_t i = 0; i < p->f->n_lines; i++) {
        const struct cov_line *l = &p->f->lines[i];
        enum list is = !cov_line_counts(l) ? EXCLUDED : l->count ? EXECUTED : MISSING;
        if (is != which || !has(p, i))
            continue;
        fprintf(out, "%s%u", comma, l->line);
        comma = ", ";
    }
    putc(']', out);
}

/* The arms with a line that they lead to. */
static void put_arcs(FILE *out, const struct part *p, bool taken)
{
    const char *comma = "";
    putc('[', out);
    for (size_t i = 0; i < p->f->n_arms; i++) {
        const struct cov_arm *a = &p->f->arms[i];
        if (!a->to || (a->flags & COV_ARM_ASSUMED) || (a->count != 0) != taken)
            continue;
        const struct cov_line *l = cov_find_line(p->f, a->line);
        if (p->wanted && (!l || !p->wanted[l - p->f->lines]))
            continue;
        fprintf(out, "%s[%u, %d]", comma, a->line, a->to);
        comma = ", ";
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
    if (!p->wanted) {
        cov_file_totals(p->f, &t);
        return t;
    }
    for (size_t i = 0; i < p->f->n_lines; i++) {
        const struct cov_line *l = &p->f->lines[i];
        if (!p->wanted[i])
            continue;
        t.excluded += !cov_line_counts(l);
        t.lines += cov_line_counts(l);
        t.lines_hit += cov_line_counts(l) && l->count;
    }
    for (size_t i = 0; i < p->f->n_arms; i++) {
        const struct cov_arm *a = &p->f->arms[i];
        const struct cov_line *l = cov_find_line(p->f, a->line);
        if ((a->flags & COV_ARM_EXTRA) || !l || !p->wanted[l - p->f->lines])
            continue;
        t.arms++;
        t.arms_hit += cov_arm_taken(a);
        t.partial += !cov_arm_taken(a) && l->count;
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
    for (size_t i = 0; i < p->n_rows; i++) {
        const struct row *row = &p->rows[i];
        if (p->shown && !p->shown[i])
            continue;
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

/* Is the line one of the region's? Asked about ascending lines; *k begins with 0. */
static bool holds(const struct cov_function *fn, uint32_t line, size_t *k)
{
    while (fn->lines && *k < fn->n_lines && fn->lines[*k] < line)
        ++*k;
    return fn->lines ? *k < fn->n_lines && fn->lines[*k] == line
                     : line >= fn->start_line && line <= fn->end_line;
}

/* Marks the lines of a region; returns false if they are not known. */
static bool mark(const struct cov_file *f, const struct cov_function *fn, unsigned char *wanted)
{
    size_t k = 0;
    if (!fn->lines && !fn->end_line)
        return false;
    for (size_t i = 0; i < f->n_lines; i++)
        wanted[i] = holds(fn, f->lines[i].line, &k);
    return true;
}

/* The same for rows. */
static void mark_rows(const struct part *p, const struct cov_function *fn, unsigned char *shown)
{
    size_t k = 0;
    for (size_t i = 0; i < p->n_rows; i++)
        shown[i] = holds(fn, p->rows[i].line, &k);
}

static bool in_region(const struct cov_function *fn, uint32_t line)
{
    for (size_t i = 0; i < fn->n_lines && fn->lines[i] <= line; i++)
        if (fn->lines[i] == line)
            return true;
    return !fn->lines && fn->end_line && line >= fn->start_line && line <= fn->end_line;
}

/* The first line that belongs to none; 1 if they all do. */
static uint32_t first_outside(const struct cov_file *f, enum cov_region kind)
{
    uint32_t last = f->n_lines ? f->lines[f->n_lines - 1].line : 0;
    last = f->n_source_lines ? f->n_source_lines : last;
    for (uint32_t line = 1; line <= last; line++) {
        bool inside = false;
        for (size_t i = 0; i < f->n_functions && !inside; i++)
            inside = f->functions[i].kind == kind && in_region(&f->functions[i], line);
        if (!inside)
            return line;
    }
    return 1;
}

static bool has_statements(const struct cov_file *f, const unsigned char *wanted)
{
    for (size_t i = 0; i < f->n_lines; i++)
        if (wanted[i] && cov_line_counts(&f->lines[i]))
            return true;
    return false;
}

/* Does a region of that name with statements come behind functions[i]? */
static bool is_better_later(const struct cov_file *f, size_t i)
{
    const struct cov_function *fn = &f->functions[i];
    unsigned char *wanted = xcalloc(f->n_lines + 1, 1);
    bool found = false;
    for (size_t k = i + 1; k < f->n_functions && !found; k++) {
        const struct cov_function *other = &f->functions[k];
        found = other->kind == fn->kind && strcmp(cov_shown_name(other), cov_shown_name(fn)) == 0 &&
                mark(f, other, wanted) && has_statements(f, wanted);
    }
    free(wanted);
    return found;
}

/* The name that people are shown; a mangled one where two start on one line that are shown alike, as
 * the two constructors of a class are. */
static const char *name_in_line(const struct cov_file *f, size_t i)
{
    const struct cov_function *fn = &f->functions[i];
    const char *shown = cov_shown_name(fn);
    for (size_t k = i; k-- > 0 && f->functions[k].start_line == fn->start_line;)
        if (f->functions[k].kind == fn->kind && strcmp(cov_shown_name(&f->functions[k]), shown) == 0)
            return fn->name;
    return shown;
}

/* "name", or, as the first region of that name with statements has it, "name@line". */
static void put_region_name(FILE *out, const struct cov_file *f, size_t i, struct map *seen,
                            const unsigned char *wanted)
{
    const struct cov_function *fn = &f->functions[i];
    const char *shown = name_in_line(f, i);
    if (map_get(seen, shown) == MAP_NONE && (has_statements(f, wanted) || !is_better_later(f, i))) {
        map_put(seen, shown, i);
        cov_put_json(out, shown);
        return;
    }
    char *name = xasprintf("%s@%u", shown, fn->start_line);
    cov_put_json(out, name);
    free(name);
}

static void take_out(unsigned char *from, const unsigned char *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        from[i] &= !what[i];
}

/* What no region has. A pattern of several lines may exclude one behind the last, and data may be of
 * another source: those lines are outside of all. */
static void put_outside(FILE *out, struct part *p, enum cov_region kind, unsigned char *wanted,
                        unsigned char *shown)
{
    uint32_t last = p->f->n_source_lines ? p->f->n_source_lines : UINT32_MAX;
    for (size_t i = 0; i < p->f->n_lines; i++)
        wanted[i] &= p->f->lines[i].line <= last;
    for (size_t i = 0; i < p->n_rows; i++)
        shown[i] &= p->rows[i].line <= last;
    p->wanted = wanted;
    p->shown = shown;
    fputs("\"\": {", out);
    put_part(out, p);
    fprintf(out, ", \"start_line\": %u}}", first_outside(p->f, kind));
}

static void put_regions(FILE *out, const struct part *whole, enum cov_region kind)
{
    const struct cov_file *f = whole->f;
    struct part p = *whole;
    struct map seen = MAP_INIT;
    unsigned char *wanted = xcalloc(f->n_lines + 1, 1), *outside = xcalloc(f->n_lines + 1, 1);
    unsigned char *shown = xcalloc(p.n_rows + 1, 1), *shown_outside = xcalloc(p.n_rows + 1, 1);
    memset(outside, 1, f->n_lines);
    memset(shown_outside, 1, p.n_rows);
    putc('{', out);
    p.wanted = wanted;
    p.shown = shown;
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (fn->kind != kind || !mark(f, fn, wanted))
            continue;
        mark_rows(&p, fn, shown);
        take_out(outside, wanted, f->n_lines);
        take_out(shown_outside, shown, p.n_rows);
        put_region_name(out, f, i, &seen, wanted);
        fputs(": {", out);
        put_part(out, &p);
        fprintf(out, ", \"start_line\": %u}, ", fn->start_line);
    }
    put_outside(out, &p, kind, outside, shown_outside);
    map_release(&seen);
    free(wanted);
    free(outside);
    free(shown);
    free(shown_outside);
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
    struct part p = {.f = f, .branches = branches, .decimals = how->decimals};
    size_t n = 0;
    struct cov_seen *seen = how->contexts ? cov_seen_by_line(f, &n) : NULL;
    struct row *rows = how->contexts ? make_rows(seen, n, &p.n_rows) : NULL;
    p.rows = rows;
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
