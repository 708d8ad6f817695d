#include "report/slowest.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct timed {
    uint64_t wall_ns;
    uint32_t test;
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->wall_ns != y->wall_ns)
        return x->wall_ns < y->wall_ns ? 1 : -1;
    return x->test < y->test ? -1 : x->test > y->test;
}

uint32_t *slowest_tests(const struct results *r, size_t *n)
{
    uint32_t n_tests = r->plan->head->n_tests;
    struct timed *v = xcalloc((size_t)n_tests + 1, sizeof *v);
    uint32_t *order = xcalloc((size_t)n_tests + 1, sizeof *order);
    *n = 0;
    for (uint32_t i = 0; i < n_tests; i++)
        if (r->tests[i].outcome != OUTCOME_NONE && plan_map_test(r->plan, i))
            v[(*n)++] = (struct timed){r->tests[i].wall_ns, i};
    qsort(v, *n, sizeof *v, compare_timed);
    for (size_t k = 0; k < *n; k++)
        order[k] = v[k].test;
    free(v);
    return order;
}
