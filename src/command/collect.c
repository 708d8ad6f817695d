/* collect: coverage data of any format in, reports out. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/collectpy.h"
#include "command/command.h"
#include "command/program.h"
#include "coverage/compare.h"
#include "coverage/demangle.h"
#include "coverage/exclude.h"
#include "coverage/html.h"
#include "coverage/names.h"
#include "coverage/native.h"
#include "coverage/read.h"
#include "coverage/write.h"
#include "run/cpus.h"

struct collect {
    const char *objects, *source_root;
    const char *html, *html_title;
    double html_low, html_high; /* percent; below 0: not given */
    const char *xml, *json, *lcov, *markdown, *totals;
    bool markdown_append;
    struct strv include, omit; /* globs on the names of source files */
    const char *root;          /* absolute, while inputs are read */
    double fail_under;         /* percent; below 0: not given */
    int decimals;              /* of percentages; below 0: not given */
    const char *sort;          /* of the table; NULL: not given */
    enum cov_table_format format;
    bool missing, quiet, compare, no_counts, skip_covered, skip_empty, no_markers, show_contexts;
    bool asked_contexts; /* by --cov-context of a run */
    struct strv inputs;
    struct collectpy python;
    struct coverage coverage;
    unsigned skipped; /* inputs that could not be read */
};

struct collect_option {
    const char *name;  /* with its dashes */
    const char *value; /* what --help calls it; NULL: it has none */
    bool (*store)(struct collect *k, const struct collect_option *o, const char *value);
    size_t offset;
    const char *help;
};

static void *field(struct collect *k, const struct collect_option *o)
{
    return (char *)k + o->offset;
}

static bool store_text(struct collect *k, const struct collect_option *o, const char *value)
{
    *(const char **)field(k, o) = value;
    return *value;
}

static bool store_item(struct collect *k, const struct collect_option *o, const char *value)
{
    strv_push(field(k, o), value);
    return *value;
}

/* "REGEX,REGEX", as coverage.py splits it. */
static bool store_list(struct collect *k, const struct collect_option *o, const char *value)
{
    for (const char *end; *value; value = *end ? end + 1 : end) {
        end = strchrnul(value, ',');
        strv_pushf(field(k, o), "%.*s", (int)(end - value), value);
    }
    return ((struct strv *)field(k, o))->n > 0;
}

static bool store_flag(struct collect *k, const struct collect_option *o, const char *value)
{
    (void)value;
    *(bool *)field(k, o) = true;
    return true;
}

static bool store_percent(struct collect *k, const struct collect_option *o, const char *value)
{
    char *end;
    double v = strtod(value, &end);
    *(double *)field(k, o) = v;
    return end != value && !*end && v >= 0 && v <= 100;
}

static bool store_decimals(struct collect *k, const struct collect_option *o, const char *value)
{
    *(int *)field(k, o) = *value - '0';
    return *value >= '0' && *value <= '9' && !value[1];
}

static bool store_sort(struct collect *k, const struct collect_option *o, const char *value)
{
    *(const char **)field(k, o) = value;
    return cov_table_sorts_by(value);
}

static bool store_append(struct collect *k, const struct collect_option *o, const char *value)
{
    k->markdown_append = true;
    return store_text(k, o, value);
}

