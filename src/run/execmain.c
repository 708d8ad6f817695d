#include "run/execmain.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "plan/planfile.h"
#include "run/console.h"
#include "run/guard.h"
#include "run/outer.h"
#include "run/platform.h"
#include "run/rundir.h"
#include "run/signals.h"

#ifndef ROWLOCK_VERSION
#define ROWLOCK_VERSION "unknown"
#endif

static const char help[] =
    "usage: rowlock-exec RUN GROUP [GOAL...]  run the tests of group GROUP (a number): all,\n"
    "                                         or those named: t17, g3, @FILE\n"
    "       rowlock-exec RUN queue            run groups from the workers' queues (worksteal)\n"
    "       rowlock-exec RUN take             run groups of the first phase, until none is left\n"
    "       rowlock-exec RUN begin            start a run, unless the driver has\n"
    "       rowlock-exec RUN end              end it and report\n"
    "       rowlock-exec --guard PID MS PROGRAM [ARGUMENT...]\n"
    "                                         run PROGRAM, end it when PID ends or a signal comes,\n"
    "                                         kill it MS milliseconds later, and what it leaves\n"
    "       rowlock-exec --help | --version\n"
    "\n"
    "The recipes of .rowlock/tests.mk call this program. To run tests, use\n"
    "'rowlock parallel' or 'make -f .rowlock/tests.mk -jN'.\n";

/* Is make only to show (-n), ask (-q) or touch (-t)? The single letters are the first word of
 * MAKEFLAGS, without a dash; where there are none it begins with a blank or with "--". */
static bool make_is_idle(void)
{
    const char *flags = getenv("MAKEFLAGS");
    if (!flags || flags[0] == '-')
        return false;
    size_t n = strcspn(flags, " \t");
    return !memchr(flags, '=', n) && strcspn(flags, "nqt") < n;
}

/* What we open must not become somebody's standard stream. */
static void open_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < 3);
    if (fd >= 0)
        close(fd);
}

/* begin and end are rowlock's own affair; named: make has named goals. Signals to stop stay blocked
 * until it catches them. Returns only on failure, or if there is nothing to do. */
static int call_rowlock(const char *run, const char *word, bool named, struct error *err)
{
    struct plan_map plan;
    if (rundir_is_driven(run))
        return EXIT_OK;
    char *dir = rundir_of_plan(run, err);
    if (!dir)
        return EXIT_USAGE;
    char *path = path_join(dir, "plan");
    if (plan_map_open(&plan, path, err)) {
        char *program = xstrdup(plan_map_str(&plan, plan.head->program));
        char *argv[] = {(char *)"rowlock", xasprintf("__%s", word), xstrdup(run),
                        named ? (char *)"named" : NULL, NULL};
        execv(program, argv);
        error_errno(err, EXIT_INTERNAL, "%s: cannot be started; run 'rowlock generate' anew",
                    program);
        free(argv[1]);
        free(argv[2]);
        free(program);
        plan_map_close(&plan);
    }
    free(path);
    free(dir);
    return EXIT_INTERNAL;
}

/* A group's number: 1, 2, …; 0 if word is none. */
static uint32_t group_number(const char *word)
{
    size_t n = strspn(word, "0123456789");
    return n && n <= 9 && !word[n] ? (uint32_t)strtoul(word, NULL, 10) : 0;
}

static int usage(const char *what)
{
    char *msg = xasprintf("%s; 'rowlock-exec --help' shows how it is called", what);
    console_error(msg);
    free(msg);
    return EXIT_USAGE;
}

static int run_word(const char *run, const char *word, char *const *goals, struct error *err)
{
    if (strcmp(word, "begin") == 0 || strcmp(word, "end") == 0)
        return call_rowlock(run, word, word[0] == 'b' && *goals, err);
    uint32_t group = strcmp(word, "queue") == 0  ? OUTER_QUEUES
                     : strcmp(word, "take") == 0 ? OUTER_TAKES
                                                 : group_number(word);
    return group ? outer_run(run, group, goals, err) : usage("the group must be a number from 1");
}

/* PROGRAM has all descriptors that we were given. */
static int run_guard(char **argv)
{
    struct error err = ERROR_INIT;
    char *end_pid, *end_ms;
    long pid = strtol(argv[2], &end_pid, 10);
    long long ms = strtoll(argv[3], &end_ms, 10);
    if (!*argv[2] || *end_pid || pid <= 0 || pid > INT32_MAX || !*argv[3] || *end_ms || ms < 0 ||
        ms > INT32_MAX)
        return usage("--guard needs a process and a number of milliseconds");
    int code = guard_run((pid_t)pid, (uint64_t)ms, argv + 4, &err);
    if (err.msg)
        console_error(err.msg);
    error_release(&err);
    return code;
}

int exec_main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return file_write_all(STDOUT_FILENO, help, sizeof help - 1) ? EXIT_INTERNAL : EXIT_OK;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        static const char version[] = "rowlock-exec " ROWLOCK_VERSION "\n";
        return file_write_all(STDOUT_FILENO, version, sizeof version - 1) ? EXIT_INTERNAL : EXIT_OK;
    }
    if (argc > 4 && strcmp(argv[1], "--guard") == 0)
        return run_guard(argv);
    if (argc < 3)
        return usage("two words are needed: RUN and GROUP");
    if (make_is_idle())
        return EXIT_OK;
    /* First of all: a recipe that died of Ctrl-C as it started could be too quick for make. */
    pid_t make = getppid();
    signals_init();
    open_standard_streams();
    platform_cloexec_from(3);
    struct error err = ERROR_INIT;
    int code = run_word(argv[1], argv[2], argv + 3, &err);
    if (err.msg)
        console_error(err.msg);
    error_release(&err);
    signals_poll(NULL, 0, 0);
    if (signals_stop())
        platform_let_parent_hear(make);
    return code;
}
