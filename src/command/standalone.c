/* __begin and __end: what `make -f .rowlock/tests.mk` without the driver runs before and after the
 * tests. The make above is the run's owner: a link runs/PLAN/make-PID-START leads its recipes to the
 * run that __begin made for it. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/command.h"
#include "command/github.h"
#include "command/outcome.h"
#include "command/remember.h"
#include "command/terminal.h"
#include "plan/planfile.h"
#include "run/affinity.h"
#include "run/interrupts.h"
#include "run/jobserver.h"
#include "run/journal.h"
#include "run/platform.h"
#include "run/queue.h"
#include "run/rundir.h"
#include "run/runstore.h"
#include "run/zygote_host.h"

#define GITHUB_TOKEN "github" /* in the run's folder */

/* Stays behind until make has ended, then removes what the run left in the temporary folder: after
 * named goals, and after a killed make, no __end comes. */
static void leave_janitor(const char *temp, pid_t make)
{
    unsigned long long start = platform_start_time(make);
    if (fork() != 0)
        return;
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close_range(3, ~0U, 0);
    platform_wait_exit(make, start);
    /* Recipes that were told to stop may still be cleaning up in there. */
    for (int i = 0; i < 50 && !file_remove_tree(AT_FDCWD, temp); i++)
        poll(NULL, 0, 100);
    _exit(0);
}

static void no_tick(void *ctx)
{
    (void)ctx;
}

static void list_strings(const struct plan_map *map, struct plan_list l, struct strv *out)
{
    const char *s;
    for (uint64_t i = 0; (s = plan_map_list_str(map, l, i)) != NULL; i++)
        strv_push(out, s);
}

/* Collects anew; false with *code when pytest ended instead. */
static bool begin_zygote(const struct plan_map *map, const struct runstore *store, unsigned workers,
                         pid_t make, int *code, struct error *err)
{
    struct strv argv = STRV_INIT;
    int ready = -1, status = 0;
    list_strings(map, map->head->zygote, &argv);
    if (argv.n < 2) {
        strv_release(&argv);
        return true;
    }
    struct zygote_host z = {.store = store,
                            .exec = ".rowlock/rowlock-exec",
                            .argv = argv.v,
                            .env_prefix = plan_map_str(map, map->head->env_prefix),
                            .workers = workers,
                            .sequential = map->head->flags & PLAN_SEQUENTIAL,
                            .grace = (double)map->head->grace_ms / 1000,
                            .columns = terminal_width(stdout),
                            .color = terminal_color(stdout, NULL),
                            .watch = make};
    bool ok = zygote_start(&z, &ready, err);
    if (ok && zygote_wait_ready(&z, ready, &status, no_tick, NULL) != ZYGOTE_READY) {
        struct buf text = BUF_INIT;
        struct error ignored = ERROR_INIT;
        char *log = runstore_path(store, "zygote.log");
        if (file_read(log, &text, &ignored))
            fwrite(buf_cstr(&text), 1, text.len, stdout);
        error_release(&ignored);
        free(log);
        buf_release(&text);
        *code = status ? status : EXIT_INTERRUPTED;
        ok = false;
    }
    strv_release(&argv);
    return ok;
}

static bool fill_queues(const struct runstore *store, const struct plan_map *map,
                        struct error *err)
{
    struct state state = {0};
    char *path = runstore_path(store, "state");
    bool ok = state_open(&state, path, err);
    if (ok) {
        queue_fill(&state, map);
        affinity_reset(&state);
    }
    state_close(&state);
    free(path);
    return ok;
}

/* Slots for the -jN of the make above; without a number, as planned. */
static unsigned slots_for(const struct plan_map *map)
{
    struct jobserver outer;
    jobserver_read(&outer, getenv("MAKEFLAGS"));
    if (map->head->flags & PLAN_SEQUENTIAL)
        return 1;
    return outer.jobs > 0 ? (unsigned)outer.jobs : map->head->n_slots;
}

static bool link_run(const struct runstore *store, const char *plan_id, pid_t make,
                     struct error *err)
{
    char name[128], *plan = xasprintf("../%s/plan", plan_id), *to = runstore_path(store, "plan");
    char *target = xasprintf("../%s", store->id), *last = xasprintf("runs/%s", store->id);
    rundir_make_link_name(make, name, sizeof name);
    char *link = xasprintf(".rowlock/runs/%s/%s", plan_id, name);
    bool ok = file_symlink(plan, to, err) && file_symlink(target, link, err) &&
              file_symlink(last, ".rowlock/last", err);
    free(link);
    free(last);
    free(target);
    free(to);
    free(plan);
    return ok;
}

