/* The expressions that a test's output is looked at with, as it comes. All of the output is looked
 * at, however long; memory is bounded: what an expression matches must not be longer than
 * EXPECT_OVERLAP bytes to be found in every case. */
#ifndef RUN_EXPECT_H
#define RUN_EXPECT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "plan/planfile.h"

enum { EXPECT_WINDOW = 1024 * 1024, EXPECT_OVERLAP = 256 * 1024 };

/* Any of these expressions. */
struct expect_any {
    regex_t *compiled;
    const char **source; /* borrowed from the plan */
    size_t n;
    const char *found; /* the one that matched; NULL while none has */
};
struct expect {
    struct expect_any skip, fail, pass;
    struct buf text; /* the output that has not been looked at, behind the overlap */
    bool cut;        /* the start of the output is not in text any more */
};

/* For the test of a plan. An expression that cannot be compiled matches nothing. */
void expect_init(struct expect *e, const struct plan_map *plan, const struct plan_test *t);
void expect_release(struct expect *e);
void expect_feed(struct expect *e, const void *data, size_t len);
/* No more output comes. */
void expect_finish(struct expect *e);

#endif
