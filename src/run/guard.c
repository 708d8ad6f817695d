#include "run/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/platform.h"
#include "run/signals.h"
#include "run/supervise.h"

enum { EXTRA_MS = 2000, WITHOUT_EVENTS_MS = 50 };

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP};
enum { N_FORWARDED = sizeof forwarded / sizeof *forwarded };
static volatile sig_atomic_t came[N_FORWARDED];

static void on_signal(int sig)
{
    for (int i = 0; i < N_FORWARDED; i++)
        if (forwarded[i] == sig)
            came[i] = 1;
}

/* Blocks them all. *before: the mask that there was; *open: the one that lets them in. What is
 * ignored stays so. */
static void catch_signals(sigset_t *before, sigset_t *open)
{
    struct sigaction act = {.sa_handler = on_signal}, old;
    sigset_t all;
    sigemptyset(&act.sa_mask);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    sigaction(SIGCHLD, &act, NULL);
    for (int i = 0; i < N_FORWARDED; i++) {
        if (sigaction(forwarded[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue;
        sigaddset(&all, forwarded[i]);
        sigaction(forwarded[i], &act, NULL);
    }
    sigprocmask(SIG_BLOCK, &all, before);
    *open = *before;
    for (int i = 0; i < N_FORWARDED; i++)
        sigdelset(open, forwarded[i]);
    sigdelset(open, SIGCHLD);
}

/* In the new process, whose handlers end with the exec. */
static void become(char *const *argv, pid_t guard, const sigset_t *mask)
{
    if (!platform_die_with_parent(SIGKILL, guard))
        _exit(128 + SIGKILL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

struct guard {
    pid_t child, watch;
    int watch_fd; /* -1: there is none, or the process has ended */
    bool watched; /* it has not ended yet */
    int64_t kill_at_ns; /* < 0: not to be killed yet */
    uint64_t grace_ms;
    sigset_t open; /* the mask while we sleep */
};

static void forward(struct guard *g, int sig)
{
    kill(g->child, sig);
    if (g->kill_at_ns < 0 && sig != SIGINT)
        g->kill_at_ns = clock_monotonic_ns() + (int64_t)(g->grace_ms + EXTRA_MS) * 1000000;
}

/* Until a signal comes, the watched process ends, or it is time to kill. */
static void sleep_on(struct guard *g)
{
    struct pollfd p = {.fd = g->watch_fd, .events = POLLIN};
    int64_t left_ns = -1;
    if (g->watched && g->watch_fd < 0)
        left_ns = (int64_t)WITHOUT_EVENTS_MS * 1000000;
    if (g->kill_at_ns >= 0) {
        int64_t kill_ns = g->kill_at_ns - clock_monotonic_ns();
        kill_ns = kill_ns < 0 ? (int64_t)WITHOUT_EVENTS_MS * 1000000 : kill_ns;
        left_ns = left_ns < 0 || kill_ns < left_ns ? kill_ns : left_ns;
    }
    struct timespec left = {left_ns / 1000000000, left_ns % 1000000000};
    bool ended = ppoll(&p, g->watch_fd >= 0, left_ns < 0 ? NULL : &left, &g->open) > 0;
    if (g->watched && g->watch_fd < 0)
        ended = kill(g->watch, 0) != 0 && errno == ESRCH;
    if (!g->watched || !ended)
        return;
    g->watched = false;
    if (g->watch_fd >= 0)
        close(g->watch_fd);
    g->watch_fd = -1;
    forward(g, SIGTERM);
}

/* Reaps what has ended, orphans that came to us among it. True with *status once the child has. */
static bool has_ended(const struct guard *g, int *status)
{
    pid_t pid;
    int s;
    while ((pid = waitpid(-1, &s, WNOHANG)) > 0) {
        if (pid == g->child) {
            *status = s;
            return true;
        }
    }
    return false;
}

static int watch_child(struct guard *g)
{
    int status;
    while (!has_ended(g, &status)) {
        sleep_on(g);
        for (int i = 0; i < N_FORWARDED; i++) {
            if (came[i]) {
                came[i] = 0;
                forward(g, forwarded[i]);
            }
        }
        if (g->kill_at_ns >= 0 && clock_monotonic_ns() >= g->kill_at_ns)
            kill(g->child, SIGKILL);
    }
    return status;
}

/* Starts argv and stays until it has ended; nothing is left then. */
static int guard(struct guard *g, char *const *argv, struct error *err)
{
    pid_t self = getpid();
    sigset_t before;
    platform_adopt_orphans();
    catch_signals(&before, &g->open);
    g->child = fork();
    if (g->child == 0)
        become(argv, self, &before);
    if (g->child < 0) {
        error_errno(err, EXIT_INTERNAL, "fork");
        return EXIT_INTERNAL;
    }
    platform_close_from(3);
    g->watched = true;
    g->watch_fd = platform_end_of(g->watch);
    int status = watch_child(g);
    supervise_kill_children();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Below a driver, what a killed guard leaves becomes the driver's to end. Where none is, a second
 * process takes the driver's place: true in that one, once the guard has ended, with its *status.
 * False in the one that is to guard, and that gets SIGTERM if the other one is killed. */
static bool stand_behind(const struct guard *inner, int *status)
{
    struct guard g = {.watch_fd = -1, .kill_at_ns = -1, .grace_ms = inner->grace_ms + EXTRA_MS};
    pid_t self = getpid();
    sigset_t before;
    platform_adopt_orphans();
    catch_signals(&before, &g.open);
    g.child = fork();
    if (g.child <= 0) {
        if (g.child == 0 && !platform_die_with_parent(SIGTERM, self))
            _exit(128 + SIGTERM);
        sigprocmask(SIG_SETMASK, &before, NULL);
        return false;
    }
    platform_close_from(3);
    int ended = watch_child(&g);
    supervise_kill_children();
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    return true;
}

int guard_run(pid_t watch, uint64_t grace_ms, char *const *argv, struct error *err)
{
    struct guard g = {.watch = watch, .watch_fd = -1, .kill_at_ns = -1, .grace_ms = grace_ms};
    int status;
    if (watch != getppid() && stand_behind(&g, &status))
        return status;
    return guard(&g, argv, err);
}
