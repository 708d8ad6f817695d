/* --junitxml. One <testsuite> per suite of the plan; names as pytest's own junitxml writes them,
 * so that a CI server keeps the history of a suite that moves from there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "report/place.h"
#include "report/report.h"
#include "report/show.h"
#include "report/stream.h"

/* How testcases are named. */
struct how {
    const char *prefix;   /* before class names; NULL: nothing */
    struct places places; /* for the file of each, on a CI server that makes a link of it */
};
struct counts {
    size_t tests, failures, errors, skipped;
};
struct suite {
    const char *name;
    struct counts counts;
    int64_t start_ns, end_ns; /* 0: nothing ran */
    uint32_t first, last;     /* indexes of its tests, chained by suites.next */
    bool has_files;           /* what pytest could not collect stands here */
};
struct suites {
    struct suite *v;
    size_t n;
    uint32_t *next; /* [n_tests]; UINT32_MAX ends a chain */
};

/* XML 1.0 has no way at all to write most control characters, surrogates, U+FFFE and U+FFFF,
 * not even as references: they stand as \xNN. DEL is legal but readers trip over it. */
static bool is_xml(int32_t cp) /* < 0: not UTF-8 */
{
    if (cp < 0x20)
        return cp == '\t' || cp == '\n' || cp == '\r';
    return cp != 0x7f && cp != 0xfffe && cp != 0xffff;
}

static void add_xml(struct buf *b, const char *s, size_t len, bool attribute)
{
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = text_char(s + i, len - i, &cp);
        if (!is_xml(cp))
            show_hex(b, s + i, n);
        else if (cp == '&')
            buf_adds(b, "&amp;");
        else if (cp == '<')
            buf_adds(b, "&lt;");
        else if (cp == '>')
            buf_adds(b, "&gt;");
        else if (attribute && cp == '"')
            buf_adds(b, "&quot;");
        else if (cp == '\r' || (attribute && cp < 0x20)) /* a parser would make a space of it */
            buf_addf(b, "&#%u;", (unsigned)cp);
        else
            buf_add(b, s + i, n);
        i += n;
    }
}

static void add_attribute(struct buf *b, const char *name, const char *s, size_t len)
{
    buf_addf(b, " %s=\"", name);
    add_xml(b, s, len, true);
    buf_addc(b, '"');
}

static void count_outcome(struct counts *c, enum outcome o)
{
    c->tests++;
    c->failures += o == OUTCOME_FAILED;
    c->errors += o == OUTCOME_ERROR || o == OUTCOME_CRASHED || o == OUTCOME_TIMEOUT;
    c->skipped += o == OUTCOME_SKIPPED || o == OUTCOME_XFAILED || o == OUTCOME_NONE;
}

static const char *suite_name(const struct results *r, const struct plan_test *pt)
{
    const char *name = plan_map_str(r->plan, pt->suite);
    if (pt->format != FORMAT_PYTEST)
        return *name ? name : "tests";
    bool named = *name && strcmp(name, "pytest") != 0; /* in tests.json */
    return named ? name : r->junit.suite_name ? r->junit.suite_name : "pytest";
}

static void count_test(struct suite *s, const struct result *t)
{
    if (result_counts_itself(t))
        count_outcome(&s->counts, t->outcome);
    for (size_t k = 0; k < t->n_points; k++)
        count_outcome(&s->counts, t->points[k].outcome);
    if (t->outcome == OUTCOME_NONE || t->start_ns <= 0)
        return;
    if (s->start_ns == 0 || t->start_ns < s->start_ns)
        s->start_ns = t->start_ns;
    uint64_t end = (uint64_t)t->start_ns + t->wall_ns;
    if (end <= INT64_MAX && (int64_t)end > s->end_ns)
        s->end_ns = (int64_t)end;
}

static void count_files(struct counts *c, const struct results *r)
{
    c->tests += r->n_errors + r->n_skips;
    c->errors += r->n_errors;
    c->skipped += r->n_skips;
}

