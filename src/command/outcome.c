#include "command/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "command/github.h"
#include "command/terminal.h"
#include "report/report.h"
#include "run/journal.h"
#include "run/verdict.h"

/* *again tells that it may run again. */
static bool record_loss(const struct plan_map *map, const struct state *state, int journal_fd,
                         uint32_t test, bool *again, struct error *err)
{
    bool late = atomic_load(&state->run->stop) == STOP_TIMEOUT;
    struct buf message = BUF_INIT, fields = BUF_INIT;
    const struct plan_test *pt = plan_map_test(map, test);
    uint32_t failed = state_attempts(state, test);
    *again = *again && pt && failed < pt->reruns && !atomic_load(&state->run->stop);
    if (late)
        verdict_add_cut(&message, map->head->run_timeout_ms);
    else
        buf_adds(&message, "its process vanished (killed from outside?)");
    journal_add_field(&fields, FIELD_MESSAGE, message.data, message.len);
    if (late)
        journal_add_field(&fields, FIELD_CUT, NULL, 0);
    struct record r = {.test = test,
                       .kind = *again ? RECORD_ATTEMPT : RECORD_RESULT,
                       .outcome = late ? OUTCOME_TIMEOUT : OUTCOME_CRASHED,
                       .slot = JOURNAL_NO_SLOT,
                       .attempt = failed + 1,
                       .start_ns = clock_realtime_ns(),
                       .n_fields = late ? 2 : 1,
                       .fields = (const unsigned char *)fields.data,
                       .fields_len = fields.len};
    bool ok = journal_write(journal_fd, &r, err);
    buf_release(&fields);
    buf_release(&message);
    return ok;
}

size_t outcome_settle(const struct plan_map *map, struct state *state, int journal_fd, bool crashed,
                      struct error *err)
{
    size_t left = 0;
    for (uint32_t i = 0; i < map->head->n_tests && i < state->run->n_tests; i++) {
        unsigned char now = atomic_load(&state->tests[i]);
        if (now == TEST_RUNNING && crashed) {
            bool again = !state->run->standalone;
            if (!record_loss(map, state, journal_fd, i, &again, err))
                return left;
            if (again)
                state_attempt(state, i, UINT32_MAX);
            else
                state_end(state, i, UINT32_MAX,
                          atomic_load(&state->run->stop) == STOP_TIMEOUT ? OUTCOME_TIMEOUT
                                                                         : OUTCOME_CRASHED);
            left += again;
        } else if (now < TEST_ENDED) {
            atomic_store(&state->tests[i], TEST_PENDING);
            left++;
        }
    }
    return left;
}

/* pytest's idea of it: there nobody's window is too narrow. */
static bool on_ci(void)
{
    const char *ci = getenv("CI"), *number = getenv("BUILD_NUMBER");
    return (ci && *ci) || (number && *number);
}

static void say_files(const struct options *o)
{
    const char *const files[] = {o->junitxml, o->report_json, o->report_tap, o->report_markdown};
    const char *before = "reports: ";
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!files[i])
            continue;
        printf("%s%s", before, files[i]);
        before = ", ";
    }
    if (before[0] == ',')
        putchar('\n');
}

bool outcome_report(const struct results *r, const struct options *o, bool interrupted,
                    struct error *err)
{
    struct report_style style = {.width = terminal_width(stdout),
                                 .color = terminal_color(stdout, o->color),
                                 .verbose = o->verbose,
                                 .report_chars = o->report_chars,
                                 .tb = o->tb,
                                 /* under -s it has been shown */
                                 .show_capture =
                                     o->capture && strcmp(o->capture, "no") == 0 ? "no"
                                                                                 : o->show_capture,
                                 .no_summary = o->no_summary,
                                 .whole_messages = o->verbose > 1 || on_ci(),
                                 .durations = o->durations,
                                 .maxfail = o->maxfail,
                                 .interrupted = interrupted,
                                 .state_dir = ".rowlock/last"};
    bool ok = true;
    if (o->junitxml)
        ok = report_junit(o->junitxml, o->junit_prefix, r, err);
    if (o->report_json && ok)
        ok = report_json(o->report_json, r, err);
    if (o->report_tap && ok)
        ok = report_tap(o->report_tap, r, err);
    if (ok && o->verbose >= 0)
        say_files(o);
    report_terminal(stdout, r, &style);
    fflush(stdout);
    return ok;
}

bool outcome_summaries(const struct results *r, const struct options *o, struct error *err)
{
    bool ok = !o->report_markdown || report_markdown(o->report_markdown, r, err);
    return github_report(r, o, err) && ok;
}

void outcome_list_markers(const struct config *c)
{
    for (size_t i = 0; i < c->n_markers; i++)
        printf("@pytest.mark.%s\n\n", c->markers[i].description);
}
