/* The further jobserver tokens that a heavy group takes while it runs, and the driver while several
 * workers collect. What Make gave its recipe
 * stands for a weight of 1; a group of weight n reads n-1 bytes from the jobserver and writes
 * the same bytes back when it has ended.
 *
 * The plan puts heavy groups into chains, so that all that can run at once fit into the plan's
 * workers. Where tokens go elsewhere (an outer make's other jobs, a smaller -jN), a group that sees
 * no other one of its run at work starts with what it has: so nobody waits for ever. */
#ifndef RUN_TOKENS_H
#define RUN_TOKENS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "run/jobserver.h"
#include "run/kernel_lock.h"

enum { TOKENS_MAX = 4095 };

/* In memory that the outer and the inner process share: whichever lives longer returns them. */
struct token_store {
    _Atomic uint32_t n;
    unsigned char bytes[TOKENS_MAX];
};

struct tokens {
    int in, out; /* -1: no jobserver */
    struct token_store *store;
};
#define TOKENS_INIT \
    {               \
        -1, -1, 0   \
    }

/* Takes tokens for a weight (clamped to the jobs that j says, if it does). others(ctx): is another
 * group of the run at work? Waits until it has all, or others() has been false for half a second, or we are
 * asked to stop (LOCK_STOPPED). Without a jobserver there is nothing to take. LOCK_BROKEN with err
 * if there is no memory. */
enum lock_result tokens_take(struct tokens *t, const struct jobserver *j, uint32_t weight,
                             bool (*others)(void *), void *ctx, struct error *err);
/* Takes up to n tokens of those that are there now. Returns how many. */
uint32_t tokens_try(struct tokens *t, const struct jobserver *j, uint32_t n);
/* Writes back what is held; may be called by both processes, and again. */
void tokens_return(struct tokens *t);
/* Returns and frees. */
void tokens_release(struct tokens *t);

#endif