#define AT(member) offsetof(struct collect, member)
static const struct collect_option options[] = {
    {"--objects", "DIR", store_text, AT(objects),
     "where the .gcno files lie, if not beside the .gcda files"},
    {"--source-root", "DIR", store_text, AT(source_root),
     "only source files below it, named relative to it"},
    {"--xml", "FILE", store_text, AT(xml), "write Cobertura XML, for Codecov, GitLab and others"},
    {"--json", "FILE", store_text, AT(json), "write JSON as coverage.py does"},
    {"--lcov", "FILE", store_text, AT(lcov), "write an LCOV tracefile"},
    {"--markdown", "FILE", store_text, AT(markdown), "write the table as Markdown"},
    {"--markdown-append", "FILE", store_append, AT(markdown), NULL}, /* for covrun.c */
    {"--html", "DIR", store_text, AT(html), "write an HTML report; replaces an older one"},
    {"--html-title", "TEXT", store_text, AT(html_title), "its title"},
    {"--html-low", "PERCENT", store_percent, AT(html_low),
     "less is red; default: --fail-under, or 75"},
    {"--html-high", "PERCENT", store_percent, AT(html_high), "so much is green; default: 90"},
    {"--include", "GLOB", store_item, AT(include), "only source files that match; may be repeated"},
    {"--omit", "GLOB", store_item, AT(omit), "no source files that match; may be repeated"},
    {"--no-markers", NULL, store_flag, AT(no_markers),
     "take no notice of LCOV_EXCL_LINE, _START and _STOP in sources"},
    {"--fail-under", "PERCENT", store_percent, AT(fail_under),
     "exit with 1 if less is covered; also --cov-fail-under"},
    {"--cov-fail-under", "PERCENT", store_percent, AT(fail_under), NULL},
    {"--python", "EXE", store_text, AT(python.python),
     "the Python whose coverage.py knows the sources"},
    {"--rcfile", "FILE", store_text, AT(python.rcfile),
     "configuration of coverage.py; also --cov-config"},
    {"--cov-config", "FILE", store_text, AT(python.rcfile), NULL},
    {"--show-contexts", NULL, store_flag, AT(show_contexts),
     "in JSON and HTML, name the contexts (tests) that ran a line of Python"},
    {"--contexts", "REGEX,...", store_list, AT(python.patterns),
     "of Python, only what contexts ran that match; as in coverage.py"},
    {"--missing", NULL, store_flag, AT(missing), "name the missing lines in the table"},
    {"--skip-covered", NULL, store_flag, AT(skip_covered),
     "leave out of it files that are covered wholly"},
    {"--sort", "COLUMN", store_sort, AT(sort),
     "by name, stmts, miss, branch, brpart or cover; -COLUMN: in descending order"},
    {"--precision", "N", store_decimals, AT(decimals), "decimals of percentages, 0 to 9"},
    {"--compare", NULL, store_flag, AT(compare),
     "print what differs between two inputs; exit with 1 if anything does"},
    {"--no-counts", NULL, store_flag, AT(no_counts),
     "with --compare: whether something was run counts, not how often"},
    {"--totals", "FILE", store_text, AT(totals), NULL},                 /* for covrun.c */
    {"--asked-contexts", NULL, store_flag, AT(asked_contexts), NULL}, /* likewise */
    {"-q", NULL, store_flag, AT(quiet), "print no table"},
};
enum { N_OPTIONS = sizeof options / sizeof *options };

void command_collect_help(FILE *out)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (options[i].help)
            fprintf(out, "  %s %-*s %s\n", options[i].name, 24 - (int)strlen(options[i].name),
                    options[i].value ? options[i].value : "", options[i].help);
    fputs("\nAn input is a folder with .gcda files of GCC, a data file or JSON report of coverage.py, an\n"
          "LCOV tracefile or Cobertura XML. Those that cannot be read are named and skipped, and the\n"
          "exit code is 1.\n",
          out);
}

static bool unknown(const char *word, struct error *err)
{
    char *shown = text_quote(word);
    char *question = nearest_in_table(word, &options[0].name, N_OPTIONS, sizeof options[0]);
    error_set(err, EXIT_USAGE, "unknown option %s; %s'rowlock collect --help' lists them all", shown,
              question);
    free(question);
    free(shown);
    return false;
}

static bool refuse_value(const struct collect_option *o, const char *value, struct error *err)
{
    if (!o->value)
        return error_set(err, EXIT_USAGE, "%s: takes no value; leave out the = and what follows",
                         o->name);
    char *shown = value ? text_quote(value) : NULL;
    error_set(err, EXIT_USAGE, "%s%s%s: give %s%s%s", o->name, shown ? " " : "", shown ? shown : "",
              o->value, o->help ? ": " : "", o->help ? o->help : "");
    free(shown);
    return false;
}

/* Takes the option at args[*i] and its value. */
static bool take_option(struct collect *k, const struct strv *args, size_t *i, struct error *err)
{
    const char *word = args->v[*i], *value = NULL;
    size_t len = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
    for (size_t n = 0; n < N_OPTIONS; n++) {
        const struct collect_option *o = &options[n];
        if (strlen(o->name) != len || memcmp(o->name, word, len) != 0)
            continue;
        if (word[len])
            value = word + len + 1;
        else if (o->value && *i + 1 < args->n)
            value = args->v[++*i];
        if (!o->value == !value && o->store(k, o, value))
            return true;
        return refuse_value(o, value, err);
    }
    return unknown(word, err);
}

