/* parallel, sequential, and a run without command: config → manifest → plan → make → reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/alone.h"
#include "command/chosen.h"
#include "command/command.h"
#include "command/covrun.h"
#include "command/dryrun.h"
#include "command/github.h"
#include "command/live.h"
#include "command/outcome.h"
#include "command/progress.h"
#include "command/remember.h"
#include "command/revive.h"
#include "command/suite.h"
#include "command/terminal.h"
#include "report/report.h"
#include "run/affinity.h"
#include "run/driver.h"
#include "run/interrupts.h"
#include "run/journal.h"
#include "run/queue.h"

/* How often make is started again for tests that a killed make left, and how often a pytest
 * process that was killed is replaced. */
enum { MOST_ROUNDS = 3, MOST_ZYGOTES = 10 };
/* Workers whose output can be shown as it comes: each takes a descriptor. */
enum { MOST_LIVE = 256 };

/* What is open while tests run. */
struct session {
    struct suite *suite;
    struct plan_map map;
    struct state state;
    struct results results;
    struct progress progress;
    struct live live;
    char *journal_path;
    int journal_fd;
    int log_fd; /* in memory: the disk may be full when it is needed */
    double started;
    bool interrupted;
    bool timed_out; /* the run's time was over */
    bool finished;  /* pytest's session was asked to end */
    unsigned rounds; /* under --until-fail: those in which all tests have passed */
};

/* What tests print under -s, and their live logs, appears while they run. */
static bool session_listen(struct session *n, struct error *err)
{
    const struct suite *s = n->suite;
    struct progress *p = &n->progress;
    p->echo = s->options.capture && strcmp(s->options.capture, "no") == 0;
    if (!s->zygote_argv.n && !p->echo)
        return true;
    if (s->workers > MOST_LIVE) { /* workers that find no pipe capture their output */
        if (p->echo)
            strv_push(&n->results.notes, "too many workers to show their output at once");
        p->echo = false;
        free(n->suite->options.capture); /* so failures come with their output */
        n->suite->options.capture = NULL;
        return true;
    }
    if (!live_open(&n->live, s->store.temp, s->zygote_argv.n ? s->workers : 0, s->workers > 1,
                   p->color, err))
        return false;
    /* A block of lines that is drawn anew has no place beside the output of tests. */
    p->live = p->live && !p->echo;
    p->printed = &n->live;
    n->live.partial = !p->live;
    interrupts_attend(n->live.fds, n->live.n, progress_read_live, p);
    return true;
}

static bool session_open(struct session *n, struct suite *s, struct error *err)
{
    memset(n, 0, sizeof *n);
    n->suite = s;
    n->started = clock_monotonic_seconds();
    n->journal_path = runstore_path(&s->store, "journal");
    char *plan = runstore_path(&s->store, "plan"), *state = runstore_path(&s->store, "state");
    n->progress.journal_fd = -1;
    n->journal_fd = journal_open(n->journal_path, err);
    n->log_fd = memfd_create("make.log", MFD_CLOEXEC);
    if (n->log_fd < 0)
        error_errno(err, EXIT_INTERNAL, "memfd_create");
    bool ok = n->log_fd >= 0 && n->journal_fd >= 0 && plan_map_open(&n->map, plan, err) &&
              state_open(&n->state, state, err);
    free(plan);
    free(state);
    if (!ok)
        return false;
    results_init(&n->results, &n->map);
    if (!progress_init(&n->progress, &n->results, &n->state, n->journal_path, stdout,
                       s->options.verbose, terminal_color(stdout, s->options.color), err))
        return false;
    slow_init(&n->progress.slow, s->workers,
              s->options.slow_warning >= 0 ? s->options.slow_warning : s->config.slow_warning);
    if (s->resume.n_ended)
        progress_take_resumed(&n->progress);
    return session_listen(n, err);
}

