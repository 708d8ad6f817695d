#include "manifest/pytestjson.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "manifest/fields.h"
#include "manifest/jsonlist.h"

/* What one reading needs; file and scope are mostly those of the test before. */
struct reader {
    struct manifest *m;
    const struct json *j;
    const char *suite;
    const char *file, *scope;
    struct error *err;
};

static bool wrong(struct reader *r, const cJSON *at, const char *key)
{
    return json_error(r->j, at, r->err,
                      "\"%s\" is missing or has the wrong type; the plugin and rowlock are not of "
                      "the same version: install both anew",
                      key);
}

static void read_arg(struct arena *a, const cJSON *value, struct marker_arg *arg)
{
    arg->name = arena_strdup(a, value->string);
    arg->type = ARG_OTHER;
    if (cJSON_IsString(value)) {
        arg->type = ARG_STR;
        arg->str = arena_strdup(a, value->valuestring);
    } else if (cJSON_IsBool(value)) {
        arg->type = ARG_BOOL;
        arg->integer = cJSON_IsTrue(value);
    } else if (cJSON_IsNull(value)) {
        arg->type = ARG_NONE;
    } else if (cJSON_IsNumber(value) && value->valuedouble > -9e15 && value->valuedouble < 9e15 &&
               value->valuedouble == (double)(long long)value->valuedouble) {
        /* Python calls 1.0 and 1 equal, and -m compares with ==. */
        arg->type = ARG_INT;
        arg->integer = (long long)value->valuedouble;
    }
}

static bool read_marker(struct reader *r, const cJSON *object, struct marker *marker)
{
    struct arena *a = &r->m->arena;
    const cJSON *name = fields_get(object, "name"), *kwargs = fields_get(object, "kwargs");
    if (!cJSON_IsString(name) || (kwargs && !cJSON_IsObject(kwargs)))
        return wrong(r, object, "markers");
    marker->name = arena_strdup(a, name->valuestring);
    size_t n = kwargs ? (size_t)cJSON_GetArraySize(kwargs) : 0;
    if (!n)
        return true;
    marker->args = arena_alloc(a, n * sizeof *marker->args);
    for (const cJSON *c = kwargs->child; c; c = c->next)
        read_arg(a, c, &marker->args[marker->n_args++]);
    return true;
}

static bool read_markers(struct reader *r, const cJSON *array, struct test *t)
{
    size_t n = (size_t)cJSON_GetArraySize(array), k = 0;
    if (!n)
        return true;
    struct marker *markers = arena_alloc(&r->m->arena, n * sizeof *markers);
    for (const cJSON *c = array->child; c; c = c->next)
        if (!read_marker(r, c, &markers[k++]))
            return false;
    t->markers = markers;
    t->n_markers = n;
    return true;
}

/* The string if it is one, else the first n bytes of id; *last is used again if it is equal. */
static const char *share(struct arena *a, const cJSON *value, const char *id, size_t n,
                         const char **last)
{
    const char *s = cJSON_IsString(value) ? value->valuestring : id;
    if (cJSON_IsString(value))
        n = strlen(s);
    if (!*last || strncmp(*last, s, n) != 0 || (*last)[n])
        *last = arena_memdup0(a, s, n);
    return *last;
}

static size_t scope_length(const char *id)
{
    size_t n = strlen(id);
    for (size_t i = n; i-- > 1;)
        if (id[i] == ':' && id[i - 1] == ':')
            return i - 1;
    return n;
}

