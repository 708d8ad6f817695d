#include "run/gtestprocess.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "run/signals.h"
#include "run/verdict.h"

enum { SET_UP_MAX = 64 * 1024 };
#define FILTER "--gtest_filter="

/* What would change which tests run or how their ends are told. The others of Google Test's
 * variables, such as GTEST_DEATH_TEST_STYLE, are the user's. */
static const char *const unwanted[] = {"GTEST_FILTER",      "GTEST_LIST_TESTS",
                                       "GTEST_OUTPUT",      "GTEST_REPEAT",
                                       "GTEST_SHUFFLE",     "GTEST_RANDOM_SEED",
                                       "GTEST_FAIL_FAST",   "GTEST_SHARD_INDEX",
                                       "GTEST_TOTAL_SHARDS", "GTEST_SHARD_STATUS_FILE",
                                       "GTEST_STREAM_RESULT_TO", "TESTBRIDGE_TEST_ONLY",
                                       "TESTBRIDGE_TEST_RUNNER_FAIL_FAST", "XML_OUTPUT_FILE"};
/* What a suite may ask for, but the caller's own environment may not. */
static const char *const foreign[] = {"GTEST_ALSO_RUN_DISABLED_TESTS", "GTEST_BREAK_ON_FAILURE",
                                      "GTEST_THROW_ON_FAILURE", "GTEST_CATCH_EXCEPTIONS"};

const char *gtest_name(const struct job *j, uint32_t test)
{
    const struct plan_test *t = job_test(j, test);
    const char *last = t->command.n ? plan_map_list_str(&j->plan, t->command, t->command.n - 1) : NULL;
    size_t n = sizeof FILTER - 1;
    return last && strncmp(last, FILTER, n) == 0 ? last + n : "";
}

void gtest_filter_add(struct buf *filter, const char *name)
{
    if (filter->len)
        buf_addc(filter, ':');
    for (; *name; name++)
        buf_addc(filter, strchr(":*?-", *name) ? '?' : *name);
}

void gtest_process_init(struct gtest_process *p, struct job *j, struct isolation *iso, int null,
                        const uint32_t *tests, uint32_t n, struct error *err)
{
    memset(p, 0, sizeof *p);
    p->j = j;
    p->iso = iso;
    p->null = null;
    p->err = err;
    p->n = n;
    p->tests = xcalloc(n, sizeof *p->tests);
    p->names = xcalloc(n, sizeof *p->names);
    for (uint32_t i = 0; i < n; i++) {
        p->tests[i] = tests[i];
        p->names[i] = gtest_name(j, tests[i]);
    }
    p->premature = path_join(iso->worker_dir, "gtest");
    capture_init(&p->text, (size_t)j->plan.head->output_limit);
    gtest_init(&p->reader, p->names, n);
}

void gtest_process_release(struct gtest_process *p)
{
    gtest_release(&p->reader);
    capture_release(&p->text);
    buf_release(&p->set_up);
    buf_release(&p->held_text);
    buf_release(&p->message);
    buf_release(&p->fields);
    free(p->premature);
    free(p->names);
    free(p->tests);
    memset(p, 0, sizeof *p);
}

static void forget_text(struct gtest_process *p)
{
    capture_release(&p->text);
    capture_init(&p->text, (size_t)p->j->plan.head->output_limit);
}

/* ---- Records ------------------------------------------------------------------------------------- */

static void add_field(struct gtest_process *p, struct record *r, enum record_field tag,
                      const char *data, size_t len)
{
    if (!len)
        return;
    journal_add_field(&p->fields, tag, data, len);
    r->n_fields++;
}

/* A record of test i, with p->message and the text; its place is the reader's where that has told
 * of it last. */
static void make_record(struct gtest_process *p, struct record *r, size_t i, enum outcome o,
                        bool place, const struct buf *text)
{
    memset(r, 0, sizeof *r);
    buf_clear(&p->fields);
    r->test = p->tests[i];
    r->kind = RECORD_RESULT;
    r->outcome = o;
    r->attempt = 1;
    r->start_ns = p->since_real;
    r->wall_ns = (uint64_t)(clock_monotonic_ns() - p->since);
    add_field(p, r, FIELD_MESSAGE, buf_cstr(&p->message), p->message.len);
    if (place)
        add_field(p, r, FIELD_LOCATION, buf_cstr(&p->reader.place), p->reader.place.len);
    add_field(p, r, FIELD_STDOUT, buf_cstr(text), text->len);
}

