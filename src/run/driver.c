#include "run/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strv.h"
#include "base/subprocess.h"
#include "base/xalloc.h"
#include "run/interrupts.h"
#include "run/platform.h"

extern char **environ;

/* What recipes may take beyond the grace: to clean up and, when the clock has ended their tests, for
 * the last words of pytest's workers. */
enum { CLEANUP_MS = 2000, LATE_MS = 8000 };

/* The environment without what belongs to an outer make, plus what our make needs: of MAKEFLAGS
 * only the jobserver is kept, so that -B, -i, overrides or MAKEFILES do not reach tests.mk. */
static void make_environment(const struct driver *d, const int fifo[2], struct strv *env)
{
    static const char *const drop[] = {"MAKEFLAGS=",     "MFLAGS=",       "MAKELEVEL=",
                                       "MAKEFILES=",     "GNUMAKEFLAGS=", "MAKEOVERRIDES=",
                                       "MAKE_RESTARTS=", "ROWLOCK_RUN=",  "ROWLOCK_GOALS="};
    for (char **e = environ; *e; e++) {
        bool keep = true;
        for (size_t i = 0; i < sizeof drop / sizeof *drop && keep; i++)
            keep = strncmp(*e, drop[i], strlen(drop[i])) != 0;
        if (keep)
            strv_push(env, *e);
    }
    strv_pushf(env, "ROWLOCK_RUN=%s", d->run_id);
    int jobs = d->outer && d->outer->jobs > 0 ? d->outer->jobs : 2;
    if (d->outer && fifo[0] >= 0)
        strv_pushf(env, "MAKEFLAGS= -j%d --jobserver-auth=%d,%d", jobs, fifo[0], fifo[1]);
    else if (d->outer)
        strv_pushf(env, "MAKEFLAGS= -j%d --jobserver-auth=%s", jobs, d->outer->auth);
}

static void make_arguments(const struct driver *d, struct strv *argv)
{
    strv_push(argv, d->make);
    strv_push(argv, "-krRs");
    strv_push(argv, "--no-print-directory");
    if (!d->outer)
        strv_pushf(argv, "-j%u", d->jobs);
    strv_push(argv, "-f");
    strv_push(argv, d->makefile);
    strv_push(argv, d->outer ? "all" : "rowlock-take");
}

/* Between fork and exec. */
static void become_make(const struct driver *d, const int fifo[2], pid_t parent, char **argv,
                        char **env)
{
    setpgid(0, 0);
    if (!d->outer && !platform_die_with_parent(SIGTERM, parent))
        _exit(127);
    interrupts_reset();
    int in = open("/dev/null", O_RDONLY);
    if (in >= 0)
        dup2(in, 0);
    if (in > 2)
        close(in);
    dup2(d->log_fd, 1);
    dup2(d->log_fd, 2);
    for (int i = 0; i < 2; i++)
        if (fifo[i] >= 0)
            fcntl(fifo[i], F_SETFD, 0);
    execvpe(argv[0], argv, env);
    _exit(127);
}

/* An outer make of 4.4 names its jobserver's pipe, ours may be an older one that takes descriptors
 * only: it gets those, whatever its version. Opened twice, as make sets O_NONBLOCK on one. */
static bool open_fifo(const struct jobserver *outer, int fifo[2], struct error *err)
{
    static const char scheme[] = "fifo:";
    fifo[0] = fifo[1] = -1;
    if (!outer || strncmp(outer->auth, scheme, strlen(scheme)) != 0)
        return true;
    for (int i = 0; i < 2; i++)
        if ((fifo[i] = open(outer->auth + strlen(scheme), O_RDWR | O_CLOEXEC)) < 0)
            return error_errno(err, EXIT_INTERNAL, "the jobserver of the outer make");
    return true;
}

static pid_t start_make(const struct driver *d, struct error *err)
{
    struct strv argv = STRV_INIT, env = STRV_INIT;
    int fifo[2];
    pid_t parent = getpid(), pid = -1;
    if (open_fifo(d->outer, fifo, err)) {
        make_arguments(d, &argv);
        make_environment(d, fifo, &env);
        pid = fork();
        if (pid == 0)
            become_make(d, fifo, parent, argv.v, env.v);
        if (pid < 0)
            error_errno(err, EXIT_INTERNAL, "make cannot be started");
        else
            setpgid(pid, pid);
    }
    for (int i = 0; i < 2; i++)
        if (fifo[i] >= 0)
            close(fifo[i]);
    strv_release(&argv);
    strv_release(&env);
    return pid;
}

/* Asks all recipes to end. A make that has its tokens from another one is not told itself: GNU Make
 * 4.4 keeps one when it ends by a signal. It goes on with recipes that see the stop flag and do
 * nothing. */
static void stop_recipes(const struct driver *d, pid_t make)
{
    struct pid_list recipes = PID_LIST_INIT;
    if (!d->outer) {
        kill(-make, SIGTERM);
        return;
    }
    platform_children_of(make, &recipes);
    for (size_t i = 0; i < recipes.n; i++)
        kill(recipes.v[i], SIGTERM);
    pid_list_release(&recipes);
}

