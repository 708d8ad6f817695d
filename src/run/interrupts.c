#include "run/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
static volatile sig_atomic_t count;
static int wake[2] = {-1, -1}; /* written by the handler, so that a signal ends poll() */

static void on_signal(int sig)
{
    int saved = errno;
    if (sig != SIGCHLD)
        count++;
    /* A full pipe wakes the reader just as well. */
    ssize_t n = write(wake[1], "", 1);
    (void)n;
    errno = saved;
}

void interrupts_install(void)
{
    if (wake[0] >= 0 || pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int interrupts_count(void)
{
    return count;
}

int interrupts_wait(int fd, int timeout_ms)
{
    struct pollfd p[2] = {{.fd = wake[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    if (poll(p, fd < 0 ? 1 : 2, timeout_ms) <= 0)
        return 0;
    char drop[64];
    if (p[0].revents)
        while (read(wake[0], drop, sizeof drop) > 0)
            ;
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
