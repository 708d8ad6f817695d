/* The end of a run on a terminal, in the shape that pytest's users know. */
#include <stdlib.h>
#include <string.h>

#include "manifest/manifest.h"
#include "report/report.h"
#include "report/screen.h"
#include "report/shorts.h"
#include "report/show.h"
#include "report/slowest.h"
#include "report/traceback.h"

static bool is_pytest(const struct screen *s, uint32_t i)
{
    const struct plan_test *pt = plan_map_test(s->r->plan, i);
    return pt && pt->format == FORMAT_PYTEST;
}

/* What was said of a failed test, unless the detail says it all, as pytest's does: where in the
 * style that --tb asks for. */
static void show_message(struct screen *s, uint32_t i)
{
    const struct result *t = &s->r->tests[i];
    const struct result_text *d = &t->detail, *m = &t->message, *l = &t->location;
    bool lost = t->outcome == OUTCOME_CRASHED || t->outcome == OUTCOME_TIMEOUT;
    bool whole = d->len && is_pytest(s, i) && !lost;
    bool message = m->len && !whole && !(d->len && memmem(d->data, d->len, m->data, m->len));
    bool location = l->len && !whole && !(d->len && memmem(d->data, d->len, l->data, l->len));
    struct buf b = BUF_INIT;
    if (location)
        buf_add(&b, l->data, l->len);
    if (location && message)
        buf_adds(&b, ": ");
    if (message)
        buf_add(&b, m->data, m->len);
    screen_block(s, buf_cstr(&b), b.len);
    buf_release(&b);
}

static void show_points(struct screen *s, const struct result *t)
{
    enum { MOST = 50 };
    size_t failed = 0;
    for (size_t k = 0; k < t->n_points; k++) {
        const char *text = t->points[k].description;
        if (!outcome_is_failure(t->points[k].outcome))
            continue;
        if (failed++ >= MOST)
            continue;
        buf_addf(&s->b, "not ok %zu%s", k + 1, *text ? " - " : "");
        screen_plain(s, text, strlen(text));
        screen_line(s);
    }
    if (failed > MOST)
        screen_linef(s, "... and %zu more points that failed", failed - MOST);
}

/* Whether --show-capture wants a section of this heading. */
static bool is_wanted(const struct screen *s, const char *title)
{
    const char *what = s->style->show_capture;
    return !what || strcmp(what, "all") == 0 || (strcmp(what, "no") != 0 && strstr(title, what));
}

static const char *title_of(const struct result_section *c)
{
    return c->title                 ? c->title
           : c->tag == FIELD_STDOUT ? "Captured stdout"
           : c->tag == FIELD_STDERR ? "Captured stderr"
                                    : "Captured log";
}

/* What was captured, as far as it is wanted. Where the teardown failed, what it printed belongs
 * to that error, not to the test. */
static bool is_shown(const struct screen *s, const struct result *t, bool error, size_t k)
{
    const struct result_section *c = &t->sections[k];
    const char *title = title_of(c);
    return c->tag != FIELD_DETAIL && is_wanted(s, title) &&
           (error || t->outcome != OUTCOME_ERROR || !strstr(title, "teardown"));
}

/* Has anything been captured, wanted or not, before the teardown? Such a test has a title, as in
 * pytest. */
static bool any_captured(const struct result *t)
{
    for (size_t k = 0; k < t->n_sections; k++)
        if (t->sections[k].tag != FIELD_DETAIL && !strstr(title_of(&t->sections[k]), "teardown"))
            return true;
    return false;
}

static void show_captured(struct screen *s, const struct result *t, bool error)
{
    for (size_t k = 0; k < t->n_sections; k++) {
        const struct result_section *c = &t->sections[k];
        const struct result_text *text = c->tag == FIELD_STDOUT   ? &t->out
                                         : c->tag == FIELD_STDERR ? &t->err
                                                                  : &t->log;
        const char *title = title_of(c);
        if (!is_shown(s, t, error, k))
            continue;
        struct buf plain = BUF_INIT;
        report_plain(&plain, title, strlen(title), false);
        screen_rule(s, '-', buf_cstr(&plain), NULL);
        screen_block(s, text->data + c->at, c->len);
        buf_release(&plain);
    }
}

