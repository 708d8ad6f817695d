/* Locks on files that the kernel releases with the last process that holds them: of a
 * descriptor shared by a fork, both must end. Every descriptor is close-on-exec, so that no
 * test keeps a dead runner's lock. */
#ifndef RUN_KERNEL_LOCK_H
#define RUN_KERNEL_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum lock_mode { LOCK_MODE_SHARED, LOCK_MODE_EXCLUSIVE };

enum lock_result {
    LOCK_TAKEN,
    LOCK_BUSY,
    LOCK_STOPPED, /* asked to stop while waiting */
    LOCK_BROKEN   /* err says why */
};

/* Tries once, creating the file. *fd is the lock: close it to release. */
enum lock_result kernel_lock_try(const char *path, enum lock_mode mode, int *fd, struct error *err);
/* Waits until it has the lock or is asked to stop (run/signals.h). */
enum lock_result kernel_lock_wait(const char *path, enum lock_mode mode, int *fd,
                                  struct error *err);

/* How long to sleep before the next try, growing to 20 ms. Start with *ns = 0. A holder that
 * is killed wakes nobody, so waiting is asking again; false if asked to stop. */
bool kernel_lock_pause(long *ns);

/* Named locks of a run, one file each below dir, all exclusive. */
struct lock_set {
    int *fds;
    size_t n;
};
#define LOCK_SET_INIT \
    {                 \
        NULL, 0       \
    }

/* Takes the named locks (any bytes but NUL, any order, doubles count once) in one order that
 * all processes follow. Blocks as kernel_lock_wait does. */
enum lock_result lock_set_take(struct lock_set *set, const char *dir, char *const *names, size_t n,
                               struct error *err);
void lock_set_release(struct lock_set *set);
/* The file name of a lock: percent-encoded, a hash in place of what is too long. Caller frees. */
char *lock_file_name(const char *name);

#endif
