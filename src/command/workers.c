#include "command/workers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/alone.h"
#include "run/cpus.h"

/* "auto" and "logical" as a number. Complains of the environment where the user has said one of them. */
static int count_auto(int asked, bool by_user)
{
    const char *text = getenv("PYTEST_XDIST_AUTO_NUM_WORKERS");
    if (text && *text) {
        char *end;
        errno = 0;
        long n = strtol(text, &end, 10);
        if (!errno && !*end && n <= USHRT_MAX)
            return n > 0 ? (int)n : 0;
        if (!by_user)
            return cpus_available(asked == WORKERS_AUTO);
        char *quoted = text_quote(text);
        fprintf(stderr,
                "rowlock: PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: %s. Ignoring it.\n",
                quoted);
        free(quoted);
    }
    return cpus_available(asked == WORKERS_AUTO);
}

/* -n as a number; 0 when no workers are asked for. */
static unsigned count_workers(struct suite *s, enum suite_mode mode)
{
    const struct options *o = &s->options;
    bool spread = o->distload || (o->dist != DIST_DEFAULT && o->dist != DIST_NO);
    int n = o->workers;
    if (n == WORKERS_UNSET && o->tx_workers && (spread || mode == SUITE_PARALLEL))
        n = o->tx_workers;
    if (n == WORKERS_UNSET && mode == SUITE_AS_PYTEST)
        n = 0;
    if (n == WORKERS_UNSET && s->outer.state == JOBSERVER_OPEN && s->outer.jobs > 0)
        n = s->outer.jobs;
    if (n < 0) {
        s->auto_workers = n == WORKERS_LOGICAL ? "logical" : "auto";
        n = count_auto(n, true);
    }
    if (o->maxprocesses && n > o->maxprocesses)
        n = o->maxprocesses;
    return (unsigned)n;
}

bool workers_choose(struct suite *s, enum suite_mode mode, struct error *err)
{
    struct options *o = &s->options;
    if (o->distload)
        o->dist = DIST_LOAD;
    s->workers = mode == SUITE_SEQUENTIAL ? 0 : count_workers(s, mode);
    if (mode != SUITE_SEQUENTIAL) {
        s->choice[0] = count_auto(WORKERS_AUTO, false);
        s->choice[1] = count_auto(WORKERS_LOGICAL, false);
    }
    s->sequential = s->workers == 0 || o->dist == DIST_NO;
    if (s->sequential)
        s->auto_workers = NULL;
    bool by_number = o->workers > 0 || (o->workers == WORKERS_UNSET && o->tx_workers);
    if (s->alone && alone_is_interactive(s->alone) && by_number && !s->sequential)
        return error_set(err, EXIT_USAGE,
                         "%s is incompatible with distributing tests; try using -n0 or -nauto.",
                         s->alone);
    if (s->sequential)
        s->workers = 1;
    if (o->dist == DIST_DEFAULT)
        o->dist = mode == SUITE_AS_PYTEST ? DIST_LOAD : DIST_LOADSCOPE;
    return true;
}
