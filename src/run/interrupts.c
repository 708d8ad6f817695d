#include "run/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/xalloc.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
static volatile sig_atomic_t count;
static volatile sig_atomic_t unattended;
static struct pollfd *polled; /* the first two are interrupts_wait's own */
static const int *attended_fds;
static size_t attended;
static void (*attend)(void *ctx);
static void *attend_ctx;
static int wake[2] = {-1, -1}; /* written by the handler, so that a signal ends poll() */

static void on_signal(int sig)
{
    int saved = errno;
    if (sig != SIGCHLD)
        count++;
    if (sig == SIGTERM || sig == SIGHUP)
        unattended = 1;
    /* A full pipe wakes the reader just as well. */
    ssize_t n = write(wake[1], "", 1);
    (void)n;
    errno = saved;
}

void interrupts_install(void)
{
    if (wake[0] >= 0 || pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    sigset_t all;
    sigemptyset(&sa.sa_mask);
    sigemptyset(&all);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaddset(&all, caught[i]);
        if ((caught[i] == SIGINT || caught[i] == SIGHUP) &&
            sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue;
        sigaction(caught[i], &sa, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

int interrupts_count(void)
{
    return count;
}

bool interrupts_unattended(void)
{
    return unattended;
}

void interrupts_expect_none(void)
{
    unattended = 1;
}

void interrupts_attend(const int *fds, size_t n, void (*readable)(void *ctx), void *ctx)
{
    polled = xreallocarray(polled, 2 + n, sizeof *polled);
    attended = n;
    attended_fds = fds;
    attend = readable;
    attend_ctx = ctx;
}

int interrupts_wait(int fd, int timeout_ms)
{
    struct pollfd own[2], *p = attended ? polled : own;
    p[0] = (struct pollfd){.fd = wake[0], .events = POLLIN};
    p[1] = (struct pollfd){.fd = fd, .events = POLLIN}; /* poll passes over -1 */
    for (size_t i = 0; i < attended; i++)
        p[2 + i] = (struct pollfd){.fd = attended_fds[i], .events = POLLIN};
    if (poll(p, 2 + (nfds_t)attended, timeout_ms) <= 0)
        return 0;
    char drop[64];
    if (p[0].revents)
        while (read(wake[0], drop, sizeof drop) > 0)
            ;
    for (size_t i = 0; i < attended; i++)
        if (p[2 + i].revents) {
            attend(attend_ctx);
            break;
        }
    return fd >= 0 && p[1].revents != 0;
}

void interrupts_reset(void)
{
    sigset_t none;
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        signal(caught[i], SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
