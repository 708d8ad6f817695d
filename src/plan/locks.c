/* The locks that tests hold, as numbered sets. */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "plan/steps.h"

/* Names may hold any byte but NUL: each is preceded by its length. */
static char *key_of(struct work *w, const struct strv *names)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < names->n; i++)
        buf_addf(&b, "%zu:%s", strlen(names->v[i]), names->v[i]);
    char *key = arena_strdup(&w->scratch, buf_cstr(&b));
    buf_release(&b);
    return key;
}

static void add_lockset(struct work *w, const struct strv *names)
{
    struct lockset set = {.n = (uint32_t)names->n};
    if (names->n) {
        set.names = arena_strv(&w->p->arena, names->v, names->n);
        set.ids = arena_alloc(&w->scratch, names->n * sizeof *set.ids);
    }
    for (uint32_t i = 0; i < set.n; i++) {
        size_t id = map_intern(&w->lock_by_name, set.names[i], w->n_locks);
        if (id == w->n_locks)
            w->n_locks++;
        set.ids[i] = (uint32_t)id;
    }
    if (w->n_locksets == w->cap_locksets) {
        w->cap_locksets = w->cap_locksets ? w->cap_locksets * 2 : 16;
        w->locksets = xreallocarray(w->locksets, w->cap_locksets, sizeof *w->locksets);
    }
    w->locksets[w->n_locksets++] = set;
}

uint32_t work_lockset(struct work *w, struct strv *names)
{
    strv_sort(names);
    struct strv once = STRV_INIT;
    for (size_t i = 0; i < names->n; i++)
        if (i == 0 || strcmp(names->v[i], names->v[i - 1]) != 0)
            strv_push(&once, names->v[i]);
    char *key = key_of(w, &once);
    size_t number = map_intern(&w->lockset_by_names, key, w->n_locksets);
    if (number == w->n_locksets)
        add_lockset(w, &once);
    strv_release(&once);
    return (uint32_t)number;
}

void work_locks(struct work *w)
{
    struct plan *p = w->p;
    struct strv names = STRV_INIT;
    work_lockset(w, &names);
    w->lockset_of = arena_alloc(&w->scratch, p->n_tests * sizeof *w->lockset_of);
    p->locks = arena_alloc(&p->arena, p->n_tests * sizeof *p->locks);
    for (uint32_t i = 0; i < p->n_tests; i++) {
        const struct test *t = work_test(w, i);
        bool grouped = t->group && p->settings.dist != DIST_EACH;
        if (!t->locks && !grouped)
            continue;
        strv_push_all(&names, t->locks);
        if (grouped)
            strv_pushf(&names, "xdist_group:%s", t->group);
        w->lockset_of[i] = work_lockset(w, &names);
        p->locks[i] = w->locksets[w->lockset_of[i]].names;
        strv_release(&names);
    }
}