/* p->fields belong to it. */
static bool write_record(struct gtest_process *p, struct record *r)
{
    r->fields = (const unsigned char *)p->fields.data;
    r->fields_len = p->fields.len;
    job_reconsider(p->j, r);
    bool ok = job_record(p->j, r, p->err);
    p->broken = p->broken || !ok;
    return ok;
}

bool gtest_process_charge(struct gtest_process *p, size_t i, enum outcome o, const char *message)
{
    struct buf text = BUF_INIT;
    struct record r;
    buf_clear(&p->message);
    buf_adds(&p->message, message);
    capture_text(&p->text, &text);
    make_record(p, &r, i, o, p->reader.current == i, &text);
    buf_release(&text);
    if (p->cut) {
        journal_add_field(&p->fields, FIELD_CUT, NULL, 0);
        r.n_fields++;
    }
    return write_record(p, &r);
}

/* What came to light of a test that has its record. */
static void amend(struct gtest_process *p, size_t i, const char *message)
{
    struct record r;
    if (p->holds && p->held.test == p->tests[i]) {
        if (p->held.outcome == OUTCOME_SKIPPED) /* that was due to this */
            buf_clear(&p->message);
        if (!outcome_is_failure(p->held.outcome))
            p->held.outcome = OUTCOME_ERROR;
        if (p->message.len)
            buf_adds(&p->message, "; ");
        buf_adds(&p->message, message);
        buf_add(&p->held_text, buf_cstr(&p->set_up), p->set_up.len);
        return;
    }
    struct buf before = p->message;
    buf_init(&p->message);
    buf_adds(&p->message, message);
    make_record(p, &r, i, OUTCOME_ERROR, false, &p->set_up);
    r.kind = RECORD_AMEND;
    r.wall_ns = 0;
    write_record(p, &r);
    buf_release(&p->message);
    p->message = before;
}

/* ---- While it runs ------------------------------------------------------------------------------- */

static void restart_clock(struct gtest_process *p)
{
    p->since = clock_monotonic_ns();
    p->since_real = clock_realtime_ns();
}

static void end_early(struct gtest_process *p)
{
    p->stop = p->over = true;
}

/* Keeps what was printed outside of tests, if that tells of a failure. */
static void keep_set_up(struct gtest_process *p)
{
    struct buf text = BUF_INIT;
    capture_text(&p->text, &text);
    if (text.len && strstr(text.data, ": Failure\n")) {
        size_t room = SET_UP_MAX - p->set_up.len;
        buf_add(&p->set_up, text.data, text.len < room ? text.len : room);
    }
    buf_release(&text);
}

static void on_begin(void *ctx, size_t i)
{
    struct gtest_process *p = ctx;
    if (p->over)
        return;
    keep_set_up(p);
    forget_text(p);
    restart_clock(p);
    if (!job_start(p->j, p->tests[i], p->pid))
        end_early(p);
}

static void on_end(void *ctx, size_t i, enum outcome o)
{
    struct gtest_process *p = ctx;
    struct buf text = BUF_INIT;
    struct record r;
    if (p->over)
        return;
    buf_clear(&p->message);
    if (o != OUTCOME_PASSED)
        buf_adds(&p->message, p->reader.reason.len ? buf_cstr(&p->reader.reason)
                              : o == OUTCOME_FAILED ? "failed"
                                                    : "skipped");
    capture_text(&p->text, &text);
    bool last = p->reader.n_ended == p->n, again = p->holds;
    p->holds = last;
    make_record(p, &r, i, o, true, &text);
    if (last) {
        uint64_t before = again ? p->held.wall_ns : 0;
        p->held = r;
        p->held.wall_ns += before;
        buf_add(&p->held_text, buf_cstr(&text), text.len);
    } else if (write_record(p, &r) && atomic_load(&p->j->state.run->stop) != STOP_NO) {
        end_early(p);
    }
    p->over = p->over || p->broken;
    buf_release(&text);
    forget_text(p);
    restart_clock(p);
}

static void on_text(void *ctx, const void *data, size_t len)
{
    struct gtest_process *p = ctx;
    capture_add(&p->text, data, len);
}

static void on_output(void *ctx, const void *data, size_t len)
{
    struct gtest_process *p = ctx;
    if (p->over)
        capture_add(&p->text, data, len);
    else
        gtest_feed(&p->reader, data, len);
    p->over = p->over || (p->reader.odd && p->n > 1);
}

static void on_start(void *ctx, pid_t pid)
{
    struct gtest_process *p = ctx;
    p->pid = pid;
    restart_clock(p);
}

