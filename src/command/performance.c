/* performance: runs what is marked performance on few workers, and says how long each test took.
 * --compare runs the tests one after another, then in parallel, and says what bounds the run. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/speed.h"
#include "command/suite.h"
#include "manifest/durations.h"
#include "manifest/verdicts.h"
#include "report/results.h"
#include "run/cpus.h"

enum { MOST_WORKERS = 4 };
#define LAST ".rowlock/last"

void command_performance_help(FILE *out)
{
    fputs("Without -m it runs the tests marked performance, without -n on half of the processors,\n"
          "at most 4, so that they do not disturb one another; --durations 0 is on.\n\n"
          "  --compare          run the tests one after another and then in parallel, and say what\n"
          "                     bounds the run and what would help; without -n as many workers as\n"
          "                     'rowlock parallel' takes; all tests where none is marked\n"
          "  --times FILE       with --compare: run nothing, take durations from FILE, which\n"
          "                     --report-json or 'rowlock list --json' has written\n"
          "  --json             with --compare: print JSON\n\n",
          out);
}

struct asked {
    bool compare, json;
    const char *times;
    struct strv words; /* for the run */
};

static bool read_words(const struct invocation *inv, struct asked *a, struct error *err)
{
    bool plain = false;
    for (size_t i = 0; i < inv->args.n; i++) {
        const char *word = inv->args.v[i];
        plain = plain || strcmp(word, "--") == 0;
        if (!plain && strcmp(word, "--compare") == 0)
            a->compare = true;
        else if (!plain && strcmp(word, "--json") == 0)
            a->json = true;
        else if (!plain && strncmp(word, "--times=", 8) == 0)
            a->times = word + 8;
        else if (!plain && strcmp(word, "--times") == 0 && i + 1 < inv->args.n)
            a->times = inv->args.v[++i];
        else
            strv_push(&a->words, word);
    }
    if ((a->json || a->times) && !a->compare)
        return error_set(err, EXIT_USAGE, "%s: goes with --compare", a->json ? "--json" : "--times");
    return true;
}

/* Those of a run, with ours in front: what is typed has the last word. */
static void run_words(struct strv *to, const struct asked *a, const char *markers, bool few)
{
    strv_push(to, "-m");
    strv_push(to, markers);
    if (few) {
        int n = cpus_available(0) / 2;
        strv_push(to, "-n");
        strv_pushf(to, "%d", n < 1 ? 1 : n > MOST_WORKERS ? MOST_WORKERS : n);
        strv_push(to, "--durations");
        strv_push(to, "0");
    }
    strv_push_all(to, a->words.v);
}

/* Reads the run that has just ended here. */
static bool read_verdicts(struct verdicts *v, struct error *err)
{
    struct plan_map map;
    struct results r;
    if (!plan_map_open(&map, LAST "/plan", err))
        return false;
    results_init(&r, &map);
    bool ok = results_read(&r, LAST "/journal", err);
    for (uint32_t i = 0; i < map.head->n_tests && ok; i++) {
        const char *id = plan_map_str(&map, plan_map_test(&map, i)->id);
        enum outcome o = r.tests[i].outcome;
        bool ran = o != OUTCOME_NONE;
        struct verdict *to = verdicts_add(v, id, ran ? outcome_name(o) : VERDICT_NOT_RUN, NULL);
        if (ran)
            to->seconds = (double)r.tests[i].wall_ns / 1e9;
    }
    verdicts_sort(v);
    results_release(&r);
    plan_map_close(&map);
    return ok;
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void become(const struct invocation *inv, const char *program, bool json, pid_t parent)
    __attribute__((noreturn));

/* Ends with its parent. With json, standard output is for the comparison. */
static void become(const struct invocation *inv, const char *program, bool json, pid_t parent)
{
    struct strv argv = STRV_INIT;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_INTERRUPTED);
    signal(SIGINT, SIG_DFL);
    if (json)
        dup2(2, 1);
    strv_push(&argv, "rowlock");
    if (inv->config_file) {
        strv_push(&argv, "-c");
        strv_push(&argv, inv->config_file);
    }
    strv_push(&argv, inv->command);
    strv_push_all(&argv, inv->args.v);
    execv(program, argv.v);
    _exit(127);
}

/* One run in a process of its own, so that its time can be told; Ctrl-C is for that one. */
static bool measure(struct speed_run *r, const struct invocation *inv, const char *program,
                    bool json, struct verdicts *v, struct error *err)
{
    struct rusage usage;
    double start = clock_monotonic_seconds();
    fflush(stdout);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return error_errno(err, EXIT_INTERNAL, "fork");
    if (pid == 0)
        become(inv, program, json, parent);
    int status = 0;
    while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    r->ran = true;
    r->wall = clock_monotonic_seconds() - start;
    r->cpu = cpu_of(&usage);
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (r->status == EXIT_OK || r->status == EXIT_FAILED)
        return read_verdicts(v, err);
    return error_set(err, r->status < 128 ? (enum exit_code)r->status : EXIT_INTERNAL,
                     "the %s run ended with exit code %d; there is nothing to compare",
                     inv->command, r->status);
}

