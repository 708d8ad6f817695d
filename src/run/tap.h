/* The Test Anything Protocol, versions 12 to 14, read as it comes.
 *
 * The verdicts are those of Perl's prove: a failing point, a missing, second, misplaced or
 * wrong plan, points out of order, "Bail out!" and an exit status other than 0 fail the test;
 * "1..0 # SKIP reason" skips it. Indented lines (subtests) do not count, with the exception
 * of "Bail out!". Of the pragmas strict and ignore_exit count. All memory is bounded, whatever
 * is fed. What prove 3.44 has no say in: version 14 is known (it allows a comment behind the
 * plan, and indented and empty lines under strict), and YAML is passed over, not parsed. */
#ifndef RUN_TAP_H
#define RUN_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "run/state.h"

enum {
    TAP_LINE_MAX = 64 * 1024,           /* a longer line is cut */
    TAP_POINTS_MAX = 10000,             /* points beyond are counted only, unless they fail … */
    TAP_FAILURES_MAX = 20000,           /* … and from here on whatever they are */
    TAP_POINTS_BYTES = 4 * 1024 * 1024, /* of all descriptions; later ones are left out */
    TAP_DETAIL_BYTES = 64 * 1024,
    TAP_PLAN_TODO_MAX = 256
};

/* How `meson test` reads (tapmeson.h). Whoever makes the reader sets the first two. */
struct tap_meson {
    uint32_t version; /* 1000 * major + minor; 0: the verdicts are prove's */
    bool rust;        /* it is the output of Rust's tests, not TAP */
    bool behind_point; /* the line before was a point: YAML may begin */
    enum outcome last_bad; /* OUTCOME_NONE, _FAILED or _ERROR */
    unsigned lines;        /* 2: two or more */
    uint64_t last, highest; /* numbers of points */
    struct buf indent;      /* of the block of YAML */
};

struct tap {
    struct tap_meson meson;
    struct buf line;  /* the line that is not whole yet */
    bool line_cut;    /* it was too long: the rest is passed over */
    unsigned version; /* 12 unless the output says otherwise */
    bool has_version, has_plan;
    bool plan_behind; /* the plan came behind a point: none may follow */
    bool skip_all;
    bool bailed;
    bool stopped;     /* prove reads no further: a YAML block that does not end */
    bool strict;      /* "pragma +strict": lines that are no TAP are faults */
    bool ignore_exit; /* "pragma +ignore_exit" */
    struct buf held;  /* a line that is just "not": the next one belongs to it */
    uint64_t planned;
    uint64_t ran, failed, skipped, xfailed, xpassed;
    uint64_t plan_todo[TAP_PLAN_TODO_MAX]; /* "1..3 todo 2": points that may fail */
    size_t n_plan_todo;
    bool in_yaml;
    size_t yaml_indent;
    bool explains_failure;   /* what follows tells of a point that failed */
    uint32_t n_points;       /* fields in points */
    struct buf points;       /* FIELD_POINT of each, in the journal's form */
    struct buf detail;       /* failing points with their diagnostics, and errors */
    struct buf first_failed; /* "3 - description" */
    struct buf error;        /* the first fault of the output itself */
    struct buf reason;       /* of "Bail out!" or of skipping everything */
};

void tap_init(struct tap *t);
void tap_release(struct tap *t);
void tap_feed(struct tap *t, const void *data, size_t len);
/* No more output comes. exit_status is that of its process (0 if it ended well). Returns
 * OUTCOME_PASSED, _FAILED or _SKIPPED, as Meson reads it also _ERROR, and adds the reason, one line,
 * to message. */
enum outcome tap_finish(struct tap *t, int exit_status, struct buf *message);

#endif