static bool parse(struct collect *k, const struct strv *args, struct error *err)
{
    bool behind = false; /* "--" */
    for (size_t i = 0; i < args->n; i++) {
        const char *word = args->v[i];
        if (!behind && strcmp(word, "--") == 0)
            behind = true;
        else if (behind || word[0] != '-' || !word[1])
            strv_push(&k->inputs, word);
        else if (!take_option(k, args, &i, err))
            return false;
    }
    if (!k->inputs.n)
        return error_set(err, EXIT_USAGE,
                         "no input; name coverage data, see 'rowlock collect --help'");
    if (k->compare && k->inputs.n != 2)
        return error_set(err, EXIT_USAGE, "--compare: needs two inputs behind it, there are %zu",
                         k->inputs.n);
    if (k->no_counts && !k->compare)
        return error_set(err, EXIT_USAGE, "--no-counts: goes with --compare");
    if (k->show_contexts && !k->json && !k->html)
        return error_set(err, EXIT_USAGE, "--show-contexts: goes with --json or --html");
    return true;
}

static bool wanted(const struct cov_file *f, void *arg)
{
    struct collect *k = arg;
    char *path = path_join(k->root, f->name);
    bool in = cov_name_matches(&k->include, f->name, path);
    bool out = cov_name_matches(&k->omit, f->name, path);
    free(path);
    return (in || !k->include.n) && !out;
}

/* Names the globs that choose none of the files. */
static void check_globs(const struct collect *k, const struct strv *globs, const char *option)
{
    for (size_t i = 0; i < globs->n; i++) {
        struct strv one = {globs->v + i, 1, 1};
        bool any = !k->coverage.n_files || k->compare; /* only one of the two may have such files */
        for (size_t n = 0; n < k->coverage.n_files && !any; n++) {
            char *path = path_join(k->root, k->coverage.files[n]->name);
            any = cov_name_matches(&one, k->coverage.files[n]->name, path);
            free(path);
        }
        if (any)
            continue;
        char *text = xasprintf("warning: %s %s: no source file matches; a glob is compared with the names "
                               "in the table and with whole paths, and a folder stands for all in it",
                               option, globs->v[i]);
        command_say(text);
        free(text);
    }
}

static void skip(struct collect *k, const char *why)
{
    command_say(why);
    k->skipped++;
}

/* Folders and .gcda files are read together: all data of an object are added before it is solved. */
static void read_native(struct collect *k, const struct cov_names *names)
{
    struct strv inputs = STRV_INIT, problems = STRV_INIT, notes = STRV_INIT;
    for (size_t i = 0; i < k->inputs.n; i++)
        if (cov_native_claims(k->inputs.v[i]))
            strv_push(&inputs, k->inputs.v[i]);
    struct cov_native how = {.objects = k->objects,
                             .names = *names,
                             .threads = (unsigned)cpus_available(0),
                             .notes = &notes};
    if (inputs.n)
        cov_native_read(&k->coverage, inputs.v, inputs.n, &how, &problems);
    for (size_t i = 0; i < problems.n; i++)
        skip(k, problems.v[i]);
    for (size_t i = 0; i < notes.n; i++)
        command_say(notes.v[i]);
    strv_release(&inputs);
    strv_release(&problems);
    strv_release(&notes);
}

/* How the configuration of coverage.py wants the table. */
static void take_table(struct collect *k, const struct py_config *config)
{
    if (strcmp(config->format, "markdown") == 0)
        k->format = COV_TABLE_MARKDOWN;
    else if (strcmp(config->format, "total") == 0)
        k->format = COV_TABLE_TOTAL;
    if (k->sort || !config->sort[0])
        return;
    if (cov_table_sorts_by(config->sort)) {
        k->sort = config->sort;
        return;
    }
    char *word = text_quote(config->sort);
    char *text = xasprintf("warning: coverage.py's configuration: sort = %s: no column; give name, "
                           "stmts, miss, branch, brpart or cover", word);
    command_say(text);
    free(text);
    free(word);
}

