/* The tests are the leaves of a tree. Each node has a number, drawn from that of its parent and from
 * its own name, and siblings stand in the order of their numbers. */
#include "plan/shuffle.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* Parameters of the session, of the package; the file; its parameters; classes, further ones in the
 * last; their parameters; the test. */
enum { MOST_CLASSES = 4, DEPTH = 4 + MOST_CLASSES + 2 };

struct leaf {
    uint64_t path[DEPTH]; /* filled up with zeros */
    uint32_t depth;
    size_t test;
};

/* FNV-1a over the name, begun with the parent's number, and through the finalizer of splitmix64
 * (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), as neighbouring names
 * would get neighbouring numbers else. */
static uint64_t number(uint64_t parent, const char *name, size_t len)
{
    uint64_t h = parent ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    h += 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

static void descend(struct leaf *l, uint64_t seed, const char *name, size_t len)
{
    uint64_t parent = l->depth ? l->path[l->depth - 1] : seed;
    l->path[l->depth++] = number(parent, name, len);
}

static void descend_params(struct leaf *l, uint64_t seed, const struct test *t, enum params_of of)
{
    const char *params = t->params[of] ? t->params[of] : "";
    descend(l, seed, params, strlen(params));
}

/* "A::B" of the scope "test_a.py::A::B" */
static void descend_classes(struct leaf *l, uint64_t seed, const struct test *t)
{
    size_t n = strlen(t->file);
    if (!t->scope || strncmp(t->scope, t->file, n) != 0 || strncmp(t->scope + n, "::", 2) != 0)
        return;
    const char *rest = t->scope + n + 2, *end;
    for (int k = 1; k < MOST_CLASSES && (end = strstr(rest, "::")) != NULL; k++) {
        descend(l, seed, rest, (size_t)(end - rest));
        rest = end + 2;
    }
    descend(l, seed, rest, strlen(rest));
    descend_params(l, seed, t, PARAMS_CLASS);
}

/* The program, its suite: "SUITE" of "PROGRAM::SUITE.NAME". */
static void descend_program(struct leaf *l, uint64_t seed, const struct test *t)
{
    const char *dot = strrchr(t->id, '.');
    descend(l, seed, t->scope, strlen(t->scope));
    descend(l, seed, t->id, dot ? (size_t)(dot - t->id) : strlen(t->id));
}

static void place(struct leaf *l, uint64_t seed, const struct test *t)
{
    descend_params(l, seed, t, PARAMS_SESSION);
    descend_params(l, seed, t, PARAMS_PACKAGE);
    if (t->format == FORMAT_PYTEST && t->file) {
        descend(l, seed, t->file, strlen(t->file));
        descend_params(l, seed, t, PARAMS_MODULE);
        descend_classes(l, seed, t);
    }
    if (t->format == FORMAT_GTEST && t->scope)
        descend_program(l, seed, t);
    descend(l, seed, t->id, strlen(t->id));
}

static int compare(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    for (int k = 0; k < DEPTH; k++)
        if (x->path[k] != y->path[k])
            return x->path[k] < y->path[k] ? -1 : 1;
    return x->test < y->test ? -1 : x->test > y->test;
}

void shuffle(const struct manifest *m, uint64_t seed, size_t *tests, size_t n)
{
    struct leaf *leaves = xcalloc(n + 1, sizeof *leaves);
    for (size_t i = 0; i < n; i++) {
        leaves[i].test = tests[i];
        place(&leaves[i], seed, &m->tests[tests[i]]);
    }
    qsort(leaves, n, sizeof *leaves, compare);
    for (size_t i = 0; i < n; i++)
        tests[i] = leaves[i].test;
    free(leaves);
}
