/* --report-tap: TAP version 14 (testanything.org/tap-version-14-specification.html), which readers
 * of versions 12 and 13 understand, too:
 *
 *   TAP version 14
 *   1..3
 *   ok 1 - tests/test_a.py::test_one
 *   not ok 2 - tests/test_a.py::test_two
 *     ---
 *     outcome: "failed"
 *     …
 *     ...
 *   # Subtest: t/basic.t
 *       1..2
 *       ok 1 - adds
 *       ok 2 - divides # SKIP no numbers
 *   ok 3 - t/basic.t
 *
 * The file says "not ok" exactly where the run fails: a test that did not run is one, too, a flaky
 * one under --fail-on-flaky. A skipped test is "ok … # SKIP reason", an xfailed one "not ok … # TODO
 * reason", one that passed although it was to fail "ok … # TODO".
 *
 * In descriptions and reasons control bytes stand as \xNN; then '#' is written "\#" and '\' "\\".
 * YAML has numbers, strings in double quotes, which are JSON, too, and literal blocks: the reader of
 * Perl's TAP::Parser knows little more than that. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "report/place.h"
#include "report/report.h"
#include "report/show.h"
#include "report/stream.h"

enum {
    TAIL_LINES = 40, /* of a failure text and of each stream */
    LINE_BYTES = 2000,
    REASON_AT = sizeof " # SKIP " - 1
};

struct tap_out {
    const struct results *r;
    struct places places;
    struct stream s;
    size_t n; /* of the last test line */
};

/* Text on one line. */
static void add_words(struct buf *b, const char *text, size_t len)
{
    struct buf line = BUF_INIT;
    show_text(&line, text, len, false, COLORS_STRIP);
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == '#' || line.data[i] == '\\')
            buf_addc(b, '\\');
        buf_addc(b, line.data[i]);
    }
    buf_release(&line);
}

/* "ok 3 - id # SKIP reason"; what the outcome is decides both. */
static void add_test_line(struct buf *b, bool ok, size_t n, const char *name, enum outcome o,
                          const char *reason)
{
    const char *directive = o == OUTCOME_SKIPPED                             ? "SKIP"
                            : o == OUTCOME_XFAILED || o == OUTCOME_XPASSED ? "TODO"
                                                                             : NULL;
    buf_addf(b, "%sok %zu%s", ok ? "" : "not ", n, *name ? " - " : "");
    add_words(b, name, strlen(name));
    if (directive)
        buf_addf(b, " # %s", directive);
    if (directive && *reason) {
        buf_addc(b, ' ');
        add_words(b, reason, strcspn(reason, "\n"));
    }
    buf_addc(b, '\n');
}

static void add_pair(struct buf *b, const char *key, const char *text, size_t len)
{
    struct buf line = BUF_INIT;
    show_text(&line, text, len < LINE_BYTES ? len : LINE_BYTES, false, COLORS_STRIP);
    buf_addf(b, "  %s: ", key);
    report_json_string(b, buf_cstr(&line), line.len);
    buf_addc(b, '\n');
    buf_release(&line);
}

/* The last lines of a text as a literal block. Its first line is ours, so that the indentation is
 * known whatever the text begins with; an empty line is indented, too. */
static void add_lines(struct buf *b, const char *key, const char *heading,
                      const struct result_text *text)
{
    size_t start = text->len, lines = 0;
    while (start && (text->data[start - 1] != '\n' || start == text->len || ++lines < TAIL_LINES))
        start--;
    if (!text->len)
        return;
    buf_addf(b, "  %s: |\n    %s%s:\n", key, start ? "the end of " : "", heading);
    const char *p = text->data + start, *end = text->data + text->len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);
        buf_adds(b, "    ");
        show_text(b, p, len < LINE_BYTES ? len : LINE_BYTES, true, COLORS_STRIP);
        buf_addc(b, '\n');
        p += len + 1;
    }
}