static void suites_init(struct suites *all, const struct results *r)
{
    uint32_t n = r->plan->head->n_tests;
    struct map by_name = MAP_INIT;
    size_t cap = 0;
    bool pytest = false; /* whether a suite of its tests has turned up */
    all->v = NULL;
    all->n = 0;
    all->next = xcalloc(n, sizeof *all->next);
    for (uint32_t i = 0; i < n; i++) {
        const struct plan_test *pt = plan_map_test(r->plan, i);
        if (!pt)
            continue;
        const char *name = suite_name(r, pt);
        size_t at = map_intern(&by_name, name, all->n);
        if (at == all->n) {
            if (all->n == cap) {
                cap = cap ? cap * 2 : 16;
                all->v = xreallocarray(all->v, cap, sizeof *all->v);
            }
            all->v[all->n++] = (struct suite){.name = name, .first = i, .last = i};
        } else {
            all->next[all->v[at].last] = i;
        }
        all->v[at].last = i;
        all->next[i] = UINT32_MAX;
        if (pt->format == FORMAT_PYTEST && !pytest) {
            pytest = all->v[at].has_files = true;
            count_files(&all->v[at].counts, r);
        }
        count_test(&all->v[at], &r->tests[i]);
    }
    map_release(&by_name);
}

static void suites_release(struct suites *all)
{
    free(all->v);
    free(all->next);
}

static void add_class_name(struct buf *b, const char *prefix, const char *name, size_t len)
{
    struct buf whole = BUF_INIT;
    if (prefix && *prefix)
        buf_addf(&whole, "%s%s", prefix, len ? "." : "");
    buf_add(&whole, name, len);
    add_attribute(b, "classname", buf_cstr(&whole), whole.len);
    buf_release(&whole);
}

/* "tests/test_mod.py::TestClass::test_x[a::b]" is test_x[a::b] of tests.test_mod.TestClass. */
static void add_pytest_name(struct buf *b, const char *prefix, const char *id)
{
    const char *sep = strstr(id, "::");
    size_t path_len = sep ? (size_t)(sep - id) : strlen(id);
    const char *params = sep ? strchr(sep, '[') : NULL;
    const char *end = params ? params : id + strlen(id);
    const char *name = id; /* behind the last "::" before the parameters */
    for (const char *p = sep; p && p + 1 < end; p++)
        if (p[0] == ':' && p[1] == ':')
            name = ++p + 1;
    struct buf dotted = BUF_INIT;
    buf_add(&dotted, id, path_len);
    for (size_t i = 0; i < path_len; i++)
        if (dotted.data[i] == '/')
            dotted.data[i] = '.';
    if (path_len > 3 && memcmp(dotted.data + path_len - 3, ".py", 3) == 0)
        dotted.len -= 3;
    if (!sep) { /* no more than a file: it is the name */
        add_class_name(b, prefix, "", 0);
        add_attribute(b, "name", buf_cstr(&dotted), dotted.len);
        buf_release(&dotted);
        return;
    }
    for (const char *p = sep; p + 2 < name;) {
        const char *next = strstr(p + 2, "::");
        size_t len = (size_t)(next - p) - 2;
        buf_addc(&dotted, '.');
        buf_add(&dotted, p + 2, len);
        p = next;
    }
    add_class_name(b, prefix, dotted.data, dotted.len);
    add_attribute(b, "name", name, strlen(name));
    buf_release(&dotted);
}

static void add_name(struct buf *b, struct how *how, const struct results *r,
                     const struct plan_test *pt)
{
    const char *id = plan_map_str(r->plan, pt->id), *suite = suite_name(r, pt);
    if (pt->format == FORMAT_PYTEST) {
        add_pytest_name(b, how->prefix, id);
        return;
    }
    const char *name = id;
    size_t n = strlen(suite);
    /* Only a suite's own tests bear its name: a test listed singly may be called "tests/a". */
    if (pt->suite.len && strncmp(id, suite, n) == 0 && id[n] == '/' && id[n + 1])
        name = id + n + 1;
    add_class_name(b, how->prefix, suite, n);
    add_attribute(b, "name", name, strlen(name));
}

/* GitLab and others link a testcase to its file, seen from the repository. The schema knows no such
 * attribute, so it is there only for them, and where the ini file asks for it. */
