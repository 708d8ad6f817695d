#include "command/remember.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "history/history.h"
#include "history/http.h"
#include "history/sync.h"
#include "run/interrupts.h"

#define HISTORY_PATH ".rowlock/history.db"

struct mean {
    double sum;
    size_t n;
};

static double mean_of(const struct mean *m)
{
    return m->n ? m->sum / (double)m->n : -1;
}

static void warn(char *warning)
{
    if (warning)
        command_say(warning);
    free(warning);
}

/* The number of a test's file among the means; those without one share number 0. */
static size_t number_of_file(struct map *files, const struct test *t)
{
    return t->file ? map_intern(files, t->file, files->n + 1) : 0;
}

static void guess_unknown(struct manifest *m, struct map *files, struct mean *means,
                          const struct mean *all)
{
    for (size_t i = 0; i < m->n; i++) {
        struct test *t = &m->tests[i];
        if (t->expected >= 0)
            continue;
        const struct mean *file = &means[number_of_file(files, t)];
        t->expected = mean_of(file->n ? file : all);
    }
}

void remember_known(struct manifest *m)
{
    char *warning;
    struct history *h = history_read(HISTORY_PATH, &warning);
    warn(warning);
    for (size_t i = 0; i < m->n; i++) {
        struct test *t = &m->tests[i];
        const struct history_test *known = history_find(h, t->id);
        bool native = t->format != FORMAT_PYTEST;
        if (known)
            t->known = known->seconds;
        t->failed = native ? known && known->failed : t->failed;
        t->never_ran = native && !known;
    }
    history_free(h);
}

/* How long it took before, as far as that goes before what the project says (COST). */
static double measured(const struct test *t)
{
    return t->known >= 0 || t->expected >= 0 ? t->known : t->logged;
}

void remember_expected(struct manifest *m)
{
    struct map files = MAP_INIT;
    struct mean *means = xcalloc(m->n + 1, sizeof *means), all = {0, 0};
    for (size_t i = 0; i < m->n; i++) {
        struct test *t = &m->tests[i];
        double seconds = measured(t);
        if (seconds < 0)
            continue;
        t->expected = seconds;
        struct mean *file = &means[number_of_file(&files, t)];
        file->sum += t->expected;
        file->n++;
        all.sum += t->expected;
        all.n++;
    }
    if (all.n)
        guess_unknown(m, &files, means, &all);
    map_release(&files);
    free(means);
}

void remember_results(const struct results *r)
{
    size_t n = 0;
    struct history_result *all = xcalloc(r->plan->head->n_tests, sizeof *all);
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        const struct result *t = &r->tests[i];
        const struct plan_test *p = plan_map_test(r->plan, i);
        if (t->outcome == OUTCOME_NONE || t->resumed || !p)
            continue;
        if (p->copy) { /* under --count: it stands behind the first */
            if (n && outcome_is_failure(t->outcome) && !all[n - 1].failed) {
                all[n - 1].failed = true;
                all[n - 1].outcome = outcome_name(t->outcome);
            }
            continue;
        }
        all[n++] = (struct history_result){.name = plan_map_str(r->plan, p->id),
                                           .outcome = outcome_name(t->outcome),
                                           .failed = outcome_is_failure(t->outcome),
                                           .seconds = (double)t->wall_ns * 1e-9,
                                           .peak_bytes = t->peak_bytes};
    }
    char *warning = NULL;
    if (n)
        history_add(HISTORY_PATH, all, n, &warning);
    warn(warning);
    free(all);
}

bool remember_choose(struct remote_history *r, const char *option, const char *setting,
                     struct error *err)
{
    const char *url = option ? option : setting;
    r->url = url && *url ? url : NULL;
    r->broken = false;
    if (!r->url || http_is_url(r->url))
        return true;
    return error_set(err, EXIT_USAGE,
                     "%s: this is no URL of a file on a web server; give one such as "
                     "https://ci.example.org/history.db",
                     option ? "--history-url" : "history_url");
}

static bool interrupted(void)
{
    return interrupts_count() > 0;
}

void remember_fetch(struct remote_history *r, const char *dir)
{
    struct history_sync s = {HISTORY_PATH, r->url, dir, interrupted};
    char *warning = NULL;
    if (r->url && !history_fetch(&s, &warning))
        r->broken = true;
    warn(warning);
}

void remember_publish(struct remote_history *r, const char *dir)
{
    struct history_sync s = {HISTORY_PATH, r->url, dir, interrupted};
    char *warning = NULL;
    if (r->url && !r->broken && !interrupted() && !history_publish(&s, &warning))
        r->broken = true;
    warn(warning);
}
