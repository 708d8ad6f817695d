/* --report-markdown, and GitHub's step summary: counts, what failed with its message and the end of
 * what it printed, flaky tests, the slowest, the coverage. All that comes from tests goes through
 * mdtext.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "manifest/manifest.h"
#include "report/mdtext.h"
#include "report/place.h"
#include "report/report.h"
#include "report/screen.h"
#include "report/show.h"
#include "report/slowest.h"
#include "report/stream.h"

enum {
    SUMMARY_LIMIT = 1024 * 1024, /* GitHub: "each step is restricted to a maximum size of 1MiB" */
    TAIL_ROOM = 16 * 1024,       /* kept free for what follows the failures */
    BLOCK_LINES = 60,
    BLOCK_BYTES = 8 * 1024,
    MOST_ID = 1000, /* characters shown of an id or a message */
    MOST_MESSAGE = 300,
    MOST_SLOW = 10,
    MOST_FLAKY = 50,
    MOST_LISTED = 50
};

struct md {
    const struct results *r;
    struct places places;
    struct stream *stream; /* NULL: all stays in b */
    struct buf *b;
    size_t written, limit; /* bytes: written before b; allowed in all */
    struct buf item;       /* one that is added if there is room */
    size_t left_out;
};

/* Adds the item if it fits into what is left above reserve. */
static void add_item(struct md *m, size_t reserve)
{
    if (m->written + m->b->len + m->item.len + reserve > m->limit) {
        m->left_out++;
    } else {
        buf_add(m->b, m->item.data, m->item.len);
        if (m->stream)
            stream_flow(m->stream);
    }
    buf_clear(&m->item);
}

static void add_heading(struct md *m)
{
    struct report_style style = {.width = 80, .verbose = -1};
    struct screen s;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    screen_init(&s, out, m->r, &style);
    screen_totals(&s);
    screen_release(&s);
    fclose(out);
    while (len && text[len - 1] == '\n')
        len--;
    buf_adds(m->b, "## Tests: ");
    md_text(m->b, text, len);
    buf_adds(m->b, "\n\n");
    free(text);
}

static void add_counts(struct md *m)
{
    static const enum outcome order[] = {
        OUTCOME_FAILED, OUTCOME_ERROR,   OUTCOME_CRASHED, OUTCOME_TIMEOUT, OUTCOME_PASSED,
        OUTCOME_FLAKY,  OUTCOME_SKIPPED, OUTCOME_XFAILED, OUTCOME_XPASSED, OUTCOME_NONE,
    };
    buf_adds(m->b, "| outcome | tests |\n|:--|--:|\n");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        size_t n = m->r->counts[order[i]];
        n += order[i] == OUTCOME_ERROR ? m->r->n_errors : order[i] == OUTCOME_SKIPPED ? m->r->n_skips : 0;
        if (n)
            buf_addf(m->b, "| %s | %zu |\n", screen_outcome(order[i]), n);
    }
    if (m->r->coverable)
        buf_addf(m->b, "\nCoverage: **%.2f%%** (%llu of %llu)\n",
                 100.0 * (double)m->r->covered / (double)m->r->coverable,
                 (unsigned long long)m->r->covered, (unsigned long long)m->r->coverable);
    if (m->r->timed_out)
        buf_adds(m->b, "\nThe time limit of the run was over before all tests had ended.\n");
}

static const char *title_of(const struct result_section *c)
{
    return c->title                 ? c->title
           : c->tag == FIELD_STDOUT ? "Captured stdout"
           : c->tag == FIELD_STDERR ? "Captured stderr"
                                    : "Captured log";
}

static void add_section(struct md *m, const struct result *t, const struct result_section *c)
{
    const struct result_text *text = c->tag == FIELD_STDOUT   ? &t->out
                                     : c->tag == FIELD_STDERR ? &t->err
                                                              : &t->log;
    if (c->tag == FIELD_DETAIL || !c->len)
        return;
    const char *title = title_of(c);
    md_text(&m->item, title, strlen(title));
    buf_adds(&m->item, ":\n\n");
    md_block(&m->item, text->data + c->at, c->len, BLOCK_LINES, BLOCK_BYTES);
}

