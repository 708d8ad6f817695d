#include "manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

/* What a test marked resource_intensive weighs when it does not say. */
enum { INTENSIVE_WEIGHT = 2 };

void manifest_init(struct manifest *m)
{
    memset(m, 0, sizeof *m);
}

void manifest_release(struct manifest *m)
{
    map_release(&m->by_id);
    strv_release(&m->notes);
    free(m->tests);
    arena_release(&m->arena);
    manifest_init(m);
}

static void refuse_twin(const struct manifest *m, const char *id, const char *origin,
                        struct error *err)
{
    const struct test *first = &m->tests[map_get(&m->by_id, id)];
    char *name = text_quote(id);
    error_set(err, EXIT_USAGE, "%s%sthe test id %s is taken%s%s; give each test an id of its own",
              origin ? origin : "", origin ? ": " : "", name,
              first->origin ? " already, by the test of " : " already",
              first->origin ? first->origin : "");
    free(name);
}

/* The origin as messages show it: on one line, whatever the file's name holds. */
static char *shown_origin(const char *origin)
{
    struct buf b = BUF_INIT;
    text_escape(&b, origin, strlen(origin), SIZE_MAX);
    return buf_detach(&b);
}

void test_init(struct test *t)
{
    memset(t, 0, sizeof *t);
    t->suite = "";
    t->format = FORMAT_EXEC;
    t->weight = 1;
    t->expected = -1;
    t->known = -1;
    t->logged = -1;
    t->shared = -1;
    t->rules.skip_code = AUTOMAKE_SKIP;
    t->rules.error_code = AUTOMAKE_ERROR;
    t->reruns = -1;
}

/* Neighbours mostly have one origin: they share it. */
static const char *keep_origin(struct manifest *m, const char *shown)
{
    const char *last = shown && m->n ? m->tests[m->n - 1].origin : NULL;
    if (last && strcmp(last, shown) == 0)
        return last;
    return shown ? arena_strdup(&m->arena, shown) : NULL;
}

struct test *manifest_add(struct manifest *m, const char *id, const char *origin, struct error *err)
{
    char *shown = origin ? shown_origin(origin) : NULL;
    if (map_get(&m->by_id, id) != MAP_NONE) {
        refuse_twin(m, id, shown, err);
        free(shown);
        return NULL;
    }
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->tests = xreallocarray(m->tests, m->cap, sizeof *m->tests);
    }
    struct test *t = &m->tests[m->n];
    test_init(t);
    t->id = arena_strdup(&m->arena, id);
    t->origin = keep_origin(m, shown);
    free(shown);
    map_put(&m->by_id, t->id, m->n);
    m->n++;
    return t;
}

bool test_has_marker(const struct test *t, const char *name)
{
    for (size_t i = 0; i < t->n_markers; i++)
        if (strcmp(t->markers[i].name, name) == 0)
            return true;
    return false;
}

void test_add_marker(struct manifest *m, struct test *t, const char *name)
{
    if (test_has_marker(t, name))
        return;
    struct marker *grown = arena_alloc(&m->arena, (t->n_markers + 1) * sizeof *grown);
    if (t->n_markers)
        memcpy(grown, t->markers, t->n_markers * sizeof *grown);
    grown[t->n_markers].name = arena_strdup(&m->arena, name);
    t->markers = grown;
    t->n_markers++;
}

void manifest_apply_markers(struct test *t)
{
    if (test_has_marker(t, "serial"))
        t->serial = true;
    if (test_has_marker(t, "resource_intensive"))
        t->weight = INTENSIVE_WEIGHT;
    if (test_has_marker(t, "flaky"))
        t->reruns = 1;
}

void manifest_set_locks(struct manifest *m, struct test *t, struct strv *names)
{
    strv_sort(names);
    size_t n = 0;
    char **locks = arena_alloc(&m->arena, (names->n + 1) * sizeof *locks);
    for (size_t i = 0; i < names->n; i++)
        if (i == 0 || strcmp(names->v[i], names->v[i - 1]) != 0)
            locks[n++] = arena_strdup(&m->arena, names->v[i]);
    t->locks = n ? locks : NULL;
}
