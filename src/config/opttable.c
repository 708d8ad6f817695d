#include "config/opttable.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/values.h"

/* A worker slot is a 16-bit number in the journal, with one value kept for "none". */
enum { MOST_WORKERS = 0xfffe };

static void *field(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

static bool store_flag(struct options *o, const struct option_row *row, const char *value)
{
    (void)value;
    *(bool *)field(o, row) = true;
    return true;
}

static bool store_text(struct options *o, const struct option_row *row, const char *value)
{
    char **at = field(o, row);
    char *copy = xstrdup(value);
    free(*at);
    *at = copy;
    return true;
}

/* A text that says nothing when it is empty. */
static bool store_name(struct options *o, const struct option_row *row, const char *value)
{
    return *value && store_text(o, row, value);
}

static bool store_item(struct options *o, const struct option_row *row, const char *value)
{
    if (!*value)
        return false;
    strv_push(field(o, row), value);
    return true;
}

static bool store_cov(struct options *o, const struct option_row *row, const char *value)
{
    o->cov = true;
    return !value || !*value || store_item(o, row, value);
}

/* What stood before it is forgotten. */
static bool store_cov_reset(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    o->cov = false;
    strv_release(&o->cov_source);
    strv_init(&o->cov_source);
    return true;
}

/* Empty for none at all. */
static bool store_report(struct options *o, const struct option_row *row, const char *value)
{
    strv_push(field(o, row), value);
    return true;
}

static bool store_percent(struct options *o, const struct option_row *row, const char *value)
{
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || !(v >= 0) || v > 100)
        return false;
    *(double *)field(o, row) = v;
    return true;
}

static bool parse_int(const char *s, int least, int *n)
{
    const char *digits = s + (*s == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    long v = strtol(s, NULL, 10);
    if (errno || v < least || v > INT_MAX)
        return false;
    *n = (int)v;
    return true;
}

static bool store_precision(struct options *o, const struct option_row *row, const char *value)
{
    return parse_int(value, 0, field(o, row)) && o->cov_precision <= 9;
}

static bool store_count(struct options *o, const struct option_row *row, const char *value)
{
    return parse_int(value, 0, field(o, row));
}

static bool store_times(struct options *o, const struct option_row *row, const char *value)
{
    enum { MOST_TIMES = 1000000 };
    int n;
    (void)row;
    if (!parse_int(value, 1, &n) || n > MOST_TIMES)
        return false;
    o->count = n;
    return true;
}

static bool store_verbosity(struct options *o, const struct option_row *row, const char *value)
{
    return parse_int(value, INT_MIN + 1, field(o, row));
}

static bool store_verbose(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    if (o->verbose < INT_MAX)
        o->verbose++;
    return true;
}

static bool store_quiet(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    if (o->verbose > INT_MIN + 1)
        o->verbose--;
    return true;
}

static bool store_exitfirst(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    o->maxfail = 1;
    return true;
}

static bool store_strict(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    o->strict = o->strict_markers = true;
    return true;
}

static bool store_memory_floor(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    o->memory_given = true;
    return value_memory_floor(value, &o->memory);
}

static bool store_seconds(struct options *o, const struct option_row *row, const char *value)
{
    return value_seconds(value, field(o, row));
}

static bool store_reruns(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    return value_reruns(value, &o->reruns);
}

static bool store_workers(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    int n;
    if (strcmp(value, "auto") == 0)
        n = WORKERS_AUTO;
    else if (strcmp(value, "logical") == 0)
        n = WORKERS_LOGICAL;
    else if (!parse_int(value, 0, &n) || n > MOST_WORKERS)
        return false;
    o->workers = n;
    return true;
}

static bool store_dist(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    for (int d = DIST_LOAD; d <= DIST_NO; d++)
        if (strcmp(value, dist_name((enum dist)d)) == 0) {
            o->dist = (enum dist)d;
            return true;
        }
    return false;
}

/* Whether these are settings of execnet, each behind "//", that change nothing for a worker of
 * Rowlock. Another Python, folder, machine or environment would change it. */
static bool tx_settings_are_harmless(const char *settings)
{
    static const char *const harmless[] = {"id=", "execmodel=", "dont_write_bytecode", NULL};
    while (settings[0] == '/' && settings[1] == '/') {
        const char *const *known = harmless;
        while (*known && strncmp(settings + 2, *known, strlen(*known)) != 0)
            known++;
        const char *next = strstr(settings + 2, "//");
        if (!*known)
            return false;
        settings = next ? next : "";
    }
    return !*settings;
}

/* How many workers one --tx asks for: "popen" or "4*popen". 0: none that Rowlock can start. */
static int tx_count(const char *spec)
{
    const char *star = strchr(spec, '*');
    int n = 1;
    char *count = star ? xmemdup0(spec, (size_t)(star - spec)) : NULL;
    bool ok = !star || (parse_int(count, 1, &n) && n <= MOST_WORKERS);
    const char *kind = star ? star + 1 : spec;
    free(count);
    return ok && strncmp(kind, "popen", 5) == 0 && tx_settings_are_harmless(kind + 5) ? n : 0;
}

static bool store_tx(struct options *o, const struct option_row *row, const char *value)
{
    int n = tx_count(value);
    if (n && o->tx_workers <= MOST_WORKERS - n)
        o->tx_workers += n;
    (void)row;
    return n > 0;
}

static bool store_color(struct options *o, const struct option_row *row, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0 && strcmp(value, "auto") != 0)
        return false;
    return store_text(o, row, value);
}