static void session_close(struct session *n)
{
    interrupts_attend(NULL, 0, NULL, NULL);
    live_close(&n->live);
    progress_release(&n->progress);
    if (n->results.plan)
        results_release(&n->results);
    if (n->state.run)
        state_close(&n->state);
    if (n->map.base)
        plan_map_close(&n->map);
    if (n->journal_fd >= 0)
        close(n->journal_fd);
    if (n->log_fd >= 0)
        close(n->log_fd);
    free(n->journal_path);
}

/* Adds what make and its recipes have printed. */
static void read_log(const struct session *n, struct buf *text)
{
    char chunk[4096];
    ssize_t got;
    while ((got = pread(n->log_fd, chunk, sizeof chunk, (off_t)text->len)) > 0)
        buf_add(text, chunk, (size_t)got);
}

/* One round of make over what has not ended. */
static enum driver_end run_make(struct session *n, struct error *err)
{
    struct suite *s = n->suite;
    char *makefile = runstore_path(&s->store, "tests.mk");
    struct driver d = {.make = s->make,
                       .makefile = makefile,
                       .run_id = s->store.id,
                       .log_fd = n->log_fd,
                       .jobs = s->workers,
                       .outer = s->outer.state == JOBSERVER_OPEN ? &s->outer : NULL,
                       .state = &n->state,
                       .keep = s->zygote.pid,
                       .grace_ms = (uint64_t)(s->config.grace * 1000),
                       .deadline_ms = s->deadline_ms,
                       .quiet_deadline = s->options.until_fail,
                       .tick_ms = n->progress.live ? 100 : 250,
                       .tick = progress_tick,
                       .ctx = &n->progress};
    enum driver_end end = driver_run(&d, err);
    if (end == DRIVER_FAILED) {
        struct buf text = BUF_INIT;
        read_log(n, &text);
        error_set(err, EXIT_INTERNAL, "make gave up:\n%s", buf_cstr(&text));
        buf_release(&text);
    }
    free(makefile);
    return end;
}

/* What rowlock-exec said when it could no longer write the journal. */
static bool journal_broke(const struct session *n, struct error *err)
{
    struct buf text = BUF_INIT;
    read_log(n, &text);
    const char *said = strstr(buf_cstr(&text), "rowlock-exec: ");
    said =
        said ? said + strlen("rowlock-exec: ") : "the journal cannot be written; free some space";
    error_set(err, EXIT_INTERNAL, "%.*s", (int)strcspn(said, "\n"), said);
    buf_release(&text);
    return false;
}

static bool run_all(struct session *n, struct error *err)
{
    int zygotes = 1;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        queue_fill(&n->state, &n->map);
        affinity_reset(&n->state);
        enum driver_end end = run_make(n, err);
        size_t left =
            outcome_settle(&n->map, &n->state, n->journal_fd,
                           atomic_load(&n->state.run->stop) != STOP_INTERRUPTED, err);
        if (end == DRIVER_INTERRUPTED) {
            n->interrupted = true;
            return true;
        }
        if (end == DRIVER_TIMED_OUT && !err->msg) {
            interrupts_expect_none();
            n->timed_out = true;
            return true;
        }
        if (atomic_load(&n->state.run->stop) == STOP_BROKEN)
            return journal_broke(n, err);
        if (end == DRIVER_FAILED || end == DRIVER_NOT_STARTED || err->msg)
            return false;
        if (!left || atomic_load(&n->state.run->stop))
            return true;
        if (revive_is_needed(&n->suite->zygote)) {
            if (zygotes++ == MOST_ZYGOTES)
                return error_set(err, EXIT_INTERNAL,
                                 "the pytest process was killed %d times; the tests that it ran "
                                 "then are reported as crashed",
                                 MOST_ZYGOTES);
            round = -1; /* each of them ends a test at least */
            strv_pushf(&n->results.notes,
                       "the pytest process was killed; a new one ran the %zu tests left", left);
            if (!revive_zygote(&n->suite->zygote, err))
                return err->code == EXIT_INTERRUPTED && (n->interrupted = true);
            continue;
        }
        strv_pushf(&n->results.notes, "%s left %zu tests undone; they were run again",
                   end == DRIVER_DIED ? "make was killed and" : "a killed process", left);
    }
    return true;
}

