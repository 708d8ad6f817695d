#include "manifest/verdicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/fields.h"
#include "manifest/json.h"

void verdicts_init(struct verdicts *v)
{
    *v = (struct verdicts){.arena = ARENA_INIT};
}

void verdicts_release(struct verdicts *v)
{
    arena_release(&v->arena);
    free(v->v);
    verdicts_init(v);
}

struct verdict *verdicts_add(struct verdicts *v, const char *id, const char *outcome,
                             const char *message)
{
    if (v->n == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 256;
        v->v = xreallocarray(v->v, v->cap, sizeof *v->v);
    }
    v->v[v->n] = (struct verdict){.id = arena_strdup(&v->arena, id),
                                  .outcome = arena_strdup(&v->arena, outcome),
                                  .seconds = -1,
                                  .message = message ? arena_strdup(&v->arena, message) : NULL};
    return &v->v[v->n++];
}

#define NO_REPORT "this is no report of a run; give what --report-json has written"

static bool refuse(const struct json *j, const cJSON *at, struct error *err)
{
    return json_error(j, at, err, NO_REPORT);
}

/* The string that the key of an object has; NULL if it has none. */
static const char *string_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_IsObject(object) ? fields_get(object, key) : NULL;
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

static bool read_points(struct verdicts *v, struct verdict *to, const struct json *j,
                        const cJSON *points, struct error *err)
{
    if (!points)
        return true;
    if (!cJSON_IsArray(points))
        return refuse(j, points, err);
    to->points = arena_alloc(&v->arena, (size_t)cJSON_GetArraySize(points) * sizeof *to->points + 1);
    for (const cJSON *c = points->child; c; c = c->next) {
        const char *outcome = string_of(c, "outcome"), *description = string_of(c, "description");
        if (!outcome)
            return refuse(j, c, err);
        to->points[to->n_points++] = (struct verdict_point){
            arena_strdup(&v->arena, outcome),
            description ? arena_strdup(&v->arena, description) : NULL};
    }
    return true;
}

static bool read_test(struct verdicts *v, const struct json *j, const cJSON *test, struct error *err)
{
    const char *id = string_of(test, "id"), *outcome = string_of(test, "outcome");
    if (!id || !outcome)
        return refuse(j, test, err);
    struct verdict *to = verdicts_add(v, id, outcome, string_of(test, "message"));
    return read_points(v, to, j, fields_get(test, "points"), err);
}

static bool read_root(struct verdicts *v, const struct json *j, struct error *err)
{
    const cJSON *root = j->root;
    const cJSON *tests = cJSON_IsObject(root) ? fields_get(root, "tests") : NULL;
    if (!cJSON_IsArray(tests))
        return refuse(j, tests ? tests : root, err);
    for (const cJSON *c = tests->child; c; c = c->next)
        if (!read_test(v, j, c, err))
            return false;
    const cJSON *summary = fields_get(root, "summary"), *left = fields_get(root, "not_run");
    v->interrupted = cJSON_IsObject(summary) && cJSON_IsTrue(fields_get(summary, "interrupted"));
    if (left && !cJSON_IsArray(left))
        return refuse(j, left, err);
    for (const cJSON *c = left ? left->child : NULL; c; c = c->next) {
        if (!cJSON_IsString(c))
            return refuse(j, c, err);
        verdicts_add(v, c->valuestring, VERDICT_NOT_RUN, NULL);
    }
    return true;
}

bool verdicts_read(struct verdicts *v, const char *path, struct error *err)
{
    struct buf text = BUF_INIT;
    struct json j;
    bool ok = file_read(path, &text, err);
    if (!ok) {
        error_set(err, EXIT_USAGE,
                  "%s: cannot be read (%s); name a file that --report-json has written", path,
                  strerror(errno));
    } else if (!text.len) {
        ok = error_set(err, EXIT_USAGE, "%s:1:1: the file is empty: " NO_REPORT, path);
    } else if ((ok = json_parse(&j, path, buf_cstr(&text), text.len, EXIT_USAGE, true, err))) {
        ok = read_root(v, &j, err);
        json_release(&j);
    }
    buf_release(&text);
    if (ok)
        verdicts_sort(v);
    return ok;
}

static int by_id(const void *a, const void *b)
{
    const struct verdict *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->outcome, y->outcome);
}

void verdicts_sort(struct verdicts *v)
{
    if (v->n)
        qsort(v->v, v->n, sizeof *v->v, by_id);
}

static int id_of(const void *id, const void *verdict)
{
    return strcmp(id, ((const struct verdict *)verdict)->id);
}

const struct verdict *verdicts_find(const struct verdicts *v, const char *id)
{
    return v->n ? bsearch(id, v->v, v->n, sizeof *v->v, id_of) : NULL;
}

const char *verdict_weighed(const struct verdict *v, bool strict)
{
    return strcmp(v->outcome, "flaky") == 0 && !strict ? "passed" : v->outcome;
}

bool verdicts_next(struct verdict_walk *w, const struct verdict **a, const struct verdict **b)
{
    const struct verdict *va = w->i < w->a->n ? &w->a->v[w->i] : NULL;
    const struct verdict *vb = w->j < w->b->n ? &w->b->v[w->j] : NULL;
    int order = !va ? 1 : !vb ? -1 : strcmp(va->id, vb->id);
    *a = order <= 0 ? va : NULL;
    *b = order >= 0 ? vb : NULL;
    w->i += *a != NULL;
    w->j += *b != NULL;
    return *a || *b;
}
