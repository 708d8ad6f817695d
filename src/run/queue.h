/* The queues of --dist worksteal: each worker slot has a stretch of the plan's groups in the shared
 * state. A worker takes groups from the front of its own; where that is empty, it moves the tail
 * half of the longest one over to its own. Lock-free: whoever dies in between loses nothing but
 * the groups that it had just taken, which the driver's next round finds undone. */
#ifndef RUN_QUEUE_H
#define RUN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/planfile.h"
#include "run/state.h"

/* Fills the queues as planned, or in equal parts if the run has another number of slots than the
 * plan. For a time when nobody takes from them. */
void queue_fill(struct state *s, const struct plan_map *p);
/* Are all of them empty? */
bool queue_empty(const struct state *s);
/* How many groups the queue of that slot has. */
uint32_t queue_length(const struct state *s, uint32_t slot);
/* Takes some neighbouring groups for the worker of that slot: the fewer the less is left, so that
 * the last ones can be shared out. steals: from other queues when its own is empty. False if there
 * is nothing left. */
bool queue_take(struct state *s, uint32_t slot, bool steals, uint32_t *first, uint32_t *n);

#endif