static bool failed(const struct session *n)
{
    return atomic_load(&n->state.run->failures) || n->results.n_errors;
}

/* Is this round the last one? */
static bool is_last_round(struct session *n)
{
    const struct options *o = &n->suite->options;
    if (failed(n) || n->interrupted || n->timed_out)
        return true;
    n->rounds++;
    return o->count && n->rounds >= (unsigned)o->count;
}

/* --until-fail: all tests again and again, as if each round were a run. */
static bool run_rounds(struct session *n, struct error *err)
{
    n->progress.round = 1;
    for (;;) {
        if (!run_all(n, err))
            return false;
        if (is_last_round(n))
            break;
        if (ftruncate(n->journal_fd, 0) != 0)
            return error_errno(err, EXIT_INTERNAL, "%s", n->journal_path);
        state_restart(&n->state);
        progress_next_round(&n->progress);
    }
    const char *then = n->timed_out ? ", then the run's time was over"
                       : failed(n)  ? ", then one failed"
                                    : "";
    strv_pushf(&n->results.notes, "--until-fail: %u whole round%s of %u tests passed%s", n->rounds,
               n->rounds == 1 ? "" : "s", n->map.head->n_tests, then);
    return true;
}

/* Ends pytest's session; *status is its exit status, 0 where there was none. */
static bool end_pytest(struct session *n, int *status, struct error *err)
{
    struct suite *s = n->suite;
    if (s->zygote.pid <= 0)
        return true;
    struct error late = ERROR_INIT;
    live_release(&n->live);
    if (atomic_load(&n->state.run->failures) && revive_is_needed(&s->zygote)) {
        strv_push(&n->results.notes, "the pytest process was killed; what fixtures had set up "
                                     "for longer than a test was not torn down");
        return true;
    }
    bool ok = zygote_finish(&s->zygote, zygote_finish_limit(&n->map), n->journal_fd, status, &late);
    if (!ok && interrupts_unattended())
        strv_push(&n->results.notes, late.msg);
    if (!ok && (interrupts_count() > 1 || (interrupts_unattended() && !n->timed_out)))
        n->interrupted = true;
    if (!ok && !n->interrupted && !n->timed_out && !err->msg)
        error_set(err, EXIT_INTERNAL, "%s", late.msg);
    error_release(&late);
    n->finished = true;
    return ok || n->interrupted || n->timed_out;
}

/* All has been said. What pytest's process still does, as it ends, needs nobody: the history is written
 * meanwhile. */
static void end_session(struct session *n)
{
    if (n->finished)
        progress_tick(&n->progress);
    else
        progress_end(&n->progress);
    remember_results(&n->results);
    if (!n->finished)
        return;
    zygote_await_end(&n->suite->zygote);
    driver_kill_children(0);
    progress_end(&n->progress);
}

/* The exit code of the run, where pytest's own session ended with status. What neither counts tests
 * nor says that there are none (an interruption by --stepwise, an internal error, the number that a
 * plugin has chosen) is pytest's to say. */
static int combine(int code, int status)
{
    bool counts = status == EXIT_OK || status == EXIT_FAILED || status == EXIT_NO_TESTS;
    if (code == EXIT_OK && status == EXIT_FAILED)
        return status;
    return counts || (code != EXIT_OK && code != EXIT_FAILED) ? code : status;
}

static bool record_files(const struct session *n, const struct pytest_file *files, size_t n_files,
                         enum outcome outcome, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; i < n_files && ok; i++) {
        const struct pytest_file *f = &files[i];
        struct buf fields = BUF_INIT;
        journal_add_field(&fields, FIELD_TITLE, f->name, strlen(f->name));
        journal_add_field(&fields, FIELD_MESSAGE, f->message, strlen(f->message));
        journal_add_field(&fields, FIELD_DETAIL, f->detail, strlen(f->detail));
        struct record r = {.test = UINT32_MAX,
                           .kind = RECORD_COLLECT,
                           .outcome = outcome,
                           .slot = JOURNAL_NO_SLOT,
                           .n_fields = 3,
                           .fields = (const unsigned char *)fields.data,
                           .fields_len = fields.len};
        ok = journal_write(n->journal_fd, &r, err);
        buf_release(&fields);
    }
    return ok;
}

