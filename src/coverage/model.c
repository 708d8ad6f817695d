#include "coverage/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void coverage_init(struct coverage *c)
{
    memset(c, 0, sizeof *c);
}

static void free_file(struct cov_file *f)
{
    for (size_t i = 0; i < f->n_contexts; i++)
        free(f->contexts[i].lines);
    free(f->contexts);
    free(f->lines);
    free(f->arms);
    free(f->functions);
    free(f);
}

void coverage_release(struct coverage *c)
{
    for (size_t i = 0; i < c->n_files; i++)
        free_file(c->files[i]);
    free(c->files);
    free(c->interned);
    map_release(&c->by_name);
    map_release(&c->strings);
    arena_release(&c->arena);
    coverage_init(c);
}

const char *coverage_intern(struct coverage *c, const char *s)
{
    if (!s)
        return NULL;
    size_t at = map_get(&c->strings, s);
    if (at != MAP_NONE)
        return c->interned[at];
    c->interned = xgrow(c->interned, c->n_strings, &c->cap_strings, sizeof *c->interned);
    const char *copy = arena_strdup(&c->arena, s);
    c->interned[c->n_strings] = copy;
    map_put(&c->strings, copy, c->n_strings++);
    return copy;
}

struct cov_file *coverage_find(const struct coverage *c, const char *name)
{
    size_t at = map_get(&c->by_name, name);
    return at == MAP_NONE ? NULL : c->files[at];
}

static void add_file(struct coverage *c, struct cov_file *f, const char *name)
{
    f->name = coverage_intern(c, name);
    c->files = xgrow(c->files, c->n_files, &c->cap_files, sizeof(struct cov_file *));
    map_put(&c->by_name, f->name, c->n_files);
    c->files[c->n_files++] = f;
}

struct cov_file *coverage_file(struct coverage *c, const char *name)
{
    struct cov_file *f = coverage_find(c, name);
    if (f)
        return f;
    f = xcalloc(1, sizeof *f);
    add_file(c, f, name);
    return f;
}

