#include "command/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/subprocess.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "command/alone.h"
#include "command/chosen.h"
#include "command/covpython.h"
#include "command/manifests.h"
#include "command/pytestargs.h"
#include "command/remember.h"
#include "command/terminal.h"
#include "command/workers.h"
#include "config/argfile.h"
#include "manifest/gtest.h"
#include "plan/repeat.h"
#include "run/cpus.h"
#include "run/driver.h"
#include "run/interrupts.h"
#include "run/platform.h"
#include "run/tokens.h"
#include "run/verdict.h"

void suite_init(struct suite *s)
{
    memset(s, 0, sizeof *s);
    options_init(&s->options);
    manifest_init(&s->manifest);
    s->manifest.ask = gtest_list_ask;
    strv_init(&s->zygote_argv);
    s->ended = -1;
}

void suite_release(struct suite *s, bool drop)
{
    zygote_kill(&s->zygote);
    if (s->store.dir)
        runstore_close(&s->store, drop);
    plan_release(&s->plan);
    resume_release(&s->resume);
    selection_release(&s->selection);
    testsjson_release(&s->json);
    pytest_info_release(&s->pytest);
    manifest_release(&s->manifest);
    strv_release(&s->zygote_argv);
    free(s->is_pytest_path);
    free(s->root);
    free(s->config_file);
    free(s->alone);
    free(s->make);
    free(s->make_version);
    program_release(&s->program);
    config_release(&s->config);
    options_release(&s->options);
}

int suite_finish(struct suite *s, int code, bool drop, struct error *err)
{
    if (s->ended >= 0)
        code = s->ended;
    else if (err->msg)
        code = command_fail(err);
    error_release(err);
    suite_release(s, drop);
    return code;
}

/* The configuration of a pytest suite is pytest's own to refuse: its message is printed, its exit
 * code returned. -1 if it has nothing against it but options that only a plugin knows. */
static int pytest_refuses(const char *python, const char *config_file)
{
    static const char as_pytest[] = "import sys; sys.argv[0] = 'pytest'; import pytest; "
                                    "sys.exit(pytest.console_main())";
    struct buf out = BUF_INIT;
    char *argv[] = {(char *)python,
                    (char *)"-c",
                    (char *)as_pytest,
                    (char *)"--markers",
                    config_file ? (char *)"-c" : NULL,
                    (char *)config_file,
                    NULL};
    int code = subprocess_output(argv, &out, 1 << 20);
    bool refused = code > 0 && code < 127 && !strstr(buf_cstr(&out), "unrecognized arguments");
    if (refused)
        fwrite(buf_cstr(&out), 1, out.len, stderr);
    buf_release(&out);
    return refused ? code : -1;
}

/* Does the command line or the folder name tests that are not pytest's? */
static bool names_native(const struct options *o)
{
    return o->manifest || o->taps.n || o->ctest.n || o->meson.n || access("tests.json", F_OK) == 0;
}

static bool has_manifest(const struct suite *s)
{
    return names_native(&s->options);
}

/* Takes pytest-parallel.ini in place of what was found, if there is one. */
static bool prefer_parallel(struct suite *s, const char *cwd, const char *python, struct error *err)
{
    s->config_file = config_parallel_file(&s->config, cwd);
    if (!s->config_file)
        return true;
    config_release(&s->config);
    return config_load(&s->config, cwd, s->config_file, python, err);
}

/* Reads s->config_file, or finds the ini file that pytest would take. */
static bool read_config(struct suite *s, enum suite_mode mode, const struct options *early,
                        const char *python, struct error *err)
{
    struct strv folders = STRV_INIT;
    char *cwd = path_absolute("."), *file = s->config_file;
    bool ok = true;
    if (file)
        strv_push(&folders, cwd);
    else
        pytestargs_folders(&early->test_paths, &folders);
    for (size_t i = 0; ok && i < folders.n && !s->config.path; i++) {
        if (i)
            config_release(&s->config);
        ok = config_load(&s->config, folders.v[i], file, python, err);
    }
    if (ok && !file && mode == SUITE_PARALLEL)
        ok = prefer_parallel(s, cwd, python, err);
    free(cwd);
    strv_release(&folders);
    return ok;
}