/* Files that pytest could not collect, or that skip themselves, are results of the run, tests that were
 * left out a number of it: all are on disk, for 'rowlock report'. */
static bool record_collection(const struct session *n, struct error *err)
{
    const struct suite *s = n->suite;
    const struct pytest_info *p = &s->pytest;
    bool ok = record_files(n, p->errors, p->n_errors, OUTCOME_ERROR, err) &&
              record_files(n, p->skips, p->n_skips, OUTCOME_SKIPPED, err);
    size_t left_out = s->selection.deselected + s->pytest.deselected;
    char text[64], *path = runstore_path(&s->store, "counts");
    int len = snprintf(text, sizeof text, "deselected %zu\n", left_out);
    ok = ok && (!left_out || file_write(path, text, (size_t)len, err));
    free(path);
    return ok;
}

/* The last of the reports; the exit code is another one only if they cannot be written. */
static int summarize(struct session *n, int code, struct error *err)
{
    struct error own = ERROR_INIT;
    results_read_covered(&n->results, n->suite->store.dir);
    if (!outcome_summaries(&n->results, &n->suite->options, &own) && !err->msg) {
        *err = own;
        return EXIT_INTERNAL;
    }
    error_release(&own);
    return code;
}

static int run_tests(struct suite *s, struct error *err)
{
    struct session n;
    int code = EXIT_INTERNAL, status = 0;
    if (session_open(&n, s, err) && record_collection(&n, err)) {
        bool nothing_left = s->options.resume && !s->resume.n_left;
        bool ok = nothing_left ||
                  (s->options.until_fail ? run_rounds(&n, err) : run_all(&n, err));
        ok = end_pytest(&n, &status, err) && ok;
        end_session(&n);
        n.results.wall_seconds = clock_monotonic_seconds() - n.started;
        n.results.interrupted = n.interrupted;
        n.results.timed_out = n.timed_out;
        results_read_words(&n.results, s->store.dir);
        results_count(&n.results);
        code =
            outcome_report(&n.results, &s->options, n.interrupted, err) ? EXIT_OK : EXIT_INTERNAL;
        if (!ok || err->msg)
            code = err->code ? (int)err->code : EXIT_INTERNAL;
        else if (n.interrupted)
            code = EXIT_INTERRUPTED;
        else if (code == EXIT_OK && !(n.timed_out && n.rounds && !failed(&n)))
            code = (int)results_exit_code(&n.results);
        code = combine(code, status);
        remember_publish(&s->remote, s->store.dir);
        code = summarize(&n, covrun_report(s, code), err);
    } else {
        code = covrun_report(s, code);
    }
    session_close(&n);
    return code;
}

/* Names of files and threads are in it: a terminal must not take them for commands. */
static void say_note(const char *before, const char *note)
{
    if (!note || !*note)
        return;
    struct buf text = BUF_INIT;
    text_escape(&text, note, strlen(note), 1000);
    fprintf(stderr, "rowlock: %s%s\n", before, buf_cstr(&text));
    buf_release(&text);
}

static void say_how_workers_start(const struct suite *s)
{
    say_note("", s->pytest.start_note);
    const char *why = s->no_tokens ? "the outer make had no token to spare" : s->pytest.collect_note;
    if (s->options.verbose > 0)
        say_note("one process has collected all tests: ", why);
}

/* What pytest and its plugins say at the start, under -v. */
static void show_header(const struct suite *s)
{
    struct buf raw = BUF_INIT, text = BUF_INIT;
    struct error err = ERROR_INIT;
    char *path = runstore_path(&s->store, "header");
    if (s->options.verbose > 0 && s->zygote_argv.n && file_read(path, &raw, &err)) {
        report_output(&text, buf_cstr(&raw), raw.len, terminal_color(stdout, s->options.color));
        fwrite(buf_cstr(&text), 1, text.len, stdout);
    }
    error_release(&err);
    buf_release(&text);
    buf_release(&raw);
    free(path);
}

