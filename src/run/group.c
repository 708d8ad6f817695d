#include "run/group.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "run/expect.h"
#include "run/gate.h"
#include "run/gtestgroup.h"
#include "run/isolation.h"
#include "run/signals.h"
#include "run/supervise.h"
#include "run/tap.h"
#include "run/verdict.h"

enum { SHOWN_OF_NAME = 500 };

struct native {
    struct job *j;
    struct isolation iso;
    int null; /* every test's standard input */
    uint32_t test;
    struct tap *tap; /* NULL where only the exit status counts */
    struct expect *expect; /* NULL where there are no expressions */
};

static void list_strings(const struct job *j, struct plan_list l, struct strv *out)
{
    const char *s;
    for (uint64_t k = 0; (s = plan_map_list_str(&j->plan, l, k)) != NULL; k++)
        strv_push(out, s);
}

static void on_output(void *ctx, const void *data, size_t len)
{
    struct native *n = ctx;
    tap_feed(n->tap, data, len);
}

static void on_all(void *ctx, const void *data, size_t len)
{
    struct native *n = ctx;
    expect_feed(n->expect, data, len);
}

static void on_start(void *ctx, pid_t pid)
{
    struct job *j = ((struct native *)ctx)->j;
    if (j->slot.number < j->state.run->n_slots)
        atomic_store(&j->state.slots[j->slot.number].pid, (uint32_t)pid);
}

static bool supervise_test(struct native *n, const struct plan_test *t, struct supervised *res,
                           struct error *err)
{
    struct job *j = n->j;
    struct strv argv = STRV_INIT;
    list_strings(j, t->command, &argv);
    if (!argv.n)
        strv_push(&argv, "");
    struct supervise what = {.argv = argv.v,
                             .envp = n->iso.env.v,
                             .cwd = plan_map_str(&j->plan, t->cwd),
                             .in = n->null,
                             .timeout_ms = t->timeout_ms,
                             .grace_ms = j->plan.head->grace_ms,
                             .output_limit = (size_t)j->plan.head->output_limit,
                             .on_output = n->tap ? on_output : NULL,
                             .on_all = n->expect ? on_all : NULL,
                             .on_start = on_start,
                             .ctx = n};
    bool ok = supervise_run(&what, res, err);
    strv_release(&argv);
    return ok;
}

/* Says how many points a script had beyond those that are kept. */
static bool note_points(struct job *j, uint32_t test, const struct tap *tap, struct error *err)
{
    struct buf b = BUF_INIT;
    if (tap->ran <= tap->n_points)
        return true;
    const char *id = plan_map_str(&j->plan, job_test(j, test)->id);
    text_escape(&b, id, strlen(id), SHOWN_OF_NAME);
    buf_addf(&b, ": of its %" PRIu64 " points, %" PRIu32 " are listed and counted below", tap->ran,
             tap->n_points);
    if (tap->failed)
        buf_addf(&b, "; %" PRIu64 " failed in all", tap->failed);
    bool ok = job_note(j, b.data, err);
    buf_release(&b);
    return ok;
}

/* Records what became of the test. An interrupted one stays without a record; one that the end of
 * the run's time has stopped has timed out. */
static enum group_end conclude(struct native *n, const struct plan_test *t,
                               const struct supervised *res, struct error *err)
{
    struct job *j = n->j;
    if (res->end == SUPERVISE_STOPPED && atomic_load(&j->state.run->stop) != STOP_TIMEOUT)
        return GROUP_STOPPED;
    struct buf fields = BUF_INIT;
    struct record r = {.test = n->test};
    const char *command = plan_map_list_str(&j->plan, t->command, 0);
    bool own = t->flags & PLAN_OWN_CODES;
    struct verdict_how how = {.skip_code = own ? t->skip_code : AUTOMAKE_SKIP,
                              .error_code = own ? t->error_code : AUTOMAKE_ERROR,
                              .pass_code = t->pass_code,
                              .will_fail = t->flags & PLAN_WILL_FAIL,
                              .should_fail = t->flags & PLAN_SHOULD_FAIL,
                              .expect = n->expect,
                              .run_timeout_ms = j->plan.head->run_timeout_ms};
    if (n->expect)
        expect_finish(n->expect);
    verdict_record(&r, &fields, res, n->tap, &how, t->timeout_ms, command ? command : "",
                   plan_map_str(&j->plan, t->cwd));
    job_reconsider(j, &r);
    bool ok = job_record(j, &r, err) && (!n->tap || note_points(j, n->test, n->tap, err));
    buf_release(&fields);
    return ok ? GROUP_DONE : GROUP_BROKEN;
}

static enum group_end run_test(struct native *n, const struct plan_test *t, struct error *err)
{
    struct strv vars = STRV_INIT;
    struct supervised res;
    memset(&res, 0, sizeof res);
    list_strings(n->j, t->env, &vars);
    bool ok = isolation_begin(&n->iso, n->test + 1, (const char *const *)vars.v, vars.n, err) &&
              supervise_test(n, t, &res, err);
    enum group_end end = GROUP_BROKEN;
    if (ok)
        end = conclude(n, t, &res, err);
    isolation_end(&n->iso);
    if (!WIFEXITED(res.status) || res.leftovers.n || state_attempts(&n->j->state, n->test))
        isolation_renew_coverage(&n->iso);
    supervised_release(&res);
    strv_release(&vars);
    return end;
}

