/* A run on disk for the tests of the reports: a plan file and a journal, without a run. */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "manifest/manifest.h"
#include "report/report.h"
#include "report/results.h"

struct fixture_test {
    const char *id, *suite;
    enum test_format format;
    const char *markers[3];
};
struct fixture {
    char dir[256]; /* below TMPDIR; gone after fixture_close */
    char *plan_path, *journal_path;
    int journal;
    struct plan_map map;
    struct results results;
    struct record rec; /* under construction */
    struct buf fields;
};

/* Writes the plan, maps it and opens an empty journal; the test program ends on failure. */
void fixture_open(struct fixture *f, const struct fixture_test *tests, uint32_t n,
                  uint32_t plan_flags);
void fixture_close(struct fixture *f);

/* Begins a RESULT of attempt 1 on slot 0 with 1 ms wall time; change f->rec at will. */
void fixture_begin(struct fixture *f, uint32_t test, enum outcome o);
void fixture_field(struct fixture *f, enum record_field tag, const void *data, size_t len);
void fixture_text(struct fixture *f, enum record_field tag, const char *text);
void fixture_point(struct fixture *f, enum outcome o, const char *description);
/* Writes the record to the journal. */
void fixture_end(struct fixture *f);

/* Reads the journal into fresh results and counts them. */
void fixture_read(struct fixture *f);
/* report_terminal into memory; the caller frees. */
char *fixture_terminal(const struct fixture *f, const struct report_style *style);
/* The path of name in the fixture's folder; the caller frees. */
char *fixture_path(const struct fixture *f, const char *name);
/* A file's content, NUL-terminated; the caller frees. */
char *fixture_slurp(const char *path);

/* Checks that a report into a place that cannot be, and one that the disk has no room for, fails
 * with a message and leaves what was there. For a sample run. */
typedef bool fixture_report(const char *path, const struct results *r, struct error *err);
void fixture_expect_unwritable(struct fixture *f, fixture_report *report);

/* A run with one test of every kind, read and counted. */
void fixture_sample(struct fixture *f);
/* A run whose ids, markers and texts hold what formats and terminals trip over. */
void fixture_hostile(struct fixture *f);
#define HOSTILE_BYTES \
    "a\"b'<&>]]>\\\n\t\r\x1b[31m\x07\x7f\xff\xc0\xaf\xed\xa0\x80\xef\xbf\xbe$(x)`y`\xc3\xa9"

#endif
