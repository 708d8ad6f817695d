/* config/options: what lands where, what goes on to pytest, and what is refused in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/options.h"

enum { MOST_WORDS = 12 };

/* Parses words (NULL-terminated) into a fresh o. */
static bool parse(struct options *o, const char *const *words, struct error *err)
{
    struct strv argv = STRV_INIT;
    for (; *words; words++)
        strv_push(&argv, *words);
    options_init(o);
    bool ok = options_parse(o, (int)argv.n, argv.v, "command line", err);
    strv_release(&argv);
    return ok;
}

static void parse_good(struct options *o, const char *const *words)
{
    struct error err = ERROR_INIT;
    if (!parse(o, words, &err))
        fail_msg("%s", err.msg);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The words joined by "|". */
static char *join(const struct strv *s)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->n; i++)
        buf_addf(&b, "%s%s", i ? "|" : "", s->v[i]);
    return buf_detach(&b);
}

static void assert_joined(const struct strv *s, const char *want)
{
    char *got = join(s);
    assert_string_equal(got, want);
    free(got);
}

static void test_defaults(void **state)
{
    (void)state;
    struct options o;
    const char *const none[] = {NULL};
    parse_good(&o, none);
    assert_int_equal(o.workers, WORKERS_UNSET);
    assert_int_equal(o.dist, DIST_DEFAULT);
    assert_null(o.markers);
    assert_null(o.keyword);
    assert_false(o.list_markers);
    assert_int_equal(o.maxfail, 0);
    assert_true(o.timeout < 0);
    assert_int_equal(o.durations, -1);
    assert_int_equal(o.verbose, 0);
    assert_string_equal(o.color, "auto");
    assert_int_equal(o.test_paths.n + o.deselect.n + o.pytest_args.n, 0);
    assert_false(o.forked || o.strict_markers || o.dry_run || o.help);
    options_release(&o);
}

static void test_workers(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        int workers;
    } cases[] = {
        {{"-n4"}, 4},
        {{"-n", "4"}, 4},
        {{"-n=4"}, 4},
        {{"--workers=3"}, 3},
        {{"--workers", "3"}, 3},
        {{"--numprocesses=2"}, 2},
        {{"-n0"}, 0},
        {{"-nauto"}, WORKERS_AUTO},
        {{"-n", "auto"}, WORKERS_AUTO},
        {{"-n65534"}, 65534},
        {{"-n", "logical"}, WORKERS_LOGICAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        parse_good(&o, cases[i].words);
        assert_int_equal(o.workers, cases[i].workers);
        assert_int_equal(o.test_paths.n, 0);
        options_release(&o);
    }
}

static void test_dist(void **state)
{
    (void)state;
    static const char *const names[] = {"load",      "loadscope", "loadfile", "loadgroup",
                                        "worksteal", "each",      "no"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct options o;
        parse_good(&o, WORDS(i % 2 ? "--dist" : "--distribution", names[i]));
        assert_string_equal(dist_name(o.dist), names[i]);
        assert_int_equal(o.dist, DIST_LOAD + i);
        options_release(&o);
    }
    assert_string_equal(dist_name(DIST_DEFAULT), "");
}

static void test_every_value(void **state)
{
    (void)state;
    struct options o;
    parse_good(&o, WORDS("--manifest", "m.json", "--python=/usr/bin/python3", "--timeout", "2.5",
                         "--durations=10", "--junitxml", "a.xml", "--report-json=r.json",
                         "--color=no", "--output", "out.mk", "--maxfail=3", "--forked",
                         "--strict-markers", "--dry-run", "--deselect", "a::b", "--deselect=c",
                         "--test-path", "p", "q", "-k", "x and y", "--worker-start=spawn",
                         "-h"));
    assert_string_equal(o.manifest, "m.json");
    assert_string_equal(o.python, "/usr/bin/python3");
    assert_string_equal(o.worker_start, "spawn");
    assert_true(o.timeout == 2.5);
    assert_int_equal(o.durations, 10);
    assert_string_equal(o.junitxml, "a.xml");
    assert_string_equal(o.report_json, "r.json");
    assert_string_equal(o.color, "no");
    assert_string_equal(o.output, "out.mk");
    assert_int_equal(o.maxfail, 3);
    assert_string_equal(o.keyword, "x and y");
    assert_true(o.forked && o.strict_markers && o.dry_run && o.help);
    assert_joined(&o.deselect, "a::b|c");
    assert_joined(&o.test_paths, "p|q");
    assert_int_equal(o.pytest_args.n, 0);
    options_release(&o);
    parse_good(&o, WORDS("--junit-xml=b.xml", "--junitprefix", "ci.linux", "--timeout=0", "--durations", "0"));
    assert_string_equal(o.junitxml, "b.xml");
    assert_string_equal(o.junit_prefix, "ci.linux");
    assert_true(o.timeout == 0);
    assert_int_equal(o.durations, 0);
    options_release(&o);
}

