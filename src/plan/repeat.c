#include "plan/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"

/* The ids that selected tests bring along. */
static void find_brought(const struct manifest *m, const struct selection *s, struct map *brought)
{
    for (size_t i = 0; i < s->n; i++)
        for (char **id = m->tests[s->tests[i]].brings; id && *id; id++)
            map_intern(brought, *id, 1);
}

/* Adds the k-th of a test; its index in *at. */
static bool add_copy(struct manifest *m, size_t test, uint32_t k, size_t *at, struct error *err)
{
    char *id = xasprintf("%s#%u", m->tests[test].id, k);
    struct test *copy = manifest_add(m, id, m->tests[test].origin, err);
    free(id);
    if (!copy)
        return false;
    const char *own = copy->id;
    *copy = m->tests[test];
    copy->id = own;
    copy->copy = k;
    copy->suffix = (uint32_t)(strlen(own) - strlen(m->tests[test].id));
    *at = m->n - 1;
    return true;
}

/* Whoever waits for the end of a test waits for that of its copies. */
static void wait_for_copies(struct manifest *m, size_t test, uint32_t count)
{
    char **after = m->tests[test].after;
    size_t n = 0, more = 0;
    for (char **id = after; id && *id; id++, n++) {
        size_t at = map_get(&m->by_id, *id);
        more += at != MAP_NONE && m->tests[at].copy == 1 ? count - 1 : 0;
    }
    if (!more)
        return;
    char **all = arena_alloc(&m->arena, (n + more + 1) * sizeof *all);
    size_t to = 0;
    for (char **id = after; *id; id++) {
        all[to++] = *id;
        size_t at = map_get(&m->by_id, *id);
        for (uint32_t k = 2; at != MAP_NONE && m->tests[at].copy == 1 && k <= count; k++) {
            char *name = xasprintf("%s#%u", *id, k);
            all[to++] = arena_strdup(&m->arena, name);
            free(name);
        }
    }
    all[to] = NULL;
    m->tests[test].after = all;
}

bool repeat_tests(struct manifest *m, struct selection *s, uint32_t count, bool natives_only,
                  struct error *err)
{
    struct map brought = MAP_INIT;
    if (s->n > INT32_MAX / count)
        return error_set(err, EXIT_USAGE, "--count: %zu tests %u times are too many for one run",
                         s->n, count);
    size_t *tests = xmalloc((s->n * count + 1) * sizeof *tests), n = 0;
    bool ok = true;
    find_brought(m, s, &brought);
    for (size_t i = 0; i < s->n && ok; i++) {
        size_t test = tests[n++] = s->tests[i];
        const struct test *t = &m->tests[test];
        if ((natives_only && t->format == FORMAT_PYTEST) || map_get(&brought, t->id) != MAP_NONE)
            continue;
        for (uint32_t k = 2; k <= count && ok; k++)
            ok = add_copy(m, test, k, &tests[n++], err);
        m->tests[test].copy = 1;
    }
    for (size_t i = 0; i < n && ok; i++)
        wait_for_copies(m, tests[i], count);
    for (size_t i = 0; i < s->n; i++)
        m->tests[s->tests[i]].copy = 0;
    map_release(&brought);
    free(s->tests);
    s->tests = tests;
    s->n = n;
    return ok;
}
