/* The end of a run on a terminal, in the shape that pytest's users know. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "report/report.h"
#include "report/screen.h"
#include "report/show.h"

/* What was said of a failed test, unless the detail says it all. */
static void show_message(struct screen *s, const struct result *t)
{
    const struct result_text *d = &t->detail, *m = &t->message, *l = &t->location;
    bool message = m->len && !(d->len && memmem(d->data, d->len, m->data, m->len));
    bool location = l->len && !(d->len && memmem(d->data, d->len, l->data, l->len));
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

static void show_section(struct screen *s, const char *title, const struct result_text *text)
{
    if (text->len == 0)
        return;
    screen_rule(s, '-', title, NULL);
    screen_block(s, text->data, text->len);
}

static void show_failure(struct screen *s, uint32_t i)
{
    const struct result *t = &s->r->tests[i];
    const char *id = screen_id(s, i);
    char worker[16], seconds[16], bytes[16];
    show_worker(worker, sizeof worker, s->r, t);
    report_seconds(seconds, sizeof seconds, (double)t->wall_ns / 1e9);
    report_bytes(bytes, sizeof bytes, (double)t->peak_bytes);
    struct buf title = BUF_INIT;
    report_plain(&title, id, strlen(id), false);
    screen_rule(s, '_', buf_cstr(&title), "1;31");
    buf_release(&title);
    buf_addf(&s->b, "[%s] %s after %s", worker, screen_outcome(t->outcome), seconds);
    if (t->peak_bytes)
        buf_addf(&s->b, ", %s", bytes);
    if (t->attempts > 1)
        buf_addf(&s->b, ", attempt %lu", (unsigned long)t->attempts);
    if (t->outcome == OUTCOME_ERROR && t->call_outcome != OUTCOME_NONE &&
        t->call_outcome != OUTCOME_ERROR)
        buf_addf(&s->b, "; the test itself %s", screen_outcome(t->call_outcome));
    screen_line(s);
    show_message(s, t);
    show_points(s, t);
    screen_block(s, t->detail.data, t->detail.len);
    for (size_t k = 0; k < t->n_leftovers; k++) {
        buf_adds(&s->b, "left running: ");
        screen_plain(s, t->leftovers[k], strlen(t->leftovers[k]));
        screen_line(s);
    }
    show_section(s, "Captured stdout", &t->out);
    show_section(s, "Captured stderr", &t->err);
    show_section(s, "Captured log", &t->log);
}

static void show_failures(struct screen *s, const char *title, bool errors)
{
    bool any = false;
    for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
        enum outcome o = s->r->tests[i].outcome;
        if (!outcome_is_failure(o) || (o == OUTCOME_ERROR) != errors)
            continue;
        if (!any)
            screen_rule(s, '=', title, NULL);
        any = true;
        show_failure(s, i);
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

struct timed {
    uint64_t wall_ns;
    uint32_t test;
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->wall_ns != y->wall_ns)
        return x->wall_ns < y->wall_ns ? 1 : -1;
    return x->test < y->test ? -1 : x->test > y->test;
}

static void show_durations(struct screen *s)
{
    const struct results *r = s->r;
    if (s->style->durations < 0)
        return;
    struct timed *v = xcalloc(r->plan->head->n_tests, sizeof *v);
    size_t n = 0;
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++)
        if (r->tests[i].outcome != OUTCOME_NONE)
            v[n++] = (struct timed){r->tests[i].wall_ns, i};
    if (n)
        qsort(v, n, sizeof *v, compare_timed);
    size_t most = s->style->durations ? (size_t)s->style->durations : n;
    char title[64];
    snprintf(title, sizeof title, most < n ? "slowest %zu durations" : "slowest durations", most);
    if (n) {
        screen_rule(s, '=', title, NULL);
        screen_linef(s, "%9s %9s %8s  test", "time", "cpu", "memory");
    }
    for (size_t k = 0; k < n && k < most; k++) {
        const struct result *t = &r->tests[v[k].test];
        char wall[16], cpu[16], bytes[16];
        report_seconds(wall, sizeof wall, (double)t->wall_ns / 1e9);
        report_seconds(cpu, sizeof cpu, (double)t->cpu_ns / 1e9);
        report_bytes(bytes, sizeof bytes, (double)t->peak_bytes);
        buf_addf(&s->b, "%9s %9s %8s  ", wall, cpu, t->peak_bytes ? bytes : "-");
        const char *id = screen_id(s, v[k].test);
        screen_plain(s, id, strlen(id));
        screen_line(s);
    }
    free(v);
}

/* Which verdicts get a line in the short summary. */
static bool in_summary(const struct screen *s, enum outcome o, bool failures)
{
    if (outcome_is_failure(o))
        return failures;
    if (failures || s->style->verbose < 0)
        return false;
    if (o == OUTCOME_FLAKY)
        return true;
    return s->style->verbose > 0 &&
           (o == OUTCOME_SKIPPED || o == OUTCOME_XFAILED || o == OUTCOME_XPASSED);
}

static void summary_head(struct screen *s, bool *begun)
{
    if (!*begun && s->style->verbose >= 0)
        screen_rule(s, '=', "short test summary info", "1;36");
    *begun = true;
}

static void summarize_points(struct screen *s, uint32_t i, bool failures, bool *begun)
{
    enum { MOST = 10 };
    const struct result *t = &s->r->tests[i];
    size_t shown = 0;
    for (size_t k = 0; k < t->n_points; k++) {
        const struct result_point *p = &t->points[k];
        if (!in_summary(s, p->outcome, failures) || shown++ >= MOST)
            continue;
        summary_head(s, begun);
        struct buf text = BUF_INIT;
        buf_addf(&text, "%zu%s%s", k + 1, *p->description ? " - " : "", p->description);
        screen_short(s, p->outcome, i, text.data, text.len);
        buf_release(&text);
    }
    if (shown > MOST) {
        char text[64];
        snprintf(text, sizeof text, "... and %zu more of its points", shown - MOST);
        screen_short(s, failures ? OUTCOME_FAILED : OUTCOME_SKIPPED, i, text, strlen(text));
    }
}

/* Failures come last: they stand nearest to the last line. */
static void show_summary(struct screen *s)
{
    bool begun = false;
    for (int failures = 0; failures < 2; failures++)
        for (uint32_t i = 0; i < s->r->plan->head->n_tests; i++) {
            const struct result *t = &s->r->tests[i];
            summarize_points(s, i, failures, &begun);
            if (!result_counts_itself(t) || !in_summary(s, t->outcome, failures))
                continue;
            summary_head(s, &begun);
            screen_short(s, t->outcome, i, t->message.data, t->message.len);
        }
}

void report_terminal(FILE *out, const struct results *r, const struct report_style *style)
{
    struct screen s;
    screen_init(&s, out, r, style);
    if (style->verbose >= 0) {
        show_failures(&s, "ERRORS", true);
        show_failures(&s, "FAILURES", false);
        show_notes(&s);
        show_durations(&s);
    }
    show_summary(&s);
    screen_totals(&s);
    screen_release(&s);
}
