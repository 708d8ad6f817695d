/* Names tests that take long while they run, so that nobody has to guess what a run waits for. */
#ifndef COMMAND_SLOW_H
#define COMMAND_SLOW_H

#include <stdint.h>

#include "base/buf.h"
#include "plan/planfile.h"
#include "run/state.h"

/* What a worker slot runs, and after how long that is named next. */
struct slow_slot {
    uint32_t test; /* as in struct slot_state */
    uint64_t since_ns;
    double next; /* seconds */
};
struct slow {
    double limit; /* seconds; 0: never */
    struct slow_slot *slots;
};

void slow_init(struct slow *s, uint32_t n_slots, double limit);
void slow_release(struct slow *s);
/* After how many seconds a test is named first: at the limit; earlier when it takes five times as
 * long as it did in earlier runs (usual_ms; 0: not known), but not before a sixth of the limit; a
 * test that is known to be long, when it takes twice as long. */
double slow_first(double limit, uint32_t usual_ms);
/* Adds a line to b for each test that has become that old by now (CLOCK_MONOTONIC, seconds), and again
 * whenever its age has doubled: "still running after 1 m 00 s: ID [gw1]". */
void slow_look(struct slow *s, const struct plan_map *plan, const struct state *state, double now,
               struct buf *b);

#endif
