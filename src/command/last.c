/* report: the last run once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/outcome.h"
#include "run/state.h"

static int report_last(const struct options *o, struct error *err)
{
    struct plan_map map;
    struct state state;
    struct results results;
    int code = EXIT_INTERNAL;
    if (access(".rowlock/last/journal", R_OK) != 0) {
        error_set(err, EXIT_USAGE,
                  ".rowlock/last: no run is recorded here; start one with 'rowlock "
                  "parallel', or name the project with -C DIR");
        return EXIT_USAGE;
    }
    if (!plan_map_open(&map, ".rowlock/last/plan", err))
        return EXIT_INTERNAL;
    results_init(&results, &map);
    if (results_read(&results, ".rowlock/last/journal", err)) {
        bool interrupted = false;
        if (state_open(&state, ".rowlock/last/state", err)) {
            interrupted = atomic_load(&state.run->stop) == STOP_INTERRUPTED;
            results.timed_out = atomic_load(&state.run->stop) == STOP_TIMEOUT;
            state_close(&state);
        }
        results.interrupted = interrupted;
        results_read_words(&results, ".rowlock/last");
        results_count(&results);
        results.wall_seconds = results_span(&results);
        if (outcome_report(&results, o, interrupted, err))
            code = interrupted ? EXIT_INTERRUPTED : (int)results_exit_code(&results);
    }
    results_release(&results);
    plan_map_close(&map);
    return code;
}

int command_report(const struct invocation *inv)
{
    struct options o;
    struct error err = ERROR_INIT;
    int code = EXIT_USAGE;
    options_init(&o);
    if (options_parse(&o, (int)inv->args.n, inv->args.v, "command line", &err)) {
        if (o.pytest_args.n)
            options_unknown(o.pytest_args.v[0], &err);
        else
            code = report_last(&o, &err);
    }
    if (err.msg)
        code = command_fail(&err);
    options_release(&o);
    return code;
}