/* Parses the words; what makes pytest run alone is noted in s->alone. */
static bool parse(struct suite *s, struct options *o, const struct strv *words, const char *where,
                  struct error *err)
{
    size_t before = o->pytest_args.n;
    if (!options_parse(o, (int)words->n, words->v, where, err))
        return false;
    struct strv added = {o->pytest_args.v + before, o->pytest_args.n - before, 0};
    s->stepwise = s->stepwise || pytestargs_stepwise(&added);
    const char *alone = added.n ? alone_option(&added) : NULL;
    if (alone && (!s->alone || alone_is_interactive(alone))) {
        free(s->alone);
        s->alone = xstrdup(alone);
    }
    return true;
}

/* addopts of the ini file, or what -o has put in its place. */
static bool parse_addopts(struct suite *s, const struct options *early, struct error *err)
{
    const char *override = pytestargs_override(&early->pytest_args, "addopts");
    const char *ini = s->config.path ? path_basename(s->config.path) : "";
    char *where = override ? xstrdup("-o addopts") : xasprintf("%s: addopts", ini);
    struct strv split = STRV_INIT, words = STRV_INIT;
    bool ok = !override || config_split(override, where, &split, err);
    if (ok) {
        const struct strv *from = override ? &split : &s->config.addopts;
        argfile_expand(&words, from->v, from->n);
        ok = parse(s, &s->options, &words, where, err);
    }
    strv_release(&split);
    strv_release(&words);
    free(where);
    return ok;
}

static void say_chosen(const char *file)
{
    struct buf shown = BUF_INIT;
    text_escape(&shown, file, strlen(file), SIZE_MAX);
    fprintf(stderr, "rowlock: configuration: %s; -c names another one\n", buf_cstr(&shown));
    buf_release(&shown);
}

/* Reads the ini, then addopts, the environment, and the command line on top. */
static bool read_options(struct suite *s, const struct invocation *inv, enum suite_mode mode,
                         struct error *err)
{
    struct options early;
    struct strv env = STRV_INIT;
    options_init(&early);
    bool ok = pytestargs_environment(&env, err) &&
              options_parse(&early, (int)env.n, env.v, "PYTEST_ADDOPTS", err) &&
              options_parse(&early, (int)inv->args.n, inv->args.v, "command line", err);
    char *python = ok ? program_python(early.python, NULL) : NULL;
    const char *file = inv->config_file;
    if (ok && !file)
        file = pytestargs_value(&early.pytest_args, 'c', "config-file");
    s->config_file = file ? xstrdup(file) : NULL;
    if (ok && !(read_config(s, mode, &early, python, err) && parse_addopts(s, &early, err))) {
        ok = false;
        if (!names_native(&early))
            s->ended = pytest_refuses(python, s->config_file);
    }
    bool chosen = ok && !file && s->config_file;
    free(python);
    ok = ok && parse(s, &s->options, &env, "PYTEST_ADDOPTS", err);
    /* pytest reads both by itself: what it alone knows must not reach it twice. */
    options_drop_words(&s->options);
    ok = ok && parse(s, &s->options, &inv->args, "command line", err);
    if (ok && chosen && s->options.verbose > 0)
        say_chosen(s->config_file);
    options_release(&early);
    strv_release(&env);
    return ok;
}

/* Few digits, as somebody may have to type them. */
static bool choose_seed(struct options *o, struct error *err)
{
    uint32_t seed;
    if (!o->random_order || o->random_seed_given)
        return true;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        return error_errno(err, EXIT_INTERNAL, "getrandom");
    o->random_seed = seed;
    return true;
}

double suite_run_timeout(const struct suite *s)
{
    return s->options.run_timeout >= 0 ? s->options.run_timeout : s->config.run_timeout;
}

/* The clock of the run starts with the command. */
static void set_deadline(struct suite *s)
{
    enum { LONGEST = 1000000000 }; /* seconds */
    double limit = suite_run_timeout(s);
    if (limit > 0 && limit < LONGEST)
        s->deadline_ms = (uint64_t)clock_monotonic_ms() + (uint64_t)(limit * 1000);
}

bool suite_configure(struct suite *s, const struct invocation *inv, enum suite_mode mode,
                     struct error *err)
{
    jobserver_read(&s->outer, getenv("MAKEFLAGS"));
    if (!program_find(&s->program, err) || !read_options(s, inv, mode, err))
        return false;
    set_deadline(s);
    if (s->options.no_cov)
        s->options.coverage = s->options.cov = false;
    if (s->options.list_markers && !s->alone && !has_manifest(s))
        s->alone = xstrdup("--markers");
    return chosen_check(s, err) && choose_seed(&s->options, err) &&
           remember_choose(&s->remote, s->options.history_url, s->config.history_url, err) &&
           workers_choose(s, mode, err);
}