/* The test that has the time now: the one that runs, or the next one. */
static size_t whose_turn(const struct gtest_process *p)
{
    size_t i = p->reader.current;
    if (i != GTEST_NONE)
        return i;
    for (i = 0; i + 1 < p->n && p->reader.came_out[i] != OUTCOME_NONE;)
        i++;
    return i;
}

static int64_t until(void *ctx)
{
    struct gtest_process *p = ctx;
    uint64_t ms = job_test(p->j, p->tests[whose_turn(p)])->timeout_ms;
    if (p->over)
        return 0;
    if (!ms)
        return -1;
    int64_t end = p->since + (int64_t)ms * 1000000;
    p->over = clock_monotonic_ns() >= end;
    return end;
}

/* ---- Its end ------------------------------------------------------------------------------------- */

static void say_timeout(struct buf *b, const struct gtest_process *p, size_t i, const char *when)
{
    if (p->cut)
        verdict_add_cut(b, p->j->plan.head->run_timeout_ms);
    else
        buf_addf(b, "timed out after %g s",
                 (double)job_test(p->j, p->tests[i])->timeout_ms / 1000);
    buf_adds(b, when);
}

static void write_held(struct gtest_process *p, const struct supervised *res)
{
    struct record r = p->held;
    struct buf text = p->held_text;
    size_t i = 0;
    while (p->tests[i] != r.test)
        i++;
    make_record(p, &p->held, i, r.outcome, true, &text);
    p->held.start_ns = r.start_ns;
    p->held.wall_ns = r.wall_ns;
    if (p->n == 1) {
        p->held.status = res->status;
        p->held.user_ns = res->user_ns;
        p->held.sys_ns = res->sys_ns;
        p->held.peak_bytes = res->peak_bytes;
    }
    for (size_t k = 0; k < res->leftovers.n; k++)
        add_field(p, &p->held, FIELD_LEFTOVER, res->leftovers.v[k], strlen(res->leftovers.v[k]));
    write_record(p, &p->held);
}

static enum gtest_end settle_timeout(struct gtest_process *p, const struct supervised *res)
{
    struct buf message = BUF_INIT;
    size_t i = whose_turn(p);
    enum gtest_end end = GTEST_SETTLED;
    if (p->holds) {
        say_timeout(&message, p, i, " behind the test, while the program ended");
        amend(p, i, message.data);
        p->held.outcome = OUTCOME_TIMEOUT;
        write_held(p, res);
    } else {
        bool runs = i == p->reader.current;
        say_timeout(&message, p, i, runs ? "" : " before the test began");
        gtest_process_charge(p, i, OUTCOME_TIMEOUT, message.data);
        end = runs || p->reader.n_ended ? GTEST_SETTLED : GTEST_FRUITLESS;
    }
    buf_release(&message);
    return end;
}

/* Has Google Test come to its end? No test can forge that by what it prints. */
enum course {
    COURSE_UNKNOWN, /* this one does not know TEST_PREMATURE_EXIT_FILE */
    COURSE_WHOLE,   /* it has removed the file */
    COURSE_TORN     /* it has written to it, and not removed it */
};
#define UNTOUCHED "rowlock"

static bool put_file(const struct gtest_process *p)
{
    FILE *f = fopen(p->premature, "we");
    bool ok = f && fputs(UNTOUCHED, f) >= 0;
    ok = f && fclose(f) == 0 && ok;
    return ok || error_errno(p->err, EXIT_INTERNAL, "%s", p->premature);
}

static enum course course_of(const struct gtest_process *p)
{
    char text[sizeof UNTOUCHED] = "";
    FILE *f = fopen(p->premature, "re");
    if (!f)
        return errno == ENOENT ? COURSE_WHOLE : COURSE_UNKNOWN;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return n == strlen(UNTOUCHED) && memcmp(text, UNTOUCHED, n) == 0 ? COURSE_UNKNOWN : COURSE_TORN;
}

