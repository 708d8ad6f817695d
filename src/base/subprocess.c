#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char *const argv[], int output) __attribute__((noreturn));

static void become(char *const argv[], int output)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null, 0);
    dup2(output, 1);
    dup2(output, 2);
    unsetenv("MAKEFLAGS");
    unsetenv("MAKELEVEL");
    unsetenv("ROWLOCK_RUN");
    execvp(argv[0], argv);
    _exit(127);
}

int subprocess_output(char *const argv[], struct buf *out, size_t limit)
{
    int fds[2], status = 0;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return 127;
    pid_t pid = fork();
    if (pid == 0)
        become(argv, fds[1]);
    close(fds[1]);
    char chunk[4096];
    ssize_t n;
    while (pid > 0 && ((n = read(fds[0], chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)))
        for (ssize_t i = 0; i < n && out->len < limit; i++)
            buf_addc(out, chunk[i]);
    close(fds[0]);
    if (pid < 0)
        return 127;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