/* What the configuration of coverage.py says, where no option does. */
static void take_config(struct collect *k)
{
    const struct py_config *config = &k->python.facts.config;
    if (k->decimals < 0)
        k->decimals = config->precision < 9 ? config->precision : 9;
    if (k->fail_under < 0 && config->fail_under > 0)
        k->fail_under = config->fail_under;
    k->missing |= config->flags & PY_SHOW_MISSING;
    k->skip_covered |= config->flags & PY_SKIP_COVERED;
    k->skip_empty = config->flags & PY_SKIP_EMPTY;
    take_table(k, config);
}

static bool has_contexts(const struct py_data *d)
{
    for (size_t i = 0; i < d->n_contexts; i++)
        if (d->contexts[i][0])
            return true;
    return false;
}

/* Contexts that nobody is shown were asked for in vain, and those that are not there, too. */
static void say_hint(const struct collect *k)
{
    if (k->python.show & PY_HTML_CONTEXTS && k->python.known && !has_contexts(&k->python.data))
        command_say("note: show_contexts: no contexts were measured; run the tests with "
                    "--cov-context=test, or with 'dynamic_context = test_function' under [run] in "
                    "the configuration of coverage.py");
    if (k->asked_contexts && !k->python.show)
        command_say("note: --cov-context: no report shows which test ran what; write 'show_contexts "
                    "= true' under [html] or [json] in the configuration of coverage.py, and have "
                    "that report");
}

static bool finish_python(struct collect *k, struct error *err)
{
    struct strv problems = STRV_INIT;
    k->python.contexts = (k->json ? PY_JSON_CONTEXTS : 0) | (k->html ? PY_HTML_CONTEXTS : 0);
    k->python.show = k->show_contexts ? k->python.contexts : 0;
    bool ok = collectpy_finish(&k->python, &k->coverage, &problems, err);
    for (size_t i = 0; i < problems.n; i++)
        skip(k, problems.v[i]);
    strv_release(&problems);
    if (k->python.known)
        take_config(k);
    if (k->python.patterns.n && !k->python.data.n_files)
        command_say("warning: --contexts: no data file of coverage.py is among the inputs, and of "
                    "reports everything counts");
    if (k->python.no_match)
        command_say("warning: no context of the data matches --contexts, or contexts under [report] "
                    "in the configuration of coverage.py: nothing of Python counts as run");
    return ok;
}

static bool read_input(struct collect *k, const char *path, struct error *err)
{
    if (py_data_claims(path))
        return py_data_read(&k->python.data, path, err);
    return coverage_read_file(&k->coverage, path, err);
}

