#include "base/subprocess.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const struct subprocess *what, int output, int errors)
    __attribute__((noreturn));

static void change_environment(char *const *env)
{
    for (; env && *env; env++) {
        char *eq = strchr(*env, '=');
        if (!eq) {
            unsetenv(*env);
            continue;
        }
        *eq = '\0'; /* we are a copy of the process whose string it is */
        setenv(*env, eq + 1, 1);
    }
}

static void become(const struct subprocess *what, int output, int errors)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null, 0);
    dup2(output, 1);
    dup2(errors, 2);
    if (what->dir && chdir(what->dir) != 0)
        _exit(127);
    unsetenv("MAKEFLAGS");
    unsetenv("MAKELEVEL");
    unsetenv("ROWLOCK_RUN");
    change_environment(what->env);
    execvp(what->argv[0], what->argv);
    _exit(127);
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int subprocess_output(char *const argv[], struct buf *out, size_t limit)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return 127;
    pid_t pid = fork();
    if (pid == 0)
        become(&(struct subprocess){.argv = argv}, fds[1], fds[1]);
    close(fds[1]);
    char chunk[4096];
    ssize_t n;
    while (pid > 0 && ((n = read(fds[0], chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)))
        for (ssize_t i = 0; i < n && out->len < limit; i++)
            buf_addc(out, chunk[i]);
    close(fds[0]);
    return pid < 0 ? 127 : wait_for(pid);
}

/* Reads once; false when nothing more comes. */
static bool read_some(int fd, struct buf *to, size_t limit)
{
    enum { CHUNK = 64 * 1024 };
    char *room = buf_reserve(to, CHUNK);
    ssize_t n = read(fd, room, CHUNK);
    if (n < 0 && errno == EINTR)
        return true;
    if (n > 0 && to->len < limit)
        to->len += (size_t)n;
    to->data[to->len] = '\0';
    return n > 0;
}

/* What is left until end (CLOCK_MONOTONIC; 0: no end), for poll. */
static int milliseconds_left(int64_t end)
{
    if (!end)
        return -1;
    int64_t left = end - clock_monotonic_ms();
    return left > 0 ? (int)left : 0;
}

/* False when the time is over. */
static bool read_both(struct pollfd fds[2], struct buf *const to[2], size_t limit, int64_t end)
{
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int ready = poll(fds, 2, milliseconds_left(end));
        if (ready < 0 && errno != EINTR)
            break;
        if (ready == 0)
            return false;
        for (int i = 0; i < 2 && ready > 0; i++)
            if (fds[i].fd >= 0 && fds[i].revents && !read_some(fds[i].fd, to[i], limit))
                fds[i].fd = -1;
    }
    return true;
}

int subprocess_run(const struct subprocess *what, struct buf *out, struct buf *errors,
                   size_t limit, bool *timed_out)
{
    int o[2], e[2];
    *timed_out = false;
    if (pipe2(o, O_CLOEXEC) != 0)
        return 127;
    if (pipe2(e, O_CLOEXEC) != 0) {
        close(o[0]);
        close(o[1]);
        return 127;
    }
    int64_t end = clock_monotonic_ms() + (int64_t)what->seconds * 1000;
    pid_t pid = fork();
    if (pid == 0)
        become(what, o[1], e[1]);
    close(o[1]);
    close(e[1]);
    struct pollfd fds[2] = {{o[0], POLLIN, 0}, {e[0], POLLIN, 0}};
    struct buf *to[2] = {out, errors};
    if (pid > 0)
        *timed_out = !read_both(fds, to, limit, what->seconds ? end : 0);
    if (*timed_out)
        kill(pid, SIGKILL);
    close(o[0]);
    close(e[0]);
    return pid < 0 ? 127 : wait_for(pid);
}

int subprocess_ask(char *const argv[], const char *dir, struct buf *out, struct buf *errors,
                   size_t limit)
{
    bool timed_out;
    return subprocess_run(&(struct subprocess){.argv = argv, .dir = dir}, out, errors, limit,
                          &timed_out);
}