/* How make is being stopped. */
struct stopping {
    int stage;         /* 0: not at all, 1: it was told to end, 2: it was killed */
    int told;          /* interrupts that had come at stage 1 */
    bool timed_out;    /* the reason is the clock, not an interrupt */
    uint64_t deadline; /* of stage 1 */
};

/* Passes on what is to end the run, an interrupt or the clock: TERM at first, KILL at the next
 * interrupt or when the grace is long over. */
static void pass_on(const struct driver *d, pid_t make, struct stopping *s)
{
    int n = interrupts_count();
    uint64_t now = (uint64_t)clock_monotonic_ms();
    bool late = d->deadline_ms && now >= d->deadline_ms;
    if (s->stage == 0 && (n > 0 || late)) {
        _Atomic uint32_t *stop = &d->state->run->stop;
        s->timed_out = n == 0;
        if (!s->timed_out || atomic_load(stop) != STOP_BROKEN)
            atomic_store(stop, s->timed_out && !d->quiet_deadline ? STOP_TIMEOUT
                                                                  : STOP_INTERRUPTED);
        stop_recipes(d, make);
        s->deadline = now + d->grace_ms + (s->timed_out ? LATE_MS : CLEANUP_MS);
        s->told = s->timed_out ? 0 : 1;
        s->stage = 1;
    }
    if (s->stage == 1 && (n > s->told || now > s->deadline)) {
        kill(-make, SIGKILL);
        s->stage = 2;
    }
}

enum driver_end driver_run(const struct driver *d, struct error *err)
{
    platform_adopt_orphans();
    d->state->run->driver = d->outer ? (uint32_t)getpid() : 0;
    pid_t make = start_make(d, err);
    if (make < 0)
        return DRIVER_NOT_STARTED;
    int status = 0;
    struct stopping stopping = {0};
    uint64_t next = 0;
    while (waitpid(make, &status, WNOHANG) == 0) {
        pass_on(d, make, &stopping);
        uint64_t now = (uint64_t)clock_monotonic_ms();
        if (now >= next) {
            d->tick(d->ctx);
            next = now + (uint64_t)d->tick_ms;
        }
        interrupts_wait(-1, d->tick_ms);
    }
    /* Recipes that outlive a killed make, and what outlives a killed recipe, have been told by the
     * kernel, clean up and return tokens; what is still there after that is killed. */
    if (stopping.stage < 2 && (WIFSIGNALED(status) || kill(-make, 0) == 0)) {
        kill(-make, SIGTERM);
        uint64_t end = (uint64_t)clock_monotonic_ms() + d->grace_ms + CLEANUP_MS;
        while ((uint64_t)clock_monotonic_ms() < end && kill(-make, 0) == 0) {
            while (waitpid(-make, NULL, WNOHANG) > 0)
                ;
            pass_on(d, make, &stopping);
            if (stopping.stage == 2)
                break;
            interrupts_wait(-1, 20);
        }
    }
    kill(-make, SIGKILL);
    driver_kill_children(d->keep);
    d->tick(d->ctx);
    if (stopping.stage && (!stopping.timed_out || interrupts_count()))
        return DRIVER_INTERRUPTED;
    if (stopping.stage)
        return DRIVER_TIMED_OUT;
    if (WIFSIGNALED(status))
        return DRIVER_DIED;
    return WEXITSTATUS(status) == 0 ? DRIVER_DONE : DRIVER_FAILED;
}

void driver_kill_children(pid_t keep)
{
    struct pid_list children = PID_LIST_INIT;
    for (int round = 0; round < 1000; round++) {
        size_t others = 0;
        children.n = 0;
        platform_children(&children);
        for (size_t i = 0; i < children.n; i++) {
            if (children.v[i] == keep)
                continue;
            others++;
            kill(children.v[i], SIGKILL);
            waitpid(children.v[i], NULL, WNOHANG);
        }
        if (!others)
            break;
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
    }
    pid_list_release(&children);
}

/* First line of "PROGRAM --version", or NULL. Caller frees. */
static char *version_line(const char *program)
{
    struct buf out = BUF_INIT;
    char *const argv[] = {(char *)program, (char *)"--version", NULL};
    subprocess_output(argv, &out, 1000);
    size_t n = strcspn(buf_cstr(&out), "\n");
    char *line = n ? xmemdup0(out.data, n) : NULL;
    buf_release(&out);
    return line;
}

bool driver_find_make(char **program, char **version, struct error *err)
{
    const char *candidates[] = {getenv("ROWLOCK_MAKE"), "make", "gmake"};
    char *found = NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        if (!candidates[i] || !candidates[i][0])
            continue;
        char *line = version_line(candidates[i]);
        int major = 0;
        if (line && sscanf(line, "GNU Make %d", &major) == 1 && major >= 4) {
            *program = xstrdup(candidates[i]);
            *version = line;
            free(found);
            return true;
        }
        if (line && !found)
            found = xasprintf("%s is \"%s\"", candidates[i], line);
        free(line);
    }
    error_set(err, EXIT_USAGE, "%s; install GNU Make 4.0 or newer, or name it in ROWLOCK_MAKE",
              found ? found : "make: not found");
    free(found);
    return false;
}