/* What the plan itself says against the test's start. */
static int record_hindrance(struct job *j, uint32_t test, struct error *err)
{
    const struct plan_test *t = job_test(j, test);
    const char *hindrance = plan_map_str(&j->plan, t->hindrance), *file = NULL;
    enum outcome o = t->flags & PLAN_DISABLED ? OUTCOME_SKIPPED : OUTCOME_ERROR;
    struct buf message = BUF_INIT;
    buf_adds(&message, hindrance);
    bool missing = false;
    for (uint64_t k = 0; !message.len && !missing; k++) {
        file = plan_map_list_str(&j->plan, t->required_files, k);
        if (!file)
            return 0;
        char *path = path_join(plan_map_str(&j->plan, t->cwd), file);
        missing = access(path, F_OK) != 0;
        free(path);
    }
    if (missing) {
        buf_adds(&message, "the file ");
        text_escape(&message, file, strlen(file), SHOWN_OF_NAME);
        buf_adds(&message, ", which it requires, is missing; build or create it");
    }
    bool ok = job_verdict(j, test, o, buf_cstr(&message), err);
    buf_release(&message);
    return ok ? 1 : -1;
}

/* One attempt at a test. */
static enum group_end attempt(struct native *n, uint32_t test, struct error *err)
{
    struct job *j = n->j;
    int pass;
    if (!gate_wait(j, &pass, err))
        return err->msg ? GROUP_BROKEN : signals_stop() ? GROUP_STOPPED : GROUP_DONE;
    bool started = job_start(j, test, 0);
    if (pass >= 0)
        close(pass);
    if (!started)
        return GROUP_DONE;
    const struct plan_test *t = job_test(j, test);
    struct tap tap;
    struct expect expect;
    tap_init(&tap);
    expect_init(&expect, &j->plan, t);
    n->test = test;
    n->tap = t->format == FORMAT_TAP || t->meson ? &tap : NULL;
    tap.meson.version = t->meson;
    tap.meson.rust = t->meson && t->format != FORMAT_TAP;
    n->expect = t->flags & PLAN_REGEX ? &expect : NULL;
    enum group_end end = run_test(n, t, err);
    expect_release(&expect);
    tap_release(&tap);
    return end;
}

int group_prevented(struct job *j, uint32_t test, struct error *err)
{
    const struct plan_test *t = job_test(j, test);
    int told = t->flags & PLAN_DISABLED ? 0 : job_skip_dependent(j, test, err);
    if (!told && (t->hindrance.len || t->required_files.n))
        told = record_hindrance(j, test, err);
    return told;
}

enum group_end group_wait_for_rerun(const struct job *j)
{
    int64_t end = clock_monotonic_ns() + (int64_t)j->plan.head->reruns_delay_ms * 1000000, now;
    while (!signals_stop() && (now = clock_monotonic_ns()) < end)
        signals_poll(NULL, 0, end - now);
    signals_poll(NULL, 0, 0);
    return signals_stop() ? GROUP_STOPPED : GROUP_DONE;
}

/* The next test of the group, as often as it takes. */
static enum group_end one_test(struct native *n, uint32_t test, struct error *err)
{
    struct job *j = n->j;
    if (state_outcome(&j->state, test) != OUTCOME_NONE)
        return GROUP_DONE;
    int told = group_prevented(j, test, err);
    if (told)
        return told > 0 ? GROUP_DONE : GROUP_BROKEN;
    for (;;) {
        uint32_t failed = state_attempts(&j->state, test);
        enum group_end end = failed ? group_wait_for_rerun(j) : GROUP_DONE;
        if (end == GROUP_DONE)
            end = attempt(n, test, err);
        if (end != GROUP_DONE || state_attempts(&j->state, test) == failed)
            return end;
    }
}

enum group_end group_run(struct job *j, struct error *err)
{
    const struct plan_head *head = j->plan.head;
    struct isolation_settings settings = {
        .temp_dir = j->state.run->temp_dir,
        .run_uid = j->state.run->run_uid,
        .env_prefix = plan_map_str(&j->plan, head->env_prefix),
        .slot = j->slot.number,
        .n_slots = j->state.run->n_slots,
        .sequential = head->flags & PLAN_SEQUENTIAL,
        .group = j->group_number,
    };
    struct native n = {.j = j};
    enum group_end end = GROUP_DONE;
    n.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (n.null < 0)
        error_errno(err, EXIT_INTERNAL, "/dev/null");
    if (n.null < 0 || !isolation_init(&n.iso, &settings, err))
        end = GROUP_BROKEN;
    for (uint32_t k = 0, step = 1; k < j->n_tests && end == GROUP_DONE; k += step) {
        step = gtestgroup_length(j, k);
        signals_poll(NULL, 0, 0);
        if (signals_stop())
            end = GROUP_STOPPED;
        else if (atomic_load(&j->state.run->stop) != STOP_NO)
            break;
        else if (step)
            end = gtestgroup_run(j, &n.iso, n.null, j->tests + k, step, err);
        else
            end = one_test(&n, j->tests[k], err);
        step += !step;
    }
    isolation_release(&n.iso);
    if (n.null >= 0)
        close(n.null);
    return end;
}
