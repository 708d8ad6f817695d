/* JSON as coverage.py writes it, formats 2 and 3, and what jsonwrite.c adds for native files. Lines
 * that were run count 1 where nothing tells how often. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "coverage/read.h"

struct reader {
    struct coverage *c;
    const char *path;
    const char *file; /* the entry of "files" at hand */
    struct error *err;
};

/* cJSON skips white space; the key stands at the beginning in all of coverage.py's files. */
bool cov_json_claims(const char *head, size_t len)
{
    size_t at = 0;
    while (at < len && strchr(" \t\r\n", head[at]))
        at++;
    return at < len && head[at] == '{' && memmem(head, len, "\"meta\"", 6) != NULL;
}

static bool fail(struct reader *r, const char *what)
{
    if (r->file)
        return error_set(r->err, EXIT_USAGE, "%s: files: %s: %s", r->path, r->file, what);
    return error_set(r->err, EXIT_USAGE, "%s: %s", r->path, what);
}

/* A whole number of that range. */
static bool number(const cJSON *item, double least, double most, double *v)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= least) || !(item->valuedouble <= most) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *v = item->valuedouble;
    return true;
}

static bool line_number(const cJSON *item, uint32_t *line)
{
    double v;
    if (!number(item, 0, UINT32_MAX, &v))
        return false;
    *line = (uint32_t)v;
    return true;
}

static bool count_number(const cJSON *item, int64_t *count)
{
    if (!cJSON_IsNumber(item))
        return false;
    double v = item->valuedouble;
    *count = v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : v == v ? (int64_t)v : 0;
    return true;
}

/* A list that may be missing. */
static const cJSON *list_of(const cJSON *entry, const char *key)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(entry, key);
    return list ? list->child : NULL;
}

static bool read_lines(struct reader *r, struct cov_file *f, const cJSON *entry, const char *key,
                       int64_t count, uint32_t flags)
{
    for (const cJSON *item = list_of(entry, key); item; item = item->next) {
        uint32_t line;
        if (!line_number(item, &line))
            return fail(r, "a line is no number");
        cov_add_line(f, line, count, flags);
    }
    return true;
}

static bool read_arcs(struct reader *r, struct cov_file *f, const cJSON *entry, const char *key,
                      int64_t count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(entry, key);
    f->has_branches |= list != NULL;
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        struct cov_arm arm = {.count = count};
        double to;
        if (!line_number(cJSON_GetArrayItem(item, 0), &arm.line) ||
            !number(cJSON_GetArrayItem(item, 1), INT32_MIN, INT32_MAX, &to))
            return fail(r, "a branch is no pair of lines");
        arm.to = (int32_t)to;
        cov_add_arm(f, &arm);
    }
    return true;
}

static const char *text(struct reader *r, const cJSON *item)
{
    return coverage_intern(r->c, cJSON_GetStringValue(item));
}

/* The key of an item of an object, a line. */
static bool line_key(const cJSON *item, uint32_t *line)
{
    char *end;
    unsigned long v = item->string ? strtoul(item->string, &end, 10) : 0;
    *line = (uint32_t)v;
    return v && !*end && v <= UINT32_MAX;
}

/* "hits" has more than "executed_lines": every line with its count. */
static bool read_hits(struct reader *r, struct cov_file *f, const cJSON *hits)
{
    for (const cJSON *item = hits->child; item; item = item->next) {
        uint32_t line;
        int64_t count;
        if (!line_key(item, &line) || !count_number(item, &count))
            return fail(r, "hits: a line or its count is no number");
        cov_add_line(f, line, count, 0);
    }
    return true;
}