static bool store_worker_start(struct options *o, const struct option_row *row, const char *value)
{
    return value_is_worker_start(value) && store_text(o, row, value);
}

static bool is_one_of(const char *value, const char *const *list)
{
    while (*list && strcmp(*list, value) != 0)
        list++;
    return *list;
}

static bool store_tb(struct options *o, const struct option_row *row, const char *value)
{
    static const char *const styles[] = {"auto", "long", "short", "line", "native", "no", NULL};
    return is_one_of(value, styles) && store_text(o, row, value);
}

static bool store_show_capture(struct options *o, const struct option_row *row, const char *value)
{
    static const char *const streams[] = {"no", "stdout", "stderr", "log", "all", NULL};
    return is_one_of(value, streams) && store_text(o, row, value);
}

static bool store_shard(struct options *o, const struct option_row *row, const char *value)
{
    enum { MOST = 0xffff };
    const char *slash = strchr(value, '/');
    char *number = xmemdup0(value, slash ? (size_t)(slash - value) : 0);
    int i, n;
    bool ok = slash && parse_int(number, 1, &i) && parse_int(slash + 1, i, &n) && n <= MOST;
    if (ok) {
        o->shard = (uint32_t)i;
        o->shards = (uint32_t)n;
    }
    free(number);
    (void)row;
    return ok;
}

static bool store_random_order(struct options *o, const struct option_row *row, const char *value)
{
    (void)row;
    o->random_order = true;
    if (!value)
        return true;
    if (!*value || value[strspn(value, "0123456789")])
        return false;
    errno = 0;
    o->random_seed = strtoull(value, NULL, 10);
    o->random_seed_given = true;
    return errno == 0;
}

static bool store_no_failures(struct options *o, const struct option_row *row, const char *value)
{
    static const char *const ways[] = {"all", "none", NULL};
    return is_one_of(value, ways) && store_text(o, row, value);
}

static bool store_capture(struct options *o, const struct option_row *row, const char *value)
{
    static const char *const ways[] = {"fd", "sys", "no", "tee-sys", NULL};
    return value ? is_one_of(value, ways) && store_text(o, row, value) : store_text(o, row, "no");
}

static bool store_markers(struct options *o, const struct option_row *row, const char *value)
{
    if (value)
        return store_text(o, row, value);
    o->list_markers = true;
    return true;
}

#define AT(member) .offset = offsetof(struct options, member)

