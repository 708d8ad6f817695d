/* list: the tests that a run with the same words would run, for people and as JSON.
 *
 * The JSON:
 *
 *   {"tests": [
 *     {"id",
 *      "suite",                     "" for tests that tests.json lists singly
 *      "format",                    "exec", "tap", "pytest" or "gtest"
 *      "file", "line",              where the test is, seen from the root; null where not known
 *      "markers": ["name", …],
 *      "group",                     its xdist_group, or null
 *      "serial": bool,
 *      "locks": ["name", …],
 *      "weight",
 *      "timeout",                   seconds, as it counts for the run; null: none
 *      "reruns",
 *      "duration",                  seconds, as earlier runs have shown; null: not known
 *      "needs": ["file", …], "depends": ["id", …],
 *      "after": ["id", …],          depends whose verdict does not count
 *      "defined",                   of native tests: where, "tests.json:7"; null: not known
 *      "command": ["word", …]},     of native tests; null
 *     …],
 *    "errors": [{"file", "message"}],   what pytest could not collect
 *    "deselected": n}
 *
 * in the order in which a run with one worker would go through them, but for what they wait for. Strings
 * are as in --report-json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "command/alone.h"
#include "command/chosen.h"
#include "command/command.h"
#include "command/suite.h"
#include "report/report.h"

static const char *const formats[] = {"exec", "tap", "pytest", "gtest"};

/* Written while it is made: a list may be long. */
static void flow(struct buf *b)
{
    fwrite(buf_cstr(b), 1, b->len, stdout);
    buf_clear(b);
}

static void add_list(struct buf *b, const char *key, char *const *values)
{
    buf_addf(b, ", \"%s\": [", key);
    for (char *const *v = values; v && *v; v++) {
        buf_adds(b, v == values ? "" : ", ");
        report_json_string(b, *v, strlen(*v));
    }
    buf_addc(b, ']');
}

static void add_markers(struct buf *b, const struct test *t)
{
    buf_adds(b, ", \"markers\": [");
    for (size_t k = 0; k < t->n_markers; k++) {
        buf_adds(b, k ? ", " : "");
        report_json_string(b, t->markers[k].name, strlen(t->markers[k].name));
    }
    buf_addc(b, ']');
}

static void add_number(struct buf *b, const char *key, double value, bool known)
{
    buf_addf(b, known ? ", \"%s\": %.6g" : ", \"%s\": null", key, value);
}

static void add_test(struct buf *b, const struct plan *p, const struct test *t)
{
    double timeout = plan_timeout(p, t);
    buf_adds(b, "{\"id\": ");
    report_json_string(b, t->id, strlen(t->id));
    report_json_pair(b, "suite", t->suite);
    report_json_pair(b, "format", formats[t->format]);
    report_json_pair(b, "file", t->file);
    add_number(b, "line", t->line, t->line > 0);
    add_markers(b, t);
    report_json_pair(b, "group", t->group);
    buf_addf(b, ", \"serial\": %s", t->serial ? "true" : "false");
    add_list(b, "locks", t->locks);
    buf_addf(b, ", \"weight\": %u", t->weight);
    add_number(b, "timeout", timeout, timeout > 0);
    buf_addf(b, ", \"reruns\": %u", plan_reruns(p, t));
    add_number(b, "duration", t->known, t->known >= 0);
    add_list(b, "needs", t->needs);
    add_list(b, "depends", t->depends);
    add_list(b, "after", t->after);
    if (t->format != FORMAT_PYTEST) {
        report_json_pair(b, "defined", t->origin);
        add_list(b, "command", t->command);
    }
    buf_addc(b, '}');
}

static void print_json(const struct suite *s)
{
    struct buf b = BUF_INIT;
    const struct plan *p = &s->plan;
    buf_adds(&b, "{\"tests\": [");
    for (uint32_t i = 0; i < p->n_selected; i++) {
        buf_adds(&b, i ? ",\n" : "\n");
        add_test(&b, p, &s->manifest.tests[p->tests[i]]);
        flow(&b);
    }
    buf_adds(&b, "],\n\"errors\": [");
    for (size_t i = 0; i < s->pytest.n_errors; i++) {
        const struct pytest_file *e = &s->pytest.errors[i];
        buf_adds(&b, i ? ",\n{\"file\": " : "\n{\"file\": ");
        report_json_string(&b, e->name, strlen(e->name));
        report_json_pair(&b, "message", e->message);
        buf_addc(&b, '}');
    }
    buf_addf(&b, "],\n\"deselected\": %zu}\n", s->selection.deselected + s->pytest.deselected);
    flow(&b);
    buf_release(&b);
}

