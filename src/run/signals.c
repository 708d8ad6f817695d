#include "run/signals.h"
#include "base/clock.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stop, now;
static volatile int64_t stop_since;

enum { AGAIN_NS = 1000 * 1000 * 1000 };

static const int stopping[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
enum { N_STOPPING = sizeof stopping / sizeof stopping[0] };

/* A terminal, Make and the driver may all pass on the same Ctrl-C, so what comes at about
 * the same time counts once. */
static void on_stop(int sig)
{
    (void)sig;
    if (!stop)
        stop_since = clock_monotonic_ns();
    else if (clock_monotonic_ns() - stop_since >= AGAIN_NS)
        now = 1;
    stop = 1;
}

static void on_now(int sig)
{
    (void)sig;
    stop = now = 1;
}

/* SIGCHLD has only to end a sleep, SIGPIPE only to be no end. A handler, unlike SIG_IGN, is
 * gone after exec. */
static void on_nothing(int sig)
{
    (void)sig;
}

static void handle(int sig, void (*handler)(int))
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = handler;
    sigfillset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
}

static bool is_ignored(int sig)
{
    struct sigaction sa;
    return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

/* What was ignored when we started would be ignored by every test. But make goes on below nohup
 * and, in a shell's background, after Ctrl-C, and so do we. */
static void default_ignored(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGINT && sig != SIGHUP && sig != SIGQUIT && is_ignored(sig))
            handle(sig, SIG_DFL);
}

void signals_init(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGNAL_NOW);
    for (int i = 0; i < N_STOPPING; i++)
        sigaddset(&set, stopping[i]);
    sigprocmask(SIG_SETMASK, &set, NULL);
    default_ignored();
    handle(SIGCHLD, on_nothing);
    handle(SIGPIPE, on_nothing);
    handle(SIGNAL_NOW, on_now);
    for (int i = 0; i < N_STOPPING; i++)
        if (!is_ignored(stopping[i]))
            handle(stopping[i], on_stop);
}

void signals_forget(void)
{
    stop = now = 0;
}

void signals_reset_child(void)
{
    handle(SIGCHLD, SIG_DFL);
    handle(SIGPIPE, SIG_DFL);
    handle(SIGNAL_NOW, SIG_DFL);
    for (int i = 0; i < N_STOPPING; i++)
        handle(stopping[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void signals_stop_now(void)
{
    if (!stop)
        stop_since = clock_monotonic_ns();
    stop = 1;
}

bool signals_stop(void)
{
    return stop;
}

bool signals_now(void)
{
    return now;
}

int signals_poll(struct pollfd *fds, nfds_t n, int64_t timeout_ns)
{
    struct timespec t = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
    sigset_t none;
    sigemptyset(&none);
    int rc = ppoll(fds, n, timeout_ns < 0 ? NULL : &t, &none);
    /* Where descriptors are ready the kernel lets no signal in: a flood would keep them out. */
    static const struct timespec at_once;
    if (rc > 0)
        ppoll(NULL, 0, &at_once, &none);
    if (rc <= 0)
        for (nfds_t i = 0; i < n; i++)
            fds[i].revents = 0;
    return rc < 0 ? 0 : rc;
}