/* A row reads best as few lines. */
/* clang-format off */
const struct option_row option_rows[] = {
    {"Selection", 'm', {"markers"}, "[EXPR]", store_markers, AT(markers), .pytest = "-m",
     .help = "run the tests whose markers match EXPR, for example \"unit and not slow\"; without "
             "EXPR, list the registered markers"},
    {"Selection", 'k', {NULL}, "EXPR", store_text, AT(keyword), .pytest = "-k",
     .help = "run the tests whose names or keywords contain what EXPR says, for example \"convert "
             "and not network\""},
    {"Selection", 0, {"deselect"}, "ID", store_item, AT(deselect), "the start of a test id",
     .pytest = "--deselect",
     .help = "leave out the tests whose ids start with ID; may be repeated"},
    {"Selection", 0, {"last-failed", "lf"}, NULL, store_flag, AT(last_failed), .pytest = "--lf",
     .help = "run the tests that failed last, or all where none did"},
    {"Selection", 0, {"last-failed-no-failures", "lfnf"}, "WHAT", store_no_failures,
     AT(no_failures), "all or none", .pytest = "--lfnf",
     .choices = "all none",
     .help = "what --lf runs where none failed: all or none"},
    {"Selection", 0, {"failed-first", "ff"}, NULL, store_flag, AT(failed_first), .pytest = "--ff",
     .help = "start the tests that failed last before all others"},
    {"Selection", 0, {"new-first", "nf"}, NULL, store_flag, AT(new_first), .pytest = "--nf",
     .help = "start the tests that never ran before all others"},
    {"Selection", 0, {"shard"}, "I/N", store_shard, .accepts = "a part of how many, for example 1/4",
     .help = "run the Ith of N parts of the selected tests, for N machines that run one each"},
    {"Selection", 0, {"shard-times"}, "FILE", store_name, AT(shard_times), "the path of a file",
     .help = "balance the parts of --shard by the durations in FILE, the same on all machines: what "
             "list --json or --report-json has written"},
    {"Selection", 0, {"random-order"}, "[=SEED]", store_random_order,
     .accepts = "a number from 0 to 18446744073709551615",
     .help = "start the tests in a random order, as far as locks and dependencies let them; with "
             "the SEED that a run prints, in the same one again"},
    {"Selection", 0, {"test-path"}, "PATH", store_item, AT(test_paths), "a path or a test id",
     .pytest = "",
     .help = "run the tests of this file, folder or id, as if it stood without an option; may be "
             "repeated"},
    {"Selection", 0, {"tap"}, "GLOB", store_item, AT(taps), "a pattern of files",
     .help = "run the TAP scripts that the pattern (in quotes) or the folder names, as prove "
             "would; may be repeated"},
    {"Selection", 0, {"manifest"}, "FILE", store_name, AT(manifest), "the path of a file",
     .help = "read the tests from FILE instead of tests.json"},
    {"Selection", 0, {"ctest"}, "DIR", store_item, AT(ctest), "a build folder of CMake",
     .help = "take the tests that ctest has in the build folder DIR; may be repeated"},
    {"Selection", 0, {"meson"}, "DIR", store_item, AT(meson), "a build folder of Meson",
     .help = "take the tests that Meson has in the build folder DIR; may be repeated"},
    {"Selection", 0, {"ctest-config"}, "NAME", store_name, AT(ctest_config),
     "the name of a configuration, for example Debug",
     .help = "with --ctest: the configuration of a build that has several, as ctest -C"},
    {"Selection", 0, {"strict-markers"}, NULL, store_flag, AT(strict_markers),
     .help = "a marker that is not registered is an error", .pytest = "--strict-markers"},
    {"Selection", 0, {"strict"}, NULL, store_strict, .pytest = "--strict",
     .help = "--strict-markers, and whatever else pytest's own --strict means"},

    {"Workers", 'n', {"numprocesses", "workers"}, "N", store_workers, AT(workers),
     "a number from 0 to 65534, auto or logical", .pytest = "--numprocesses",
     .choices = "auto logical",
     .help = "how many tests run side by side: a number, auto (as many as there are processors to "
             "use) or logical; 0 runs them one after another"},
    {"Workers", 0, {"dist", "distribution"}, "HOW", store_dist, AT(dist),
     "load, loadscope, loadfile, loadgroup, worksteal, each or no",
     .pytest = "--dist",
     .choices = "load loadscope loadfile loadgroup worksteal each no",
     .help = "which tests stay together on a worker: load (none), loadscope (those of a class or "
             "module), loadfile (those of a file), loadgroup (those of an xdist_group), worksteal, "
             "each, no"},
    {"Workers", 'd', {NULL}, NULL, store_flag, AT(distload), .pytest = "-d",
     .help = "as --dist load"},
    {"Workers", 0, {"tx"}, "SPEC", store_tx, .pytest = "--tx",
     .accepts = "N*popen, on this machine and with the Python that --python names",
     .help = "with --dist: N*popen stands for N workers, as in pytest-xdist"},
    {"Workers", 0, {"maxprocesses"}, "N", store_count, AT(maxprocesses), "a number from 0",
     .pytest = "--maxprocesses", .help = "at most N workers, whatever -n says; 0 is no limit"},
    {"Workers", 0, {"forked"}, NULL, store_flag, AT(forked),
     .help = "run each test of a pytest suite in a process of its own, as pytest-forked does"},
    {"Workers", 0, {"python"}, "EXE", store_name, AT(python), "the path or name of a Python",
     .help = "the Python that runs the pytest suites"},
    {"Workers", 0, {"worker-start"}, "HOW", store_worker_start, AT(worker_start),
     "auto, fork or spawn",
     .choices = "auto fork spawn",
     .help = "how pytest workers start: fork (from a process that has collected), spawn (each with "
             "an interpreter of its own that collects) or auto (fork, unless that would show)"},
    {"Workers", 0, {"parallel-collect"}, NULL, store_flag, AT(parallel_collect),
     .help = "collect a pytest suite's files in several processes, each a share, where nothing "
             "speaks against it; -v says what does. The default where one process would take "
             "longer than a tenth of a second"},
    {"Workers", 0, {"no-parallel-collect"}, NULL, store_flag, AT(no_parallel_collect),
     .help = "let one process collect all files"},

    {"Running", 'x', {"exitfirst"}, NULL, store_exitfirst, .pytest = "--exitfirst",
     .help = "start no test after the first failure, as --maxfail 1"},
    {"Running", 0, {"maxfail"}, "N", store_count, AT(maxfail), "a number from 0",
     .pytest = "--maxfail", .help = "start no test after the Nth failure; 0 is no limit"},
    {"Running", 0, {"timeout"}, "S", store_seconds, AT(timeout), "seconds, for example 2.5",
     .help = "stop a test after S seconds; 0 is no limit"},
    {"Running", 0, {"run-timeout"}, "S", store_seconds, AT(run_timeout),
     "seconds, for example 900",
     .help = "end the run after S seconds: what runs then has timed out, the rest does not run; 0 "
             "is no limit"},
    {"Running", 0, {"slow-warning"}, "S", store_seconds, AT(slow_warning),
     "seconds, for example 60",
     .help = "name a test while it runs when it takes longer than S seconds, or much longer than "
             "it did before; 60 unless the ini file says otherwise, 0 never"},
    {"Running", 0, {"memory-floor"}, "SIZE", store_memory_floor,
     .accepts = "a share of all memory, such as 10%, or bytes, such as 2G",
     .help = "start no test beside others while less memory than this is free, 10% or 2G, or the "
             "kernel reports that processes wait for memory"},
    {"Running", 0, {"history-url"}, "URL", store_text, AT(history_url),
     .help = "get what earlier runs have shown from a web server, and put it back with what this "
             "run shows (HTTP GET and PUT): for CI machines, which begin empty"},
    {"Running", 0, {"reruns"}, "N", store_reruns, .accepts = "a number from 0 to 200",
     .pytest = "--reruns",
     .help = "run a test that fails again, up to N times; one that passes then is flaky"},
    {"Running", 0, {"reruns-delay"}, "S", store_seconds, AT(reruns_delay),
     "seconds, for example 2.5", .pytest = "--reruns-delay",
     .help = "wait S seconds before a test runs again"},
    {"Running", 0, {"fail-on-flaky"}, NULL, store_flag, AT(fail_on_flaky),
     .help = "the exit code is 1 if a test was flaky"},
    {"Running", 0, {"count"}, "N", store_times, .accepts = "a number from 1 to 1000000",
     .pytest = "--count", .help = "run each test N times, each time a result of its own"},
    {"Running", 0, {"until-fail"}, NULL, store_flag, AT(until_fail),
     .help = "run all tests again and again until one fails, --count N times at most, or until "
             "--run-timeout or Ctrl-C"},
    {"Running", 0, {"resume"}, NULL, store_flag, AT(resume),
     .help = "go on with the last run: what has ended there is not run again, and is reported "
             "together with the rest"},
    {"Running", 0, {"dry-run"}, NULL, store_flag, AT(dry_run),
     .help = "say what would run, where and in which order, and run nothing"},
    {"Running", 0, {"output"}, "FILE", store_name, AT(output), "the path of a file",
     .help = "where generate writes the Makefile"},

    {"Coverage", 0, {"coverage"}, NULL, store_flag, AT(coverage),
     .help = "report what was covered of Python and of programs that gcc --coverage has built"},
    {"Coverage", 0, {"cov"}, "[PATH]", store_cov, AT(cov_source), .pytest = "--cov", .bare = true,
     .help = "measure Python: this folder or package; may be repeated. With pytest-cov it measures, "
             "unless --coverage is given"},
    {"Coverage", 0, {"cov-branch"}, NULL, store_flag, AT(cov_branch), .pytest = "--cov-branch",
     .help = "measure branches of Python, too"},
    {"Coverage", 0, {"cov-append"}, NULL, store_flag, AT(cov_append), .pytest = "--cov-append",
     .help = "add to the JSON report that the run before has written"},
    {"Coverage", 0, {"cov-config"}, "FILE", store_name, AT(cov_config), "a file",
     .pytest = "--cov-config", .help = "the configuration of coverage.py"},
    {"Coverage", 0, {"cov-context"}, "test", store_name, AT(cov_context), "test",
     .pytest = "--cov-context", .choices = "test",
     .help = "keep which tests have run a line; show_contexts of coverage.py reports them"},
    {"Coverage", 0, {"cov-report"}, "KIND[:PATH]", store_report, AT(cov_report), "a kind of report",
     .pytest = "--cov-report",
     .choices = "term term-missing term:skip-covered term-missing:skip-covered xml json lcov html "
                "markdown markdown-append",
     .help = "term, term-missing (both also with :skip-covered), xml, json, lcov, html, markdown; may "
             "be repeated. Default: term, xml, json and html, in coverage-parallel.xml and so on"},
    {"Coverage", 0, {"cov-fail-under"}, "PERCENT", store_percent, AT(cov_fail_under),
     "a number from 0 to 100", .pytest = "--cov-fail-under",
     .help = "the exit code is 1 if less is covered"},
    {"Coverage", 0, {"cov-precision"}, "N", store_precision, AT(cov_precision),
     "a number from 0 to 9", .pytest = "--cov-precision",
     .help = "decimals of percentages; default: what coverage.py's configuration says, or 0"},
    {"Coverage", 0, {"no-cov"}, NULL, store_flag, AT(no_cov), .pytest = "--no-cov",
     .help = "measure nothing, whatever asks for it"},
    {"Coverage", 0, {"no-cov-on-fail"}, NULL, store_flag, AT(no_cov_on_fail),
     .pytest = "--no-cov-on-fail", .help = "no reports of coverage if a test failed"},
    {"Coverage", 0, {"cov-reset"}, NULL, store_cov_reset, .pytest = "--cov-reset",
     .help = "forget each --cov before it, as of addopts"},

    {"Reports", 'v', {"verbose"}, NULL, store_verbose, .pytest = "--verbose",
     .help = "say more; may be repeated"},
    {"Reports", 'q', {"quiet"}, NULL, store_quiet, .pytest = "--quiet",
     .help = "say less; may be repeated"},
    {"Reports", 0, {"verbosity"}, "N", store_verbosity, AT(verbose), "a number",
     .pytest = "--verbosity", .help = "as N times -v; below 0, as so many times -q"},
    {"Reports", 'r', {NULL}, "CHARS", store_text, AT(report_chars), "letters, for example a",
     .pytest = "-r",
     .help = "which lines the short summary has: (f)ailed, (E)rror, (s)kipped, (x)failed, "
             "(X)passed, (p)assed, (P)assed with output, (a)ll but passed, (A)ll, (N)one; fE"},
    {"Reports", 0, {"tb"}, "STYLE", store_tb, AT(tb), "auto, long, short, line, native or no",
     .pytest = "--tb", .choices = "auto long short line native no",
     .help = "how failures are shown: auto, long, short, line, native or no"},
    {"Reports", 0, {"show-capture"}, "WHAT", store_show_capture, AT(show_capture),
     "no, stdout, stderr, log or all", .pytest = "--show-capture",
     .choices = "no stdout stderr log all",
     .help = "which output of failed tests is shown: no, stdout, stderr, log or all"},
    {"Reports", 's', {NULL}, NULL, store_capture, AT(capture), .pytest = "--capture=no",
     .help = "show what tests print at once, as --capture=no"},
    {"Reports", 0, {"capture"}, "HOW", store_capture, AT(capture), "fd, sys, no or tee-sys",
     .pytest = "--capture", .choices = "fd sys no tee-sys",
     .help = "how the output of tests is captured: fd, sys, no or tee-sys"},
    {"Reports", 0, {"no-header"}, NULL, store_flag, AT(no_header), .pytest = "--no-header",
     .help = "show no header"},
    {"Reports", 0, {"no-summary"}, NULL, store_flag, AT(no_summary), .pytest = "--no-summary",
     .help = "show no failures and no summary, only the last line"},
    {"Reports", 0, {"durations"}, "N", store_count, AT(durations), "a number from 0",
     .pytest = "--durations",
     .help = "list the N slowest tests with their time and peak memory; 0 lists all"},
    {"Reports", 0, {"junitxml", "junit-xml"}, "FILE", store_name, AT(junitxml),
     "the path of a file", .pytest = "--junit-xml",
     .help = "write a JUnit XML report"},
    {"Reports", 0, {"junit-prefix", "junitprefix"}, "TEXT", store_text, AT(junit_prefix),
     "a word before class names", .pytest = "--junit-prefix",
     .help = "write TEXT and a dot before the class names in the JUnit XML report"},
    {"Reports", 0, {"report-json"}, "FILE", store_name, AT(report_json), "the path of a file",
     .help = "write a JSON report"},
    {"Reports", 0, {"report-markdown"}, "FILE", store_name, AT(report_markdown),
     "the path of a file",
     .help = "write a summary in Markdown: counts, failures with their output, slowest tests"},
    {"Reports", 0, {"report-tap"}, "FILE", store_name, AT(report_tap), "the path of a file",
     .help = "write the results as TAP version 14"},
    {"Reports", 0, {"report-github"}, NULL, store_flag, AT(report_github),
     .help = "write annotations and a step summary for GitHub Actions; the default where "
             "GITHUB_ACTIONS is true"},
    {"Reports", 0, {"no-report-github"}, NULL, store_flag, AT(no_report_github),
     .help = "write nothing for GitHub Actions, and let it obey what tests print"},
    {"Reports", 0, {"color"}, "WHEN", store_color, AT(color), "yes, no or auto",
     .pytest = "--color",
     .choices = "yes no auto",
     .help = "colours: yes, no, or auto (on a terminal, unless NO_COLOR is set)"},
    {"Reports", 'h', {"help"}, NULL, store_flag, AT(help), .help = "show this help"},

    {.group = NULL},
};
/* clang-format on */

