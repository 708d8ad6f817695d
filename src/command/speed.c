/* The comparison of a sequential run with a parallel one, for people and as JSON:
 *
 *   {"tests", "groups", "workers",   how many
 *    "unknown",                      tests whose duration is not known; they count as 0 s
 *    "sequential": {"wall", "cpu",   seconds of the command as a whole; null where nothing ran
 *                   "computed"},     the sum over the tests
 *    "parallel": {"wall", "cpu", "computed"},
 *    "speedup", "efficiency",        of the wall times, of those computed where nothing ran; 0.8 is 80 %
 *    "differences": [{"id", "sequential", "parallel"}, …],   verdicts
 *    "critical_path": {"seconds", "groups": [{"seconds", "n_tests", "tests": ["id", …], "serial",
 *                      "locks"}, …]},   at most eight ids of each group, the longest first
 *    "by_workers": [{"workers", "seconds"}, …],
 *    "useful_workers",               more of them gain less than a hundredth
 *    "advice": [{"kind", "what", "gain"}, …]}
 *
 * kind is "workers", "split", "slow", "lock" or "serial", what a number, an id or a lock's name, gain
 * the seconds that the parallel run would take less, as computed. */
#include "command/speed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "plan/forecast.h"
#include "report/report.h"
#include "report/show.h"

enum { MOST_ADVICE = 6, MOST_TRIED = 8, MOST_SHOWN = 8, MOST_STEPS = 24 };

struct advice {
    const char *kind;
    char *what; /* untrusted */
    double gain;
};
struct view {
    const struct speed *s;
    struct forecast f;
    double sum, now, critical;
    uint32_t *path, n_path, useful;
    struct advice advice[4 * MOST_TRIED];
    size_t n_advice;
};

static const char *id_of(const struct view *v, uint32_t test)
{
    const struct plan *p = v->s->plan;
    return p->manifest->tests[p->tests[test]].id;
}

/* What is worth less than a hundredth of the run is not worth a line. */
static void advise(struct view *v, const char *kind, const char *what, double would)
{
    double gain = v->now - would;
    if (gain > v->now / 100 && v->n_advice < sizeof v->advice / sizeof *v->advice)
        v->advice[v->n_advice++] = (struct advice){kind, xstrdup(what), gain};
}

static int by_gain(const void *a, const void *b)
{
    const struct advice *x = a, *y = b;
    return x->gain < y->gain ? 1 : x->gain > y->gain ? -1 : strcmp(x->what, y->what);
}

/* The test of a group that takes longest. */
static uint32_t longest_of(const struct view *v, uint32_t u)
{
    const struct plan_unit *unit = &v->s->plan->units[u];
    uint32_t best = unit->tests[0];
    for (uint32_t k = 1; k < unit->n; k++)
        if (v->s->seconds[unit->tests[k]] > v->s->seconds[best])
            best = unit->tests[k];
    return best;
}

/* The groups of the critical path, and the longest ones, are those whose change can help. */
static void try_groups(struct view *v)
{
    const struct plan *p = v->s->plan;
    uint32_t tried = 0;
    for (uint32_t i = 0; i < v->n_path && tried < MOST_TRIED; i++) {
        uint32_t u = v->path[i], test = longest_of(v, u);
        const struct plan_unit *unit = &p->units[u];
        if (v->f.units[u].seconds <= v->critical / 50)
            continue;
        tried++;
        bool locked = unit->locks && unit->locks[0];
        if (unit->n > 1 && !unit->serial && !locked)
            advise(v, "split", id_of(v, unit->tests[0]), forecast_split(&v->f, u, v->s->workers));
        advise(v, "slow", id_of(v, test), forecast_without(&v->f, test, v->s->workers));
    }
}

static void try_locks(struct view *v)
{
    const struct plan *p = v->s->plan;
    struct map seen = MAP_INIT;
    for (uint32_t u = 0; u < p->n_units && seen.n < MOST_TRIED; u++)
        for (char **lock = p->units[u].locks; lock && *lock && seen.n < MOST_TRIED; lock++)
            if (map_put(&seen, *lock, u) == MAP_NONE)
                advise(v, "lock", *lock, forecast_unlocked(&v->f, *lock, v->s->workers));
    map_release(&seen);
}

static void look(struct view *v)
{
    uint32_t serial = 0;
    char number[16];
    forecast_init(&v->f, v->s->plan, v->s->seconds);
    v->sum = forecast_sum(&v->f);
    v->now = forecast_makespan(&v->f, v->s->workers);
    v->critical = forecast_critical(&v->f, &v->path, &v->n_path);
    v->useful = forecast_useful_workers(&v->f);
    if (v->useful > v->s->workers) {
        snprintf(number, sizeof number, "%u", v->useful);
        advise(v, "workers", number, forecast_makespan(&v->f, v->useful));
    }
    try_groups(v);
    try_locks(v);
    for (uint32_t u = 0; u < v->f.n; u++)
        serial += v->f.units[u].serial;
    snprintf(number, sizeof number, "%u", serial);
    if (serial)
        advise(v, "serial", number, forecast_not_serial(&v->f, v->s->workers));
    qsort(v->advice, v->n_advice, sizeof *v->advice, by_gain);
}

