/* One process of a program made with Google Test: started with the tests that it is to run, read as
 * it runs, each test recorded when it ends. */
#ifndef RUN_GTESTPROCESS_H
#define RUN_GTESTPROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "run/capture.h"
#include "run/gtest.h"
#include "run/isolation.h"
#include "run/job.h"
#include "run/supervise.h"

enum gtest_end {
    GTEST_SETTLED,    /* whatever began has its record */
    GTEST_LEFT_OUT,   /* likewise, and yet some did not begin: they are to run alone */
    GTEST_FRUITLESS,  /* likewise, but none began: the first of its tests is charged with that */
    GTEST_DISTRUSTED, /* what it printed contradicts itself, or it ended where it should not:
                         what was recorded of its tests may be wrong */
    GTEST_CRASHED,    /* it ended while a test ran and others had run before: what is charged with
                         it is in crash, not recorded yet */
    GTEST_STOPPED,    /* we were asked to stop, or the run stops */
    GTEST_BROKEN      /* err */
};

struct gtest_process {
    struct job *j;
    struct isolation *iso;
    struct error *err;
    int null;
    uint32_t *tests;    /* that it is to run; owned */
    const char **names; /* owned, not the strings */
    uint32_t n;
    struct gtest reader;
    pid_t pid;
    char *premature;     /* a file that Google Test removes when it has come to its end */
    struct capture text; /* of the test that runs, or since the last one has ended */
    struct buf set_up;   /* of set-ups and teardowns that failed */
    int64_t since, since_real; /* when what happens now began */
    bool over;    /* it is to end: what it prints from now on is no test's */
    bool cut;     /* because the time of the whole run is over */
    bool stop;    /* as the run is to stop */
    bool broken;  /* err is set */
    bool holds;   /* the last of its tests has ended; its record waits for the end of all */
    struct record held;
    struct buf held_text, message, fields;
    struct record crash; /* GTEST_CRASHED: its fields are in fields */
};

/* The name of a test of format gtest, as its command has it. */
const char *gtest_name(const struct job *j, uint32_t test);
/* Appends what --gtest_filter needs to choose the test: what has a meaning there becomes "?". */
void gtest_filter_add(struct buf *filter, const char *name);
/* tests: n > 0 of one program, to be run in one process. Release it in any case. */
void gtest_process_init(struct gtest_process *p, struct job *j, struct isolation *iso, int null,
                        const uint32_t *tests, uint32_t n, struct error *err);
void gtest_process_release(struct gtest_process *p);
enum gtest_end gtest_process_run(struct gtest_process *p);
/* Records test i as that, with a line that says why and what was printed since the last test. */
bool gtest_process_charge(struct gtest_process *p, size_t i, enum outcome o, const char *message);

#endif