static bool is_name(const char *candidate, const char *name, size_t len)
{
    return strncmp(candidate, name, len) == 0 && !candidate[len];
}

const struct option_row *option_row_long(const char *name, size_t len)
{
    enum { MOST_NAMES = sizeof option_rows->names / sizeof *option_rows->names };
    for (const struct option_row *r = option_rows; r->group; r++)
        for (size_t i = 0; i < MOST_NAMES && r->names[i]; i++)
            if (is_name(r->names[i], name, len))
                return r;
    return NULL;
}

const struct option_row *option_row_short(char letter)
{
    for (const struct option_row *r = option_rows; letter && r->group; r++)
        if (r->letter == letter)
            return r;
    return NULL;
}

/* pytest's own, then those of pytest-cov, xdist, html, timeout, rerunfailures, asyncio, randomly,
 * django, hypothesis, allure and benchmark. A name that ends with "-" stands for all that
 * start with it. */
/* clang-format off */
static const char *const with_value[] = {
    "assert", "basetemp", "code-highlight", "config-file", "confcutdir", "doctest-glob",
    "doctest-report", "durations-min", "ignore", "ignore-glob", "import-mode",
    "log-", "max-warnings", "override-ini",
    "pastebin", "pdbcls", "pythonwarnings", "report-chars", "rootdir",
    "max-worker-restart", "maxschedchunk", "px", "rsyncdir", "rsyncignore",
    "testrunuid",
    "css", "html", "session-timeout", "timeout-method",
    "only-rerun", "rerun-except",
    "asyncio-mode", "randomly-seed", "dc", "ds", "hypothesis-profile", "hypothesis-seed",
    "hypothesis-verbosity", "alluredir", "benchmark-columns", "benchmark-compare-fail",
    "benchmark-group-by", "benchmark-max-time", "benchmark-min-rounds", "benchmark-min-time",
    "benchmark-name", "benchmark-save", "benchmark-sort", "benchmark-storage", "benchmark-timer",
    NULL};
