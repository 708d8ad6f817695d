/* Live progress of a run: rewritten lines on a terminal, plain lines elsewhere. Reads the journal as
 * it grows and merges it into the results on the way. */
#ifndef COMMAND_PROGRESS_H
#define COMMAND_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "command/slow.h"
#include "report/results.h"
#include "run/state.h"

struct live;

struct progress {
    struct results *results; /* filled from the journal */
    const struct plan_map *plan;
    const struct state *state;
    FILE *out;
    int journal_fd; /* for reading */
    bool live;      /* lines can be rewritten */
    bool color;
    bool sequential;
    int verbose;
    struct buf tail; /* bytes of the journal that are no whole record yet */
    double started;  /* monotonic seconds */
    double said;     /* when the last plain line was printed */
    unsigned lines;  /* lines of the block on the screen */
    unsigned tenths; /* plain lines: the last tenth that was told */
    size_t ended, failed;
    unsigned round; /* under --until-fail: 1, 2, …; 0: no rounds */
    size_t resumed; /* so many of them in the run that this one goes on with */
    struct live *printed; /* what tests print, as they print it; NULL: nothing of it is shown */
    struct slow slow;
    unsigned waiting;  /* workers that wait for memory */
    bool waiting_said; /* plain lines: that some do was told at once */
    bool echo;            /* -s: output that was captured all the same is printed, too */
};

/* out is usually stdout. The journal must exist. EXIT_INTERNAL on failure. */
bool progress_init(struct progress *p, struct results *results, const struct state *state,
                   const char *journal_path, FILE *out, int verbose, bool color, struct error *err);
void progress_release(struct progress *p);
/* Takes in, without showing it, what the journal has of a run that this one goes on with. */
void progress_take_resumed(struct progress *p);
/* Another round of all tests: what has ended is forgotten, by the results, too. The journal is
 * empty. */
void progress_next_round(struct progress *p);
/* Reads what is new and shows it; ctx is the struct progress. */
void progress_tick(void *ctx);
/* What tests have printed by now appears; ctx is the struct progress. */
void progress_read_live(void *ctx);
/* Reads the rest and removes the block from the screen. */
void progress_end(struct progress *p);

#endif
