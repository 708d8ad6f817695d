#include "plan/lastfailed.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* All failures that are remembered, whether their tests are chosen or not. */
static size_t known_failures(const struct manifest *m)
{
    size_t n = m->pytest_failures;
    for (size_t i = 0; i < m->n; i++)
        n += m->tests[i].failed && m->tests[i].format != FORMAT_PYTEST;
    return n;
}

/* Takes away what is chosen, but not the failed tests if keep says so. */
static void drop(const struct manifest *m, bool keep, bool *chosen, bool *away)
{
    for (size_t i = 0; i < m->n; i++)
        if (chosen[i] && !(keep && m->tests[i].failed)) {
            chosen[i] = false;
            away[i] = true;
        }
}

void lastfailed_narrow(const struct manifest *m, const struct options *o, bool *chosen,
                       bool *away, char **status)
{
    size_t here = 0, known;
    bool none = o->no_failures && strcmp(o->no_failures, "none") == 0;
    *status = NULL;
    if (!o->last_failed && !o->failed_first)
        return;
    for (size_t i = 0; i < m->n; i++)
        here += chosen[i] && m->tests[i].failed;
    if (here) {
        *status = xasprintf("rerun previous %zu failure%s%s", here, here == 1 ? "" : "s",
                            o->failed_first ? " first" : "");
        if (o->last_failed)
            drop(m, true, chosen, away);
    } else if ((known = known_failures(m)) > 0) {
        *status = xasprintf("%zu known failures not in selected tests", known);
    } else {
        *status = xasprintf("no previously failed tests, %s", none ? "deselecting all items."
                                                                   : "not deselecting items.");
        if (none)
            drop(m, false, chosen, away);
    }
}

/* Moves the tests of whom the question is true to the front. */
static void put_first(const struct manifest *m, bool (*question)(const struct test *),
                      size_t *tests, size_t n)
{
    size_t *rest = xmalloc((n + 1) * sizeof *rest), n_rest = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        if (question(&m->tests[tests[i]]))
            tests[at++] = tests[i];
        else
            rest[n_rest++] = tests[i];
    if (n_rest)
        memcpy(tests + at, rest, n_rest * sizeof *rest);
    free(rest);
}

static bool has_failed(const struct test *t)
{
    return t->failed;
}

static bool never_ran(const struct test *t)
{
    return t->never_ran;
}

void lastfailed_sort(const struct manifest *m, const struct options *o, size_t *tests, size_t n)
{
    if (o->failed_first)
        put_first(m, has_failed, tests, n);
    if (o->new_first)
        put_first(m, never_ran, tests, n);
}