static const char *const with_maybe[] = {"benchmark-compare", "cache-show", "debug", NULL};
static const char *const without_value[] = {
    "cache-clear", "co", "collect-in-virtualenv", "collect-only",
    "continue-on-collection-errors", "disable-plugin-autoload", "disable-pytest-warnings",
    "disable-warnings", "doctest-continue-on-failure", "doctest-ignore-import-errors",
    "doctest-modules", "fixtures", "fixtures-per-test",
    "force-short-summary", "full-trace", "funcargs", "keep-duplicates",
    "loadscope-reorder", "looponfail", "no-fold-skipped",
    "no-loadscope-reorder", "no-showlocals", "noconftest", "pdb", "pyargs",
    "runxfail", "setup-only", "setup-plan", "setup-show",
    "showlocals", "stepwise", "stepwise-reset", "stepwise-skip", "strict-config", "sw", "sw-reset",
    "sw-skip", "trace", "trace-config", "version", "xfail-tb", NULL};
/* clang-format on */

static bool is_listed(const char *const *list, const char *name, size_t len)
{
    for (; *list; list++) {
        size_t n = strlen(*list);
        if (is_name(*list, name, len))
            return true;
        if ((*list)[n - 1] == '-' && len > n && strncmp(*list, name, n) == 0)
            return true;
    }
    return false;
}

enum pytest_option pytest_option_long(const char *name, size_t len)
{
    return is_listed(with_value, name, len)      ? PYTEST_VALUE
           : is_listed(with_maybe, name, len)    ? PYTEST_MAYBE
           : is_listed(without_value, name, len) ? PYTEST_FLAG
                                                 : PYTEST_UNKNOWN;
}

enum pytest_option pytest_option_short(char letter)
{
    if (letter && strchr("copW", letter))
        return PYTEST_VALUE;
    return letter && strchr("flV", letter) ? PYTEST_FLAG : PYTEST_UNKNOWN;
}