static void show_subtest(struct screen *s, const char *name)
{
    struct buf title = BUF_INIT;
    report_plain(&title, name, strlen(name), false);
    screen_rule(s, '_', buf_cstr(&title), "1;31");
    buf_release(&title);
}

/* The failure text: of the teardown, or all else. True if there was one. */
static bool show_detail(struct screen *s, uint32_t i, bool teardown)
{
    const struct result *t = &s->r->tests[i];
    static const char heading[] = "error at teardown:\n";
    bool any = false;
    for (size_t k = 0; k < t->n_sections; k++) {
        const struct result_section *c = &t->sections[k];
        const char *text = t->detail.data + c->at;
        size_t len = c->len, skip = sizeof heading - 1;
        bool of_teardown = result_section_teardown(c);
        if (c->tag != FIELD_DETAIL || of_teardown != teardown)
            continue;
        if (teardown && len > skip && memcmp(text, heading, skip) == 0) {
            text += skip; /* it stands in the rule above */
            len -= skip;
        }
        if (c->title && !of_teardown)
            show_subtest(s, c->title);
        if (c->apart)
            screen_line(s);
        if (is_pytest(s, i))
            traceback_show(s, text, len);
        else
            screen_block(s, text, len);
        any = true;
    }
    return any;
}

/* What pytest calls a test in a rule: its id without the file, "TestClass.test[a::b]". */
static void add_title(struct screen *s, struct buf *b, uint32_t i)
{
    const char *id = screen_id(s, i), *colons = strstr(id, "::");
    if (!is_pytest(s, i) || !colons) {
        report_plain(b, id, strlen(id), false);
        return;
    }
    const char *name = colons + 2, *end = name + strcspn(name, "[");
    while ((colons = strstr(name, "::")) && colons < end) {
        report_plain(b, name, (size_t)(colons - name), false);
        buf_addc(b, '.');
        name = colons + 2;
    }
    report_plain(b, name, strlen(name), false);
}

static void show_title(struct screen *s, const char *before, uint32_t i, const char *sgr)
{
    struct buf title = BUF_INIT;
    if (is_pytest(s, i))
        buf_adds(&title, before);
    add_title(s, &title, i);
    screen_rule(s, '_', buf_cstr(&title), sgr);
    buf_release(&title);
}

/* The line that says where it ran, what became of it and what it took. */
static void show_verdict(struct screen *s, const struct result *t, enum outcome o)
{
    char worker[16], seconds[16], bytes[16];
    show_worker(worker, sizeof worker, s->r, t);
    report_seconds(seconds, sizeof seconds, (double)t->wall_ns / 1e9);
    report_bytes(bytes, sizeof bytes, (double)t->peak_bytes);
    buf_addf(&s->b, "[%s] %s after %s", worker, screen_outcome(o), seconds);
    if (t->peak_bytes)
        buf_addf(&s->b, ", %s", bytes);
    if (t->attempts > 1)
        buf_addf(&s->b, ", attempt %lu", (unsigned long)t->attempts);
    if (o == OUTCOME_ERROR && result_itself(t) != OUTCOME_ERROR)
        buf_addf(&s->b, "; the test itself %s", screen_outcome(result_itself(t)));
    screen_line(s);
}

/* What became of the attempts before the last one. */
static void show_attempts(struct screen *s, const struct result *t)
{
    for (size_t k = 0; k < t->n_earlier; k++) {
        const struct result *e = &t->earlier[k];
        char seconds[16];
        report_seconds(seconds, sizeof seconds, (double)e->wall_ns / 1e9);
        buf_addf(&s->b, "attempt %zu: %s after %s", k + 1, screen_outcome(e->outcome), seconds);
        if (e->message.len) {
            buf_adds(&s->b, ": ");
            screen_plain(s, e->message.data, strcspn(e->message.data, "\n"));
        }
        screen_line(s);
    }
}

