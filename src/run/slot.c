#include "run/slot.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "run/queue.h"

static enum lock_result try_slot(struct slot *s, const char *run_dir, uint32_t i,
                                 struct error *err)
{
    char *path = xasprintf("%s/slots/%u", run_dir, i);
    enum lock_result rc = kernel_lock_try(path, LOCK_MODE_EXCLUSIVE, &s->fd, err);
    free(path);
    s->number = i;
    return rc;
}

/* The lowest that is free now. */
static enum lock_result take_free(struct slot *s, const char *run_dir, uint32_t n,
                                  struct error *err)
{
    enum lock_result rc = LOCK_BUSY;
    for (uint32_t i = 0; i < n && rc == LOCK_BUSY; i++)
        rc = try_slot(s, run_dir, i, err);
    return rc;
}

enum lock_result slot_take(struct slot *s, const char *run_dir, uint32_t n, struct error *err)
{
    long pause = 0;
    s->fd = -1;
    for (;;) {
        enum lock_result rc = take_free(s, run_dir, n ? n : 1, err);
        if (rc != LOCK_BUSY)
            return rc;
        if (!kernel_lock_pause(&pause))
            return LOCK_STOPPED;
    }
}

enum lock_result slot_try(struct slot *s, const char *run_dir, uint32_t n,
                          bool (*wanted)(const void *, uint32_t), const void *ctx,
                          struct error *err)
{
    struct slot found = {0, -1};
    enum lock_result rc = LOCK_BUSY;
    for (uint32_t i = 0; i < n && rc == LOCK_BUSY; i++)
        if (wanted(ctx, i))
            rc = try_slot(&found, run_dir, i, err);
    if (rc == LOCK_TAKEN)
        *s = found;
    return rc;
}

enum lock_result slot_take_queued(struct slot *s, const char *run_dir, const struct state *state,
                                  struct error *err)
{
    long pause = 0;
    s->fd = -1;
    for (;;) {
        bool any = false;
        for (uint32_t i = 0; i < state->run->n_slots; i++) {
            if (!queue_length(state, i))
                continue;
            any = true;
            enum lock_result rc = try_slot(s, run_dir, i, err);
            if (rc != LOCK_BUSY)
                return rc;
        }
        if (!any)
            return LOCK_BUSY;
        if (!kernel_lock_pause(&pause))
            return LOCK_STOPPED;
    }
}

void slot_release(struct slot *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