static bool read_numbers(struct reader *r, const cJSON *object, struct test *t)
{
    const cJSON *weight = fields_get(object, "weight"), *timeout = fields_get(object, "timeout");
    if (weight) {
        if (!cJSON_IsNumber(weight) || !(weight->valuedouble >= 1 && weight->valuedouble <= 1e6))
            return wrong(r, weight, "weight");
        t->weight = (unsigned)weight->valuedouble;
    }
    if (timeout && !cJSON_IsNull(timeout)) {
        if (!cJSON_IsNumber(timeout) || !(timeout->valuedouble >= 0 && timeout->valuedouble <= 1e9))
            return wrong(r, timeout, "timeout");
        t->timeout = timeout->valuedouble;
        t->timeout_is_weak = cJSON_IsTrue(fields_get(object, "timeout_is_weak"));
    }
    const cJSON *line = fields_get(object, "line");
    if (cJSON_IsNumber(line) && line->valuedouble >= 1 && line->valuedouble < UINT32_MAX)
        t->line = (uint32_t)line->valuedouble;
    const cJSON *reruns = fields_get(object, "reruns");
    if (reruns && !cJSON_IsNull(reruns)) {
        if (!cJSON_IsNumber(reruns) ||
            !(reruns->valuedouble >= 0 && reruns->valuedouble <= MOST_RERUNS))
            return wrong(r, reruns, "reruns");
        t->reruns = (int)reruns->valuedouble;
    }
    return true;
}

static bool read_params(struct reader *r, const cJSON *object, struct test *t)
{
    static const char *const scopes[] = {"session", "package", "module", "class"};
    const cJSON *params = fields_get(object, "params");
    if (params && !cJSON_IsObject(params))
        return wrong(r, params, "params");
    for (int k = 0; params && k < PARAMS_KINDS; k++) {
        const cJSON *value = fields_get(params, scopes[k]);
        if (value && !cJSON_IsString(value))
            return wrong(r, value, scopes[k]);
        if (value)
            t->params[k] = arena_strdup(&r->m->arena, value->valuestring);
    }
    return true;
}

static bool read_test(struct reader *r, const cJSON *object)
{
    const cJSON *id = fields_get(object, "id"), *group = fields_get(object, "group");
    const cJSON *locks = fields_get(object, "locks"), *markers = fields_get(object, "markers");
    if (!cJSON_IsString(id) || !id->valuestring[0])
        return wrong(r, object, "id");
    if (markers && !cJSON_IsArray(markers))
        return wrong(r, markers, "markers");
    const char *s = id->valuestring, *colons = strstr(s, "::");
    struct arena *a = &r->m->arena;
    const char *file = share(a, fields_get(object, "file"), s,
                             colons ? (size_t)(colons - s) : strlen(s), &r->file);
    struct test *t = manifest_add(r->m, s, file, r->err);
    if (!t)
        return false;
    t->suite = r->suite;
    t->format = FORMAT_PYTEST;
    t->file = file;
    t->scope = share(a, fields_get(object, "scope"), s, scope_length(s), &r->scope);
    t->serial = cJSON_IsTrue(fields_get(object, "serial"));
    t->failed = cJSON_IsTrue(fields_get(object, "failed"));
    if (cJSON_IsString(group))
        t->group = arena_strdup(a, group->valuestring);
    struct strv names = STRV_INIT;
    bool ok = fields_strings(r->j, locks, "locks", false, false, &names, r->err);
    if (ok && names.n)
        manifest_set_locks(r->m, t, &names);
    strv_release(&names);
    return ok && (!markers || read_markers(r, markers, t)) && read_numbers(r, object, t) &&
           read_params(r, object, t);
}

static char *copy_string(const cJSON *object, const char *key)
{
    const cJSON *value = fields_get(object, key);
    return xstrdup(cJSON_IsString(value) ? value->valuestring : "");
}

/* What the project's conftest has decided about the run. */
static bool read_choices(struct reader *r, const cJSON *root, struct pytest_info *info)
{
    const cJSON *workers = fields_get(root, "workers");
    if (workers) {
        if (!cJSON_IsNumber(workers) || !(workers->valuedouble >= 0 && workers->valuedouble <= 1e6))
            return wrong(r, workers, "workers");
        info->workers = (int)workers->valuedouble;
    }
    info->dist = copy_string(root, "dist");
    return fields_strings(r->j, fields_get(root, "notes"), "notes", false, false, &info->notes,
                          r->err);
}

/* Who has collected which tests: [how many in a row, slot or -1], …; the first test of the suite
 * is the one of that index. */