static void add_points(struct md *m, const struct result *t)
{
    size_t failed = 0;
    for (size_t k = 0; k < t->n_points; k++) {
        const char *text = t->points[k].description;
        if (!outcome_is_failure(t->points[k].outcome) || failed++ >= MOST_LISTED)
            continue;
        buf_addf(&m->item, "- not ok %zu%s", k + 1, *text ? " - " : "");
        if (*text)
            md_code(&m->item, text, strlen(text), MOST_MESSAGE);
        buf_addc(&m->item, '\n');
    }
    if (failed > MOST_LISTED)
        buf_addf(&m->item, "- and %zu more points that failed\n", failed - MOST_LISTED);
    if (failed)
        buf_addc(&m->item, '\n');
}

/* "FAILED id - message" as the line that unfolds the rest. */
static void add_summary(struct md *m, enum outcome o, const char *name,
                        const struct result_text *message)
{
    buf_addf(&m->item, "<details><summary>%s ", screen_short_word(o));
    md_html_code(&m->item, name, strlen(name), MOST_ID);
    if (message->len) {
        buf_adds(&m->item, " ");
        md_html_code(&m->item, message->data, strcspn(message->data, "\n"), MOST_MESSAGE);
    }
    buf_adds(&m->item, "</summary>\n\n");
}

static void add_failure(struct md *m, uint32_t i)
{
    const struct result *t = &m->r->tests[i];
    const char *id = plan_map_str(m->r->plan, plan_map_test(m->r->plan, i)->id);
    struct place at = {.file = BUF_INIT};
    char worker[16], seconds[16];
    show_worker(worker, sizeof worker, m->r, t);
    report_seconds(seconds, sizeof seconds, (double)t->wall_ns / 1e9);
    add_summary(m, t->outcome, id, &t->message);
    if (place_of_failure(&m->places, i, &at)) {
        struct buf where = BUF_INIT;
        buf_adds(&where, buf_cstr(&at.file));
        if (at.line)
            buf_addf(&where, ":%u", at.line);
        md_code(&m->item, buf_cstr(&where), where.len, MOST_ID);
        buf_adds(&m->item, ", ");
        buf_release(&where);
    }
    buf_release(&at.file);
    buf_addf(&m->item, "on %s, after %s", worker, seconds);
    if (t->attempts > 1)
        buf_addf(&m->item, ", attempt %lu", (unsigned long)t->attempts);
    buf_adds(&m->item, "\n\n");
    add_points(m, t);
    const struct result_text *text = t->detail.len ? &t->detail : &t->message;
    md_block(&m->item, text->data, text->len, BLOCK_LINES, BLOCK_BYTES);
    for (size_t k = 0; k < t->n_sections; k++)
        add_section(m, t, &t->sections[k]);
    for (size_t k = 0; k < t->n_leftovers && k < MOST_LISTED; k++) {
        buf_adds(&m->item, "left running: ");
        md_code(&m->item, t->leftovers[k], strlen(t->leftovers[k]), MOST_MESSAGE);
        buf_adds(&m->item, "\n\n");
    }
    buf_adds(&m->item, "</details>\n");
}

static void add_error(struct md *m, const struct result_file *e)
{
    add_summary(m, OUTCOME_ERROR, e->name, &e->message);
    const struct result_text *text = e->detail.len ? &e->detail : &e->message;
    md_block(&m->item, text->data, text->len, BLOCK_LINES, BLOCK_BYTES);
    buf_adds(&m->item, "</details>\n");
}

static void add_failures(struct md *m)
{
    bool any = false;
    for (size_t k = 0; k < m->r->n_errors; k++) {
        if (!any)
            buf_adds(m->b, "\n### Failures\n\n");
        any = true;
        add_error(m, &m->r->errors[k]);
        add_item(m, TAIL_ROOM);
    }
    for (uint32_t i = 0; i < m->r->plan->head->n_tests; i++) {
        if (!outcome_is_failure(m->r->tests[i].outcome) || !plan_map_test(m->r->plan, i))
            continue;
        if (!any)
            buf_adds(m->b, "\n### Failures\n\n");
        any = true;
        add_failure(m, i);
        add_item(m, TAIL_ROOM);
    }
    if (m->left_out)
        buf_addf(m->b, "\n%zu more failures are left out: a step summary may have 1 MiB.\n",
                 m->left_out);
    m->left_out = 0;
}