/* What comments in the sources, which lie below root, take out. */
static void exclude(struct collect *k, const char *root)
{
    struct strv warnings = STRV_INIT;
    if (!k->no_markers)
        cov_exclude(&k->coverage, root, &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        fprintf(stderr, "rowlock: warning: %s\n", warnings.v[i]);
    strv_release(&warnings);
}

/* Reports and Python's data first: only they have names that are still to be changed. */
static bool read_inputs(struct collect *k, struct error *fatal)
{
    char *root = path_absolute(k->source_root ? k->source_root : ".");
    k->root = root;
    struct cov_names names = {root, k->source_root != NULL, &k->include};
    for (size_t i = 0; i < k->inputs.n; i++) {
        struct error err = ERROR_INIT;
        const char *path = k->inputs.v[i];
        if (!cov_native_claims(path) && !read_input(k, path, &err))
            skip(k, err.msg);
        error_release(&err);
    }
    bool ok = finish_python(k, fatal);
    if (ok) {
        cov_name_files(&k->coverage, &names);
        read_native(k, &names);
        coverage_finish(&k->coverage);
        check_globs(k, &k->include, "--include");
        check_globs(k, &k->omit, "--omit");
        coverage_filter(&k->coverage, wanted, k);
        exclude(k, root);
        cov_demangle(&k->coverage);
    }
    free(root);
    return ok;
}

static time_t newest_data; /* of what take_time has seen: nftw hands nothing through */

static int take_time(const char *path, const struct stat *st, int type, struct FTW *at)
{
    size_t n = strlen(path);
    bool data = at->level == 0 || (n > 5 && strcmp(path + n - 5, ".gcda") == 0);
    if (type == FTW_F && data && st->st_mtime > newest_data)
        newest_data = st->st_mtime;
    return 0;
}

/* When the newest of the inputs, or of the .gcda files in them, was written; 0 if none tells. */
static time_t data_time(const struct strv *inputs)
{
    newest_data = 0;
    for (size_t i = 0; i < inputs->n; i++)
        nftw(inputs->v[i], take_time, 32, FTW_PHYS);
    return newest_data;
}

static bool write_html(struct collect *k, struct error *err)
{
    struct cov_html how = {.source_root = k->source_root, .title = k->html_title,
                           .low = k->html_low, .high = k->html_high,
                           .contexts = k->python.show & PY_HTML_CONTEXTS};
    if (how.low < 0)
        how.low = k->fail_under >= 0 ? k->fail_under : 75;
    if (how.high < 0)
        how.high = how.low <= 90 ? 90 : 100;
    if (how.high < how.low)
        return error_set(err, EXIT_USAGE, "--html-high %g is less than what is low, %g", how.high,
                         how.low);
    char *templates = program_templates(err);
    if (!templates)
        return false;
    how.templates = templates;
    how.data_time = data_time(&k->inputs);
    bool ok = html_write(&k->coverage, &how, k->html, err);
    free(templates);
    return ok;
}

/* Opens the file for a table; one that is to be added to is copied first. */
static bool open_markdown(struct collect *k, struct outfile *o, struct error *err)
{
    struct buf before = BUF_INIT;
    bool ok = !k->markdown_append || access(k->markdown, F_OK) != 0 ||
              file_read(k->markdown, &before, err);
    ok = ok && outfile_open(o, k->markdown, err);
    if (ok && before.len)
        fwrite(before.data, 1, before.len, o->f);
    buf_release(&before);
    return ok;
}

static bool write_tables(struct collect *k, struct error *err)
{
    struct cov_table table = {k->missing, k->decimals, k->skip_covered, k->skip_empty, k->sort,
                              COV_TABLE_MARKDOWN};
    struct outfile o;
    if (k->markdown) {
        if (!open_markdown(k, &o, err))
            return false;
        cov_table_write(&k->coverage, &table, o.f);
        if (!outfile_commit(&o, err))
            return false;
    }
    table.format = k->format;
    if (!k->quiet)
        cov_table_write(&k->coverage, &table, stdout);
    return true;
}

/* The folders that the reports are to lie in. */
static bool make_folders(const struct collect *k, struct error *err)
{
    const char *const files[] = {k->xml, k->json, k->lcov, k->markdown};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof files / sizeof *files; i++) {
        char *folder = files[i] ? path_dirname(files[i]) : NULL;
        ok = !folder || file_mkdirs(folder, err);
        free(folder);
    }
    return ok;
}

static bool write_reports(struct collect *k, struct error *err)
{
    k->decimals = k->decimals < 0 ? 0 : k->decimals;
    if (!make_folders(k, err))
        return false;
    char *root = path_absolute(k->source_root ? k->source_root : ".");
    const struct py_config *config = &k->python.facts.config;
    struct cov_json json = {k->python.known ? config->version : NULL, k->decimals,
                            k->python.show & PY_JSON_CONTEXTS};
    struct cov_xml xml = {.root = root, .skip_empty = k->skip_empty};
    if (k->python.known) {
        xml.sources = config->sources;
        xml.n_sources = config->n_sources;
        xml.relative = config->flags & PY_RELATIVE_FILES;
        xml.package_depth = config->package_depth;
    }
    bool ok = (!k->xml || cobertura_write(&k->coverage, k->xml, &xml, err)) &&
              (!k->json || cov_json_write(&k->coverage, k->json, &json, err));
    free(root);
    if (!ok)
        return false;
    if ((k->lcov && !lcov_write(&k->coverage, k->lcov, err)) || (k->html && !write_html(k, err)))
        return false;
    return write_tables(k, err);
}

/* As coverage.py has it: what counts is the percentage rounded to the decimals that are shown, or
 * to those of the threshold; but 100 is 100. */
static bool falls_short(double percent, double threshold, int decimals)
{
    char text[64];
    if (threshold >= 100)
        return percent < 100;
    snprintf(text, sizeof text, "%.15g", threshold);
    const char *dot = strchr(text, '.');
    int own = dot ? (int)strlen(dot + 1) : 0;
    snprintf(text, sizeof text, "%.*f", own > decimals ? own : decimals, percent);
    return strtod(text, NULL) < threshold;
}