static void show_failure(struct screen *s, uint32_t i, bool error)
{
    const struct result *t = &s->r->tests[i];
    bool torn_down = error && result_itself(t) != OUTCOME_ERROR;
    show_title(s, torn_down ? "ERROR at teardown of " : error ? "ERROR at setup of " : "", i,
               "1;31");
    show_verdict(s, t, error ? OUTCOME_ERROR : result_itself(t));
    show_attempts(s, t);
    show_message(s, i);
    show_points(s, t);
    if (!show_detail(s, i, torn_down) && torn_down)
        show_detail(s, i, false);
    for (size_t k = 0; k < t->n_leftovers; k++) {
        buf_adds(&s->b, "left running: ");
        screen_plain(s, t->leftovers[k], strlen(t->leftovers[k]));
        screen_line(s);
    }
    show_captured(s, t, error);
}

/* --tb=line. */
static void show_line(struct screen *s, uint32_t i)
{
    const struct result *t = &s->r->tests[i];
    const struct result_text *l = &t->location, *m = &t->message;
    const char *id = screen_id(s, i);
    screen_plain(s, l->len ? l->data : id, l->len ? l->len : strlen(id));
    if (m->len) {
        buf_adds(&s->b, ": ");
        screen_plain(s, m->data, strcspn(m->data, "\n"));
    }
    screen_line(s);
}

static void show_errors(struct screen *s)
{
    for (size_t k = 0; k < s->r->n_errors; k++) {
        const struct result_file *e = &s->r->errors[k];
        struct buf title = BUF_INIT;
        buf_adds(&title, "ERROR collecting ");
        report_plain(&title, e->name, strlen(e->name), false);
        screen_rule(s, '_', buf_cstr(&title), "1;31");
        buf_release(&title);
        const struct result_text *text = e->detail.len ? &e->detail : &e->message;
        traceback_show(s, text->data, text->len);
    }
}

static bool is_tb(const struct screen *s, const char *style)
{
    return s->style->tb && strcmp(s->style->tb, style) == 0;
}

static void show_failures(struct screen *s, const char *title, bool errors)
{
    bool any = errors && s->r->n_errors;
    if (is_tb(s, "no"))
        return;
    if (any) {
        screen_rule(s, '=', title, NULL);
        show_errors(s);
    }
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
        const struct result *t = &s->r->tests[i];
        enum outcome o = errors ? t->outcome : result_itself(t);
        if (!outcome_is_failure(o) || (o == OUTCOME_ERROR) != errors)
            continue;
        if (!any)
            screen_rule(s, '=', title, NULL);
        any = true;
        if (!errors && is_tb(s, "line"))
            show_line(s, i);
        else
            show_failure(s, i, errors);
    }
}

/* -rP and -rX: the output of tests that passed. */
static void show_passed(struct screen *s, const char *title, enum outcome o, char letter)
{
    char letters[SHORTS_SIZE];
    bool any = false;
    shorts_chars(s->style->report_chars, letters);
    if (is_tb(s, "no") || !strchr(letters, letter))
        return;
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
        const struct result *t = &s->r->tests[i];
        if (result_itself(t) != o)
            continue;
        if (!any)
            screen_rule(s, '=', title, NULL);
        any = true;
        if (any_captured(t)) {
            show_title(s, "", i, "1;32");
            show_captured(s, t, false);
        }
    }
}

static void show_leftovers(struct screen *s)
{
    enum { MOST = 10 };
    size_t tests = 0;
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
        const struct result *t = &s->r->tests[i];
        if (t->n_leftovers == 0 || outcome_is_failure(t->outcome) || tests++ >= MOST)
            continue;
        const char *id = screen_id(s, i);
        screen_plain(s, id, strlen(id));
        buf_adds(&s->b, " left running: ");
        for (size_t k = 0; k < t->n_leftovers; k++) {
            buf_adds(&s->b, k ? ", " : "");
            screen_plain(s, t->leftovers[k], strlen(t->leftovers[k]));
        }
        screen_line(s);
    }
    if (tests > MOST)
        screen_linef(s, "... and %zu more tests that left processes running", tests - MOST);
}