/* It ended while test i ran. */
static enum gtest_end settle_crash(struct gtest_process *p, const struct supervised *res, size_t i,
                                   enum course course)
{
    bool torn = course == COURSE_TORN || WIFSIGNALED(res->status);
    struct buf text = BUF_INIT;
    enum outcome o = OUTCOME_CRASHED;
    bool before = p->reader.n_ended > 0;
    if (!torn && p->n > 1) /* the test's end was not printed, or not so that we could read it */
        return GTEST_DISTRUSTED;
    buf_clear(&p->message);
    verdict_status(&p->message, res->status);
    if (!torn && course == COURSE_WHOLE) {
        /* It closed its standard output, but Google Test came to its end. */
        o = WEXITSTATUS(res->status) ? OUTCOME_FAILED : OUTCOME_PASSED;
        if (o == OUTCOME_PASSED)
            buf_clear(&p->message);
    } else if (!torn) {
        o = OUTCOME_ERROR;
        buf_adds(&p->message, ", but Google Test did not say how the test ended");
    } else if (WIFEXITED(res->status)) {
        buf_adds(&p->message, " in the middle of the test");
    }
    capture_text(&p->text, &text);
    make_record(p, &p->crash, i, o, true, &text);
    buf_release(&text);
    p->crash.status = res->status;
    for (size_t k = 0; k < res->leftovers.n; k++)
        add_field(p, &p->crash, FIELD_LEFTOVER, res->leftovers.v[k], strlen(res->leftovers.v[k]));
    if (before)
        return GTEST_CRASHED;
    write_record(p, &p->crash);
    return GTEST_SETTLED;
}

static bool is_of_suite(const char *name, const char *suite)
{
    size_t n = strlen(suite);
    return strncmp(name, suite, n) == 0 && name[n] == '.' && !strchr(name + n + 1, '.');
}

/* Charges the tests of the suite (NULL: all) with a set-up that failed, for which all were skipped,
 * or else the last of them with what came after it. */
static void charge_suite(struct gtest_process *p, const char *suite, const char *set_up,
                         const char *behind)
{
    bool skipped = true;
    size_t last = GTEST_NONE;
    for (size_t i = 0; i < p->n; i++)
        if (!suite || is_of_suite(p->names[i], suite)) {
            skipped = skipped && p->reader.came_out[i] == OUTCOME_SKIPPED;
            last = i;
        }
    for (size_t i = 0; skipped && i < p->n; i++)
        if (!suite || is_of_suite(p->names[i], suite))
            amend(p, i, set_up);
    if (!skipped)
        amend(p, last, behind);
}

/* All tests have ended, and the program, too: with an exit status that is not 0. */
static void judge_status(struct gtest_process *p, int status)
{
    struct buf code = BUF_INIT;
    verdict_status(&code, status);
    for (size_t k = 0; k < p->reader.suites.n; k++)
        charge_suite(p, p->reader.suites.v[k], "its SetUpTestSuite failed",
                     "the TearDownTestSuite behind it failed");
    if (!p->reader.suites.n && !p->reader.n_failed) {
        char *set_up = xasprintf("the program's set-up failed: %s", code.data);
        char *behind = xasprintf("%s behind the test, though no test failed", code.data);
        charge_suite(p, NULL, set_up, behind);
        free(set_up);
        free(behind);
    }
    buf_release(&code);
}

/* The last of its tests has ended. */
static enum gtest_end settle_end(struct gtest_process *p, const struct supervised *res,
                                 enum course course)
{
    struct buf message = BUF_INIT;
    bool torn = course == COURSE_TORN;
    if (torn && p->n > 1)
        return GTEST_DISTRUSTED;
    keep_set_up(p);
    if (torn || WIFSIGNALED(res->status)) {
        verdict_status(&message, res->status);
        buf_adds(&message, " behind the test, while the program ended");
        amend(p, whose_turn(p), message.data);
        p->held.outcome = OUTCOME_CRASHED;
    } else if (WEXITSTATUS(res->status) != 0) {
        judge_status(p, res->status);
    }
    buf_release(&message);
    write_held(p, res);
    return GTEST_SETTLED;
}

/* It ended before a test began. */
static enum gtest_end settle_nothing(struct gtest_process *p, const struct supervised *res)
{
    struct buf message = BUF_INIT;
    bool crashed = WIFSIGNALED(res->status);
    if (res->status == 0) {
        buf_adds(&message, "its program did not run it; was it built anew? list its tests again");
    } else {
        verdict_status(&message, res->status);
        buf_adds(&message, " before the test began");
    }
    gtest_process_charge(p, 0, crashed ? OUTCOME_CRASHED : OUTCOME_ERROR, message.data);
    buf_release(&message);
    return GTEST_FRUITLESS;
}

static enum gtest_end settle_death(struct gtest_process *p, const struct supervised *res)
{
    enum course course = course_of(p);
    size_t i = p->reader.current;
    if (i != GTEST_NONE)
        return settle_crash(p, res, i, course);
    if (p->holds)
        return settle_end(p, res, course);
    if (!p->reader.n_ended)
        return settle_nothing(p, res);
    return course == COURSE_TORN || WIFSIGNALED(res->status) ? GTEST_DISTRUSTED : GTEST_LEFT_OUT;
}