static void test_markers(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *markers;
        bool list;
        const char *paths;
    } cases[] = {
        {{"-m", "unit"}, "unit", false, ""},
        {{"-munit"}, "unit", false, ""},
        {{"-m=unit"}, "unit", false, ""},
        {{"-mnot slow"}, "not slow", false, ""},
        {{"--markers", "unit"}, "unit", false, ""},
        {{"--markers=unit", "t"}, "unit", false, "t"},
        {{"-m", ""}, "", false, ""},
        {{"--markers="}, "", false, ""},
        {{"-m"}, NULL, true, ""},
        {{"--markers"}, NULL, true, ""},
        {{"tests", "--markers"}, NULL, true, "tests"},
        {{"--markers", "-v"}, NULL, true, ""},
        {{"-m", "--workers=2"}, NULL, true, ""},
        {{"-m", "-odd name"}, NULL, true, ""}, /* -o is an option */
        {{"-m", "-Xx or y"}, "-Xx or y", false, ""},
        {{"-m", "--", "t"}, NULL, true, "t"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        parse_good(&o, cases[i].words);
        assert_int_equal(o.list_markers, cases[i].list);
        assert_int_equal(o.markers != NULL, cases[i].markers != NULL);
        if (o.markers)
            assert_string_equal(o.markers, cases[i].markers);
        assert_joined(&o.test_paths, cases[i].paths);
        options_release(&o);
    }
}

static void test_counts(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        int verbose, maxfail;
    } cases[] = {
        {{"-v"}, 1, 0},
        {{"-vv"}, 2, 0},
        {{"-v", "--verbose", "-q"}, 1, 0},
        {{"-qq"}, -2, 0},
        {{"--quiet"}, -1, 0},
        {{"--verbosity=2"}, 2, 0},
        {{"--verbosity", "-1"}, -1, 0},
        {{"-x"}, 0, 1},
        {{"--exitfirst"}, 0, 1},
        {{"-x", "--maxfail=4"}, 0, 4},
        {{"--maxfail", "4", "-x"}, 0, 1},
        {{"-xvv"}, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        parse_good(&o, cases[i].words);
        assert_int_equal(o.verbose, cases[i].verbose);
        assert_int_equal(o.maxfail, cases[i].maxfail);
        options_release(&o);
    }
}

