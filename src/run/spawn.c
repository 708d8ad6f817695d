#include "run/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strv.h"
#include "base/xalloc.h"
#include "run/platform.h"
#include "run/signals.h"

/* All that the child needs, made ready before: between vfork and exec it may not allocate. */
struct launch {
    const struct spawn *s;
    struct strv paths; /* to try in turn */
    char **shell_argv; /* /bin/sh PATH ARG…; [1] is set by the child */
    pid_t parent;
    volatile enum spawn_step failed;
    volatile int error;
};

static const char *path_of(char *const *envp)
{
    for (; *envp; envp++)
        if (strncmp(*envp, "PATH=", 5) == 0)
            return *envp + 5;
    return "/usr/local/bin:/bin:/usr/bin";
}

static void find_paths(struct strv *paths, const char *name, char *const *envp)
{
    if (strchr(name, '/')) {
        strv_push(paths, name);
        return;
    }
    for (const char *p = path_of(envp); name[0]; p++) {
        const char *end = strchrnul(p, ':');
        if (end == p)
            strv_pushf(paths, "./%s", name);
        else
            strv_pushf(paths, "%.*s/%s", (int)(end - p), p, name);
        if (!*end)
            break;
        p = end;
    }
}

static char **make_shell_argv(char *const *argv)
{
    size_t n = 0;
    while (argv[n])
        n++;
    char **v = xcalloc(n + 2, sizeof *v);
    v[0] = (char *)"/bin/sh";
    for (size_t i = 1; i < n; i++)
        v[i + 1] = argv[i];
    return v;
}

/* Tries every path; returns with the errno that says most. */
static int exec_any(struct launch *l)
{
    int error = ENOENT;
    for (size_t i = 0; i < l->paths.n; i++) {
        execve(l->paths.v[i], l->s->argv, l->s->envp);
        if (errno == ENOEXEC) {
            l->shell_argv[1] = l->paths.v[i];
            execve("/bin/sh", l->shell_argv, l->s->envp);
            return ENOEXEC;
        }
        if (errno == EACCES || errno == ENAMETOOLONG)
            error = errno;
        else if (errno != ENOENT && errno != ENOTDIR)
            return errno;
    }
    return error;
}

static void child(struct launch *l) __attribute__((noreturn));

static void child(struct launch *l)
{
    const struct spawn *s = l->s;
    setpgid(0, 0);
    signals_reset_child();
    if (!platform_die_with_parent(SIGKILL, l->parent))
        _exit(127);
    dup2(s->in, STDIN_FILENO);
    dup2(s->out, STDOUT_FILENO);
    dup2(s->err_out, STDERR_FILENO);
    if (s->cwd && s->cwd[0] && chdir(s->cwd) != 0) {
        l->error = errno;
        l->failed = SPAWN_CHDIR;
        _exit(127);
    }
    l->error = exec_any(l);
    l->failed = SPAWN_EXEC;
    _exit(127);
}

static pid_t launch(struct launch *l)
{
    pid_t pid = vfork();
    if (pid == 0)
        child(l);
    return pid;
}

pid_t spawn_start(const struct spawn *s, struct spawn_failure *why)
{
    struct launch l = {.s = s, .paths = STRV_INIT, .parent = getpid(), .failed = SPAWN_STARTED};
    find_paths(&l.paths, s->argv[0], s->envp);
    l.shell_argv = make_shell_argv(s->argv);
    pid_t pid = launch(&l);
    if (pid < 0) {
        l.failed = SPAWN_EXEC;
        l.error = errno;
    } else if (l.failed != SPAWN_STARTED) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        pid = -1;
    }
    why->step = l.failed;
    why->error = l.error;
    strv_release(&l.paths);
    free(l.shell_argv);
    return pid;
}