static void find_differences(struct speed *s, const struct verdicts *before,
                             const struct verdicts *after, bool strict)
{
    struct verdict_walk walk = {before, after, 0, 0};
    const struct verdict *a, *b;
    while (verdicts_next(&walk, &a, &b)) {
        const struct verdict *one = a ? a : b;
        if (a && b && strcmp(verdict_weighed(a, strict), verdict_weighed(b, strict)) == 0)
            continue;
        strv_push(&s->ids, one->id);
        strv_push(&s->before, a ? a->outcome : "not there");
        strv_push(&s->after, b ? b->outcome : "not there");
    }
}

static bool any_marked(const struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (test_has_marker(&m->tests[i], "performance"))
            return true;
    return false;
}

/* Plans the tests as the parallel run would, by the durations of the file or of the sequential run. */
static bool plan_it(struct suite *s, const struct asked *a, const struct verdicts *v,
                    struct error *err)
{
    struct manifest *m = &s->manifest;
    s->expects_shared = true;
    if (a->times)
        return durations_read(m, a->times, err) && suite_plan(s, err);
    for (size_t i = 0; i < m->n; i++) {
        const struct verdict *known = verdicts_find(v, m->tests[i].id);
        m->tests[i].shared = known ? known->seconds : -1;
    }
    return suite_plan(s, err);
}

static void print_speed(struct speed *s, const struct suite *suite, bool json)
{
    const struct plan *p = &suite->plan;
    double *seconds = xcalloc(p->n_tests + 1u, sizeof *seconds);
    for (uint32_t i = 0; i < p->n_tests; i++) {
        double known = p->manifest->tests[p->tests[i]].shared;
        s->unknown += known < 0;
        seconds[i] = known < 0 ? 0 : known;
    }
    s->plan = p;
    s->seconds = seconds;
    s->workers = suite->workers;
    speed_print(s, json);
    free(seconds);
}

/* Begins s anew, with these markers where none are asked for. */
static bool configure(struct suite *s, const struct invocation *inv, struct strv *words,
                      const struct asked *a, const char *markers, struct error *err)
{
    suite_release(s, true);
    suite_init(s);
    s->lists = true;
    strv_release(words);
    run_words(words, a, markers, false);
    struct invocation sub = {"parallel", inv->config_file, *words};
    return suite_configure(s, &sub, SUITE_PARALLEL, err);
}

/* Which tests are compared: those marked performance, or all where none is. pytest selects while it
 * collects, so it is asked for all of them first. */
static bool load_chosen(struct suite *s, const struct invocation *inv, struct strv *words,
                        const struct asked *a, struct error *err)
{
    if (!configure(s, inv, words, a, "performance", err))
        return false;
    if (!s->options.markers || strcmp(s->options.markers, "performance") != 0)
        return suite_load(s, err);
    if (!configure(s, inv, words, a, "", err) || !suite_load(s, err))
        return false;
    if (any_marked(&s->manifest))
        return configure(s, inv, words, a, "performance", err) && suite_load(s, err);
    if (s->manifest.n)
        fprintf(stderr, "rowlock: no test is marked performance: all are compared\n");
    return true;
}

static int compare(const struct invocation *inv, const struct asked *a)
{
    struct suite suite;
    struct strv words = STRV_INIT;
    struct error err = ERROR_INIT;
    struct verdicts before, after;
    struct speed speed = {.unknown = 0};
    verdicts_init(&before);
    verdicts_init(&after);
    suite_init(&suite);
    bool ok = load_chosen(&suite, inv, &words, a, &err);
    /* The runs have pytest processes of their own. */
    zygote_kill(&suite.zygote);
    struct invocation sub = {"sequential", inv->config_file, words};
    if (ok && !a->times) {
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        ok = measure(&speed.sequential, &sub, suite.program.rowlock, a->json, &before, &err);
        sub.command = "parallel";
        ok = ok && measure(&speed.parallel, &sub, suite.program.rowlock, a->json, &after, &err);
    }
    int code = EXIT_OK;
    if (ok && plan_it(&suite, a, &before, &err)) {
        find_differences(&speed, &before, &after, suite.options.fail_on_flaky);
        print_speed(&speed, &suite, a->json);
        if (speed.sequential.status || speed.parallel.status || speed.ids.n)
            code = EXIT_FAILED;
    }
    strv_release(&speed.ids);
    strv_release(&speed.before);
    strv_release(&speed.after);
    verdicts_release(&before);
    verdicts_release(&after);
    strv_release(&words);
    return suite_finish(&suite, code, true, &err);
}

int command_performance(const struct invocation *inv)
{
    struct asked a = {.words = STRV_INIT};
    struct error err = ERROR_INIT;
    int code;
    if (!read_words(inv, &a, &err)) {
        code = command_fail(&err);
    } else if (a.compare) {
        code = compare(inv, &a);
    } else {
        struct invocation sub = {inv->command, inv->config_file, STRV_INIT};
        run_words(&sub.args, &a, "performance", true);
        code = command_parallel(&sub);
        strv_release(&sub.args);
    }
    strv_release(&a.words);
    return code;
}