static bool both_ran(const struct speed *s)
{
    return s->sequential.ran && s->parallel.ran && s->parallel.wall > 0;
}

static double speedup(const struct view *v)
{
    if (both_ran(v->s))
        return v->s->sequential.wall / v->s->parallel.wall;
    return v->now > 0 ? v->sum / v->now : 1;
}

static void add_string(struct buf *b, const char *before, const char *s)
{
    buf_adds(b, before);
    report_json_string(b, s, strlen(s));
}

static void add_run(struct buf *b, const char *name, const struct speed_run *r, double computed)
{
    buf_addf(b, ",\n\"%s\": {", name);
    if (r->ran)
        buf_addf(b, "\"wall\": %.6g, \"cpu\": %.6g", r->wall, r->cpu);
    else
        buf_adds(b, "\"wall\": null, \"cpu\": null");
    buf_addf(b, ", \"computed\": %.6g}", computed);
}

static int by_seconds(const void *a, const void *b, void *seconds)
{
    const double *s = seconds;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return s[x] < s[y] ? 1 : s[x] > s[y] ? -1 : (x > y) - (x < y);
}

/* The tests of a group, the longest first. Caller frees. */
static uint32_t *sorted_tests(const struct view *v, uint32_t u)
{
    const struct plan_unit *unit = &v->s->plan->units[u];
    uint32_t *tests = xcalloc(unit->n, sizeof *tests);
    memcpy(tests, unit->tests, unit->n * sizeof *tests);
    qsort_r(tests, unit->n, sizeof *tests, by_seconds, (void *)v->s->seconds);
    return tests;
}

static void add_path(struct buf *b, const struct view *v)
{
    buf_addf(b, ",\n\"critical_path\": {\"seconds\": %.6g, \"groups\": [", v->critical);
    for (uint32_t i = 0; i < v->n_path; i++) {
        const struct plan_unit *unit = &v->s->plan->units[v->path[i]];
        uint32_t *tests = sorted_tests(v, v->path[i]);
        buf_addf(b, "%s\n{\"seconds\": %.6g, \"n_tests\": %u, \"tests\": [", i ? "," : "",
                 v->f.units[v->path[i]].seconds, unit->n);
        for (uint32_t k = 0; k < unit->n && k < MOST_SHOWN; k++)
            add_string(b, k ? ", " : "", id_of(v, tests[k]));
        buf_addf(b, "], \"serial\": %s, \"locks\": [", unit->serial ? "true" : "false");
        for (char **lock = unit->locks; lock && *lock; lock++)
            add_string(b, lock == unit->locks ? "" : ", ", *lock);
        buf_adds(b, "]}");
        free(tests);
    }
    buf_adds(b, "]}");
}

static void print_json(const struct view *v)
{
    const struct speed *s = v->s;
    struct buf b = BUF_INIT;
    buf_addf(&b, "{\"tests\": %u, \"groups\": %u, \"workers\": %u, \"unknown\": %u",
             s->plan->n_tests, v->f.n, s->workers, s->unknown);
    add_run(&b, "sequential", &s->sequential, v->sum);
    add_run(&b, "parallel", &s->parallel, v->now);
    buf_addf(&b, ",\n\"speedup\": %.6g, \"efficiency\": %.6g,\n\"differences\": [", speedup(v),
             speedup(v) / s->workers);
    for (size_t i = 0; i < s->ids.n; i++) {
        add_string(&b, i ? ",\n{\"id\": " : "\n{\"id\": ", s->ids.v[i]);
        report_json_pair(&b, "sequential", s->before.v[i]);
        report_json_pair(&b, "parallel", s->after.v[i]);
        buf_addc(&b, '}');
    }
    buf_addc(&b, ']');
    add_path(&b, v);
    buf_adds(&b, ",\n\"by_workers\": [");
    for (uint32_t n = 1; n <= 64; n *= 2)
        buf_addf(&b, "%s{\"workers\": %u, \"seconds\": %.6g}", n > 1 ? ", " : "", n,
                 forecast_makespan(&v->f, n));
    buf_addf(&b, "],\n\"useful_workers\": %u,\n\"advice\": [", v->useful);
    for (size_t i = 0; i < v->n_advice; i++) {
        buf_addf(&b, "%s\n{\"kind\": \"%s\"", i ? "," : "", v->advice[i].kind);
        report_json_pair(&b, "what", v->advice[i].what);
        buf_addf(&b, ", \"gain\": %.6g}", v->advice[i].gain);
    }
    buf_adds(&b, "]}\n");
    fwrite(b.data, 1, b.len, stdout);
    buf_release(&b);
}