static int collect(struct collect *k, struct error *err)
{
    if (!read_inputs(k, err))
        return err->code;
    if (!k->coverage.n_files) {
        if (k->skipped)
            error_set(err, EXIT_FAILED, "no input could be read; nothing is written");
        else
            error_set(err, EXIT_FAILED, "no source file is left; see --include and --omit");
        return EXIT_FAILED;
    }
    if (!write_reports(k, err))
        return EXIT_INTERNAL;
    say_hint(k);
    struct cov_totals t = coverage_totals(&k->coverage);
    double percent = cov_percent(t.covered, t.coverable);
    if (k->totals) {
        char text[80];
        int n = snprintf(text, sizeof text, "covered %llu\ncoverable %llu\n",
                         (unsigned long long)t.covered, (unsigned long long)t.coverable);
        if (!file_write(k->totals, text, (size_t)n, err))
            return EXIT_INTERNAL;
    }
    if (falls_short(percent, k->fail_under, k->decimals)) {
        char text[COV_PERCENT_MAX];
        fflush(stdout);
        fprintf(stderr, "rowlock: %s%% is covered, less than --fail-under %g\n",
                cov_percent_text(text, percent, k->decimals ? k->decimals : 2), k->fail_under);
        return EXIT_FAILED;
    }
    return k->skipped ? EXIT_FAILED : EXIT_OK;
}

/* Reads one of two inputs by itself. */
static bool read_alone(struct collect *k, char *input, struct coverage *c, struct error *err)
{
    struct collect one = *k;
    coverage_init(&one.coverage);
    collectpy_init(&one.python);
    one.python.python = k->python.python;
    one.python.rcfile = k->python.rcfile;
    for (size_t i = 0; i < k->python.patterns.n; i++)
        strv_push(&one.python.patterns, k->python.patterns.v[i]);
    one.inputs = (struct strv)STRV_INIT;
    strv_push(&one.inputs, input);
    bool ok = read_inputs(&one, err);
    k->skipped = one.skipped;
    *c = one.coverage;
    collectpy_release(&one.python);
    strv_release(&one.inputs);
    return ok;
}

static int compare(struct collect *k, struct error *err)
{
    struct coverage a, b;
    bool ok = read_alone(k, k->inputs.v[0], &a, err);
    ok = read_alone(k, k->inputs.v[1], &b, err) && ok;
    if (!ok) {
        coverage_release(&a);
        coverage_release(&b);
        return err->code;
    }
    size_t n = cov_compare(&a, &b, k->inputs.v[0], k->inputs.v[1], !k->no_counts, stdout);
    struct cov_totals t = coverage_totals(&a);
    if (!a.n_files && !b.n_files)
        error_set(err, EXIT_FAILED, "nothing is compared: no source file is left in %s and %s",
                  k->inputs.v[0], k->inputs.v[1]);
    else if (n)
        printf("%zu difference%s\n", n, n == 1 ? "" : "s");
    else
        printf("no difference in %zu file%s with %llu line%s, %llu branch%s and %llu function%s\n",
               a.n_files, a.n_files == 1 ? "" : "s", (unsigned long long)t.lines,
               t.lines == 1 ? "" : "s", (unsigned long long)t.arms, t.arms == 1 ? "" : "es",
               (unsigned long long)t.functions, t.functions == 1 ? "" : "s");
    coverage_release(&a);
    coverage_release(&b);
    return n || k->skipped || err->msg ? EXIT_FAILED : EXIT_OK;
}

int command_collect(const struct invocation *inv)
{
    struct collect k = {.fail_under = -1, .html_low = -1, .html_high = -1, .decimals = -1};
    struct error err = ERROR_INIT;
    int code = EXIT_USAGE;
    coverage_init(&k.coverage);
    if (parse(&k, &inv->args, &err))
        code = k.compare ? compare(&k, &err) : collect(&k, &err);
    if (err.msg)
        code = command_fail(&err);
    coverage_release(&k.coverage);
    collectpy_release(&k.python);
    strv_release(&k.include);
    strv_release(&k.omit);
    strv_release(&k.inputs);
    return code;
}
