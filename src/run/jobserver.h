/* GNU Make's jobserver, as seen by a program that make has started. Formats read in the GNU
 * Make manual, "POSIX Jobserver Interaction": --jobserver-fds=R,W up to 4.1, then
 * --jobserver-auth=R,W, and --jobserver-auth=fifo:PATH since 4.4. */
#ifndef RUN_JOBSERVER_H
#define RUN_JOBSERVER_H

#include <stdbool.h>

enum jobserver_state {
    JOBSERVER_NONE,   /* MAKEFLAGS names none, or disables it */
    JOBSERVER_CLOSED, /* named, but not passed on: the recipe has no '+' */
    JOBSERVER_OPEN    /* its tokens can be used */
};

struct jobserver {
    enum jobserver_state state;
    int jobs;        /* N of the last -jN in MAKEFLAGS; 0: not said */
    int fds[2];      /* read and write end; -1 with a FIFO */
    char auth[4096]; /* what stands behind --jobserver-auth=, for a make below */
};

/* True if MAKEFLAGS (may be NULL) holds -n, -q or -t: Make runs recipes marked '+' even then,
 * and they must do nothing. */
bool makeflags_dry(const char *makeflags);
/* Reads MAKEFLAGS (may be NULL) and looks whether the descriptors or the FIFO are there. */
void jobserver_read(struct jobserver *j, const char *makeflags);

#endif