/* RUN is made of digits and '-' only; anything else does not come from a tests.mk of ours. */
static char *plan_dir(const struct invocation *inv, struct error *err)
{
    const char *id = inv->args.n ? inv->args.v[0] : "";
    if (id[0] && strspn(id, "0123456789-") == strlen(id))
        return xasprintf(".rowlock/runs/%s", id);
    error_set(err, EXIT_USAGE, "%s is for .rowlock/tests.mk only; use 'rowlock parallel'",
              inv->command);
    return NULL;
}

/* What tests print GitHub is not to obey. Behind named goals no __end comes that would say when it may
 * again. */
static void stop_commands(const struct invocation *inv, const struct runstore *store)
{
    struct options o;
    char *path = runstore_path(store, GITHUB_TOKEN);
    options_init(&o);
    if (inv->args.n == 1)
        github_begin_at(&o, path);
    options_release(&o);
    free(path);
}

int command_begin(const struct invocation *inv)
{
    struct error err = ERROR_INIT;
    struct plan_map map = {0};
    struct runstore store = {0};
    pid_t make = getppid();
    int code = EXIT_OK;
    char *dir = plan_dir(inv, &err), *plan = dir ? path_join(dir, "plan") : NULL;
    bool ok = plan && plan_map_open(&map, plan, &err);
    interrupts_install();
    runstore_prune(10);
    ok = ok && runstore_create(&store, make, &err);
    if (ok) {
        unsigned workers = slots_for(&map);
        char *journal = runstore_path(&store, "journal");
        int fd = journal_open(journal, &err);
        if (fd >= 0)
            close(fd);
        free(journal);
        ok = fd >= 0 &&
             runstore_write_state(&store, map.head->n_tests, workers, map.head->maxfail, true,
                                  &err) &&
             fill_queues(&store, &map, &err);
        if (ok)
            stop_commands(inv, &store);
        ok = ok && begin_zygote(&map, &store, workers, make, &code, &err) &&
             link_run(&store, inv->args.v[0], make, &err);
        if (ok)
            leave_janitor(store.temp, make);
        else
            runstore_close(&store, true);
        if (!ok)
            github_end();
        runstore_release(&store);
    }
    if (err.msg)
        code = command_fail(&err);
    if (map.base)
        plan_map_close(&map);
    free(plan);
    free(dir);
    if (interrupts_count())
        platform_let_parent_hear(make);
    return code;
}

static int end_run(const char *dir, struct error *err)
{
    struct plan_map map = {0};
    struct state state = {0};
    struct results results;
    struct options options;
    int code = EXIT_INTERNAL, status = 0;
    char *plan = path_join(dir, "plan"), *path = path_join(dir, "state");
    char *journal = path_join(dir, "journal"), *token = path_join(dir, GITHUB_TOKEN);
    int fd = journal_open(journal, err);
    github_resume_at(token);
    options_init(&options);
    options.verbose = -1; /* the recipes have printed a line for each test, and why it failed */
    options.tb = xstrdup("no");
    if (fd >= 0 && plan_map_open(&map, plan, err) && state_open(&state, path, err)) {
        results_init(&results, &map);
        size_t left = outcome_settle(&map, &state, fd, true, err);
        if (!map.head->zygote.n || zygote_finish_at(state.run->temp_dir, zygote_finish_limit(&map),
                                                    (double)map.head->grace_ms / 1000, fd, &status,
                                                    err))
            if (results_read(&results, journal, err)) {
                results_read_words(&results, dir);
                results_count(&results);
                remember_results(&results);
                results.wall_seconds = results_span(&results);
                if (outcome_report(&results, &options, false, err) &&
                    outcome_summaries(&results, &options, err))
                    code = left ? EXIT_FAILED : (int)results_exit_code(&results);
            }
        file_remove_tree(AT_FDCWD, state.run->temp_dir);
        results_release(&results);
    }
    if (fd >= 0)
        close(fd);
    state_close(&state);
    if (map.base)
        plan_map_close(&map);
    github_end();
    options_release(&options);
    free(token);
    free(journal);
    free(path);
    free(plan);
    return code;
}

int command_end(const struct invocation *inv)
{
    struct error err = ERROR_INIT;
    char name[128];
    int code = EXIT_INTERNAL;
    pid_t make = getppid();
    char *dir = plan_dir(inv, &err);
    rundir_make_link_name(make, name, sizeof name);
    char *link = dir ? path_join(dir, name) : NULL;
    interrupts_install();
    if (link && access(link, F_OK) != 0)
        error_set(&err, EXIT_INTERNAL,
                  "%s: the run that this make began is gone; start it again with make -f "
                  ".rowlock/tests.mk",
                  dir);
    else if (link)
        code = end_run(link, &err);
    if (err.msg)
        code = command_fail(&err);
    else
        unlink(link);
    free(link);
    free(dir);
    if (interrupts_count())
        platform_let_parent_hear(make);
    return code;
}