/* Under --resume, what the last run leaves to do. */
static void say_what_resumes(const struct suite *s)
{
    const struct resume *r = &s->resume;
    if (!s->options.resume)
        return;
    if (!r->dir)
        printf("no earlier run is recorded here: all tests run\n");
    else if (!r->n_left)
        printf("the last run was complete: there is nothing to resume\n");
    else
        printf("resuming the last run: %zu of %u tests ended there\n", r->n_ended,
               s->plan.n_tests);
    if (r->n_gone)
        printf("not selected now, and left out of the report: %zu that ended there\n", r->n_gone);
}

static void say_what_runs(const struct suite *s)
{
    char versions[128] = "";
    if (s->options.verbose < 0 || s->options.no_header) {
        if (s->options.verbose >= -1)
            chosen_say(s, stdout);
        return;
    }
    show_header(s);
    if (s->zygote_argv.n)
        snprintf(versions, sizeof versions, ", pytest %s on Python %s", s->pytest.pytest_version,
                 s->pytest.python_version);
    if (s->outer.state == JOBSERVER_CLOSED)
        fprintf(stderr,
                "rowlock: the outer make does not pass its jobserver on; put '+' before the "
                "command in its recipe\n");
    say_how_workers_start(s);
    char *size = plan_size(&s->plan);
    printf("rowlock %s: %s, %u worker%s%s%s\n", ROWLOCK_VERSION, size, s->workers,
           s->workers == 1 ? "" : "s", s->sequential ? ", sequential" : "", versions);
    free(size);
    chosen_say(s, stdout);
    /* Under -v pytest has said it, of its own tests. */
    if (s->selection.last_failed && (s->options.verbose == 0 || chosen_natives(s)))
        printf("run-last-failure: %s\n", s->selection.last_failed);
    say_what_resumes(s);
    fflush(stdout);
}

/* Collecting runs code of the tests: what that prints is theirs, too. */
static bool load_and_plan(struct suite *s, struct error *err)
{
    github_begin(&s->options);
    return suite_load(s, err) && suite_plan(s, err);
}

static int run(const struct invocation *inv, enum suite_mode mode)
{
    struct suite s;
    struct error err = ERROR_INIT;
    int code = EXIT_OK;
    bool planned = false;
    suite_init(&s);
    if (suite_configure(&s, inv, mode, &err)) {
        if (s.alone) {
            code = alone_run(&s, &err);
        } else if (s.options.list_markers) {
            outcome_list_markers(&s.config);
        } else if (load_and_plan(&s, &err)) {
            if (s.options.dry_run) {
                chosen_say(&s, stdout);
                dryrun_print(stdout, &s.plan);
            } else if ((planned = suite_write(&s, &err))) {
                say_what_runs(&s);
                suite_forget_tests(&s); /* their memory is for those that run */
                if (covrun_start(&s, &err))
                    code = run_tests(&s, &err);
            }
        }
    }
    if (err.msg && s.ended < 0)
        code = command_fail(&err);
    else if (s.ended >= 0)
        code = s.ended;
    github_end();
    error_release(&err);
    suite_release(&s, !planned);
    return code;
}

int command_parallel(const struct invocation *inv)
{
    return run(inv, SUITE_PARALLEL);
}

int command_sequential(const struct invocation *inv)
{
    return run(inv, SUITE_SEQUENTIAL);
}

/* coverage: sequential --coverage. */
int command_coverage(const struct invocation *inv)
{
    struct invocation with = {inv->command, inv->config_file, STRV_INIT};
    strv_push(&with.args, "--coverage");
    strv_push_all(&with.args, inv->args.v);
    int code = run(&with, SUITE_SEQUENTIAL);
    strv_release(&with.args);
    return code;
}

int command_default(const struct invocation *inv)
{
    return run(inv, SUITE_AS_PYTEST);
}