static bool any_leftovers(const struct results *r)
{
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++)
        if (r->tests[i].n_leftovers && !outcome_is_failure(r->tests[i].outcome))
            return true;
    return false;
}

static void show_notes(struct screen *s)
{
    const struct results *r = s->r;
    if (r->notes.n == 0 && r->torn == 0 && !any_leftovers(r))
        return;
    screen_rule(s, '=', "notes", "33");
    for (size_t k = 0; k < r->notes.n; k++)
        screen_block(s, r->notes.v[k], strlen(r->notes.v[k]));
    if (r->torn)
        screen_linef(s, "the journal is damaged in %zu place%s: a verdict that stood there is lost",
                     r->torn, r->torn == 1 ? "" : "s");
    show_leftovers(s);
}

static void show_durations(struct screen *s)
{
    const struct results *r = s->r;
    if (s->style->durations < 0)
        return;
    size_t n;
    uint32_t *v = slowest_tests(r, &n);
    size_t most = s->style->durations ? (size_t)s->style->durations : n;
    char title[64];
    snprintf(title, sizeof title, most < n ? "slowest %zu durations" : "slowest durations", most);
    if (n) {
        screen_rule(s, '=', title, NULL);
        screen_linef(s, "%9s %9s %8s  test", "time", "cpu", "memory");
    }
    for (size_t k = 0; k < n && k < most; k++) {
        const struct result *t = &r->tests[v[k]];
        char wall[16], cpu[16], bytes[16];
        report_seconds(wall, sizeof wall, (double)t->wall_ns / 1e9);
        report_seconds(cpu, sizeof cpu, (double)t->cpu_ns / 1e9);
        report_bytes(bytes, sizeof bytes, (double)t->peak_bytes);
        buf_addf(&s->b, "%9s %9s %8s  ", wall, cpu, t->peak_bytes ? bytes : "-");
        const char *id = screen_id(s, v[k]);
        screen_plain(s, id, strlen(id));
        screen_line(s);
    }
    free(v);
}

/* What pytest printed, without the empty lines that part it from what we print ourselves. */
static void show_words(struct screen *s, const char *text, size_t len)
{
    while (len && *text == '\n') {
        text++;
        len--;
    }
    screen_block(s, text, len);
}

/* Why tests were left out, in pytest's words. */
static void show_stop(struct screen *s)
{
    if (s->r->timed_out && s->style->verbose >= -1) {
        char limit[80];
        snprintf(limit, sizeof limit, "the run's time limit of %g s was over",
                 (double)s->r->plan->head->run_timeout_ms / 1000);
        screen_rule(s, '!', limit, "31");
    }
    size_t failures = s->r->n_errors, most = (size_t)s->style->maxfail;
    char title[64];
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++)
        failures += outcome_is_failure(s->r->tests[i].outcome);
    snprintf(title, sizeof title, "stopping after %zu failures", failures);
    if (most && failures >= most && s->style->verbose >= -1)
        screen_rule(s, '!', title, "31");
}

void report_terminal(FILE *out, const struct results *r, const struct report_style *style)
{
    struct screen s;
    screen_init(&s, out, r, style);
    if (!style->no_summary) {
        show_failures(&s, "ERRORS", true);
        show_failures(&s, "FAILURES", false);
    }
    show_notes(&s);
    size_t before = r->summary_passes < r->summary.len ? r->summary_passes : r->summary.len;
    show_words(&s, r->summary.data, before);
    if (!style->no_summary) {
        show_passed(&s, "PASSES", OUTCOME_PASSED, 'P');
        show_passed(&s, "XPASSES", OUTCOME_XPASSED, 'X');
    }
    show_words(&s, before ? r->summary.data + before : r->summary.data, r->summary.len - before);
    if (!style->no_summary) {
        show_durations(&s);
        shorts_show(&s);
    }
    show_stop(&s);
    if (style->verbose >= -1)
        screen_totals(&s);
    screen_release(&s);
}