bool suite_read_manifest(struct suite *s, bool *has, struct error *err)
{
    *has = has_manifest(s);
    return manifests_read(s, err);
}

/* Could the word be a path or node id for pytest? */
static bool is_pytest_word(const char *word)
{
    const char *end = strstr(word, "::");
    char *path = end ? xmemdup0(word, (size_t)(end - word)) : xstrdup(word);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there || end;
}

/* Sorts the paths of the command line; *wanted tells whether pytest is to run at all. */
static void sort_paths(struct suite *s, bool has_manifest, bool *wanted)
{
    const struct strv *paths = &s->options.test_paths;
    bool has_pytest = !has_manifest || s->json.n_pytest;
    size_t n = 0;
    s->is_pytest_path = xcalloc(paths->n, sizeof *s->is_pytest_path);
    for (size_t i = 0; i < paths->n; i++) {
        s->is_pytest_path[i] = has_pytest && (!s->manifest.n || is_pytest_word(paths->v[i])) &&
                               map_get(&s->manifest.by_id, paths->v[i]) == MAP_NONE;
        n += s->is_pytest_path[i];
    }
    *wanted = has_pytest && (n || !paths->n);
}

static void build_zygote_argv(struct suite *s)
{
    const struct options *o = &s->options;
    struct strv *argv = &s->zygote_argv;
    strv_push_nodup(argv, program_python(o->python, s->config.python));
    strv_push(argv, s->program.zygote);
    strv_push(argv, "--rowlock-start");
    strv_push(argv, o->worker_start ? o->worker_start : s->config.worker_start);
    covpython_ask(argv, o);
    if (s->config_file) {
        strv_push(argv, "-c");
        strv_push(argv, s->config_file);
    }
    if (o->forked)
        strv_push(argv, "--forked");
    if (o->timeout >= 0) /* for pytest-timeout, where it is installed */
        strv_pushf(argv, "--timeout=%g", o->timeout);
    pytestargs_add(argv, o, s->is_pytest_path);
    if (!o->test_paths.n)
        for (size_t i = 0; i < s->json.n_pytest; i++)
            strv_push_all(argv, s->json.pytest[i].paths.v);
}

static void show_collecting(void *ctx)
{
    const struct suite *s = ctx;
    if (terminal_live(stderr) && s->options.verbose >= 0)
        fputs("\rcollecting … ", stderr);
}

static void hide_collecting(void)
{
    if (terminal_live(stderr))
        fputs("\r\033[K", stderr);
}

/* pytest got what is no option of ours, and it is none of its own either: was one of ours meant? */
static void say_what_was_meant(const struct strv *words, const char *said)
{
    const char *refused = strstr(said, "unrecognized arguments: ");
    for (size_t i = 0; refused && i < words->n; i++) {
        const char *near = strstr(refused, words->v[i]) ? options_nearest(words->v[i]) : NULL;
        char *quoted = text_quote(words->v[i]);
        if (near)
            fprintf(stderr, "rowlock: %s: did you mean --%s?\n", quoted, near);
        free(quoted);
    }
}

/* A process that was killed has said nothing about it. */
static void say_what_killed(int status)
{
    int sig = status - 128;
    if (sig <= 0 || sig >= NSIG)
        return;
    char name[32];
    verdict_signal_name(name, sizeof name, sig);
    fprintf(stderr,
            "rowlock: while it collected the tests, pytest ended with exit code %d, as a process does "
            "that was killed by %s; %s\n",
            status, name,
            sig == SIGKILL ? "the kernel does that where memory is short: try --no-parallel-collect, or run "
                             "less beside it"
                           : "see whether 'pytest --collect-only' ends so, too");
}

/* Prints what pytest said when it ended with status, and what that may mean here. */
static void show_log(const struct suite *s, int status)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    char *path = runstore_path(&s->store, "zygote.log");
    if (file_read(path, &text, &err))
        fwrite(buf_cstr(&text), 1, text.len, s->lists ? stderr : stdout);
    fflush(stdout);
    say_what_was_meant(&s->options.pytest_args, buf_cstr(&text));
    say_what_killed(status);
    if (status == EXIT_NO_TESTS && !has_manifest(s) &&
        strstr(buf_cstr(&text), "\ncollected 0 items\n"))
        fprintf(stderr, "rowlock: no pytest tests here, and no tests.json, which lists others; "
                        "'rowlock init' writes one\n");
    error_release(&err);
    free(path);
    buf_release(&text);
}

