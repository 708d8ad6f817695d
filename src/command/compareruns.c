/* report --compare: two runs, test by test. What a test took, and how often it ran, does not count:
 * "flaky" is "passed" here, unless --fail-on-flaky says otherwise. --json prints
 *
 *   {"a", "b": {"file",             as it was typed
 *               "tests",            how many it has, those that did not run too
 *               "interrupted"},     true: that run was
 *    "compared",                    tests that both have and of which one at least ran
 *    "same", "verdicts", "only_a", "only_b",   how many are equal, have other verdicts, are in one only
 *    "flaky",                       of "same": flaky in one or in both
 *    "not_run",                     tests that ran in neither
 *    "tests": [{"id", "a", "b",     outcomes as in --report-json, or "not run"; null: not there
 *               "message",          of the one that has not passed, or null
 *               "points": [{"point", "description", "a", "b"}, …]},   of a TAP script, those that differ
 *              …]}                  those that differ, flaky ones too */
#include "command/compareruns.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "command/command.h"
#include "manifest/verdicts.h"
#include "report/report.h"

enum { LONGEST_MESSAGE = 200 };

struct comparison {
    const char *files[2];
    struct verdicts runs[2];
    bool json, strict; /* strict: flaky is not passed */
    size_t same, verdicts, only[2], flaky, not_run;
    struct buf lines; /* --json: the elements of "tests" */
};

static const struct {
    const char *name, *help;
} options[] = {
    {"--compare", "print what differs between two --report-json files; exit with 1 then"},
    {"--json", "with --compare: print JSON"},
    {"--fail-on-flaky", "with --compare: flaky is another verdict than passed"},
};
enum { N_OPTIONS = sizeof options / sizeof *options };

void compareruns_help(FILE *out)
{
    fputs("\nComparing:\n", out);
    for (size_t i = 0; i < N_OPTIONS; i++)
        fprintf(out, "  %-24s %s\n", options[i].name, options[i].help);
}

bool compareruns_asked(const struct strv *words)
{
    for (size_t i = 0; i < words->n && strcmp(words->v[i], "--") != 0; i++)
        if (strcmp(words->v[i], options[0].name) == 0)
            return true;
    return false;
}

static bool unknown(const char *word, struct error *err)
{
    char *shown = text_quote(word);
    char *question = nearest_in_table(word, &options[0].name, N_OPTIONS, sizeof options[0]);
    error_set(err, EXIT_USAGE, "%s: does not go with --compare; %sgive two files and, if you like, "
              "--json or --fail-on-flaky",
              shown, question);
    free(question);
    free(shown);
    return false;
}

static bool parse(struct comparison *c, const struct strv *words, struct error *err)
{
    bool behind = false; /* "--" */
    size_t n = 0;
    for (size_t i = 0; i < words->n; i++) {
        const char *word = words->v[i];
        if (!behind && strcmp(word, "--") == 0)
            behind = true;
        else if (!behind && strcmp(word, "--json") == 0)
            c->json = true;
        else if (!behind && strcmp(word, "--fail-on-flaky") == 0)
            c->strict = true;
        else if (behind || word[0] != '-') {
            if (n < 2)
                c->files[n] = word;
            n++;
        } else if (strcmp(word, "--compare") != 0)
            return unknown(word, err);
    }
    if (n == 2)
        return true;
    return error_set(err, EXIT_USAGE,
                     "--compare: needs two files behind it that --report-json has written, there are "
                     "%zu", n);
}

static bool is_flaky(const struct verdict *v)
{
    return strcmp(v->outcome, "flaky") == 0;
}

/* The outcome of point k; NULL if there are not so many. */
static const char *point_outcome(const struct verdict *v, size_t k)
{
    return k < v->n_points ? v->points[k].outcome : NULL;
}

/* The next point from *k on that differs; false if there is none. */
static bool next_point(const struct verdict *a, const struct verdict *b, size_t *k)
{
    for (; *k < a->n_points || *k < b->n_points; ++*k) {
        const char *pa = point_outcome(a, *k), *pb = point_outcome(b, *k);
        if (!pa || !pb || strcmp(pa, pb) != 0)
            return true;
    }
    return false;
}