static void print_times(const char *name, double a, double b, bool known)
{
    char first[16] = "-", second[16] = "-";
    if (known) {
        report_seconds(first, sizeof first, a);
        report_seconds(second, sizeof second, b);
    }
    printf("  %-16s %14s %14s\n", name, first, second);
}

static void print_path(const struct view *v)
{
    char text[16];
    report_seconds(text, sizeof text, v->critical);
    printf("critical path: %s, which no number of workers shortens\n", text);
    for (uint32_t i = 0; i < v->n_path; i++) {
        const struct plan_unit *unit = &v->s->plan->units[v->path[i]];
        struct buf b = BUF_INIT;
        if (i == MOST_STEPS) {
            printf("  … and %u more groups\n", v->n_path - i);
            break;
        }
        const char *id = id_of(v, longest_of(v, v->path[i]));
        report_plain(&b, id, strlen(id), false);
        if (unit->n > 1)
            buf_addf(&b, " and %u more in its group", unit->n - 1);
        if (unit->serial)
            buf_adds(&b, "; serial");
        for (char **lock = unit->locks; lock && *lock; lock++) {
            buf_adds(&b, lock == unit->locks ? "; lock " : ", ");
            report_plain(&b, *lock, strlen(*lock), false);
        }
        report_seconds(text, sizeof text, v->f.units[v->path[i]].seconds);
        printf("  %10s  %s\n", text, buf_cstr(&b));
        buf_release(&b);
    }
}

static void print_advice(const struct view *v)
{
    static const struct {
        const char *kind, *before, *after;
    } words[] = {
        {"workers", "take ", " workers; more gain nothing"},
        {"split", "split the group of ", " (--dist load, or a class or file of its own)"},
        {"slow", "mark as slow, and leave out with -m 'not slow': ", ""},
        {"lock", "do without the lock ", ""},
        {"serial", "let the ", " serial groups run beside others"},
    };
    printf("what would help, with %u worker%s:\n", v->s->workers, v->s->workers == 1 ? "" : "s");
    for (size_t i = 0; i < v->n_advice && i < MOST_ADVICE; i++)
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
            if (strcmp(words[k].kind, v->advice[i].kind) != 0)
                continue;
            char text[16];
            struct buf b = BUF_INIT;
            report_plain(&b, v->advice[i].what, strlen(v->advice[i].what), false);
            report_seconds(text, sizeof text, v->advice[i].gain);
            printf("  %10s less: %s%s%s\n", text, words[k].before, buf_cstr(&b), words[k].after);
            buf_release(&b);
        }
    if (!v->n_advice)
        printf("  nothing that is known: each change is worth less than a hundredth\n");
}

static void print_text(const struct view *v)
{
    const struct speed *s = v->s;
    char title[32];
    snprintf(title, sizeof title, "%u worker%s", s->workers, s->workers == 1 ? "" : "s");
    printf("\n  %-16s %14s %14s\n", "", "sequential", title);
    print_times("wall", s->sequential.wall, s->parallel.wall, both_ran(s));
    print_times("CPU", s->sequential.cpu, s->parallel.cpu, both_ran(s));
    print_times("tests, computed", v->sum, v->now, true);
    printf("speed-up %.2f, efficiency %.0f %%\n", speedup(v), 100 * speedup(v) / s->workers);
    if (s->unknown)
        printf("the durations of %u tests are not known; they count as nothing\n", s->unknown);
    print_path(v);
    printf("with n workers:");
    for (uint32_t n = 1; n <= 64 && n <= 2 * v->useful; n *= 2) {
        char text[16];
        report_seconds(text, sizeof text, forecast_makespan(&v->f, n));
        printf("%s %u: %s", n > 1 ? "," : "", n, text);
    }
    printf("; more than %u gain nothing\n", v->useful);
    print_advice(v);
    for (size_t i = 0; i < s->ids.n; i++) {
        struct buf b = BUF_INIT;
        report_plain(&b, s->ids.v[i], strlen(s->ids.v[i]), false);
        printf("DIFFERENT %s: %s alone, %s in parallel\n", buf_cstr(&b), s->before.v[i],
               s->after.v[i]);
        buf_release(&b);
    }
}

void speed_print(const struct speed *s, bool json)
{
    struct view *v = xcalloc(1, sizeof *v);
    v->s = s;
    look(v);
    if (json)
        print_json(v);
    else
        print_text(v);
    for (size_t i = 0; i < v->n_advice; i++)
        free(v->advice[i].what);
    free(v->path);
    forecast_release(&v->f);
    free(v);
}
