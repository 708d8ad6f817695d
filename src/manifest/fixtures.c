#include "manifest/fixtures.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct members {
    size_t *v;
    size_t n;
};
struct fixture {
    char *name;
    struct members roles[FIXTURE_ROLES];
};

void fixtures_add(struct fixtures *f, enum fixture_role role, const char *name, size_t test)
{
    size_t at = map_get(&f->by_name, name);
    if (at == MAP_NONE) {
        at = f->n++;
        f->all = xreallocarray(f->all, f->n, sizeof *f->all);
        memset(&f->all[at], 0, sizeof *f->all);
        f->all[at].name = xstrdup(name);
        map_put(&f->by_name, f->all[at].name, at);
    }
    struct members *l = &f->all[at].roles[role];
    if (l->n && l->v[l->n - 1] == test)
        return;
    l->v = xreallocarray(l->v, l->n + 1, sizeof *l->v);
    l->v[l->n++] = test;
}

void fixtures_release(struct fixtures *f)
{
    for (size_t i = 0; i < f->n; i++) {
        for (int k = 0; k < FIXTURE_ROLES; k++)
            free(f->all[i].roles[k].v);
        free(f->all[i].name);
    }
    free(f->all);
    map_release(&f->by_name);
    memset(f, 0, sizeof *f);
}

/* Appends the ids of the members to the list, but not that of the test itself. */
static void add_ids(struct strv *to, const struct manifest *m, const struct members *l, size_t test)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] != test)
            strv_push(to, m->tests[l->v[i]].id);
}

struct lists {
    struct strv depends, brings, after;
};

static void keep(struct manifest *m, char ***list, const struct strv *more)
{
    if (!more->n)
        return;
    struct strv all = STRV_INIT;
    strv_push_all(&all, *list);
    strv_push_all(&all, more->v);
    *list = arena_strv(&m->arena, all.v, all.n);
    strv_release(&all);
}

void fixtures_link(const struct fixtures *f, struct manifest *m, size_t first)
{
    struct lists *of = xcalloc(m->n - first + 1, sizeof *of);
    for (size_t i = 0; i < f->n; i++) {
        const struct members *roles = f->all[i].roles, *need = &roles[FIXTURE_REQUIRED];
        const struct members *clean = &roles[FIXTURE_CLEANUP], *setup = &roles[FIXTURE_SETUP];
        for (size_t k = 0; k < need->n; k++) {
            struct lists *l = &of[need->v[k] - first];
            add_ids(&l->depends, m, setup, need->v[k]);
            add_ids(&l->brings, m, setup, need->v[k]);
            add_ids(&l->brings, m, clean, need->v[k]);
        }
        for (size_t k = 0; k < clean->n; k++) {
            struct lists *l = &of[clean->v[k] - first];
            add_ids(&l->after, m, need, clean->v[k]);
            add_ids(&l->after, m, setup, clean->v[k]);
        }
    }
    for (size_t i = first; i < m->n; i++) {
        struct lists *l = &of[i - first];
        struct test *t = &m->tests[i];
        t->fixtures = l->depends.n > 0;
        keep(m, &t->depends, &l->depends);
        keep(m, &t->brings, &l->brings);
        keep(m, &t->after, &l->after);
        strv_release(&l->depends);
        strv_release(&l->brings);
        strv_release(&l->after);
    }
    free(of);
}