/* "  locks db, net" */
static void add_words(struct buf *b, const char *name, char *const *values)
{
    for (char *const *v = values; v && *v; v++) {
        if (v == values)
            buf_addf(b, "; %s ", name);
        else
            buf_adds(b, ", ");
        report_plain(b, *v, strlen(*v), false);
    }
}

/* What is not as usual. */
static void add_details(struct buf *b, const struct plan *p, const struct test *t)
{
    char text[16];
    const char *place = t->format == FORMAT_PYTEST ? t->file : t->origin;
    buf_addf(b, "    %s", formats[t->format]);
    if (place) {
        buf_adds(b, ", ");
        report_plain(b, place, strlen(place), false);
    }
    if (t->line)
        buf_addf(b, ":%u", t->line);
    for (size_t k = 0; k < t->n_markers; k++) {
        buf_adds(b, k ? ", " : "; markers ");
        report_plain(b, t->markers[k].name, strlen(t->markers[k].name), false);
    }
    add_words(b, "locks", t->locks);
    if (t->serial)
        buf_adds(b, "; serial");
    if (t->weight > 1)
        buf_addf(b, "; weight %u", t->weight);
    add_words(b, "needs", t->needs);
    add_words(b, "depends on", t->depends);
    add_words(b, "after", t->after);
    if (plan_timeout(p, t) > 0) {
        report_seconds(text, sizeof text, plan_timeout(p, t));
        buf_addf(b, "; timeout %s", text);
    }
    if (t->known >= 0) {
        report_seconds(text, sizeof text, t->known);
        buf_addf(b, "; took %s", text);
    }
    buf_addc(b, '\n');
}

static void print_text(const struct suite *s)
{
    struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < s->plan.n_selected; i++) {
        const struct test *t = &s->manifest.tests[s->plan.tests[i]];
        report_plain(&b, t->id, strlen(t->id), false);
        buf_addc(&b, '\n');
        if (s->options.verbose > 0)
            add_details(&b, &s->plan, t);
        flow(&b);
    }
    buf_release(&b);
}

/* Takes --json out of the words: a plugin of pytest's may have an option of that name. */
static bool take_json(const struct invocation *inv, struct strv *words)
{
    bool json = false, plain = false;
    for (size_t i = 0; i < inv->args.n; i++) {
        const char *word = inv->args.v[i];
        plain = plain || strcmp(word, "--") == 0;
        if (!plain && strcmp(word, "--json") == 0)
            json = true;
        else
            strv_push(words, word);
    }
    return json;
}

static void say_errors(const struct suite *s)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->pytest.n_errors; i++) {
        const struct pytest_file *e = &s->pytest.errors[i];
        buf_adds(&b, "rowlock: ");
        report_plain(&b, e->name, strlen(e->name), false);
        buf_adds(&b, " cannot be collected: ");
        report_plain(&b, e->message, strlen(e->message), false);
        buf_addc(&b, '\n');
    }
    fputs(buf_cstr(&b), stderr);
    buf_release(&b);
}

/* Is it no error that there are no tests, or one of its own? */
static bool is_empty(const struct suite *s, const struct error *err)
{
    return err->code == EXIT_NO_TESTS || s->ended == EXIT_NO_TESTS;
}

/* Options with which pytest prints something else. */
static bool lists_tests(const struct suite *s, struct error *err)
{
    return !s->alone || alone_is_interactive(s->alone) ||
           error_set(err, EXIT_USAGE, "list and %s both print something; leave one of the two out",
                     s->alone);
}

int command_list(const struct invocation *inv)
{
    struct suite s;
    struct error err = ERROR_INIT;
    struct invocation sub = {inv->command, inv->config_file, STRV_INIT};
    int code = EXIT_OK;
    bool json = take_json(inv, &sub.args);
    suite_init(&s);
    s.lists = true;
    if (suite_configure(&s, &sub, SUITE_PARALLEL, &err) && lists_tests(&s, &err) &&
        suite_load(&s, &err) && suite_plan(&s, &err)) {
        chosen_say(&s, stderr);
        say_errors(&s);
        if (json)
            print_json(&s);
        else
            print_text(&s);
        code = s.pytest.n_errors ? EXIT_FAILED : EXIT_OK;
    } else if (json && is_empty(&s, &err)) {
        print_json(&s);
    }
    strv_release(&sub.args);
    return suite_finish(&s, code, true, &err);
}