/* Takes over what the project's conftest has decided. */
static void take_choices(struct suite *s)
{
    const struct pytest_info *p = &s->pytest;
    if (p->workers >= 0) {
        int most = s->options.maxprocesses;
        s->sequential = p->workers == 0;
        s->workers = p->workers ? (unsigned)p->workers : 1;
        if (most > 0 && s->workers > (unsigned)most)
            s->workers = (unsigned)most;
    }
    for (enum dist d = DIST_LOAD; d < DIST_NO; d++)
        if (strcmp(p->dist, dist_name(d)) == 0)
            s->options.dist = d;
    for (size_t i = 0; i < p->notes.n; i++)
        command_say(p->notes.v[i]);
}

/* Unless it is asked for, several processes collect only what takes one of them longer than this: to
 * fork them, and workers from each, would cost more than it gains. */
#define COLLECT_ALONE 0.1 /* seconds of CPU time */

/* How many processes may collect at once: below an outer make, one and another for each token that it
 * has to spare now. */
static uint32_t collectors(struct suite *s, struct tokens *extra)
{
    bool wanted = s->options.parallel_collect || s->config.parallel_collect;
    if (s->options.no_parallel_collect || !wanted || s->sequential || s->workers < 2)
        return 1;
    /* More than there are processors would gain nothing. */
    uint32_t n = (uint32_t)cpus_available(0);
    n = n < 2 ? 2 : n;
    n = n < s->workers ? n : s->workers;
    if (s->outer.state != JOBSERVER_OPEN)
        return n;
    n = 1 + tokens_try(extra, &s->outer, n - 1);
    s->no_tokens = n == 1;
    return n;
}

/* Once Python starts, if it does: nobody has to wait for this then. */
static bool find_make(struct suite *s, struct error *err)
{
    return s->lists || s->make || driver_find_make(&s->make, &s->make_version, err);
}

/* Has pytest collect, in a zygote that stays for the run. */
static bool collect(struct suite *s, struct error *err)
{
    int ready, status = 0;
    struct zygote_host *z = &s->zygote;
    struct tokens extra = TOKENS_INIT;
    *z = (struct zygote_host){.store = &s->store,
                              .exec = s->program.exec,
                              .argv = s->zygote_argv.v,
                              .env_prefix = s->config.env_prefix,
                              .workers = s->workers,
                              .collectors = collectors(s, &extra),
                              .collect_alone = s->options.parallel_collect ? 0 : COLLECT_ALONE,
                              .auto_workers = s->auto_workers,
                              .choice = s->choice,
                              .dist = dist_name(s->options.dist),
                              .sequential = s->sequential,
                              .reports = true,
                              .lines = s->lists,
                              .grace = s->config.grace,
                              .columns = terminal_width(stdout),
                              .color = terminal_color(stdout, s->options.color),
                              .deadline_ms = s->deadline_ms,
                              .watch = getpid()};
    enum zygote_state state = ZYGOTE_ENDED;
    bool started = zygote_start(z, &ready, err), able = started && find_make(s, err);
    if (able)
        state = zygote_wait_ready(z, ready, &status, show_collecting, s);
    else if (started)
        close(ready);
    tokens_release(&extra);
    if (s->outer.state == JOBSERVER_OPEN)
        z->collectors = 1; /* of a successor, too, if this one is killed */
    if (!able)
        return false;
    hide_collecting();
    if (state == ZYGOTE_INTERRUPTED)
        return error_set(err, EXIT_INTERRUPTED, "interrupted while pytest collected the tests");
    if (state == ZYGOTE_LATE)
        return error_set(err, EXIT_FAILED,
                         "the run's time limit of %g s was over while pytest collected the tests; "
                         "no test has run", suite_run_timeout(s));
    if (state == ZYGOTE_ENDED) {
        strv_release(&s->zygote_argv);
        if (status == EXIT_NO_TESTS && s->manifest.n)
            return true;
        show_log(s, status);
        s->ended = status;
        return false;
    }
    char *path = runstore_path(&s->store, "pytest.json");
    bool ok = pytestjson_read(&s->manifest, s->json.n_pytest ? s->json.pytest[0].name : "pytest",
                              path, &s->pytest, err);
    if (ok)
        take_choices(s);
    free(path);
    return ok;
}

