/* Starting a test's process: a process group of its own, standard streams, working folder,
 * and death with its parent. vfork, since starting processes is what a run of small tests
 * spends its time on. */
#ifndef RUN_SPAWN_H
#define RUN_SPAWN_H

#include <sys/types.h>

struct spawn {
    char *const *argv; /* at least one string */
    char *const *envp;
    const char *cwd;      /* NULL or "": where we are */
    int in, out, err_out; /* become 0, 1 and 2; none of them below 3 */
};

enum spawn_step { SPAWN_STARTED, SPAWN_CHDIR, SPAWN_EXEC };

struct spawn_failure {
    enum spawn_step step; /* what did not work */
    int error;            /* errno */
};

/* Starts it. A command without a slash is looked up in the PATH of envp, one with a slash
 * relative to cwd; a file that is no program goes to /bin/sh, as execvp does it. Returns the
 * pid, or -1 and why. */
pid_t spawn_start(const struct spawn *s, struct spawn_failure *why);

#endif
