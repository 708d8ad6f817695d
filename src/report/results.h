/* Results: what the journal says of each test, merged. */
#ifndef REPORT_RESULTS_H
#define REPORT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "plan/planfile.h"
#include "run/journal.h"

struct result_text {
    const char *data; /* NUL-terminated; may hold any bytes; NULL: none */
    size_t len;
    size_t room; /* bytes behind data that may be written; for results.c */
};
struct result_point {
    enum outcome outcome;
    const char *description;
};
/* A part of detail, out, err or log, in the order in which they came. */
struct result_section {
    enum record_field tag; /* FIELD_DETAIL, FIELD_STDOUT, FIELD_STDERR or FIELD_LOG */
    const char *title;     /* NULL: none */
    size_t at, len;        /* where in that text */
    bool apart;            /* an empty line came first; it is no part of the text */
};
/* The message of a DETAIL that is about a teardown; NULL for any other section. */
const char *result_section_teardown(const struct result_section *c);
struct result_property {
    const char *name, *value;
};

struct result {
    enum outcome outcome;      /* OUTCOME_NONE: it did not run (to its end) */
    enum outcome call_outcome; /* what the test itself said, where teardown made it an error */
    uint16_t slot;
    uint32_t attempts;
    bool resumed; /* it ended in the run that this one goes on with; set by the caller */
    struct result *earlier; /* the attempts before this one, all of which failed; they have none */
    size_t n_earlier;
    int status; /* wait status */
    int64_t start_ns;
    uint64_t wall_ns, cpu_ns, peak_bytes;
    struct result_text message, detail, out, err, log, location, place;
    struct result_section *sections;
    size_t n_sections;
    struct result_point *points; /* TAP: each counts as a result of its own */
    size_t n_points;
    const char **leftovers;
    size_t n_leftovers;
    struct result_property *properties;
    size_t n_properties;
};

/* A file that pytest could not collect, or skips itself: detail is "file:line" then. */
struct result_file {
    const char *name;
    struct result_text message, detail;
};
/* How the ini file wants a JUnit file; all zero is pytest's default. */
struct junit_style {
    const char *suite_name; /* of pytest tests; NULL: "pytest" */
    const char *logging;    /* which output is in it; NULL: all that was captured */
    bool has_files;         /* testcases name their files: junit_family is xunit1 */
    bool passed_are_mute;   /* no output of tests that passed */
};

struct project_files; /* report/place.h */
struct results {
    struct arena arena;
    const struct plan_map *plan;  /* borrowed: ids, suites, markers */
    struct result *tests;         /* [plan->head->n_tests] */
    size_t counts[OUTCOME_COUNT]; /* by outcome, points counted singly; [OUTCOME_NONE]: not run */
    size_t n_reruns;              /* attempts that were not a test's last */
    bool fail_on_flaky;           /* as the plan says */
    struct strv notes;            /* messages of the run itself */
    struct result_file *errors, *skips;
    size_t n_errors, n_skips;
    struct junit_style junit;   /* set by results_read_words */
    size_t deselected;          /* tests that were left out; with what follows, set by */
    size_t warnings;            /* results_read_words */
    size_t instead[OUTCOME_COUNT]; /* tests of that outcome that plugins count under words of their own, */
    struct strv others;         /* what pytest's plugins count: "2 rerun" */
    struct result_text summary; /* what pytest printed at its end */
    size_t summary_passes;      /* bytes of it that stand before the output of passed tests */
    uint64_t covered, coverable; /* lines, and branches where they count; coverable 0: not measured;
                                    set by results_read_covered */
    size_t torn;                  /* damaged places of the journal that were passed over */
    double wall_seconds;          /* of the run; set by the caller */
    bool timed_out; /* its time was over (the plan's run_timeout_ms); set by the caller */
    bool interrupted;             /* the run was stopped by the user; set by the caller */
    struct project_files *files;  /* owned; for the reports that name places */
};

void results_init(struct results *r, const struct plan_map *plan);
void results_release(struct results *r);
/* Forgets the results of all tests; what else is known stays. */
void results_restart(struct results *r);
/* Merges one record: a later RESULT or ATTEMPT of a test replaces an earlier one, which is kept as
 * an attempt (one that passes after one that failed makes the test flaky, with the failure's
 * message; where no RESULT follows, the last ATTEMPT is the verdict), an AMEND
 * raises its outcome to error and appends its texts; a crash that was only noticed from outside
 * (no slot) does not replace a verdict. A failure that came without a message gets
 * one from its wait status. Texts of passed tests are kept too, since JUnit and -rP want them;
 * records are bounded by output_limit. A record of a test that the plan does not have counts as
 * a damaged place. */
void results_add(struct results *r, const struct record *rec);
/* Reads a whole journal file. EXIT_INTERNAL if it cannot be read. */
bool results_read(struct results *r, const char *journal_path, struct error *err);
/* Reads what RUNDIR/counts, RUNDIR/junit and RUNDIR/summary say; each may be missing. */
void results_read_words(struct results *r, const char *rundir);
/* The same of RUNDIR/covered, which is there when the coverage has been reported. */
void results_read_covered(struct results *r, const char *rundir);
/* Counts outcomes anew; call after the last results_add. */
void results_count(struct results *r);
/* Seconds from the start of the first test to the end of the last, as the journal has them. */
double results_span(const struct results *r);
/* EXIT_OK, or EXIT_FAILED: also when tests did not run (a run that lost tests is no success), and when
 * tests were flaky under --fail-on-flaky. A plan without tests, as of a shard that got none, is OK. That
 * a run was interrupted is for the caller to weigh. */
enum exit_code results_exit_code(const struct results *r);
/* Whether the test counts once as itself. A TAP script with points does not, its points do,
 * unless it failed for a reason that is none of its points' (a bad plan, its exit status). */
bool result_counts_itself(const struct result *t);
/* What the test itself said, where only its teardown failed; else its outcome. */
enum outcome result_itself(const struct result *t);

#endif