static int64_t add_counts(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* ---- Order ------------------------------------------------------------------------------------ */

static int compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_numbers(const void *va, const void *vb)
{
    return compare_u32(*(const uint32_t *)va, *(const uint32_t *)vb);
}

size_t cov_sort_numbers(uint32_t *v, size_t n)
{
    size_t out = 0;
    if (n)
        qsort(v, n, sizeof *v, compare_numbers);
    for (size_t i = 0; i < n; i++)
        if (!out || v[out - 1] != v[i])
            v[out++] = v[i];
    return out;
}

/* Equal strings are one and the same; NULL comes first. */
static int compare_text(const char *a, const char *b)
{
    if (a == b)
        return 0;
    return !a ? -1 : !b ? 1 : strcmp(a, b);
}

static int compare_lines(const void *va, const void *vb)
{
    const struct cov_line *a = va, *b = vb;
    return compare_u32(a->line, b->line);
}

static int compare_arms(const void *va, const void *vb)
{
    const struct cov_arm *a = va, *b = vb;
    int c = compare_u32(a->line, b->line);
    if (!c)
        c = compare_text(a->owner, b->owner);
    if (!c)
        c = compare_u32(a->block, b->block);
    if (!c)
        c = compare_u32(a->arm, b->arm);
    if (!c)
        c = (a->to > b->to) - (a->to < b->to);
    return c ? c : compare_text(a->name, b->name);
}

static int compare_functions(const void *va, const void *vb)
{
    const struct cov_function *a = va, *b = vb;
    int c = compare_u32(a->start_line, b->start_line);
    if (!c)
        c = compare_text(a->name, b->name);
    return c ? c : (int)a->kind - (int)b->kind;
}

static int compare_contexts(const void *va, const void *vb)
{
    const struct cov_context *a = va, *b = vb;
    return compare_text(a->name, b->name);
}

static int compare_files(const void *va, const void *vb)
{
    return strcmp((*(struct cov_file *const *)va)->name, (*(struct cov_file *const *)vb)->name);
}

/* ---- Adding ----------------------------------------------------------------------------------- */

static void merge_line(void *into, const void *from)
{
    struct cov_line *a = into;
    const struct cov_line *b = from;
    a->flags |= b->flags;
    a->count = a->flags & COV_LINE_EXCLUDED ? 0 : add_counts(a->count, b->count);
}

static void merge_arm(void *into, const void *from)
{
    struct cov_arm *a = into;
    const struct cov_arm *b = from;
    uint32_t reached = COV_ARM_UNREACHED & ~(a->flags & b->flags);
    a->flags = (a->flags | b->flags) & ~reached;
    a->count = add_counts(a->count, b->count);
}

static void merge_function(void *into, const void *from)
{
    struct cov_function *a = into;
    const struct cov_function *b = from;
    if (a->count == -1)
        a->count = b->count;
    else if (b->count != -1)
        a->count = add_counts(a->count, b->count);
    if (!a->demangled)
        a->demangled = b->demangled;
    /* Where objects do not agree, the later end and the earlier column, whichever came first. */
    if (a->end_line < b->end_line || (a->end_line == b->end_line && a->end_column < b->end_column)) {
        a->end_line = b->end_line;
        a->end_column = b->end_column;
    }
    if (!a->start_column || (b->start_column && b->start_column < a->start_column))
        a->start_column = b->start_column;
    if (a->blocks < b->blocks)
        a->blocks = b->blocks;
    if (a->blocks_run < b->blocks_run)
        a->blocks_run = b->blocks_run;
    if (!a->lines || a->n_lines < b->n_lines) {
        a->lines = b->lines;
        a->n_lines = b->n_lines;
    }
}

/* Takes the lines of what is merged. */
static void merge_context(void *into, const void *from)
{
    struct cov_context *a = into;
    const struct cov_context *b = from;
    a->lines = xreallocarray(a->lines, a->n_lines + b->n_lines + 1, sizeof *a->lines);
    if (b->n_lines)
        memcpy(a->lines + a->n_lines, b->lines, b->n_lines * sizeof *a->lines);
    a->n_lines = cov_sort_numbers(a->lines, a->n_lines + b->n_lines);
    free(b->lines);
}

/* The first `sorted` of n elements are in order and differ; sorts in the others and merges equal
 * ones. Returns how many are left. */
static size_t compact(void *v, size_t n, size_t sorted, size_t size,
                      int (*compare)(const void *, const void *),
                      void (*merge)(void *, const void *))
{
    char *data = v;
    if (sorted == n)
        return n;
    qsort(data, n, size, compare);
    size_t out = 0;
    for (size_t i = 1; i < n; i++) {
        if (compare(data + out * size, data + i * size) == 0)
            merge(data + out * size, data + i * size);
        else if (++out != i)
            memcpy(data + out * size, data + i * size, size);
    }
    return out + 1;
}

/* What is unsorted may not outgrow what is sorted by much: that bounds the memory of many inputs
 * with the same lines. */
static bool crowded(size_t n, size_t sorted)
{
    return n > 2 * sorted + 1024;
}

static void compact_lines(struct cov_file *f)
{
    f->n_lines = compact(f->lines, f->n_lines, f->sorted_lines, sizeof *f->lines, compare_lines,
                         merge_line);
    f->sorted_lines = f->n_lines;
}

static void compact_arms(struct cov_file *f)
{
    f->n_arms =
        compact(f->arms, f->n_arms, f->sorted_arms, sizeof *f->arms, compare_arms, merge_arm);
    f->sorted_arms = f->n_arms;
}

static void compact_functions(struct cov_file *f)
{
    f->n_functions = compact(f->functions, f->n_functions, f->sorted_functions,
                             sizeof *f->functions, compare_functions, merge_function);
    f->sorted_functions = f->n_functions;
}

static void compact_contexts(struct cov_file *f)
{
    f->n_contexts = compact(f->contexts, f->n_contexts, f->sorted_contexts, sizeof *f->contexts,
                            compare_contexts, merge_context);
    f->sorted_contexts = f->n_contexts;
}

void cov_add_line(struct cov_file *f, uint32_t line, int64_t count, uint32_t flags)
{
    struct cov_line l = {line, flags, flags & COV_LINE_EXCLUDED ? 0 : count};
    if (!line)
        return;
    f->lines = xgrow(f->lines, f->n_lines, &f->cap_lines, sizeof *f->lines);
    if (f->sorted_lines == f->n_lines && (!f->n_lines || f->lines[f->n_lines - 1].line < line))
        f->sorted_lines++;
    f->lines[f->n_lines++] = l;
    if (crowded(f->n_lines, f->sorted_lines))
        compact_lines(f);
}

void cov_add_arm(struct cov_file *f, const struct cov_arm *arm)
{
    if (!arm->line)
        return;
    f->arms = xgrow(f->arms, f->n_arms, &f->cap_arms, sizeof *f->arms);
    if (f->sorted_arms == f->n_arms &&
        (!f->n_arms || compare_arms(&f->arms[f->n_arms - 1], arm) < 0))
        f->sorted_arms++;
    f->arms[f->n_arms++] = *arm;
    if (crowded(f->n_arms, f->sorted_arms))
        compact_arms(f);
}

void cov_add_function(struct cov_file *f, const struct cov_function *function)
{
    f->functions = xgrow(f->functions, f->n_functions, &f->cap_functions, sizeof *f->functions);
    f->functions[f->n_functions++] = *function;
    if (crowded(f->n_functions, f->sorted_functions))
        compact_functions(f);
}

void cov_add_context(struct cov_file *f, const char *name, const uint32_t *lines, size_t n)
{
    struct cov_context context = {name, xreallocarray(NULL, n + 1, sizeof *lines), n};
    if (n)
        memcpy(context.lines, lines, n * sizeof *lines);
    context.n_lines = cov_sort_numbers(context.lines, n);
    context.lines = xreallocarray(context.lines, context.n_lines + 1, sizeof *lines);
    f->contexts = xgrow(f->contexts, f->n_contexts, &f->cap_contexts, sizeof *f->contexts);
    f->contexts[f->n_contexts++] = context;
    if (crowded(f->n_contexts, f->sorted_contexts))
        compact_contexts(f);
}

static const uint32_t *copy_numbers(struct arena *a, const uint32_t *v, size_t n)
{
    if (!v)
        return NULL;
    uint32_t *copy = arena_alloc(a, (n ? n : 1) * sizeof *copy);
    memcpy(copy, v, n * sizeof *copy);
    return copy;
}

static void merge_file(struct coverage *c, struct cov_file *into, const struct cov_file *f)
{
    if (into->language == COV_UNKNOWN)
        into->language = f->language;
    into->has_branches |= f->has_branches;
    if (into->n_source_lines < f->n_source_lines)
        into->n_source_lines = f->n_source_lines;
    for (size_t i = 0; i < f->n_lines; i++)
        cov_add_line(into, f->lines[i].line, f->lines[i].count, f->lines[i].flags);
    for (size_t i = 0; i < f->n_arms; i++) {
        struct cov_arm arm = f->arms[i];
        arm.owner = coverage_intern(c, arm.owner);
        arm.name = coverage_intern(c, arm.name);
        cov_add_arm(into, &arm);
    }
    for (size_t i = 0; i < f->n_functions; i++) {
        struct cov_function fn = f->functions[i];
        fn.name = coverage_intern(c, fn.name);
        fn.demangled = coverage_intern(c, fn.demangled);
        fn.lines = copy_numbers(&c->arena, fn.lines, fn.n_lines);
        cov_add_function(into, &fn);
    }
    for (size_t i = 0; i < f->n_contexts; i++)
        cov_add_context(into, coverage_intern(c, f->contexts[i].name), f->contexts[i].lines,
                        f->contexts[i].n_lines);
}

void coverage_merge(struct coverage *c, const struct coverage *from)
{
    for (size_t i = 0; i < from->n_files; i++)
        merge_file(c, coverage_file(c, from->files[i]->name), from->files[i]);
}

static void index_files(struct coverage *c)
{
    map_release(&c->by_name);
    for (size_t i = 0; i < c->n_files; i++)
        map_put(&c->by_name, c->files[i]->name, i);
}

void coverage_finish(struct coverage *c)
{
    for (size_t i = 0; i < c->n_files; i++) {
        compact_lines(c->files[i]);
        compact_arms(c->files[i]);
        compact_functions(c->files[i]);
        compact_contexts(c->files[i]);
    }
    if (c->n_files)
        qsort(c->files, c->n_files, sizeof(struct cov_file *), compare_files);
    index_files(c);
}

void coverage_filter(struct coverage *c, bool (*keep)(const struct cov_file *f, void *arg),
                     void *arg)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_files; i++) {
        if (keep(c->files[i], arg))
            c->files[n++] = c->files[i];
        else
            free_file(c->files[i]);
    }
    c->n_files = n;
    index_files(c);
}