static void add_file(struct buf *b, struct how *how, const struct plan_test *pt)
{
    struct place at = {.file = BUF_INIT};
    bool asked = how->places.r->junit.has_files && pt->format == FORMAT_PYTEST;
    if ((how->places.on_server || asked) && place_of_test(&how->places, pt, &at))
        add_attribute(b, "file", at.file.data, at.file.len);
    buf_release(&at.file);
}

/* The text of a failure, or of a skip with a location: all of it, or what there is. */
static void add_body(struct buf *b, const struct result *t)
{
    const struct result_text *text = t->detail.len ? &t->detail : &t->message;
    bool told = t->location.len && text->len &&
                memmem(text->data, text->len, t->location.data, t->location.len);
    if (t->location.len && !told) {
        add_xml(b, t->location.data, t->location.len, false);
        buf_adds(b, text->len ? ": " : "");
    }
    if (text->len)
        add_xml(b, text->data, text->len, false);
}

static void add_verdict(struct buf *b, bool pytest, const struct result *t, enum outcome o,
                        const struct result_text *message, bool body)
{
    const char *element, *type = outcome_name(o);
    switch (o) {
    case OUTCOME_FAILED:
        element = "failure";
        break;
    case OUTCOME_ERROR:
    case OUTCOME_CRASHED:
    case OUTCOME_TIMEOUT:
        element = "error";
        break;
    case OUTCOME_SKIPPED:
        element = "skipped";
        type = pytest ? "pytest.skip" : type;
        break;
    case OUTCOME_XFAILED:
        element = "skipped";
        type = "pytest.xfail";
        break;
    case OUTCOME_NONE:
        element = "skipped";
        type = "not-run";
        break;
    default:
        return;
    }
    buf_addf(b, "<%s type=\"%s\"", element, type);
    add_attribute(b, "message", message->len ? message->data : "", message->len);
    if (!body) {
        buf_adds(b, "/>");
        return;
    }
    buf_addc(b, '>');
    add_body(b, t);
    buf_addf(b, "</%s>", element);
}

/* Whole lines, so that what follows starts one. */
static void add_lines(struct buf *b, const struct result_text *text)
{
    add_xml(b, text->data, text->len, false);
    if (text->len && text->data[text->len - 1] != '\n')
        buf_addc(b, '\n');
}