/* What pytest alone knows goes to it in order, with its value; nothing of it becomes a path. */
static void test_pytest_args(void **state)
{
    (void)state;
    static const struct {
        const char *words[MOST_WORDS];
        const char *pytest, *paths;
    } cases[] = {
        {{"-p", "no:cacheprovider", "t"}, "-p|no:cacheprovider", "t"},
        {{"-pno:cacheprovider", "t"}, "-pno:cacheprovider", "t"},
        {{"-o", "addopts=-v", "t"}, "-o|addopts=-v", "t"},
        {{"--override-ini", "a=b", "t"}, "--override-ini|a=b", "t"},
        {{"-W", "error", "--log-level", "INFO", "-l", "t"}, "-W|error|--log-level|INFO|-l", "t"},
        {{"-c", "x.ini", "t"}, "-c|x.ini", "t"},
        {{"-l", "t"}, "-l", "t"},
        {{"-xvl", "t"}, "-l", "t"},
        {{"-lvp", "no:x", "t"}, "-l|-p|no:x", "t"},
        {{"-lpno:x", "t"}, "-l|-pno:x", "t"},
        {{"--sw", "t"}, "--sw", "t"},
        {{"--cov", "src", "t"}, "", "t"},
        {{"--cov=src", "--cov-branch", "t"}, "", "t"},
        {{"--cov", "-v", "t"}, "", "t"},
        {{"--cov-report", "xml", "--no-cov", "t"}, "", "t"},
        {{"--log-level", "DEBUG", "--log-cli-level=INFO"},
         "--log-level|DEBUG|--log-cli-level=INFO",
         ""},
        {{"--ignore", "a", "--ignore-glob=b*", "--rootdir", "."},
         "--ignore|a|--ignore-glob=b*|--rootdir|.",
         ""},
        {{"--import-mode", "importlib", "--assert", "plain", "--basetemp", "b"},
         "--import-mode|importlib|--assert|plain|--basetemp|b",
         ""},
        {{"--durations-min", "1", "--maxschedchunk", "3", "--confcutdir", "c"},
         "--durations-min|1|--maxschedchunk|3|--confcutdir|c",
         ""},
        {{"--unknown", "word"}, "--unknown", "word"},
        {{"--unknown=value", "word"}, "--unknown=value", "word"},
        {{"--html=my report.html"}, "--html=my report.html", ""},
        {{"-z", "word"}, "-z", "word"},
        {{"-vzoom", "word"}, "-zoom", "word"},
        {{"--ignore"}, "--ignore", ""},
        {{"-p", "-v"}, "-p", ""},
        {{"--strict", "t"}, "", "t"},
        {{"--mark", "t"}, "--mark", "t"}, /* no abbreviations */
        {{"-", "-5", "-1.5", "-y and space"}, "", "-|-5|-1.5|-y and space"},
        {{"a", "--", "-v", "--lf", "--"}, "", "a|-v|--lf|--"},
        {{"@file", "a::b[-x]", "$(touch pwned)"}, "", "@file|a::b[-x]|$(touch pwned)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        parse_good(&o, cases[i].words);
        assert_joined(&o.pytest_args, cases[i].pytest);
        assert_joined(&o.test_paths, cases[i].paths);
        options_release(&o);
    }
    struct options o;
    parse_good(&o, WORDS("--strict"));
    assert_true(o.strict && o.strict_markers);
    options_release(&o);
    parse_good(&o, WORDS("--strict-markers"));
    assert_true(!o.strict && o.strict_markers);
    options_release(&o);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *message;
    } cases[] = {
        {{"-n", "four"},
         "command line: -n: 'four' is not accepted; give a number from 0 to 65534, "
         "auto or logical"},
        {{"--workers=-1"},
         "command line: --workers: '-1' is not accepted; give a number from 0 to "
         "65534, auto or logical"},
        {{"-n65535"},
         "command line: -n: '65535' is not accepted; give a number from 0 to 65534, "
         "auto or logical"},
        {{"-n99999999999999999999"},
         "command line: -n: '99999999999999999999' is not accepted; give "
         "a number from 0 to 65534, auto or logical"},
        {{"-n"},
         "command line: -n: the value is missing; give a number from 0 to 65534, auto or "
         "logical"},
        {{"-n", "-v"},
         "command line: -n: the value is missing; give a number from 0 to 65534, auto "
         "or logical"},
        {{"-k"}, "command line: -k: the value is missing; give an expression"},
        {{"--dist", "loadscop"},
         "command line: --dist: 'loadscop' is not accepted; give load, "
         "loadscope, loadfile, loadgroup, worksteal, each or no"},
        {{"--dist="},
         "command line: --dist: '' is not accepted; give load, loadscope, loadfile, "
         "loadgroup, worksteal, each or no"},
        {{"--maxfail", "1x"},
         "command line: --maxfail: '1x' is not accepted; give a number from 0"},
        {{"--maxfail=-1"}, "command line: --maxfail: '-1' is not accepted; give a number from 0"},
        {{"--maxfail=2147483648"},
         "command line: --maxfail: '2147483648' is not accepted; give a number from 0"},
        {{"--maxfail="}, "command line: --maxfail: '' is not accepted; give a number from 0"},
        {{"--durations=all"},
         "command line: --durations: 'all' is not accepted; give a number from "
         "0"},
        {{"--timeout", "1m"},
         "command line: --timeout: '1m' is not accepted; give seconds, for "
         "example 2.5"},
        {{"--timeout=nan"},
         "command line: --timeout: 'nan' is not accepted; give seconds, for "
         "example 2.5"},
        {{"--timeout=1e999"},
         "command line: --timeout: '1e999' is not accepted; give seconds, for "
         "example 2.5"},
        {{"--timeout=-2"},
         "command line: --timeout: '-2' is not accepted; give seconds, for "
         "example 2.5"},
        {{"--color", "maybe\n"},
         "command line: --color: 'maybe\\n' is not accepted; give yes, no or "
         "auto"},
        {{"--worker-start=forks"},
         "command line: --worker-start: 'forks' is not accepted; give auto, fork or "
         "spawn"},
        {{"--manifest="}, "command line: --manifest: '' is not accepted; give the path of a file"},
        {{"--deselect="},
         "command line: --deselect: '' is not accepted; give the start of a test "
         "id"},
        {{"--forked=yes"},
         "command line: --forked: takes no value; leave out the = and what "
         "follows"},
        {{"-x=1"}, "command line: -x: takes no value; leave out the = and what follows"},
        {{"-s=1"}, "command line: -s: takes no value; leave out the = and what follows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        struct error err = ERROR_INIT;
        if (parse(&o, cases[i].words, &err))
            fail_msg("%s is accepted", cases[i].words[0]);
        assert_string_equal(err.msg, cases[i].message);
        assert_int_equal(err.code, EXIT_USAGE);
        error_release(&err);
        options_release(&o);
    }
}

/* The ini's addopts first, the command line on top. */
static void test_on_top(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    char *ini[] = {(char *)"-n",   (char *)"2",  (char *)"-m",
                   (char *)"unit", (char *)"-v", (char *)"--color=yes"};
    char *line[] = {(char *)"-n4", (char *)"-m", (char *)"slow", (char *)"-v",
                    (char *)"--color=no"};
    options_init(&o);
    assert_true(options_parse(&o, 6, ini, "pytest.ini: addopts", &err));
    assert_true(options_parse(&o, 5, line, "command line", &err));
    assert_int_equal(o.workers, 4);
    assert_string_equal(o.markers, "slow");
    assert_string_equal(o.color, "no");
    assert_int_equal(o.verbose, 2);
    char *bad[] = {(char *)"--dist=x"};
    assert_false(options_parse(&o, 1, bad, "pytest.ini: addopts", &err));
    assert_non_null(strstr(err.msg, "pytest.ini: addopts: --dist: 'x'"));
    error_release(&err);
    options_release(&o);
}

static void test_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *option, *message;
    } cases[] = {
        {"--makers", "unknown option --makers; did you mean --markers? 'rowlock --help' lists them "
                     "all"},
        {"--wrokers=3", "unknown option --wrokers; did you mean --workers? 'rowlock --help' lists "
                        "them all"},
        {"--zebra", "unknown option --zebra; 'rowlock --help' lists them all"},
        {"-z", "unknown option -z; 'rowlock --help' lists them all"},
        {"--\x1b[31m", "unknown option --\\x1b[31m; 'rowlock --help' lists them all"},
        {"--sw", "option --sw is for pytest, and no pytest suite is to run; leave it out"},
        {"--log-level=DEBUG", "option --log-level is for pytest, and no pytest suite is to run; "
                              "leave it out"},
        {"-p", "option -p is for pytest, and no pytest suite is to run; leave it out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        assert_false(options_unknown(cases[i].option, &err));
        assert_string_equal(err.msg, cases[i].message);
        assert_int_equal(err.code, EXIT_USAGE);
        error_release(&err);
    }
}

