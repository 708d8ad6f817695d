/* How good plans are: the real planner and writer of groups, and a GNU Make that is simulated.
 *
 *     bench_plan [TESTS WORKERS]...
 *
 * For each size and each kind of suite, and for plans that know the durations and plans that do
 * not, it prints the makespan over the lower bound max(total / workers, longest test), and how long
 * planning took. Known durations are those of an earlier run: each test takes up to 10 % more or
 * less than known. Each start of a group costs what one costs on a usual machine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "plan/heap.h"
#include "plan/plan.h"

static const double GROUP_COST = 0.0013; /* seconds; measured on two cores */

enum kind { UNIFORM, HEAVY_TAILED, ONE_GIANT, N_KINDS };
static const char *const kind_names[N_KINDS] = {"uniform", "heavy tail", "one giant"};

/* splitmix64, from 0 up to 1 */
static double draw(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Durations of n tests, in seconds. */
static double *make_durations(enum kind kind, size_t n, size_t workers)
{
    uint64_t seed = 42;
    double *d = xcalloc(n, sizeof *d), sum = 0;
    for (size_t i = 0; i < n; i++) {
        /* Pareto with an exponent of 1.5: most are short, the longest thousands of times longer. */
        d[i] = kind == HEAVY_TAILED ? 0.02 / pow(1 - draw(&seed), 1 / 1.5) : 0.1 + 0.1 * draw(&seed);
        sum += d[i];
    }
    /* As long as all others together take on the workers: it has to start at once. */
    if (kind == ONE_GIANT)
        d[n / 2] = sum / (double)workers;
    return d;
}

static void make_manifest(struct manifest *m, const double *d, size_t n, bool known)
{
    struct error err = ERROR_INIT;
    uint64_t seed = 7;
    char id[32];
    manifest_init(m);
    for (size_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "t%zu", i);
        struct test *t = manifest_add(m, id, NULL, &err);
        t->expected = known ? d[i] / (0.9 + 0.2 * draw(&seed)) : -1;
    }
}

static double cost_of(const struct plan *p, const struct plan_unit *u, const double *d)
{
    double sum = GROUP_COST;
    for (uint32_t k = 0; k < u->n; k++)
        sum += d[p->tests[u->tests[k]]];
    return sum;
}

/* GNU Make: whenever a job ends, the next group of the list starts. These suites have no edges. */
static double run_groups(const struct plan *p, const double *d, size_t workers)
{
    struct heap running = HEAP_INIT;
    double now = 0;
    for (uint32_t u = 0; u < p->n_units; u++) {
        if (running.n == workers)
            now = heap_pop(&running).key;
        heap_push(&running, (struct heap_entry){now + cost_of(p, &p->units[u], d), u, u});
    }
    while (running.n)
        now = heap_pop(&running).key;
    heap_release(&running);
    return now;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double lower_bound(const double *d, size_t n, size_t workers)
{
    double sum = 0, longest = 0;
    for (size_t i = 0; i < n; i++) {
        sum += d[i];
        longest = d[i] > longest ? d[i] : longest;
    }
    double share = sum / (double)workers;
    return share > longest ? share : longest;
}

static void measure(enum kind kind, size_t n, size_t workers, bool known)
{
    double *d = make_durations(kind, n, workers);
    size_t *all = xcalloc(n, sizeof *all);
    struct manifest m;
    struct plan p;
    struct error err = ERROR_INIT;
    struct plan_settings s = {.dist = DIST_LOAD, .n_slots = (uint32_t)workers, .run_id = "1",
                              .root = "/", .env_prefix = "X", .program = "/bin/false"};
    make_manifest(&m, d, n, known);
    for (size_t i = 0; i < n; i++)
        all[i] = i;
    double start = now_s();
    if (!plan_make(&p, &m, all, n, &s, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    double planned = now_s() - start, bound = lower_bound(d, n, workers);
    printf("%8zu %8zu  %-10s  %-8s %9u %10.3f %10.3f s\n", n, workers, kind_names[kind],
           known ? "known" : "unknown", p.n_units, run_groups(&p, d, workers) / bound, planned);
    plan_release(&p);
    manifest_release(&m);
    free(all);
    free(d);
}

int main(int argc, char **argv)
{
    static const size_t usual[][2] = {{1000, 2}, {1000, 8}, {10000, 16}, {100000, 100},
                                      {1000000, 1000}};
    size_t n_usual = sizeof usual / sizeof *usual, n = argc > 2 ? (size_t)(argc - 1) / 2 : n_usual;
    puts("   tests  workers  suite       durations   groups   makespan   planning");
    for (size_t i = 0; i < n; i++) {
        size_t tests = argc > 2 ? strtoul(argv[1 + 2 * i], NULL, 10) : usual[i][0];
        size_t workers = argc > 2 ? strtoul(argv[2 + 2 * i], NULL, 10) : usual[i][1];
        for (int known = 1; known >= 0 && tests && workers; known--)
            for (int kind = 0; kind < N_KINDS; kind++)
                measure((enum kind)kind, tests, workers, known);
    }
    return 0;
}
