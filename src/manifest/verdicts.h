/* The verdicts of a run as --report-json has written them, and those of two runs side by side. */
#ifndef MANIFEST_VERDICTS_H
#define MANIFEST_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define VERDICT_NOT_RUN "not run"

/* A point of a TAP script. */
struct verdict_point {
    const char *outcome, *description; /* the description may be NULL */
};
/* All strings are untrusted, outcomes too. */
struct verdict {
    const char *id, *outcome;
    const char *message; /* one line; NULL: none */
    double seconds; /* that it took; < 0: not known. For the caller: verdicts_read leaves it out */
    struct verdict_point *points;
    size_t n_points;
};
struct verdicts {
    struct arena arena; /* owns what the verdicts point to */
    struct verdict *v;
    size_t n, cap;
    bool interrupted; /* the run was */
};

void verdicts_init(struct verdicts *v);
void verdicts_release(struct verdicts *v);
/* Appends one, of which copies are made; message may be NULL. The result is good until the next. */
struct verdict *verdicts_add(struct verdicts *v, const char *id, const char *outcome,
                             const char *message);
/* Appends those of the report at path, in order of their ids. EXIT_USAGE, with the place, if it is
 * none. */
bool verdicts_read(struct verdicts *v, const char *path, struct error *err);
/* Brings them into the order of their ids; of the same id (--dist each), of their outcomes. */
void verdicts_sort(struct verdicts *v);

/* The verdict of that id in sorted ones; NULL if there is none. */
const struct verdict *verdicts_find(const struct verdicts *v, const char *id);
/* What the verdict counts as in a comparison: "passed" for flaky unless strict. */
const char *verdict_weighed(const struct verdict *v, bool strict);

/* A walk over two runs, both sorted. Begin with zeros behind a and b. */
struct verdict_walk {
    const struct verdicts *a, *b;
    size_t i, j;
};
/* The next test: its verdict in either run, NULL in the one that does not have it. False behind the
 * last. */
bool verdicts_next(struct verdict_walk *w, const struct verdict **a, const struct verdict **b);

#endif