static bool read_arms(struct reader *r, struct cov_file *f, const cJSON *arms)
{
    f->has_branches = true;
    for (const cJSON *item = arms->child; item; item = item->next) {
        struct cov_arm arm = {.owner = text(r, cJSON_GetArrayItem(item, 1)),
                              .name = text(r, cJSON_GetArrayItem(item, 4))};
        if (!line_number(cJSON_GetArrayItem(item, 0), &arm.line) ||
            !line_number(cJSON_GetArrayItem(item, 2), &arm.block) ||
            !line_number(cJSON_GetArrayItem(item, 3), &arm.arm) ||
            !line_number(cJSON_GetArrayItem(item, 5), &arm.flags) ||
            !count_number(cJSON_GetArrayItem(item, 6), &arm.count))
            return fail(r, "arms: seven values are expected");
        cov_add_arm(f, &arm);
    }
    return true;
}

static bool read_calls(struct reader *r, struct cov_file *f, const cJSON *calls)
{
    for (const cJSON *item = calls->child; item; item = item->next) {
        struct cov_function fn = {.name = text(r, cJSON_GetArrayItem(item, 0))};
        uint32_t *const numbers[] = {&fn.start_line, &fn.start_column, &fn.end_line,
                                     &fn.end_column, NULL,             &fn.blocks,
                                     &fn.blocks_run};
        bool ok = fn.name && count_number(cJSON_GetArrayItem(item, 5), &fn.count);
        for (int i = 0; ok && i < 7; i++)
            ok = !numbers[i] || line_number(cJSON_GetArrayItem(item, i + 1), numbers[i]);
        if (!ok)
            return fail(r, "calls: a name and seven numbers are expected");
        cov_add_function(f, &fn);
    }
    return true;
}

/* Functions or classes of a Python file. */
static bool read_regions(struct reader *r, struct cov_file *f, const cJSON *entry, const char *key,
                         enum cov_region kind)
{
    static const char *const lists[] = {"executed_lines", "missing_lines", "excluded_lines"};
    for (const cJSON *region = list_of(entry, key); region; region = region->next) {
        struct cov_function fn = {.kind = kind, .count = -1};
        fn.name = coverage_intern(r->c, region->string);
        if (!fn.name || !fn.name[0])
            continue;
        size_t most = 0;
        for (int i = 0; i < 3; i++)
            most += (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(region, lists[i]));
        /* Those of statements over several lines that were run stand in no list. */
        const cJSON *contexts = cJSON_GetObjectItemCaseSensitive(region, "contexts");
        most += (size_t)cJSON_GetArraySize(contexts);
        uint32_t *lines = arena_alloc(&r->c->arena, (most + 1) * sizeof *lines);
        for (int i = 0; i < 3; i++)
            for (const cJSON *item = list_of(region, lists[i]); item; item = item->next)
                if (fn.n_lines == most || !line_number(item, &lines[fn.n_lines++]))
                    return fail(r, "a line of a function is no number");
        for (const cJSON *item = contexts ? contexts->child : NULL; item; item = item->next)
            if (!line_key(item, &lines[fn.n_lines++]))
                return fail(r, "a line of a function is no number");
        fn.n_lines = cov_sort_numbers(lines, fn.n_lines);
        fn.lines = lines;
        const cJSON *start = cJSON_GetObjectItemCaseSensitive(region, "start_line");
        if (start && !line_number(start, &fn.start_line))
            return fail(r, "start_line is no number");
        if (!start && fn.n_lines)
            fn.start_line = lines[0];
        cov_add_function(f, &fn);
    }
    return true;
}

/* ---- Contexts: {"LINE": [NAME]} -------------------------------------------------------------------- */

/* One name and one line of it. */
struct seen {
    const char *name;
    uint32_t line;
};

static int compare_seen(const void *va, const void *vb)
{
    const struct seen *a = va, *b = vb;
    return strcmp(a->name, b->name);
}

static void add_contexts(struct cov_file *f, struct seen *seen, size_t n)
{
    uint32_t *lines = xreallocarray(NULL, n + 1, sizeof *lines);
    if (n)
        qsort(seen, n, sizeof *seen, compare_seen);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && seen[end].name == seen[i].name; end++)
            lines[end - i] = seen[end].line;
        cov_add_context(f, seen[i].name, lines, end - i);
    }
    free(lines);
}