static enum gtest_end settle_unstarted(struct gtest_process *p, const struct supervised *res)
{
    struct buf message = BUF_INIT;
    const struct plan_test *t = job_test(p->j, p->tests[0]);
    const char *command = plan_map_list_str(&p->j->plan, t->command, 0);
    verdict_not_started(&message, res, command ? command : "", plan_map_str(&p->j->plan, t->cwd));
    for (size_t i = 0; i < p->n && !p->broken; i++)
        gtest_process_charge(p, i, OUTCOME_ERROR, message.data);
    buf_release(&message);
    return GTEST_SETTLED;
}

static enum gtest_end settle(struct gtest_process *p, const struct supervised *res)
{
    size_t i = p->reader.current;
    if (p->broken)
        return GTEST_BROKEN;
    if (res->end == SUPERVISE_STOPPED) {
        p->cut = i != GTEST_NONE && atomic_load(&p->j->state.run->stop) == STOP_TIMEOUT;
        if (p->cut)
            settle_timeout(p, res);
        return p->broken ? GTEST_BROKEN : GTEST_STOPPED;
    }
    if (res->end == SUPERVISE_NOT_STARTED)
        return settle_unstarted(p, res);
    if (p->reader.odd && p->n > 1)
        return GTEST_DISTRUSTED;
    if (p->stop) {
        if (i != GTEST_NONE)
            job_abandon(p->j, p->tests[i]);
        return GTEST_STOPPED;
    }
    return res->end == SUPERVISE_TIMED_OUT ? settle_timeout(p, res) : settle_death(p, res);
}

static void environment(const struct gtest_process *p, struct strv *vars)
{
    const struct plan_test *t = job_test(p->j, p->tests[0]);
    const char *s;
    strv_pushf(vars, "TEST_TMPDIR=%s/t%u", p->iso->worker_dir, p->tests[0] + 1);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        strv_push(vars, foreign[i]);
    for (uint64_t k = 0; (s = plan_map_list_str(&p->j->plan, t->env, k)) != NULL; k++)
        strv_push(vars, s);
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        strv_push(vars, unwanted[i]);
    strv_push(vars, "GTEST_COLOR=no");
    strv_push(vars, "GTEST_BRIEF=0");
    strv_push(vars, "GTEST_PRINT_TIME=1");
    strv_pushf(vars, "TEST_PREMATURE_EXIT_FILE=%s", p->premature);
}

static void arguments(const struct gtest_process *p, struct strv *argv)
{
    const struct plan_test *t = job_test(p->j, p->tests[0]);
    struct buf filter = BUF_INIT;
    const char *s;
    for (uint64_t k = 0; k + 1 < t->command.n &&
                         (s = plan_map_list_str(&p->j->plan, t->command, k)) != NULL;
         k++)
        strv_push(argv, s);
    if (!argv->n)
        strv_push(argv, "");
    for (size_t i = 0; i < p->n; i++)
        gtest_filter_add(&filter, p->names[i]);
    strv_pushf(argv, FILTER "%s", buf_cstr(&filter));
    buf_release(&filter);
}

enum gtest_end gtest_process_run(struct gtest_process *p)
{
    struct strv argv = STRV_INIT, vars = STRV_INIT;
    struct supervised res;
    memset(&res, 0, sizeof res);
    environment(p, &vars);
    arguments(p, &argv);
    p->reader.on_begin = on_begin;
    p->reader.on_end = on_end;
    p->reader.on_text = on_text;
    p->reader.ctx = p;
    enum gtest_end end = GTEST_BROKEN;
    const struct plan_test *t = job_test(p->j, p->tests[0]);
    if (put_file(p) &&
        isolation_begin(p->iso, p->tests[0] + 1, (const char *const *)vars.v, vars.n, p->err)) {
        struct supervise what = {.argv = argv.v,
                                 .envp = p->iso->env.v,
                                 .cwd = plan_map_str(&p->j->plan, t->cwd),
                                 .in = p->null,
                                 .grace_ms = p->j->plan.head->grace_ms,
                                 .until = until,
                                 .merge = true,
                                 .on_output = on_output,
                                 .on_start = on_start,
                                 .ctx = p};
        restart_clock(p);
        bool ok = supervise_run(&what, &res, p->err);
        if (!p->over)
            gtest_finish(&p->reader);
        if (ok)
            end = settle(p, &res);
    }
    if (p->broken)
        end = GTEST_BROKEN;
    unlink(p->premature);
    isolation_end(p->iso);
    supervised_release(&res);
    strv_release(&argv);
    strv_release(&vars);
    return end;
}