void coverage_rename(struct coverage *c, char *(*name)(const char *name, void *arg), void *arg)
{
    struct cov_file **files = c->files;
    size_t n = c->n_files;
    c->files = NULL;
    c->n_files = c->cap_files = 0;
    map_release(&c->by_name);
    for (size_t i = 0; i < n; i++) {
        char *to = name(files[i]->name, arg);
        struct cov_file *there = to ? coverage_find(c, to) : NULL;
        if (there)
            merge_file(c, there, files[i]);
        if (to && !there)
            add_file(c, files[i], to);
        else
            free_file(files[i]);
        free(to);
    }
    free(files);
}

/* ---- Looking ---------------------------------------------------------------------------------- */

/* The index of the first of n elements, which are sorted by the line that each begins with, that is
 * not before `line`. */
static size_t first_from(const void *v, size_t n, size_t size, uint32_t line)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (*(const uint32_t *)((const char *)v + middle * size) < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t cov_line_from(const struct cov_file *f, uint32_t line)
{
    _Static_assert(offsetof(struct cov_line, line) == 0, "first_from looks there");
    return first_from(f->lines, f->n_lines, sizeof *f->lines, line);
}

const struct cov_line *cov_find_line(const struct cov_file *f, uint32_t line)
{
    size_t i = cov_line_from(f, line);
    return i < f->n_lines && f->lines[i].line == line ? &f->lines[i] : NULL;
}

const struct cov_arm *cov_find_arms(const struct cov_file *f, uint32_t line, size_t *n)
{
    _Static_assert(offsetof(struct cov_arm, line) == 0, "first_from looks there");
    size_t low = first_from(f->arms, f->n_arms, sizeof *f->arms, line);
    *n = 0;
    while (low + *n < f->n_arms && f->arms[low + *n].line == line)
        ++*n;
    return *n ? f->arms + low : NULL;
}

static int compare_seen(const void *va, const void *vb)
{
    const struct cov_seen *a = va, *b = vb;
    int c = compare_u32(a->line, b->line);
    return c ? c : compare_u32(a->context, b->context);
}

struct cov_seen *cov_seen_by_line(const struct cov_file *f, size_t *n)
{
    size_t most = 0;
    for (size_t i = 0; i < f->n_contexts; i++)
        most += f->contexts[i].n_lines;
    struct cov_seen *seen = xreallocarray(NULL, most + 1, sizeof *seen);
    *n = 0;
    for (size_t i = 0; i < f->n_contexts; i++)
        for (size_t k = 0; k < f->contexts[i].n_lines; k++)
            seen[(*n)++] = (struct cov_seen){f->contexts[i].lines[k], (uint32_t)i};
    if (*n)
        qsort(seen, *n, sizeof *seen, compare_seen);
    return seen;
}

bool cov_line_counts(const struct cov_line *line)
{
    return !(line->flags & COV_LINE_EXCLUDED);
}

bool cov_arm_taken(const struct cov_arm *arm)
{
    return arm->count != 0;
}

bool cov_function_hit(const struct cov_file *f, const struct cov_function *fn)
{
    if (fn->count != -1)
        return fn->count != 0;
    for (size_t i = 0; i < fn->n_lines; i++) {
        const struct cov_line *line = cov_find_line(f, fn->lines[i]);
        if (line && line->count)
            return true;
    }
    return false;
}

static void arm_totals(const struct cov_file *f, struct cov_totals *t)
{
    const struct cov_line *line = NULL;
    for (size_t i = 0; i < f->n_arms; i++) {
        const struct cov_arm *a = &f->arms[i];
        if (a->flags & COV_ARM_EXTRA)
            continue;
        if (!line || line->line != a->line)
            line = cov_find_line(f, a->line);
        t->arms++;
        if (cov_arm_taken(a))
            t->arms_hit++;
        else if (line && line->count)
            t->partial++;
    }
}

void cov_file_totals(const struct cov_file *f, struct cov_totals *t)
{
    struct cov_totals own = {0};
    for (size_t i = 0; i < f->n_lines; i++) {
        if (!cov_line_counts(&f->lines[i])) {
            own.excluded++;
            continue;
        }
        own.lines++;
        own.lines_hit += f->lines[i].count != 0;
    }
    arm_totals(f, &own);
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (fn->kind != COV_FUNCTION || (fn->count == -1 && !fn->lines))
            continue;
        t->functions++;
        t->functions_hit += cov_function_hit(f, fn);
    }
    bool combined = f->language == COV_PYTHON && f->has_branches;
    t->lines += own.lines;
    t->lines_hit += own.lines_hit;
    t->excluded += own.excluded;
    t->arms += own.arms;
    t->arms_hit += own.arms_hit;
    t->partial += own.partial;
    t->covered += own.lines_hit + (combined ? own.arms_hit : 0);
    t->coverable += own.lines + (combined ? own.arms : 0);
}

struct cov_totals coverage_totals(const struct coverage *c)
{
    struct cov_totals t = {0};
    for (size_t i = 0; i < c->n_files; i++)
        cov_file_totals(c->files[i], &t);
    return t;
}

double cov_percent(uint64_t covered, uint64_t coverable)
{
    return coverable ? 100.0 * (double)covered / (double)coverable : 100.0;
}

const char *cov_percent_text(char text[COV_PERCENT_MAX], double percent, int decimals)
{
    double near0 = 1;
    for (int i = 0; i < decimals; i++)
        near0 /= 10;
    double near100 = 100.0 - near0;
    if (percent > 0 && percent < near0)
        percent = near0;
    else if (percent > near100 && percent < 100)
        percent = near100;
    snprintf(text, COV_PERCENT_MAX, "%.*f", decimals, percent);
    return text;
}