static const char *description_of(const struct verdict *a, const struct verdict *b, size_t k)
{
    const struct verdict *v = k < b->n_points && b->points[k].description ? b : a;
    return k < v->n_points ? v->points[k].description : NULL;
}

/* The message of the run in which the test has not passed. */
static const char *message_of(const struct verdict *a, const struct verdict *b)
{
    const struct verdict *v = b && strcmp(b->outcome, "passed") != 0 ? b : a;
    return v ? v->message : NULL;
}

static void put_on(FILE *out, const char *text, size_t max)
{
    struct buf b = BUF_INIT;
    text_escape(&b, text, strlen(text), max);
    fputs(buf_cstr(&b), out);
    buf_release(&b);
}

static void put(const char *text, size_t max)
{
    put_on(stdout, text, max);
}

/* ": passed in A, failed in B" */
static void put_both(const struct comparison *c, const char *a, const char *b)
{
    fputs(": ", stdout);
    put(a ? a : "none", SIZE_MAX);
    fputs(" in ", stdout);
    put(c->files[0], SIZE_MAX);
    fputs(", ", stdout);
    put(b ? b : "none", SIZE_MAX);
    fputs(" in ", stdout);
    put(c->files[1], SIZE_MAX);
}

static void say_points(const struct comparison *c, const struct verdict *a, const struct verdict *b)
{
    for (size_t k = 0; next_point(a, b, &k); k++) {
        const char *description = description_of(a, b, k);
        put(a->id, SIZE_MAX);
        printf(": point %zu", k + 1);
        if (description && *description) {
            fputs(" (", stdout);
            put(description, LONGEST_MESSAGE);
            putchar(')');
        }
        put_both(c, point_outcome(a, k), point_outcome(b, k));
        putchar('\n');
    }
}

/* A line for the test, and one for each of its points that differs. */
static void say(const struct comparison *c, const struct verdict *a, const struct verdict *b)
{
    const struct verdict *one = a ? a : b;
    const char *message = message_of(a, b);
    if (!a || !b || strcmp(a->outcome, b->outcome) != 0) {
        put(one->id, SIZE_MAX);
        if (a && b) {
            put_both(c, a->outcome, b->outcome);
        } else {
            fputs(": only in ", stdout);
            put(c->files[a ? 0 : 1], SIZE_MAX);
            fputs(", ", stdout);
            put(one->outcome, SIZE_MAX);
        }
        if (message && *message) {
            fputs(" - ", stdout);
            put(message, LONGEST_MESSAGE);
        }
        putchar('\n');
    }
    if (a && b)
        say_points(c, a, b);
}

static void add_points(struct buf *to, const struct verdict *a, const struct verdict *b)
{
    bool any = false;
    for (size_t k = 0; next_point(a, b, &k); k++) {
        buf_addf(to, "%s{\"point\": %zu", any ? ", " : ", \"points\": [", k + 1);
        report_json_pair(to, "description", description_of(a, b, k));
        report_json_pair(to, "a", point_outcome(a, k));
        report_json_pair(to, "b", point_outcome(b, k));
        buf_addc(to, '}');
        any = true;
    }
    if (any)
        buf_addc(to, ']');
}

static void add(struct comparison *c, const struct verdict *a, const struct verdict *b)
{
    const struct verdict *one = a ? a : b;
    buf_adds(&c->lines, c->lines.len ? ",\n{\"id\": " : "\n{\"id\": ");
    report_json_string(&c->lines, one->id, strlen(one->id));
    report_json_pair(&c->lines, "a", a ? a->outcome : NULL);
    report_json_pair(&c->lines, "b", b ? b->outcome : NULL);
    report_json_pair(&c->lines, "message", message_of(a, b));
    if (a && b)
        add_points(&c->lines, a, b);
    buf_addc(&c->lines, '}');
}

static void tell(struct comparison *c, const struct verdict *a, const struct verdict *b)
{
    if (c->json)
        add(c, a, b);
    else
        say(c, a, b);
}

