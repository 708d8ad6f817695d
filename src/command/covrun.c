#include "command/covrun.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/covpython.h"
#include "run/isolation.h"

#define SKIP_COVERED ":skip-covered"

/* The kinds of reports: the option of collect that writes it, and where to by default. */
static const struct kind {
    const char *name;
    const char *option;
    const char *file; /* %s: parallel or sequential; NULL: none is written */
    bool unasked;     /* written where no --cov-report is given */
} kinds[] = {
    {"term", NULL, NULL, true},
    {"term-missing", "--missing", NULL, false},
    {"xml", "--xml", "coverage-%s.xml", true},
    {"json", "--json", "coverage-%s.json", true},
    {"lcov", "--lcov", "coverage-%s.info", false},
    {"html", "--html", "htmlcov/%s", true},
    {"markdown", "--markdown", "coverage-%s.md", false},
    {"markdown-append", "--markdown-append", "coverage-%s.md", false},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds, MOST_MESSAGES = 5 };

#define NO_JSON                                                                                     \
    "rowlock: --cov-append: nothing is added, as it is the JSON report that earlier runs are read " \
    "from; give --cov-report=json, too\n"

static const struct kind *find_kind(const char *report)
{
    size_t len = strcspn(report, ":");
    for (size_t i = 0; i < N_KINDS; i++)
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, report, len) == 0)
            return &kinds[i];
    return NULL;
}

/* pytest-cov's, for which html stands in. */
static bool is_annotate(const char *report)
{
    return strncmp(report, "annotate", 8) == 0 && (!report[8] || report[8] == ':');
}

static bool is_report(const char *report)
{
    const struct kind *k = find_kind(report);
    const char *colon = strchr(report, ':');
    return !*report || is_annotate(report) ||
           (k && (k->file || !colon || strcmp(colon, SKIP_COVERED) == 0));
}

static char *data_folder(const struct suite *s)
{
    char *relative = path_join(s->store.dir, "coverage"), *path = path_join(s->root, relative);
    free(relative);
    return path;
}

bool covrun_start(const struct suite *s, struct error *err)
{
    const struct options *o = &s->options;
    if (!o->coverage && !o->cov)
        return true;
    for (size_t i = 0; i < o->cov_report.n; i++) {
        const char *report = o->cov_report.v[i];
        if (is_report(report))
            continue;
        char *quoted = text_quote(report);
        error_set(err, EXIT_USAGE,
                  "--cov-report %s: give term or term-missing, with " SKIP_COVERED " behind it if "
                  "you like, or xml, json, lcov, html, markdown or markdown-append, likewise with "
                  ":PATH",
                  quoted);
        free(quoted);
        return false;
    }
    char *folder = data_folder(s);
    bool ok = file_mkdirs(folder, err);
    if (ok && o->coverage)
        setenv(ISOLATION_COVERAGE, folder, 1);
    free(folder);
    return ok;
}

static char *default_path(const struct suite *s, const struct kind *k)
{
    struct buf path = BUF_INIT;
    buf_addf(&path, "%.*s%s%s", (int)strcspn(k->file, "%"), k->file,
             s->sequential ? "sequential" : "parallel", strchr(k->file, '%') + 2);
    return buf_detach(&path);
}

/* Where the JSON report is written to, or NULL if none is. */
static char *json_path(const struct suite *s)
{
    const struct strv *reports = &s->options.cov_report;
    const struct kind *json = find_kind("json");
    for (size_t i = 0; i < reports->n; i++) {
        const char *colon = strchr(reports->v[i], ':');
        if (find_kind(reports->v[i]) == json)
            return colon && colon[1] ? xstrdup(colon + 1) : default_path(s, json);
    }
    return reports->n ? NULL : default_path(s, json);
}

/* --cov-append: the report of the run before counts, too. */
static void add_earlier(struct strv *words, const struct suite *s)
{
    char *path = s->options.cov_append ? json_path(s) : NULL;
    if (path && access(path, F_OK) == 0)
        strv_push(words, path);
    else if (s->options.cov_append && !path)
        fputs(NO_JSON, stderr);
    free(path);
}

/* The words for collect that make one report. */
static void add_report(struct strv *words, const struct suite *s, const struct kind *k,
                       const char *path)
{
    if (k->option)
        strv_push(words, k->option);
    if (!k->file && path)
        strv_push(words, "--skip-covered");
    if (!k->file)
        return;
    if (path)
        strv_push(words, path);
    else
        strv_push_nodup(words, default_path(s, k));
}