static bool read_collectors(struct reader *r, const cJSON *root, size_t test)
{
    const cJSON *runs = fields_get(root, "collected_by");
    if (!runs)
        return true;
    if (!cJSON_IsArray(runs))
        return wrong(r, root, "collected_by");
    for (const cJSON *c = runs->child; c; c = c->next) {
        const cJSON *n = cJSON_GetArrayItem(c, 0), *slot = cJSON_GetArrayItem(c, 1);
        if (!cJSON_IsNumber(n) || !cJSON_IsNumber(slot) || !(n->valuedouble >= 0) ||
            n->valuedouble > (double)(r->m->n - test) || !(slot->valuedouble >= -1) ||
            slot->valuedouble > 1e6)
            return wrong(r, c, "collected_by");
        for (size_t left = (size_t)n->valuedouble; left; left--)
            r->m->tests[test++].collector = (uint32_t)(slot->valuedouble + 1);
    }
    return true;
}

static struct pytest_file *read_files(const cJSON *list, const char *detail, size_t *n)
{
    if (!cJSON_IsArray(list))
        return NULL;
    struct pytest_file *files = xcalloc((size_t)cJSON_GetArraySize(list), sizeof *files);
    for (const cJSON *c = list->child; c; c = c->next)
        if (cJSON_IsObject(c))
            files[(*n)++] = (struct pytest_file){copy_string(c, "id"), copy_string(c, "message"),
                                                 copy_string(c, detail)};
    return files;
}

/* An element of "tests". */
static bool take_test(void *ctx, const struct json *j, struct error *err)
{
    struct reader *r = ctx;
    r->j = j;
    r->err = err;
    if (!cJSON_IsObject(j->root))
        return wrong(r, j->root, "tests");
    return read_test(r, j->root);
}

/* The tests from first on have been read; this is what else there is. */
static bool read_rest(struct reader *r, const struct json *j, size_t first,
                      struct pytest_info *info)
{
    const cJSON *root = j->root, *tests = fields_get(root, "tests");
    const cJSON *deselected = fields_get(root, "deselected");
    r->j = j;
    if (!cJSON_IsArray(tests) || tests->child)
        return wrong(r, root, "tests");
    info->collected = r->m->n - first;
    if (!read_collectors(r, root, first))
        return false;
    if (cJSON_IsNumber(deselected) && deselected->valuedouble >= 0 &&
        deselected->valuedouble < 1e15)
        info->deselected = (size_t)deselected->valuedouble;
    const cJSON *failures = fields_get(root, "known_failures");
    if (cJSON_IsNumber(failures) && failures->valuedouble >= 0 && failures->valuedouble < 1e15)
        r->m->pytest_failures = (size_t)failures->valuedouble;
    info->errors = read_files(fields_get(root, "errors"), "detail", &info->n_errors);
    info->skips = read_files(fields_get(root, "skips"), "place", &info->n_skips);
    info->pytest_version = copy_string(root, "pytest");
    info->python_version = copy_string(root, "python");
    info->rootdir = copy_string(root, "rootdir");
    info->collect_note = copy_string(root, "collect_note");
    info->repeats = cJSON_IsTrue(fields_get(root, "repeats"));
    info->start_note = copy_string(root, "worker_start_note");
    return read_choices(r, root, info);
}

bool pytestjson_read(struct manifest *m, const char *suite, const char *path,
                     struct pytest_info *info, struct error *err)
{
    struct reader r = {.m = m, .suite = arena_strdup(&m->arena, suite), .err = err};
    struct json_list list = {path, "tests", EXIT_INTERNAL, take_test, &r};
    struct buf text = BUF_INIT;
    struct json rest;
    size_t first = m->n;
    memset(info, 0, sizeof *info);
    info->workers = -1;
    bool ok = json_list_read(&list, &rest, &text, err);
    if (ok) {
        ok = read_rest(&r, &rest, first, info);
        json_release(&rest);
    }
    buf_release(&text);
    return ok;
}

static void free_files(struct pytest_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(files[i].name);
        free(files[i].message);
        free(files[i].detail);
    }
    free(files);
}

void pytest_info_release(struct pytest_info *info)
{
    free(info->pytest_version);
    free(info->python_version);
    free(info->dist);
    free(info->collect_note);
    free(info->rootdir);
    free(info->start_note);
    strv_release(&info->notes);
    free_files(info->errors, info->n_errors);
    free_files(info->skips, info->n_skips);
    memset(info, 0, sizeof *info);
}