static bool read_contexts(struct reader *r, struct cov_file *f, const cJSON *contexts)
{
    size_t n = 0, most = 0;
    bool ok = true;
    for (const cJSON *item = contexts->child; item; item = item->next)
        most += (size_t)cJSON_GetArraySize(item);
    struct seen *seen = xreallocarray(NULL, most + 1, sizeof *seen);
    for (const cJSON *item = contexts->child; ok && item; item = item->next) {
        uint32_t line;
        ok = line_key(item, &line) && cJSON_IsArray(item);
        for (const cJSON *name = item->child; ok && name; name = name->next) {
            seen[n] = (struct seen){text(r, name), line};
            ok = seen[n++].name != NULL;
        }
    }
    if (ok)
        add_contexts(f, seen, n);
    free(seen);
    return ok || fail(r, "contexts: lines with lists of names are expected");
}

static bool read_file(struct reader *r, const cJSON *entry)
{
    if (!entry->string || !entry->string[0] || !cJSON_IsObject(entry))
        return fail(r, "an entry of files has no name or is no object");
    r->file = entry->string;
    struct cov_file *f = coverage_file(r->c, entry->string);
    f->language = cov_language_of(entry->string);
    const cJSON *hits = cJSON_GetObjectItemCaseSensitive(entry, "hits");
    const cJSON *arms = cJSON_GetObjectItemCaseSensitive(entry, "arms");
    const cJSON *calls = cJSON_GetObjectItemCaseSensitive(entry, "calls");
    const cJSON *contexts = cJSON_GetObjectItemCaseSensitive(entry, "contexts");
    if (!read_lines(r, f, entry, "excluded_lines", 0, COV_LINE_EXCLUDED) ||
        !read_lines(r, f, entry, "unexecuted", 0, COV_LINE_UNEXECUTED) ||
        !read_lines(r, f, entry, "missing_lines", 0, 0) ||
        !read_lines(r, f, entry, "executed_lines", hits ? 0 : 1, 0) ||
        !read_arcs(r, f, entry, "executed_branches", 1) ||
        !read_arcs(r, f, entry, "missing_branches", 0) || (hits && !read_hits(r, f, hits)) ||
        (arms && !read_arms(r, f, arms)) || (calls && !read_calls(r, f, calls)) ||
        (contexts && !read_contexts(r, f, contexts)))
        return false;
    if (!calls && (!read_regions(r, f, entry, "functions", COV_FUNCTION) ||
                   !read_regions(r, f, entry, "classes", COV_CLASS)))
        return false;
    r->file = NULL;
    return true;
}

bool cov_json_read(struct coverage *c, const char *path, const char *data, size_t len,
                   struct error *err)
{
    struct reader r = {.c = c, .path = path, .err = err};
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(data, len + 1, &end, true);
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(root, "meta");
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(root, "files");
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(meta, "format");
    const cJSON *branches = cJSON_GetObjectItemCaseSensitive(meta, "branch_coverage");
    bool ok = true;
    if (!root) {
        ok = error_set(err, EXIT_USAGE, "%s: no JSON from byte %zu on", path,
                       end ? (size_t)(end - data) : 0);
    } else if (!cJSON_IsObject(meta) || !cJSON_IsObject(files)) {
        ok = fail(&r, "no JSON report of coverage.py: it has no meta and files");
    } else if (format && (!cJSON_IsNumber(format) || format->valuedouble < 1 ||
                          format->valuedouble > 3)) {
        ok = fail(&r, "meta: format is none of 1 to 3");
    }
    for (const cJSON *entry = ok ? files->child : NULL; ok && entry; entry = entry->next) {
        ok = read_file(&r, entry);
        if (ok && cJSON_IsTrue(branches))
            coverage_file(c, entry->string)->has_branches = true;
    }
    cJSON_Delete(root);
    return ok;
}
