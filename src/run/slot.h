/* Worker slots: slots/0, slots/1, … of a run, each a file that its holder has locked. The
 * name gwN, the worker's folders and its pytest worker belong to the slot, not to the process
 * that holds it. */
#ifndef RUN_SLOT_H
#define RUN_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "run/kernel_lock.h"
#include "run/state.h"

struct slot {
    uint32_t number;
    int fd; /* the lock; shared by a fork, never by an exec */
};

/* Takes the lowest free slot of run_dir (which has n), waiting for one if need be. */
enum lock_result slot_take(struct slot *s, const char *run_dir, uint32_t n, struct error *err);
/* Takes a free slot for which wanted(ctx, number) holds, without waiting; *s stays as it is if there
 * is none (LOCK_BUSY). */
enum lock_result slot_try(struct slot *s, const char *run_dir, uint32_t n,
                          bool (*wanted)(const void *, uint32_t), const void *ctx,
                          struct error *err);
/* Takes a free slot whose queue (run/queue.h) is not empty; waits while such slots are taken.
 * LOCK_BUSY once there is no such slot any more. */
enum lock_result slot_take_queued(struct slot *s, const char *run_dir, const struct state *state,
                                  struct error *err);
void slot_release(struct slot *s);

#endif
