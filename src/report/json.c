/* --report-json. The form:
 *
 *   {"summary": {"passed": n, "failed": n, …one key per outcome…,
 *                "total": n,        the sum of all these and of not_run
 *                "not_run": n, "duration": seconds, "interrupted": bool},
 *    "tests": [
 *     {"id", "outcome",             as in summary
 *      "duration",                  seconds
 *      "worker",                    "gwN" or "master"
 *      "markers": ["name", …],
 *      "message",                   one line, or null
 *      "attempts",
 *      "suite", "start",            seconds since 1970
 *      "cpu", "peak_memory",        seconds, bytes
 *      and where there is something to say:
 *      "call_outcome"               what the test itself said before its teardown failed
 *      "location": "file:line", "points": [{"outcome", "description"}, …],
 *      "leftovers": ["pid name", …], "properties": [{"name", "value"}, …],
 *      "failed_attempts": [{"outcome", "duration", "worker", "message", "start", "location",
 *                           "detail", "stdout", "stderr", "log"}, …]   before the last one
 *      of failed tests also "detail", "stdout", "stderr", "log"},
 *     …],
 *    "not_run": ["id", …]}          only if there are any
 *
 * The points of a TAP script count singly in the summary. Strings are UTF-8; bytes that are not,
 * and NUL, stand as the four characters \xNN. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/report.h"
#include "report/show.h"
#include "report/stream.h"

void report_json_string(struct buf *b, const char *s, size_t len)
{
    buf_addc(b, '"');
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = text_char(s + i, len - i, &cp);
        if (cp <= 0)
            buf_addf(b, "\\\\x%02x", (unsigned char)s[i]);
        else if (cp == '"' || cp == '\\')
            buf_addf(b, "\\%c", (char)cp);
        else if (cp == '\n')
            buf_adds(b, "\\n");
        else if (cp == '\t')
            buf_adds(b, "\\t");
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
            buf_addf(b, "\\u%04x", (unsigned)cp);
        else
            buf_add(b, s + i, n);
        i += n;
    }
    buf_addc(b, '"');
}

void report_json_pair(struct buf *b, const char *key, const char *s)
{
    buf_addf(b, ", \"%s\": ", key);
    if (s)
        report_json_string(b, s, strlen(s));
    else
        buf_adds(b, "null");
}

static void add_text(struct buf *b, const char *key, const struct result_text *t)
{
    if (!t->len)
        return;
    buf_addf(b, ", \"%s\": ", key);
    report_json_string(b, t->data, t->len);
}

static void add_summary(struct buf *b, const struct results *r)
{
    size_t total = r->counts[OUTCOME_NONE];
    buf_adds(b, "{\"summary\": {");
    for (int o = OUTCOME_PASSED; o < OUTCOME_COUNT; o++) {
        total += r->counts[o];
        buf_addf(b, "\"%s\": %zu, ", outcome_name((enum outcome)o), r->counts[o]);
    }
    buf_addf(b, "\"total\": %zu, \"not_run\": %zu, \"duration\": %.3f, \"interrupted\": %s},\n",
             total, r->counts[OUTCOME_NONE], r->wall_seconds, r->interrupted ? "true" : "false");
}

static void add_markers(struct buf *b, const struct plan_map *plan, const struct plan_test *pt)
{
    buf_adds(b, ", \"markers\": [");
    const char *name;
    for (uint64_t k = 0; (name = plan_map_list_str(plan, pt->markers, k)) != NULL; k++) {
        if (k)
            buf_adds(b, ", ");
        report_json_string(b, name, strlen(name));
    }
    buf_addc(b, ']');
}

static void add_lists(struct buf *b, const struct result *t)
{
    for (size_t k = 0; k < t->n_points; k++) {
        const struct result_point *p = &t->points[k];
        buf_adds(b, k ? ", " : ", \"points\": [");
        buf_addf(b, "{\"outcome\": \"%s\"", outcome_name(p->outcome));
        report_json_pair(b, "description", p->description);
        buf_adds(b, k + 1 < t->n_points ? "}" : "}]");
    }
    for (size_t k = 0; k < t->n_leftovers; k++) {
        buf_adds(b, k ? ", " : ", \"leftovers\": [");
        report_json_string(b, t->leftovers[k], strlen(t->leftovers[k]));
        if (k + 1 == t->n_leftovers)
            buf_addc(b, ']');
    }
    for (size_t k = 0; k < t->n_properties; k++) {
        const struct result_property *p = &t->properties[k];
        buf_adds(b, k ? ", {\"name\": " : ", \"properties\": [{\"name\": ");
        report_json_string(b, p->name, strlen(p->name));
        report_json_pair(b, "value", p->value);
        buf_adds(b, k + 1 < t->n_properties ? "}" : "}]");
    }
}

static void add_texts(struct buf *b, const struct result *t)
{
    add_text(b, "detail", &t->detail);
    add_text(b, "stdout", &t->out);
    add_text(b, "stderr", &t->err);
    add_text(b, "log", &t->log);
}

static void add_verdict(struct buf *b, const struct results *r, const struct result *t)
{
    char worker[16];
    show_worker(worker, sizeof worker, r, t);
    buf_addf(b, "\"outcome\": \"%s\", \"duration\": %.6f, \"worker\": \"%s\"",
             outcome_name(t->outcome), (double)t->wall_ns / 1e9, worker);
}

static void add_message(struct buf *b, const struct result *t)
{
    if (t->message.len)
        add_text(b, "message", &t->message);
    else
        report_json_pair(b, "message", NULL);
}

static void add_attempts(struct buf *b, const struct results *r, const struct result *t)
{
    for (size_t k = 0; k < t->n_earlier; k++) {
        const struct result *e = &t->earlier[k];
        buf_adds(b, k ? ", {" : ", \"failed_attempts\": [{");
        add_verdict(b, r, e);
        add_message(b, e);
        buf_addf(b, ", \"start\": %.6f", (double)e->start_ns / 1e9);
        add_text(b, "location", &e->location);
        add_texts(b, e);
        buf_adds(b, k + 1 < t->n_earlier ? "}" : "}]");
    }
}

static void add_test(struct buf *b, const struct results *r, uint32_t i)
{
    const struct plan_test *pt = plan_map_test(r->plan, i);
    const struct result *t = &r->tests[i];
    const char *id = plan_map_str(r->plan, pt->id), *suite = plan_map_str(r->plan, pt->suite);
    buf_adds(b, "{\"id\": ");
    report_json_string(b, id, strlen(id));
    buf_adds(b, ", ");
    add_verdict(b, r, t);
    add_markers(b, r->plan, pt);
    add_message(b, t);
    buf_addf(b, ", \"attempts\": %lu", (unsigned long)t->attempts);
    report_json_pair(b, "suite", suite);
    buf_addf(b, ", \"start\": %.6f, \"cpu\": %.6f, \"peak_memory\": %llu",
             (double)t->start_ns / 1e9, (double)t->cpu_ns / 1e9, (unsigned long long)t->peak_bytes);
    if (t->outcome == OUTCOME_ERROR && t->call_outcome != OUTCOME_NONE &&
        t->call_outcome != OUTCOME_ERROR)
        buf_addf(b, ", \"call_outcome\": \"%s\"", outcome_name(t->call_outcome));
    add_text(b, "location", &t->location);
    add_lists(b, t);
    add_attempts(b, r, t);
    if (outcome_is_failure(t->outcome))
        add_texts(b, t);
    buf_addc(b, '}');
}

static void write_not_run(struct stream *s, const struct results *r)
{
    const char *separator = ",\n\"not_run\": [\n";
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        const struct plan_test *pt = plan_map_test(r->plan, i);
        if (!pt || r->tests[i].outcome != OUTCOME_NONE)
            continue;
        const char *id = plan_map_str(r->plan, pt->id);
        buf_adds(&s->b, separator);
        report_json_string(&s->b, id, strlen(id));
        separator = ",\n";
        stream_flow(s);
    }
    if (separator[2] == '\0')
        buf_adds(&s->b, "]");
}

bool report_json(const char *path, const struct results *r, struct error *err)
{
    struct stream s;
    if (!stream_open(&s, path, err))
        return false;
    add_summary(&s.b, r);
    buf_adds(&s.b, "\"tests\": [");
    const char *separator = "\n";
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        if (r->tests[i].outcome == OUTCOME_NONE || !plan_map_test(r->plan, i))
            continue;
        buf_adds(&s.b, separator);
        add_test(&s.b, r, i);
        separator = ",\n";
        stream_flow(&s);
    }
    buf_adds(&s.b, "]");
    write_not_run(&s, r);
    buf_adds(&s.b, "}\n");
    return stream_close(&s, err);
}