/* Under --strict-markers every marker of a native test has to be registered, unless it is a build
 * tool's label. */
static bool check_markers(const struct suite *s, struct error *err)
{
    for (size_t i = 0; i < s->manifest.n; i++) {
        const struct test *t = &s->manifest.tests[i];
        bool ours = t->format != FORMAT_PYTEST && !t->imported;
        for (size_t k = 0; ours && k < t->n_markers; k++) {
            const char *name = t->markers[k].name;
            if (config_marker(&s->config, name))
                continue;
            const char *near = config_nearest_marker(&s->config, name);
            return error_set(
                err, EXIT_USAGE,
                "%s: marker '%s' is not registered%s%s%s; register it under markers in "
                "%s or run without --strict-markers",
                t->origin ? t->origin : t->id, name, near ? "; did you mean '" : "",
                near ? near : "", near ? "'" : "",
                s->config.path ? path_basename(s->config.path) : "pytest.ini");
        }
    }
    return true;
}

static bool load_all(struct suite *s, struct error *err)
{
    bool has_manifest, wanted;
    if (!suite_read_manifest(s, &has_manifest, err))
        return false;
    pytestargs_settle(&s->options, &s->manifest);
    sort_paths(s, has_manifest, &wanted);
    if (!wanted && s->options.pytest_args.n)
        return options_unknown(s->options.pytest_args.v[0], err);
    if ((s->options.strict_markers || s->config.strict_markers) && !check_markers(s, err))
        return false;
    if (!wanted)
        return true;
    build_zygote_argv(s);
    if (!path_executable(s->zygote_argv.v[0]))
        return error_set(
            err, EXIT_USAGE,
            "%s: no such program; name the Python that has pytest with --python, or as "
            "python under [rowlock] in the ini file",
            s->zygote_argv.v[0]);
    return collect(s, err);
}

bool suite_load(struct suite *s, struct error *err)
{
    interrupts_install();
    s->root = path_absolute(".");
    platform_adopt_orphans();
    runstore_prune(10);
    if (s->options.resume && !resume_open(&s->resume, err))
        return false;
    return runstore_create(&s->store, getpid(), err) && load_all(s, err) && find_make(s, err);
}

/* With one worker all tests run alone anyway. */
static void warn_of_weights(const struct suite *s)
{
    const struct test *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < s->selection.n && s->workers > 1 && !s->sequential; i++) {
        const struct test *t = &s->manifest.tests[s->selection.tests[i]];
        if (t->weight > s->workers && first)
            more++;
        else if (t->weight > s->workers)
            first = t;
    }
    if (!first)
        return;
    struct buf b = BUF_INIT;
    if (more)
        buf_addf(&b, " (and %zu more)", more);
    char *id = text_quote(first->id);
    fprintf(stderr,
            "rowlock: the weight of %s, %u%s, is more than the %u workers; it runs as %u\n", id,
            first->weight, buf_cstr(&b), s->workers, s->workers);
    free(id);
    buf_release(&b);
}

/* Is the order in which tests start what their user wants of them? */
static bool keeps_order(const struct suite *s)
{
    const struct options *o = &s->options;
    return o->random_order || o->failed_first || o->new_first || s->stepwise;
}

/* What earlier runs have shown, as far as it counts for this one. */
static void recall(struct suite *s)
{
    remember_fetch(&s->remote, s->store.dir);
    remember_known(&s->manifest);
    for (size_t i = 0; i < s->manifest.n && s->expects_shared; i++)
        s->manifest.tests[i].known = s->manifest.tests[i].shared;
    if (!keeps_order(s)) {
        remember_expected(&s->manifest);
        return;
    }
    for (size_t i = 0; i < s->manifest.n; i++) {
        s->manifest.tests[i].expected = -1;
        s->manifest.tests[i].rank = 0;
    }
}

