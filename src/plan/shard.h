/* --shard I/N: a part of the selected tests, such that N machines that know nothing of each other
 * run each test once.
 *
 * So the parts follow from what is the same on all of them: the ids of the selected tests, what
 * keeps tests together, and the figures of the file that --shard-times names. They do not depend on
 * the order of the tests, nor on the history, which differs from one machine to the next and, where
 * it comes from a web server, from one minute to the next. */
#ifndef PLAN_SHARD_H
#define PLAN_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/options.h"
#include "manifest/manifest.h"

struct shard {
    size_t n, all;            /* tests of this part, and of all parts */
    uint64_t us, all_us;      /* microseconds that they take; 0 where no times are given */
    uint32_t partition;       /* a number that follows from all parts: equal where they are */
    const char *longest;      /* the first test of the longest that stays whole, if it is longer than a
                                 part should be; else NULL; the manifest's */
    double longest_shares;    /* how many such parts it would fill */
};

/* Takes the tests of other parts out of chosen (a flag for each of m). Together stay the tests of an
 * xdist_group; of the others, those that --dist keeps on one worker; and those that are linked by
 * depends, after or brings. Under load and worksteal the tests of a scope, and mostly those of a
 * Google Test program, stay together as far as they take a sixteenth of a part at most. The longest
 * such cluster goes first, to the part that has the least so far;
 * without times of any test (t->shared) each test counts the same. */
void shard_narrow(const struct manifest *m, const struct options *o, bool *chosen,
                  struct shard *shard);

#endif
