#include "run/verdict.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "run/platform.h"
#include "run/tapmeson.h"

enum { REASON_MAX = 500, SHOWN_OF_NAME = 500 };

void verdict_signal_name(char *out, size_t size, int sig)
{
    static const struct {
        int sig;
        const char *name;
    } names[] = {
        {SIGHUP, "HUP"},   {SIGINT, "INT"},       {SIGQUIT, "QUIT"}, {SIGILL, "ILL"},
        {SIGTRAP, "TRAP"}, {SIGABRT, "ABRT"},     {SIGBUS, "BUS"},   {SIGFPE, "FPE"},
        {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},     {SIGSEGV, "SEGV"}, {SIGUSR2, "USR2"},
        {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"},     {SIGTERM, "TERM"}, {SIGXCPU, "XCPU"},
        {SIGXFSZ, "XFSZ"}, {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGSYS, "SYS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].sig == sig) {
            snprintf(out, size, "SIG%s", names[i].name);
            return;
        }
    }
    snprintf(out, size, "signal %d", sig);
}

static uint32_t oom_kills_before = UINT32_MAX;

void verdict_know_oom_kills(uint32_t before)
{
    oom_kills_before = before;
}

void verdict_status(struct buf *b, int status)
{
    if (!WIFSIGNALED(status)) {
        buf_addf(b, "exit status %d", WEXITSTATUS(status));
        return;
    }
    char name[32];
    verdict_signal_name(name, sizeof name, WTERMSIG(status));
    buf_addf(b, "killed by %s%s", name, WCOREDUMP(status) ? " (core dumped)" : "");
    if (WTERMSIG(status) == SIGKILL && platform_oom_kills() > oom_kills_before)
        buf_adds(b, ", most likely by the kernel for want of memory");
}

/* What is there, seen from cwd, and what to do about it. */
static const char *remedy(int error, const char *command, const char *cwd)
{
    if (!strchr(command, '/') && (error == ENOENT || error == EACCES))
        return "install it, or name it with its folder"; /* EACCES: of some folder of PATH */
    switch (error) {
    case ENOENT:
        if (!cwd[0] && access(command, F_OK) == 0)
            return "the interpreter in its first line is missing";
        return "build it, or correct its path";
    case EACCES:
        return "make it executable (chmod +x), or correct its path";
    case ENOEXEC:
        return "it is no program for this machine";
    case E2BIG:
        return "shorten its arguments or its environment";
    case EAGAIN:
    case ENOMEM:
        return "free some memory, or raise the limit of processes";
    default:
        return "correct its command";
    }
}

void verdict_not_started(struct buf *b, const struct supervised *s, const char *command,
                         const char *cwd)
{
    const char *why = strerror(s->failure.error);
    bool folder = s->failure.step == SPAWN_CHDIR;
    const char *what = folder ? cwd : command;
    text_escape(b, what, strlen(what), SHOWN_OF_NAME);
    if (folder)
        buf_addf(b, ": its folder cannot be entered: %s; create it, or correct \"cwd\"", why);
    else
        buf_addf(b, ": cannot be started: %s; %s", why, remedy(s->failure.error, command, cwd));
}

static void explain_expression(struct buf *b, const char *what, const char *expression)
{
    buf_adds(b, what);
    text_escape(b, expression, strlen(expression), SHOWN_OF_NAME);
}

static enum outcome skipped(struct buf *b, const struct supervised *s, int code)
{
    capture_last_line(s->out.total ? &s->out : &s->err, b, REASON_MAX);
    if (!b->len)
        buf_addf(b, "exit status %d", code);
    return OUTCOME_SKIPPED;
}

/* Passed or failed, by its output where that counts, else by its exit status. */
static enum outcome judge_output(struct buf *b, const struct expect *e, int status, int pass_code)
{
    if (e && e->fail.found) {
        explain_expression(b, "its output matches ", e->fail.found);
        return OUTCOME_FAILED;
    }
    if (e && e->pass.n) {
        if (e->pass.found)
            return OUTCOME_PASSED;
        explain_expression(b, "its output does not match ", e->pass.source[0]);
        if (e->pass.n > 1)
            buf_addf(b, ", nor %zu other expressions", e->pass.n - 1);
        return OUTCOME_FAILED;
    }
    if (WEXITSTATUS(status) == 0 && !pass_code)
        return OUTCOME_PASSED;
    verdict_status(b, status);
    if (pass_code)
        buf_addf(b, ", where %d was expected", pass_code);
    return OUTCOME_FAILED;
}

/* Passed and failed change places. */
static enum outcome turn_round(struct buf *b, enum outcome o)
{
    if (o == OUTCOME_PASSED) {
        buf_adds(b, "it passed, but was expected to fail");
        return OUTCOME_FAILED;
    }
    if (o != OUTCOME_FAILED)
        return o;
    buf_clear(b);
    return OUTCOME_PASSED;
}

static enum outcome judge_exec(struct buf *b, const struct supervised *s,
                               const struct verdict_how *how)
{
    int code = WEXITSTATUS(s->status);
    const struct expect *e = how->expect;
    if (e && e->skip.found) {
        explain_expression(b, "its output matches ", e->skip.found);
        return OUTCOME_SKIPPED;
    }
    if (how->pass_code && code == how->pass_code)
        return OUTCOME_PASSED;
    if (code == how->skip_code)
        return skipped(b, s, code);
    if (how->error_code && code == how->error_code) {
        verdict_status(b, s->status);
        buf_adds(b, ", a hard error");
        return OUTCOME_ERROR;
    }
    return judge_output(b, e, s->status, how->pass_code);
}

void verdict_add_cut(struct buf *message, uint64_t run_timeout_ms)
{
    buf_addf(message, "stopped when the run's time limit of %g s was over",
             (double)run_timeout_ms / 1000);
}

/* Whatever the process said before, a signal or the clock has the last word. */
static enum outcome judge(struct buf *b, const struct supervised *s, struct tap *tap,
                          const struct verdict_how *how, uint64_t timeout_ms, const char *command,
                          const char *cwd)
{
    struct buf ignored = BUF_INIT;
    enum outcome o;
    if (s->end == SUPERVISE_NOT_STARTED) {
        verdict_not_started(b, s, command, cwd);
        return OUTCOME_ERROR;
    }
    if (s->end == SUPERVISE_ENDED && WIFEXITED(s->status)) {
        o = tap ? tap_finish(tap, WEXITSTATUS(s->status), b) : judge_exec(b, s, how);
        return how->will_fail ? turn_round(b, o) : o;
    }
    if (s->end == SUPERVISE_ENDED && how->pass_code && -how->pass_code == WTERMSIG(s->status))
        return OUTCOME_PASSED;
    if (tap)
        tap_finish(tap, 0, &ignored);
    buf_release(&ignored);
    if (s->end == SUPERVISE_TIMED_OUT) {
        buf_addf(b, "timed out after %g s", (double)timeout_ms / 1000);
        o = OUTCOME_TIMEOUT;
    } else if (s->end == SUPERVISE_STOPPED) {
        verdict_add_cut(b, how->run_timeout_ms);
        o = OUTCOME_TIMEOUT;
    } else {
        verdict_status(b, s->status);
        o = OUTCOME_CRASHED;
    }
    return o;
}

static void add_text(struct record *r, struct buf *fields, enum record_field tag,
                     const struct buf *text)
{
    if (!text->len)
        return;
    journal_add_field(fields, tag, text->data, text->len);
    r->n_fields++;
}

static void add_capture(struct record *r, struct buf *fields, enum record_field tag,
                        const struct capture *c)
{
    struct buf text = BUF_INIT;
    capture_text(c, &text);
    add_text(r, fields, tag, &text);
    buf_release(&text);
}

/* Meson's should_fail. */
static enum outcome expect_failure(struct buf *b, enum outcome o, const struct tap *tap)
{
    if (o == OUTCOME_PASSED)
        return turn_round(b, o);
    bool crashed = o == OUTCOME_CRASHED && (!tap || tapmeson_failed_first(tap));
    return o == OUTCOME_FAILED || crashed ? OUTCOME_XFAILED : o;
}

void verdict_record(struct record *r, struct buf *fields, const struct supervised *s,
                    struct tap *tap, const struct verdict_how *how, uint64_t timeout_ms,
                    const char *command, const char *cwd)
{
    struct buf message = BUF_INIT;
    r->kind = RECORD_RESULT;
    r->outcome = judge(&message, s, tap, how, timeout_ms, command, cwd);
    if (how->should_fail)
        r->outcome = expect_failure(&message, r->outcome, tap);
    r->attempt = 1;
    r->status = s->status;
    r->start_ns = s->start_ns;
    r->wall_ns = s->wall_ns;
    r->user_ns = s->user_ns;
    r->sys_ns = s->sys_ns;
    r->peak_bytes = s->peak_bytes;
    r->n_fields = 0;
    add_text(r, fields, FIELD_MESSAGE, &message);
    if (s->end == SUPERVISE_STOPPED) {
        journal_add_field(fields, FIELD_CUT, NULL, 0);
        r->n_fields++;
    }
    if (tap) {
        add_text(r, fields, FIELD_DETAIL, &tap->detail);
        buf_add(fields, tap->points.data, tap->points.len);
        r->n_fields += tap->n_points;
    }
    add_capture(r, fields, FIELD_STDOUT, &s->out);
    add_capture(r, fields, FIELD_STDERR, &s->err);
    for (size_t i = 0; i < s->leftovers.n; i++) {
        journal_add_field(fields, FIELD_LEFTOVER, s->leftovers.v[i], strlen(s->leftovers.v[i]));
        r->n_fields++;
    }
    r->fields = (const unsigned char *)fields->data;
    r->fields_len = fields->len;
    buf_release(&message);
}