/* A marker in 'timeouts' that is neither registered nor on any test is mostly a typing error. */
static void warn_of_timeouts(const struct suite *s)
{
    for (size_t k = 0; k < s->config.n_timeouts; k++) {
        const char *name = s->config.timeouts[k].marker;
        bool known = config_marker(&s->config, name);
        for (size_t i = 0; i < s->manifest.n && !known; i++)
            known = test_has_marker(&s->manifest.tests[i], name);
        if (known)
            continue;
        const char *near = config_nearest_marker(&s->config, name);
        char *quoted = text_quote(name);
        fprintf(stderr, "rowlock: timeouts: no test has the marker %s%s%s%s\n", quoted,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        free(quoted);
    }
}

/* --count and --until-fail. */
static bool repeat(struct suite *s, struct error *err)
{
    const struct options *o = &s->options;
    if (o->until_fail && o->resume)
        return error_set(err, EXIT_USAGE, "--until-fail begins anew; run it without --resume");
    for (size_t i = 0; o->until_fail && i < s->manifest.n; i++)
        s->manifest.tests[i].reruns = 0;
    if (o->until_fail)
        s->options.maxfail = 1;
    if (o->count < 2 || o->until_fail)
        return true;
    return repeat_tests(&s->manifest, &s->selection, (uint32_t)o->count, s->pytest.repeats, err);
}

bool suite_plan(struct suite *s, struct error *err)
{
    recall(s);
    if (!chosen_read_times(s, err))
        return false;
    if (!selection_make(&s->selection, &s->manifest, &s->options, s->is_pytest_path, err))
        return false;
    if (!s->selection.n && !s->selection.shard.all) {
        size_t out = s->selection.deselected + s->pytest.deselected;
        const char *status = s->selection.last_failed;
        return error_set(err, EXIT_NO_TESTS,
                         "no tests %s (%s%s%zu deselected); 'rowlock list' prints what there is",
                         out ? "selected" : "found", status ? status : "", status ? " " : "", out);
    }
    if (!repeat(s, err))
        return false;
    for (size_t i = 0; s->options.resume && !keeps_order(s) && i < s->selection.n; i++) {
        struct test *t = &s->manifest.tests[s->selection.tests[i]];
        if (resume_has(&s->resume, t->id))
            t->expected = 0;
    }
    warn_of_weights(s);
    chosen_warn(s);
    warn_of_timeouts(s);
    const struct options *o = &s->options;
    double timeout = s->options.timeout >= 0 ? s->options.timeout : s->config.timeout;
    struct plan_settings set = {.dist = s->options.dist,
                                .n_slots = s->workers,
                                .sequential = s->sequential,
                                .keep_order = keeps_order(s),
                                .forked = s->options.forked,
                                .maxfail = (uint32_t)s->options.maxfail,
                                .timeout = timeout,
                                .timeouts = s->config.timeouts,
                                .n_timeouts = s->config.n_timeouts,
                                .memory = o->memory_given ? o->memory : s->config.memory,
                                .run_timeout = suite_run_timeout(s),
                                .grace = s->config.grace,
                                .reruns = (uint32_t)(o->reruns >= 0 ? o->reruns : s->config.reruns),
                                .reruns_delay = o->reruns_delay,
                                .fail_on_flaky = o->fail_on_flaky,
                                .output_limit = s->config.output_limit,
                                .run_id = s->store.id,
                                .root = s->root,
                                .env_prefix = s->config.env_prefix,
                                .pytest_root = s->pytest.rootdir,
                                .program = s->program.rowlock,
                                .zygote = s->zygote_argv.n ? s->zygote_argv.v : NULL};
    return plan_make(&s->plan, &s->manifest, s->selection.tests, s->selection.n, &set, err);
}

bool suite_write(struct suite *s, struct error *err)
{
    char *plan = runstore_path(&s->store, "plan"), *mk = runstore_path(&s->store, "tests.mk");
    bool ok = plan_write_file(&s->plan, plan, err) && plan_write_makefile(&s->plan, mk, err) &&
              runstore_write_state(&s->store, s->plan.n_tests, s->workers,
                                   (uint32_t)s->options.maxfail, false, err) &&
              (!s->options.resume || resume_apply(&s->resume, &s->plan, &s->store, err)) &&
              runstore_publish(&s->store, s->program.exec, err);
    free(plan);
    free(mk);
    return ok;
}

void suite_forget_tests(struct suite *s)
{
    uint32_t n_tests = s->plan.n_tests, n_units = s->plan.n_units;
    size_t deselected = s->selection.deselected;
    plan_release(&s->plan);
    selection_release(&s->selection);
    manifest_release(&s->manifest);
    s->plan.n_tests = n_tests;
    s->plan.n_units = n_units;
    s->selection.deselected = deselected;
    platform_return_memory();
}