/* Whether junit_logging, where somebody has set it, is one of these words. */
static bool is_logged(const struct junit_style *style, const char *one, const char *other)
{
    const char *word = style->logging;
    return !word || strcmp(word, "all") == 0 || strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static void add_output(struct buf *b, const struct junit_style *style, const struct result *t)
{
    bool passed = t->outcome == OUTCOME_PASSED || t->outcome == OUTCOME_XPASSED ||
                  t->outcome == OUTCOME_FLAKY;
    bool mute = style->passed_are_mute && passed;
    bool out = t->out.len && !mute && is_logged(style, "system-out", "out-err");
    bool log = t->log.len && !mute && is_logged(style, "log", "log");
    bool printed = t->err.len && !mute && is_logged(style, "system-err", "out-err");
    if (out || log) {
        buf_adds(b, "<system-out>");
        if (out)
            add_lines(b, &t->out);
        if (log) {
            buf_adds(b, "--- Captured log ---\n");
            add_lines(b, &t->log);
        }
        buf_adds(b, "</system-out>");
    }
    if (printed || t->n_leftovers) {
        buf_adds(b, "<system-err>");
        if (printed)
            add_lines(b, &t->err);
        for (size_t k = 0; k < t->n_leftovers; k++) {
            buf_adds(b, "left running: ");
            add_xml(b, t->leftovers[k], strlen(t->leftovers[k]), false);
            buf_addc(b, '\n');
        }
        buf_adds(b, "</system-err>");
    }
}

static void add_properties(struct buf *b, const struct result *t)
{
    if (t->n_properties == 0)
        return;
    buf_adds(b, "<properties>");
    for (size_t k = 0; k < t->n_properties; k++) {
        const struct result_property *p = &t->properties[k];
        buf_adds(b, "<property");
        add_attribute(b, "name", p->name, strlen(p->name));
        add_attribute(b, "value", p->value, strlen(p->value));
        buf_adds(b, "/>");
    }
    buf_adds(b, "</properties>");
}

static void add_stream(struct buf *b, const char *element, const struct result_text *text)
{
    if (!text->len)
        return;
    buf_addf(b, "<%s>", element);
    add_lines(b, text);
    buf_addf(b, "</%s>", element);
}

/* Earlier attempts, in the elements of Maven Surefire's surefire-test-report.xsd: flakyFailure and
 * flakyError of a test that passed in the end, rerunFailure and rerunError of one that did not.
 * There the first attempt is the testcase's own failure; here it is the last, the verdict. */
static void add_attempts(struct buf *b, const struct result *t)
{
    const char *kind = outcome_is_failure(t->outcome) ? "rerun" : "flaky";
    for (size_t k = 0; k < t->n_earlier; k++) {
        const struct result *e = &t->earlier[k];
        const char *what = e->outcome == OUTCOME_FAILED ? "Failure" : "Error";
        buf_addf(b, "<%s%s type=\"%s\"", kind, what, outcome_name(e->outcome));
        add_attribute(b, "message", e->message.len ? e->message.data : "", e->message.len);
        buf_adds(b, "><stackTrace>");
        add_body(b, e);
        buf_adds(b, "</stackTrace>");
        add_stream(b, "system-out", &e->out);
        add_stream(b, "system-err", &e->err);
        buf_addf(b, "</%s%s>", kind, what);
    }
}

static void add_itself(struct buf *b, struct how *how, const struct results *r,
                       const struct plan_test *pt, const struct result *t)
{
    static const struct result_text not_run = {.data = "did not run", .len = 11};
    buf_adds(b, "<testcase");
    add_name(b, how, r, pt);
    add_file(b, how, pt);
    buf_addf(b, " time=\"%.3f\">", (double)t->wall_ns / 1e9);
    add_properties(b, t);
    bool body =
        outcome_is_failure(t->outcome) || (t->outcome == OUTCOME_SKIPPED && t->location.len);
    add_verdict(b, pt->format == FORMAT_PYTEST, t, t->outcome,
                t->outcome == OUTCOME_NONE ? &not_run : &t->message, body);
    add_attempts(b, t);
    add_output(b, &r->junit, t);
    buf_adds(b, "</testcase>\n");
}

/* The point that carries the script's time and output, where no testcase stands for the script:
 * the first that failed, or the first. */
static size_t carrier(const struct result *t)
{
    for (size_t k = 0; k < t->n_points; k++)
        if (outcome_is_failure(t->points[k].outcome))
            return k;
    return 0;
}

static void write_points(struct stream *s, struct how *how, const struct results *r,
                         const struct plan_test *pt, const struct result *t)
{
    const char *id = plan_map_str(r->plan, pt->id);
    size_t carries = result_counts_itself(t) ? t->n_points : carrier(t);
    struct buf name = BUF_INIT;
    for (size_t k = 0; k < t->n_points; k++) {
        const struct result_point *p = &t->points[k];
        struct result_text message = {.data = p->description, .len = strlen(p->description)};
        buf_clear(&name);
        buf_addf(&name, "%zu%s", k + 1, message.len ? " - " : "");
        buf_add(&name, p->description, message.len);
        buf_adds(&s->b, "<testcase");
        add_class_name(&s->b, how->prefix, id, strlen(id));
        add_attribute(&s->b, "name", name.data, name.len);
        add_file(&s->b, how, pt);
        buf_addf(&s->b, " time=\"%.3f\">", k == carries ? (double)t->wall_ns / 1e9 : 0.0);
        if (k == carries)
            add_properties(&s->b, t);
        add_verdict(&s->b, false, t, p->outcome, &message,
                    k == carries && outcome_is_failure(p->outcome));
        if (k == carries)
            add_output(&s->b, &r->junit, t);
        buf_adds(&s->b, "</testcase>\n");
        stream_flow(s);
    }
    buf_release(&name);
}

/* Files that have no tests: a testcase that bears the file's name, as pytest writes it. */
static void write_files(struct stream *s, struct how *how, const struct result_file *files, size_t n,
                        enum outcome o)
{
    for (size_t k = 0; k < n; k++) {
        struct result t = {.message = files[k].message, .outcome = o};
        *(o == OUTCOME_SKIPPED ? &t.location : &t.detail) = files[k].detail;
        buf_adds(&s->b, "<testcase");
        add_pytest_name(&s->b, how->prefix, files[k].name);
        if (how->places.on_server || how->places.r->junit.has_files) {
            const char *name = files[k].name, *colons = strstr(name, "::");
            struct place at = {.file = BUF_INIT};
            place_of_module(&how->places, name, colons ? (size_t)(colons - name) : strlen(name), &at);
            add_attribute(&s->b, "file", at.file.data, at.file.len);
            buf_release(&at.file);
        }
        buf_adds(&s->b, " time=\"0.000\">");
        add_verdict(&s->b, true, &t, o, &t.message, true);
        buf_adds(&s->b, "</testcase>\n");
        stream_flow(s);
    }
}

static void add_counts(struct buf *b, const struct counts *c)
{
    buf_addf(b, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", c->tests, c->failures, c->errors);
}

static void add_suite_head(struct buf *b, const struct suite *s, const char *host)
{
    buf_adds(b, "<testsuite");
    add_attribute(b, "name", s->name, strlen(s->name));
    add_counts(b, &s->counts);
    buf_addf(b, " skipped=\"%zu\" time=\"%.3f\"", s->counts.skipped,
             s->end_ns > s->start_ns ? (double)(s->end_ns - s->start_ns) / 1e9 : 0.0);
    time_t seconds = (time_t)(s->start_ns / 1000000000);
    struct tm tm;
    char when[64];
    if (s->start_ns && gmtime_r(&seconds, &tm) &&
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S+00:00", &tm))
        add_attribute(b, "timestamp", when, strlen(when));
    add_attribute(b, "hostname", host, strlen(host));
    buf_adds(b, ">\n");
}

static void write_suite(struct stream *s, struct how *how, const struct results *r,
                        const struct suites *all, const struct suite *suite, const char *host)
{
    add_suite_head(&s->b, suite, host);
    for (uint32_t i = suite->first; i != UINT32_MAX; i = all->next[i]) {
        const struct plan_test *pt = plan_map_test(r->plan, i);
        const struct result *t = &r->tests[i];
        if (result_counts_itself(t))
            add_itself(&s->b, how, r, pt, t);
        write_points(s, how, r, pt, t);
        stream_flow(s);
    }
    if (suite->has_files) {
        write_files(s, how, r->errors, r->n_errors, OUTCOME_ERROR);
        write_files(s, how, r->skips, r->n_skips, OUTCOME_SKIPPED);
    }
    buf_adds(&s->b, "</testsuite>\n");
}

bool report_junit(const char *path, const char *prefix, const struct results *r, struct error *err)
{
    struct stream s;
    struct how how = {.prefix = prefix};
    if (!stream_open(&s, path, err))
        return false;
    places_init(&how.places, r);
    char host[256];
    if (gethostname(host, sizeof host) != 0)
        host[0] = '\0';
    host[sizeof host - 1] = '\0';
    struct suites all;
    suites_init(&all, r);
    struct counts total = {0, 0, 0, 0};
    for (size_t k = 0; k < all.n; k++) {
        total.tests += all.v[k].counts.tests;
        total.failures += all.v[k].counts.failures;
        total.errors += all.v[k].counts.errors;
    }
    buf_adds(&s.b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"rowlock\"");
    add_counts(&s.b, &total);
    buf_addf(&s.b, " time=\"%.3f\">\n", r->wall_seconds);
    for (size_t k = 0; k < all.n; k++)
        write_suite(&s, &how, r, &all, &all.v[k], host);
    buf_adds(&s.b, "</testsuites>\n");
    suites_release(&all);
    places_release(&how.places);
    return stream_close(&s, err);
}