static char *help(int width)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    options_help(f, width, NULL);
    fclose(f);
    return text;
}

static void test_help(void **state)
{
    (void)state;
    static const int widths[] = {40, 60, 80, 120};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char *text = help(widths[i]), *rest = text, *line;
        while ((line = strsep(&rest, "\n")))
            if (strlen(line) > (size_t)widths[i])
                fail_msg("width %d: '%s'", widths[i], line);
        free(text);
    }
    char *text = help(80);
    static const char *const parts[] = {
        "Selection:\n  -m, --markers [EXPR]    run the tests whose markers match EXPR,",
        "\n  -n, --numprocesses, --workers N\n                          how many tests run",
        "\n  --dist, --distribution HOW\n                          which tests",
        "\nWorkers:\n",
        "\nRunning:\n",
        "\nReports:\n",
        "--junitxml, --junit-xml FILE",
        "\n  -h, --help              show this help\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("missing: %s\nin:\n%s", parts[i], text);
    free(text);
}

static void test_long_words(void **state)
{
    (void)state;
    enum { LONG = 64 * 1024 };
    char *word = xmalloc(LONG + 3);
    memset(word, '-', LONG + 2);
    word[LONG + 2] = '\0';
    struct options o;
    struct error err = ERROR_INIT;
    parse_good(&o, WORDS(word));
    assert_int_equal(o.pytest_args.n, 1);
    assert_false(options_unknown(word, &err));
    assert_true(strlen(err.msg) < 200);
    options_release(&o);
    assert_false(parse(&o, WORDS("--color", word + LONG + 2, "--dist=", word), &err));
    assert_true(strlen(err.msg) < 200);
    options_release(&o);
    error_release(&err);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_workers),
        cmocka_unit_test(test_dist),        cmocka_unit_test(test_every_value),
        cmocka_unit_test(test_markers),     cmocka_unit_test(test_counts),
        cmocka_unit_test(test_pytest_args), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_on_top),      cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_help),        cmocka_unit_test(test_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
