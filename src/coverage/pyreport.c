/* As coverage/results.py and coverage/parser.py do it: a line that was run stands for the statement
 * that it belongs to, a branch is a line with more than one way on, and its ways are arcs. */
#include "coverage/pyreport.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

/* The file that is being reported. */
struct work {
    const struct py_run *data; /* of all its contexts */
    const struct py_source *source;
    int32_t *firsts; /* of line n the first line of its statement */
    size_t n_firsts;
    struct py_arc *arcs; /* those run, in terms of statements; sorted */
    size_t n_arcs;
};

static int compare_arcs(const void *va, const void *vb)
{
    const struct py_arc *a = va, *b = vb;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

static void fill_firsts(struct work *w)
{
    const struct py_numbers *n = &w->source->firsts;
    int32_t last = n->n ? n->v[n->n - 2] : 0;
    w->n_firsts = last > 0 && last <= PY_MOST_LINE ? (size_t)last + 1 : 0;
    w->firsts = xcalloc(w->n_firsts + 1, sizeof *w->firsts);
    for (size_t i = 0; i < w->n_firsts; i++)
        w->firsts[i] = (int32_t)i;
    for (size_t i = 0; i + 1 < n->n; i += 2)
        if (n->v[i] >= 0 && (size_t)n->v[i] < w->n_firsts)
            w->firsts[n->v[i]] = n->v[i + 1];
}

static int32_t first_of(const struct work *w, int32_t line)
{
    if (line < 0)
        return line < -PY_MOST_LINE ? line : -first_of(w, -line);
    return (size_t)line < w->n_firsts ? w->firsts[line] : line;
}

/* Leaving a with statement goes back to its line first; the source knows what is meant. False if
 * the arc is none. */
static bool make_better(const struct work *w, struct py_arc *arc)
{
    const struct py_numbers *n = &w->source->better;
    size_t low = 0, high = n->n / 4;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const int32_t *v = n->v + 4 * middle;
        struct py_arc key = {v[0], v[1]};
        int c = compare_arcs(&key, arc);
        if (c == 0) {
            *arc = (struct py_arc){v[2], v[3]};
            return v[2] || v[3];
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return true;
}

static bool is_among(const struct py_arc *arcs, size_t n, struct py_arc arc)
{
    return n && bsearch(&arc, arcs, n, sizeof arc, compare_arcs);
}

static void sort_arcs(struct py_arc *arcs, size_t n)
{
    if (n)
        qsort(arcs, n, sizeof *arcs, compare_arcs);
}

/* The same for versions of coverage.py that replace chains of arcs: some go, some come, and those
 * that go do so even if others let them come. */
static void replace_chains(struct work *w)
{
    const struct py_numbers *jumps = &w->source->jumps;
    struct py_arc *gone = xcalloc(jumps->n / 5 + 1, sizeof *gone);
    size_t n_gone = 0, n_before = w->n_arcs, n = 0;
    sort_arcs(w->arcs, w->n_arcs);
    w->arcs = xreallocarray(w->arcs, w->n_arcs + jumps->n / 5 + 1, sizeof *w->arcs);
    for (size_t i = 0; i + 4 < jumps->n; i += 5) {
        const int32_t *v = jumps->v + i;
        if (!is_among(w->arcs, n_before, (struct py_arc){v[0], v[1]}))
            continue;
        if (v[4] == PY_GOES)
            gone[n_gone++] = (struct py_arc){v[2], v[3]};
        else
            w->arcs[w->n_arcs++] = (struct py_arc){v[2], v[3]};
    }
    sort_arcs(gone, n_gone);
    for (size_t i = 0; i < w->n_arcs; i++)
        if (!is_among(gone, n_gone, w->arcs[i]))
            w->arcs[n++] = w->arcs[i];
    w->n_arcs = n;
    free(gone);
}

/* In terms of statements. Twice: what is meant may itself be meant otherwise. */
static void translate_arcs(struct work *w)
{
    size_t n = w->data->n_arcs;
    w->arcs = xreallocarray(NULL, n + 1, sizeof *w->arcs);
    if (n)
        memcpy(w->arcs, w->data->arcs, n * sizeof *w->arcs);
    w->n_arcs = n;
    for (int pass = 0; pass < 2; pass++) {
        if (w->source->jumps.n)
            replace_chains(w);
        n = 0;
        for (size_t i = 0; i < w->n_arcs; i++) {
            struct py_arc arc = w->arcs[i];
            if (make_better(w, &arc))
                w->arcs[n++] = (struct py_arc){first_of(w, arc.from), first_of(w, arc.to)};
        }
        w->n_arcs = n;
    }
    n = 0;
    for (size_t i = 0; i < w->n_arcs; i++)
        if (w->arcs[i].from != w->arcs[i].to)
            w->arcs[n++] = w->arcs[i];
    w->n_arcs = n;
    sort_arcs(w->arcs, n);
}

static bool was_taken(const struct work *w, int32_t from, int32_t to)
{
    return is_among(w->arcs, w->n_arcs, (struct py_arc){from, to});
}

/* ---- Lines ------------------------------------------------------------------------------------ */

static void mark(const struct work *w, uint8_t *run, size_t size, int32_t line)
{
    line = line > 0 ? first_of(w, line) : 0;
    if (line > 0 && (size_t)line < size)
        run[line] = 1;
}

static void add_lines(const struct work *w, bool arcs, struct cov_file *f)
{
    const struct py_numbers *s = &w->source->statements, *e = &w->source->excluded;
    int32_t last = s->n ? s->v[s->n - 1] : 0;
    size_t size = last > 0 && last <= PY_MOST_LINE ? (size_t)last + 1 : 1;
    uint8_t *run = xcalloc(size, 1);
    for (size_t i = 0; arcs && i < w->data->n_arcs; i++) {
        mark(w, run, size, w->data->arcs[i].from);
        mark(w, run, size, w->data->arcs[i].to);
    }
    for (size_t i = 0; !arcs && i < 8 * w->data->n_bits; i++)
        if (w->data->bits[i / 8] & 1 << i % 8)
            mark(w, run, size, (int32_t)i);
    size_t k = 0;
    for (size_t i = 0; i < s->n; i++) {
        for (; k < e->n && e->v[k] < s->v[i]; k++)
            cov_add_line(f, (uint32_t)e->v[k], 0, COV_LINE_EXCLUDED);
        if (s->v[i] > 0 && (size_t)s->v[i] < size)
            cov_add_line(f, (uint32_t)s->v[i], run[s->v[i]], 0);
    }
    for (; k < e->n; k++)
        cov_add_line(f, (uint32_t)e->v[k], 0, COV_LINE_EXCLUDED);
    free(run);
}

/* ---- Branches --------------------------------------------------------------------------------- */

static void add_arm(struct cov_file *f, int32_t from, int32_t to, unsigned flags, int64_t count)
{
    const struct cov_line *line = cov_find_line(f, (uint32_t)from);
    struct cov_arm arm = {.line = (uint32_t)from, .to = to, .flags = flags, .count = count};
    if (!count && !(line && line->count))
        arm.flags |= COV_ARM_UNREACHED;
    cov_add_arm(f, &arm);
}

/* Of versions of coverage.py whose reports list them: what was taken, but cannot be. */
static void add_impossible(const struct work *w, size_t *at, int32_t from, size_t first, size_t end,
                           struct cov_file *f)
{
    const struct py_numbers *n = &w->source->arms;
    while (*at < w->n_arcs && w->arcs[*at].from < from)
        ++*at;
    for (; *at < w->n_arcs && w->arcs[*at].from == from; ++*at) {
        bool possible = false;
        for (size_t i = first; i < end; i += 3)
            possible |= n->v[i + 1] == w->arcs[*at].to;
        if (!possible)
            add_arm(f, from, w->arcs[*at].to, COV_ARM_EXTRA, 1);
    }
}

static void add_arms(const struct work *w, struct cov_file *f)
{
    const struct py_numbers *n = &w->source->arms;
    size_t at = 0;
    for (size_t i = 0, end; i < n->n; i = end) {
        int32_t from = n->v[i];
        for (end = i; end < n->n && n->v[end] == from; end += 3) {
            bool taken = was_taken(w, from, n->v[end + 1]);
            if (n->v[end + 2] == PY_TO_EXCLUDED) {
                if (taken)
                    add_arm(f, from, n->v[end + 1], COV_ARM_EXTRA, 1);
            } else if (!taken && n->v[end + 2] == PY_NEVER_MISSING) {
                add_arm(f, from, n->v[end + 1], COV_ARM_ASSUMED, 1);
            } else {
                add_arm(f, from, n->v[end + 1], 0, taken);
            }
        }
        if (w->source->flags & PY_LISTS_ALL)
            add_impossible(w, &at, from, i, end, f);
    }
}

/* ---- Functions and classes -------------------------------------------------------------------- */

/* Does this range of lines exist? */
static bool is_range(const int32_t *v)
{
    return v[0] > 0 && v[0] <= v[1] && v[1] <= PY_MOST_LINE;
}

/* All regions of a file together have at most *left lines. */
static void add_region(struct coverage *c, const struct py_region *region, struct cov_file *f,
                       size_t *left)
{
    const struct py_numbers *r = &region->ranges;
    size_t n = 0, most = 0;
    for (size_t i = 0; i + 1 < r->n; i += 2)
        if (is_range(r->v + i))
            most += (size_t)(r->v[i + 1] - r->v[i]) + 1;
    if (most > *left)
        return;
    *left -= most;
    uint32_t *lines = arena_alloc(&c->arena, (most + 1) * sizeof *lines);
    for (size_t i = 0; i + 1 < r->n; i += 2)
        for (int32_t line = r->v[i]; is_range(r->v + i) && line <= r->v[i + 1]; line++)
            lines[n++] = (uint32_t)line;
    struct cov_function function = {.name = coverage_intern(c, region->name),
                                    .kind = region->kind ? COV_CLASS : COV_FUNCTION,
                                    .start_line = region->start,
                                    .end_line = n ? lines[n - 1] : 0,
                                    .count = -1,
                                    .lines = lines,
                                    .n_lines = n};
    cov_add_function(f, &function);
}

/* ---- All of it -------------------------------------------------------------------------------- */

static void report_file(struct coverage *c, const struct py_run *data,
                        const struct py_source *source, bool arcs)
{
    struct work w = {.data = data, .source = source};
    struct cov_file *f = coverage_file(c, source->name);
    f->language = COV_PYTHON;
    f->has_branches = arcs;
    f->n_source_lines = source->n_lines;
    fill_firsts(&w);
    add_lines(&w, arcs, f);
    if (arcs) {
        translate_arcs(&w);
        add_arms(&w, f);
    }
    size_t left = PY_MOST_LINE;
    for (size_t i = 0; i < source->n_regions; i++)
        add_region(c, &source->regions[i], f, &left);
    free(w.firsts);
    free(w.arcs);
}

/* The lines of a context, as coverage.py has them: those of the data, not those of statements. */
static void add_context(struct cov_file *f, const char *name, const struct py_run *run)
{
    size_t n = 0, most = 2 * run->n_arcs;
    for (size_t i = 0; i < run->n_bits; i++)
        most += (size_t)__builtin_popcount(run->bits[i]);
    uint32_t *lines = xreallocarray(NULL, most + 1, sizeof *lines);
    for (size_t i = 0; i < run->n_arcs; i++) {
        if (run->arcs[i].from > 0)
            lines[n++] = (uint32_t)run->arcs[i].from;
        if (run->arcs[i].to > 0)
            lines[n++] = (uint32_t)run->arcs[i].to;
    }
    for (size_t i = 0; i < 8 * run->n_bits; i++)
        if (run->bits[i / 8] & 1 << i % 8)
            lines[n++] = (uint32_t)i;
    cov_add_context(f, name, lines, n);
    free(lines);
}

/* Both texts come from data files and sources. */
static void complain(struct strv *problems, const char *path, const char *what)
{
    struct buf b = BUF_INIT;
    text_escape(&b, path, strlen(path), SIZE_MAX);
    buf_adds(&b, ": ");
    text_escape(&b, what, strlen(what), SIZE_MAX);
    strv_push(problems, buf_cstr(&b));
    buf_release(&b);
}

/* Is the file to be reported? */
static bool check_file(const struct py_file *data, const struct py_source *source, bool lenient,
                       struct strv *problems)
{
    if (data->tracer)
        complain(problems, data->path, "measured by a plugin of coverage.py, not known here");
    else if (source->error && !(source->flags & PY_NO_PYTHON) && !lenient)
        complain(problems, data->path, source->error);
    return !data->tracer && !source->error && source->flags & PY_REPORTED;
}

/* Several paths in the data may be one source file ([paths]): their data belong together. Which
 * files of the data are one: the next one that is the same, SIZE_MAX behind the last. */
static size_t *same_sources(const struct py_data *d, const struct py_facts *facts, bool *first,
                            struct strv *problems)
{
    struct map last = MAP_INIT; /* by the name of the source */
    size_t *next = xreallocarray(NULL, d->n_files + 1, sizeof *next);
    bool lenient = facts->config.flags & PY_IGNORE_ERRORS;
    for (size_t i = 0; i < d->n_files && i < facts->n_sources; i++) {
        next[i] = SIZE_MAX;
        if (!check_file(&d->files[i], &facts->sources[i], lenient, problems))
            continue;
        size_t before = map_put(&last, facts->sources[i].name, i);
        first[i] = before == MAP_NONE;
        if (!first[i])
            next[before] = i;
    }
    map_release(&last);
    return next;
}

static bool is_wanted(const struct py_data *d, const struct py_contexts *contexts,
                      const struct py_run *run)
{
    return !contexts->wanted || (run->context < d->n_contexts && contexts->wanted[run->context]);
}

/* What was run of the files from i on, which are one. */
static void report_whole(struct coverage *c, const struct py_data *d, const struct py_facts *facts,
                         const struct py_contexts *contexts, const size_t *next, size_t i)
{
    const struct py_file *f = &d->files[i];
    struct py_run whole = {0};
    if (f->n_runs == 1 && next[i] == SIZE_MAX && is_wanted(d, contexts, &f->runs[0])) {
        report_file(c, &f->runs[0], &facts->sources[i], d->has_arcs);
        return;
    }
    for (size_t k = i; k != SIZE_MAX; k = next[k])
        for (size_t r = 0; r < d->files[k].n_runs; r++)
            if (is_wanted(d, contexts, &d->files[k].runs[r]))
                py_run_add(&whole, &d->files[k].runs[r]);
    py_run_finish(&whole);
    report_file(c, &whole, &facts->sources[i], d->has_arcs);
    py_run_release(&whole);
}

static void add_contexts(struct coverage *c, const struct py_data *d,
                         const struct py_contexts *contexts, const struct py_source *source,
                         const struct py_file *f)
{
    struct cov_file *to = coverage_file(c, source->name);
    for (size_t i = 0; i < f->n_runs; i++) {
        const struct py_run *run = &f->runs[i];
        if (run->context < d->n_contexts && is_wanted(d, contexts, run))
            add_context(to, coverage_intern(c, d->contexts[run->context]), run);
    }
}

void py_report(struct coverage *c, const struct py_data *d, const struct py_facts *facts,
               const struct py_contexts *contexts, struct strv *problems)
{
    struct coverage own;
    bool *first = xcalloc(d->n_files + 1, sizeof *first);
    size_t *next = same_sources(d, facts, first, problems);
    coverage_init(&own);
    for (size_t i = 0; i < d->n_files; i++)
        if (first[i])
            report_whole(&own, d, facts, contexts, next, i);
    coverage_merge(c, &own);
    for (size_t i = 0; contexts->show && i < d->n_files; i++)
        for (size_t k = first[i] ? i : SIZE_MAX; k != SIZE_MAX; k = next[k])
            add_contexts(c, d, contexts, &facts->sources[k], &d->files[k]);
    coverage_release(&own);
    free(first);
    free(next);
}