static void add_yaml(struct tap_out *o, uint32_t i)
{
    const struct result *t = &o->r->tests[i];
    struct buf *b = &o->s.b;
    struct place at = {.file = BUF_INIT};
    char worker[16];
    buf_addf(b, "  ---\n  outcome: \"%s\"\n",
             t->outcome == OUTCOME_NONE ? "did not run" : outcome_name(t->outcome));
    if (t->message.len)
        add_pair(b, "message", t->message.data, strcspn(t->message.data, "\n"));
    if (t->outcome != OUTCOME_NONE) {
        show_worker(worker, sizeof worker, o->r, t);
        buf_addf(b, "  duration_ms: %.3f\n  worker: \"%s\"\n  attempts: %lu\n",
                 (double)t->wall_ns / 1e6, worker, (unsigned long)t->attempts);
    }
    if (outcome_is_failure(t->outcome)) {
        if (place_of_failure(&o->places, i, &at)) {
            add_pair(b, "file", buf_cstr(&at.file), at.file.len);
            if (at.line)
                buf_addf(b, "  line: %u\n", at.line);
        }
        add_lines(b, "detail", "failure", &t->detail);
        add_lines(b, "stdout", "standard output", &t->out);
        add_lines(b, "stderr", "standard error", &t->err);
        add_lines(b, "log", "log", &t->log);
    }
    buf_release(&at.file);
    buf_adds(b, "  ...\n");
}

/* " # SKIP reason" in the description of a point (run/tap.c puts it there); NULL if there is none. */
static const char *reason_of(const struct result_point *p)
{
    const char *word = p->outcome == OUTCOME_SKIPPED ? " # SKIP "
                       : p->outcome == OUTCOME_XFAILED || p->outcome == OUTCOME_XPASSED
                           ? " # TODO "
                           : NULL;
    return word ? strstr(p->description, word) : NULL;
}

static void add_subtest(struct tap_out *o, const char *id, const struct result *t)
{
    struct buf *b = &o->s.b;
    buf_adds(b, "# Subtest: ");
    add_words(b, id, strlen(id));
    buf_addf(b, "\n    1..%zu\n", t->n_points);
    for (size_t k = 0; k < t->n_points; k++) {
        const struct result_point *p = &t->points[k];
        bool ok = !outcome_is_failure(p->outcome) && p->outcome != OUTCOME_XFAILED;
        const char *reason = reason_of(p);
        size_t len = reason ? (size_t)(reason - p->description) : strlen(p->description);
        char *name = xmemdup0(p->description, len);
        buf_adds(b, "    ");
        add_test_line(b, ok, k + 1, name, p->outcome, reason ? reason + REASON_AT : "");
        free(name);
        stream_flow(&o->s);
    }
}

static bool is_ok(const struct results *r, const struct result *t)
{
    return !outcome_is_failure(t->outcome) && t->outcome != OUTCOME_XFAILED &&
           t->outcome != OUTCOME_NONE && !(t->outcome == OUTCOME_FLAKY && r->fail_on_flaky);
}

static void add_test(struct tap_out *o, uint32_t i)
{
    const struct result *t = &o->r->tests[i];
    const char *id = plan_map_str(o->r->plan, plan_map_test(o->r->plan, i)->id);
    bool ok = is_ok(o->r, t);
    if (t->n_points)
        add_subtest(o, id, t);
    add_test_line(&o->s.b, ok, ++o->n, id, t->outcome, t->message.len ? t->message.data : "");
    if ((!ok && t->outcome != OUTCOME_XFAILED) || t->outcome == OUTCOME_FLAKY)
        add_yaml(o, i);
    stream_flow(&o->s);
}

static void add_error(struct tap_out *o, const struct result_file *e)
{
    struct buf *b = &o->s.b;
    add_test_line(b, false, ++o->n, e->name, OUTCOME_ERROR, "");
    buf_adds(b, "  ---\n  outcome: \"error\"\n");
    add_pair(b, "message", e->message.data, e->message.len);
    add_lines(b, "detail", "failure", &e->detail);
    buf_adds(b, "  ...\n");
}

bool report_tap(const char *path, const struct results *r, struct error *err)
{
    struct tap_out o = {.r = r};
    size_t n = r->n_errors;
    if (!stream_open(&o.s, path, err))
        return false;
    places_init(&o.places, r);
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++)
        n += plan_map_test(r->plan, i) != NULL;
    buf_addf(&o.s.b, "TAP version 14\n1..%zu%s\n", n, n ? "" : " # SKIP no tests");
    for (size_t k = 0; k < r->n_errors; k++)
        add_error(&o, &r->errors[k]);
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++)
        if (plan_map_test(r->plan, i))
            add_test(&o, i);
    places_release(&o.places);
    return stream_close(&o.s, err);
}
