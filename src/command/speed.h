/* What `rowlock performance --compare` prints. */
#ifndef COMMAND_SPEED_H
#define COMMAND_SPEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "plan/plan.h"

/* One of the two runs. */
struct speed_run {
    bool ran; /* else it was only computed */
    double wall, cpu; /* seconds, of the command as a whole */
    int status;       /* its exit code */
};
struct speed {
    struct speed_run sequential, parallel;
    struct strv ids, before, after; /* tests whose verdicts differ, and these */
    const struct plan *plan;        /* of the parallel run; borrowed, as the next */
    const double *seconds;          /* of each of its tests */
    uint32_t unknown;               /* tests whose duration is not known: they count as 0 */
    uint32_t workers;
};

void speed_print(const struct speed *s, bool json);

#endif
