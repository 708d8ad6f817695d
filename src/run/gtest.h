/* What a program made with Google Test prints, read as it comes: which of its tests runs, how each
 * came out, and what was printed meanwhile. The lines are those of PrettyUnitTestResultPrinter
 * (googletest/src/gtest.cc, the same from 1.8 on):
 *
 *     [ RUN      ] NAME
 *     [       OK ] NAME (3 ms)
 *     [  SKIPPED ] NAME (0 ms)
 *     [  FAILED  ] NAME, where TypeParam = int and GetParam() = 5 (0 ms)
 *     [==========] 4 tests from 2 test suites ran. (3 ms total)
 *     [  FAILED  ] SUITE: SetUpTestSuite or TearDownTestSuite
 *
 * A test may print without a newline at its end, so such a line may begin in the middle of one.
 *
 * All of it may be forged by a test that runs. Believed is only what can be true (a test begins
 * when none runs, and ends when it runs); what contradicts it shows that something before was
 * forged, or got lost: `odd`. What was said of any test of the process is worth nothing then. */
#ifndef RUN_GTEST_H
#define RUN_GTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/strv.h"
#include "run/state.h"

enum {
    GTEST_LINE_MAX = 64 * 1024, /* of a longer line the first half is text, whatever it says */
    GTEST_REASON_MAX = 500,
    GTEST_PLACE_MAX = 1000,
    GTEST_SUITES_MAX = 1000
};
#define GTEST_NONE SIZE_MAX

struct gtest {
    const char *const *names; /* the tests that are to run; borrowed */
    size_t n;
    struct map index;      /* name → index */
    enum outcome *came_out; /* of each; OUTCOME_NONE while it has not ended */
    size_t current;        /* the one that runs; GTEST_NONE */
    size_t n_begun, n_ended, n_failed;
    bool ended_all; /* "… ran." was printed: a summary follows */
    bool odd;
    struct buf line;    /* that is not whole yet */
    struct buf reason;  /* why the current test failed or was skipped, on one line; at its end */
    struct buf place;   /* "FILE:LINE" of the first failure; "" if there is none */
    bool reading_reason;
    struct strv suites; /* those whose set-up or teardown failed */
    /* What is told, in the order of the output: test i begins; it has ended; some text, of the
     * current test or of none. Not called again once odd is set, but for text. */
    void (*on_begin)(void *ctx, size_t i);
    void (*on_end)(void *ctx, size_t i, enum outcome o);
    void (*on_text)(void *ctx, const void *data, size_t len);
    void *ctx;
};

/* names: n of them, which outlive g. The caller sets the functions. A test that is alone (n is 1)
 * may run several times: it has the worst of its outcomes. */
void gtest_init(struct gtest *g, const char *const *names, size_t n);
void gtest_release(struct gtest *g);
void gtest_feed(struct gtest *g, const void *data, size_t len);
/* No more output comes. */
void gtest_finish(struct gtest *g);

#endif