static void add_reports(struct strv *words, const struct suite *s)
{
    const struct options *o = &s->options;
    bool table = !o->cov_report.n;
    for (size_t i = 0; !o->cov_report.n && i < N_KINDS; i++)
        if (kinds[i].unasked)
            add_report(words, s, &kinds[i], NULL);
    for (size_t i = 0; i < o->cov_report.n; i++) {
        const struct kind *k = find_kind(o->cov_report.v[i]);
        const char *colon = strchr(o->cov_report.v[i], ':');
        if (is_annotate(o->cov_report.v[i]))
            command_say("warning: --cov-report annotate is not written under --coverage; the report "
                        "html shows the same");
        if (!k) /* "": none */
            continue;
        table |= !k->file;
        add_report(words, s, k, colon && colon[1] ? colon + 1 : NULL);
    }
    if (!table || o->verbose < 0)
        strv_push(words, "-q");
    if (o->cov_precision >= 0) {
        strv_push(words, "--precision");
        strv_pushf(words, "%d", o->cov_precision);
    }
    char *covered = path_join(s->store.dir, "covered"), *path = path_join(s->root, covered);
    strv_push(words, "--totals");
    strv_push_nodup(words, path);
    free(covered);
    if (o->cov_fail_under >= 0) {
        strv_push(words, "--fail-under");
        strv_pushf(words, "%.15g", o->cov_fail_under);
    }
}

/* What libgcov had to say, which would else have been on the tests' standard error, and measuring.py. */
static void say_messages(const char *folder)
{
    char *path = path_join(folder, "messages");
    struct buf text = BUF_INIT, line = BUF_INIT;
    struct error err = ERROR_INIT;
    size_t n = 0;
    if (access(path, R_OK) == 0 && file_read(path, &text, &err) && text.len)
        for (const char *p = text.data, *end; *p; p = *end ? end + 1 : end) {
            end = strchrnul(p, '\n');
            buf_clear(&line);
            text_escape(&line, p, (size_t)(end - p), 300);
            if (n++ < MOST_MESSAGES)
                fprintf(stderr, "rowlock: %s\n", buf_cstr(&line));
        }
    if (n > MOST_MESSAGES)
        fprintf(stderr, "rowlock: %zu more messages like these\n", n - MOST_MESSAGES);
    error_release(&err);
    buf_release(&text);
    buf_release(&line);
    free(path);
}

static bool data_seen; /* by see_data: nftw hands nothing through */

static int see_data(const char *path, const struct stat *st, int type, struct FTW *at)
{
    size_t n = strlen(path);
    (void)st;
    (void)at;
    data_seen = type == FTW_F && n > 5 && strcmp(path + n - 5, ".gcda") == 0;
    return data_seen;
}

/* Have native tests left any data? */
static bool has_native(const char *folder)
{
    data_seen = false;
    nftw(folder, see_data, 32, FTW_PHYS);
    return data_seen;
}

/* Lets collect make the reports; false if nothing was measured. */
static bool report(const struct suite *s, const char *folder, int *code)
{
    struct invocation collect = {"collect", NULL, STRV_INIT};
    add_reports(&collect.args, s);
    bool any = covpython_inputs(&collect.args, s, folder);
    if (any && s->options.cov_context)
        strv_push(&collect.args, "--asked-contexts");
    if (has_native(folder)) {
        strv_push(&collect.args, folder);
        any = true;
    }
    if (any)
        add_earlier(&collect.args, s);
    int reported = any ? command_collect(&collect) : EXIT_OK;
    if (*code == EXIT_OK)
        *code = reported;
    strv_release(&collect.args);
    return any;
}

int covrun_report(const struct suite *s, int code)
{
    if (!s->options.coverage && !s->options.cov)
        return code;
    char *folder = data_folder(s);
    unsetenv(ISOLATION_COVERAGE);
    fflush(stdout);
    say_messages(folder);
    if (s->options.no_cov_on_fail && code == EXIT_FAILED)
        fputs("rowlock: --no-cov-on-fail: a test failed, so there is no report of coverage\n", stderr);
    else if (!report(s, folder, &code) && s->options.coverage && s->plan.n_tests) {
        fputs("rowlock: --coverage: no test has left coverage data; build the programs with "
              "gcc --coverage\n",
              stderr);
        if (s->options.cov_fail_under > 0 && code == EXIT_OK)
            code = EXIT_FAILED;
    }
    file_remove_tree(AT_FDCWD, folder);
    free(folder);
    return code;
}