/* Counts a test, and tells of it where there is something to tell. */
static void weigh(struct comparison *c, const struct verdict *a, const struct verdict *b)
{
    size_t k = 0;
    if (!a || !b) {
        c->only[a ? 0 : 1]++;
        tell(c, a, b);
    } else if (strcmp(verdict_weighed(a, c->strict), verdict_weighed(b, c->strict)) != 0 ||
               next_point(a, b, &k)) {
        c->verdicts++;
        tell(c, a, b);
    } else if (strcmp(a->outcome, VERDICT_NOT_RUN) == 0) {
        c->not_run++;
    } else {
        c->same++;
        c->flaky += is_flaky(a) || is_flaky(b);
        if (is_flaky(a) != is_flaky(b))
            tell(c, a, b);
    }
}

static size_t differences(const struct comparison *c)
{
    return c->verdicts + c->only[0] + c->only[1];
}

static void print_json(const struct comparison *c)
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < 2; i++) {
        buf_addf(&b, "%s\"%c\": {\"file\": ", i ? ",\n" : "{", 'a' + i);
        report_json_string(&b, c->files[i], strlen(c->files[i]));
        buf_addf(&b, ", \"tests\": %zu, \"interrupted\": %s}", c->runs[i].n,
                 c->runs[i].interrupted ? "true" : "false");
    }
    buf_addf(&b,
             ",\n\"compared\": %zu, \"same\": %zu, \"verdicts\": %zu, \"only_a\": %zu, "
             "\"only_b\": %zu, \"flaky\": %zu, \"not_run\": %zu,\n\"tests\": [",
             c->same + c->verdicts, c->same, c->verdicts, c->only[0], c->only[1], c->flaky,
             c->not_run);
    buf_add(&b, buf_cstr(&c->lines), c->lines.len);
    buf_adds(&b, "]}\n");
    fwrite(b.data, 1, b.len, stdout);
    buf_release(&b);
}

/* ", 2 only in A" where there are any. */
static void print_only(const struct comparison *c, int which)
{
    if (!c->only[which])
        return;
    printf(", %zu only in ", c->only[which]);
    put(c->files[which], SIZE_MAX);
}

static void print_counts(const struct comparison *c)
{
    size_t n = c->same + c->verdicts;
    if (differences(c)) {
        printf("%zu of %zu tests differ", c->verdicts, n);
        print_only(c, 0);
        print_only(c, 1);
    } else {
        printf("the same verdicts in %zu test%s", n, n == 1 ? "" : "s");
    }
    if (c->flaky)
        printf("; %zu flaky%s", c->flaky, c->strict ? "" : ", which counts as passed");
    if (c->not_run)
        printf("; %zu ran in neither", c->not_run);
    putchar('\n');
}

static int compare(struct comparison *c, struct error *err)
{
    struct verdict_walk walk = {&c->runs[0], &c->runs[1], 0, 0};
    const struct verdict *a, *b;
    for (int i = 0; i < 2; i++) {
        if (!verdicts_read(&c->runs[i], c->files[i], err))
            return EXIT_USAGE;
        if (c->runs[i].interrupted) {
            fputs("rowlock: ", stderr);
            put_on(stderr, c->files[i], SIZE_MAX);
            fputs(": that run was interrupted\n", stderr);
        }
    }
    while (verdicts_next(&walk, &a, &b))
        weigh(c, a, b);
    if (c->json)
        print_json(c);
    if (!c->same && !differences(c)) {
        error_set(err, EXIT_NO_TESTS,
                  "nothing is compared: no test ran in %s and %s; run the same tests for both",
                  c->files[0], c->files[1]);
        return EXIT_NO_TESTS;
    }
    if (!c->json)
        print_counts(c);
    return differences(c) ? EXIT_FAILED : EXIT_OK;
}

int compareruns(const struct strv *words)
{
    struct comparison c = {.lines = BUF_INIT};
    struct error err = ERROR_INIT;
    int code = EXIT_USAGE;
    verdicts_init(&c.runs[0]);
    verdicts_init(&c.runs[1]);
    if (parse(&c, words, &err))
        code = compare(&c, &err);
    if (err.msg)
        code = command_fail(&err);
    verdicts_release(&c.runs[0]);
    verdicts_release(&c.runs[1]);
    buf_release(&c.lines);
    return code;
}
