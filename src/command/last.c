/* report: the last run once more; --compare is in compareruns.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"
#include "command/compareruns.h"
#include "command/github.h"
#include "command/outcome.h"
#include "command/progress.h"
#include "command/terminal.h"
#include "run/runstore.h"
#include "run/state.h"

#define LAST ".rowlock/last"
#define OPTIONS "Reports" /* the group of those that it takes */

/* When it was, and what of it. */
static void say_which(const struct results *r)
{
    int64_t first = INT64_MAX;
    size_t ended = 0;
    uint32_t n = r->plan->head->n_tests, workers = r->plan->head->n_slots;
    char when[64] = "nothing has ended";
    for (uint32_t i = 0; i < n; i++) {
        const struct result *t = &r->tests[i];
        ended += t->outcome != OUTCOME_NONE;
        if (t->outcome != OUTCOME_NONE && t->start_ns < first)
            first = t->start_ns;
    }
    time_t seconds = (time_t)(first / 1000000000);
    struct tm tm;
    if (ended && localtime_r(&seconds, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    printf("last run: %s, %u test%s, %u worker%s%s\n", when, n, n == 1 ? "" : "s", workers,
           workers == 1 ? "" : "s", r->plan->head->flags & PLAN_SEQUENTIAL ? ", sequential" : "");
    if (runstore_owner_lives(LAST))
        printf("it is not over: %zu of %u tests have ended\n", ended, n);
    fflush(stdout);
}

/* Under -v a line for each verdict, as in the run. */
static bool say_verdicts(const struct plan_map *map, const struct state *state,
                         const struct options *o, struct error *err)
{
    struct progress p;
    struct results r; /* a second time: that of the report is complete before the first line */
    if (o->verbose <= 0)
        return true;
    results_init(&r, map);
    bool ok = progress_init(&p, &r, state, LAST "/journal", stdout, o->verbose,
                            terminal_color(stdout, o->color), err);
    p.live = false; /* nothing is on its way */
    if (ok)
        progress_end(&p);
    progress_release(&p);
    results_release(&r);
    return ok;
}

static int report_last(const struct options *o, struct error *err)
{
    struct plan_map map;
    struct state state;
    struct results results;
    int code = EXIT_INTERNAL;
    if (access(LAST "/journal", R_OK) != 0) {
        error_set(err, EXIT_USAGE,
                  ".rowlock/last: no run is recorded here; start one with 'rowlock "
                  "parallel', or name the project with -C DIR");
        return EXIT_USAGE;
    }
    if (!plan_map_open(&map, LAST "/plan", err))
        return EXIT_INTERNAL;
    results_init(&results, &map);
    if (state_open(&state, LAST "/state", err)) {
        uint32_t stop = atomic_load(&state.run->stop);
        results.interrupted = stop == STOP_INTERRUPTED;
        results.timed_out = stop == STOP_TIMEOUT;
        if (results_read(&results, LAST "/journal", err)) {
            if (o->verbose >= 0 && !o->no_header)
                say_which(&results);
            results_read_words(&results, LAST);
            results_count(&results);
            results_read_covered(&results, LAST);
            results.wall_seconds = results_span(&results);
            if (say_verdicts(&map, &state, o, err) &&
                outcome_report(&results, o, results.interrupted, err) &&
                outcome_summaries(&results, o, err))
                code = results.interrupted ? EXIT_INTERRUPTED : (int)results_exit_code(&results);
        }
        state_close(&state);
    }
    results_release(&results);
    plan_map_close(&map);
    return code;
}

void command_report_help(FILE *out)
{
    options_help(out, terminal_width(out), OPTIONS);
    compareruns_help(out);
}

int command_report(const struct invocation *inv)
{
    struct options o;
    struct error err = ERROR_INIT;
    int code = EXIT_USAGE;
    if (compareruns_asked(&inv->args))
        return compareruns(&inv->args);
    options_init(&o);
    o.only = OPTIONS;
    if (options_parse(&o, (int)inv->args.n, inv->args.v, "command line", &err)) {
        if (o.pytest_args.n)
            options_unknown(o.pytest_args.v[0], &err);
        else if (o.test_paths.n)
            error_set(&err, EXIT_USAGE, "report takes no paths or ids; it prints all of the last run");
        else {
            github_begin(&o);
            if (!o.report_github) /* the run itself has told GitHub: only once more if asked to */
                o.no_report_github = true;
            code = report_last(&o, &err);
        }
    }
    if (err.msg)
        code = command_fail(&err);
    github_end();
    options_release(&o);
    return code;
}