/* Tests of one outcome, one a line, with their messages. */
static void add_list(struct md *m, const char *heading, enum outcome o)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->r->plan->head->n_tests; i++) {
        const struct result *t = &m->r->tests[i];
        const struct plan_test *pt = plan_map_test(m->r->plan, i);
        if (t->outcome != o || !pt || n++ >= MOST_FLAKY)
            continue;
        const char *id = plan_map_str(m->r->plan, pt->id);
        if (n == 1)
            buf_addf(&m->item, "\n### %s\n\n", heading);
        buf_adds(&m->item, "- ");
        md_code(&m->item, id, strlen(id), MOST_MESSAGE);
        if (t->message.len) {
            buf_adds(&m->item, ": ");
            md_code(&m->item, t->message.data, strcspn(t->message.data, "\n"), MOST_MESSAGE);
        }
        buf_addc(&m->item, '\n');
        add_item(m, TAIL_ROOM / 4);
    }
    if (n > MOST_FLAKY || m->left_out)
        buf_addf(m->b, "- and %zu more\n",
                 m->left_out + (n > MOST_FLAKY ? n - MOST_FLAKY : 0));
    m->left_out = 0;
}

static void add_slowest(struct md *m)
{
    size_t n;
    uint32_t *v = slowest_tests(m->r, &n);
    for (size_t k = 0; k < n && k < MOST_SLOW; k++) {
        const struct result *t = &m->r->tests[v[k]];
        const char *id = plan_map_str(m->r->plan, plan_map_test(m->r->plan, v[k])->id);
        char wall[16], bytes[16];
        report_seconds(wall, sizeof wall, (double)t->wall_ns / 1e9);
        report_bytes(bytes, sizeof bytes, (double)t->peak_bytes);
        if (k == 0)
            buf_adds(m->b, "\n### Slowest tests\n\n| time | memory | test |\n|--:|--:|:--|\n");
        buf_addf(&m->item, "| %s | %s | ", wall, t->peak_bytes ? bytes : "-");
        md_code(&m->item, id, strlen(id), MOST_MESSAGE);
        buf_adds(&m->item, " |\n");
        add_item(m, 0);
    }
    m->left_out = 0;
    free(v);
}

static void add_all(struct md *m)
{
    places_init(&m->places, m->r);
    add_heading(m);
    add_counts(m);
    add_failures(m);
    add_list(m, "Flaky", OUTCOME_FLAKY);
    add_list(m, "Did not run", OUTCOME_NONE);
    add_slowest(m);
    buf_addc(m->b, '\n');
    places_release(&m->places);
    buf_release(&m->item);
}

bool report_markdown(const char *path, const struct results *r, struct error *err)
{
    struct stream s;
    if (!stream_open(&s, path, err))
        return false;
    struct md m = {.r = r, .stream = &s, .b = &s.b, .limit = SIZE_MAX};
    add_all(&m);
    return stream_close(&s, err);
}

bool report_step_summary(const char *path, const struct results *r, struct error *err)
{
    struct buf b = BUF_INIT;
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (!ok) {
        error_errno(err, EXIT_INTERNAL, "%s (GITHUB_STEP_SUMMARY)", path);
    } else if (st.st_size + 2 * TAIL_ROOM > SUMMARY_LIMIT) {
        ok = error_set(err, EXIT_OK, "%s (GITHUB_STEP_SUMMARY): there is no room for a summary "
                                     "below GitHub's limit of 1 MiB for a step", path);
    } else {
        struct md m = {.r = r, .b = &b, .written = (size_t)st.st_size, .limit = SUMMARY_LIMIT};
        if (st.st_size)
            buf_adds(&b, "\n"); /* what stands there may not end with an empty line */
        add_all(&m);
        if (file_write_all(fd, b.data, b.len) != 0)
            ok = error_errno(err, EXIT_INTERNAL, "%s (GITHUB_STEP_SUMMARY)", path);
    }
    if (fd >= 0)
        close(fd);
    buf_release(&b);
    return ok;
}
