/* Reports of a run's results. Every format escapes what it writes: ids, messages and output are
 * untrusted bytes, and invalid UTF-8 becomes \xNN. Files appear whole or not at all. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "report/results.h"

struct report_style {
    int width; /* columns; 80 when not a terminal */
    bool color;
    int verbose;   /* -v minus -q */
    const char *report_chars; /* -r: the lines of the short summary; NULL: "fE" */
    const char *tb;           /* --tb; NULL: "auto" */
    const char *show_capture; /* --show-capture; NULL: "all" */
    bool no_summary;          /* --no-summary: the last line alone */
    bool whole_messages;      /* messages of the short summary are not cut to the width */
    int durations; /* slowest tests shown; 0: all; -1: none */
    int maxfail;   /* 0: none */
    bool interrupted;
    const char *state_dir; /* ".rowlock/last", for "see also"; may be NULL */
};

/* The end of a run on a terminal: failed tests with their output, the slowest tests with time
 * and peak memory, notes, and the last line ("12 passed, 1 failed in 3.21s"). */
void report_terminal(FILE *out, const struct results *r, const struct report_style *style);
/* JUnit XML as the Jenkins schema (junit-10.xsd) wants it. Folders of path are made. Where a
 * test recorded properties, its testcase gets a <properties> that the schema does not know but
 * its readers do: pytest writes the same. prefix (or NULL) and a dot stand before each class name. */
bool report_junit(const char *path, const char *prefix, const struct results *r,
                  struct error *err);
/* {"summary": {…}, "tests": […]}; json.c describes every key. Folders of path are made. */
bool report_json(const char *path, const struct results *r, struct error *err);

/* A summary in Markdown: counts, failures with what they printed, flaky tests, the slowest, the
 * coverage. Folders of path are made. */
bool report_markdown(const char *path, const struct results *r, struct error *err);
/* The same, appended to the file in which GitHub Actions gathers the summary of a step, as far as
 * its limit of 1 MiB allows. Code EXIT_OK if there was no room for it at all. */
bool report_step_summary(const char *path, const struct results *r, struct error *err);
/* TAP version 14; tapwrite.c describes it. Folders of path are made. */
bool report_tap(const char *path, const struct results *r, struct error *err);
/* Workflow commands of GitHub Actions: an annotation for each failed test, as many as GitHub shows,
 * and how many there are besides. */
void report_github(FILE *out, const struct results *r);

/* Appends a JSON string, as in --report-json: bytes that are no UTF-8, and NUL, as \\xNN. */
void report_json_string(struct buf *b, const char *s, size_t len);
/* Appends , "key": "s", or null for NULL. key is written as it is. */
void report_json_pair(struct buf *b, const char *key, const char *s);

/* For all formats and the progress line: */
/* Appends text with control bytes and invalid UTF-8 as \xNN; newlines and tabs stay if
 * multiline, and a CR before a newline goes. */
void report_plain(struct buf *b, const char *text, size_t len, bool multiline);
/* Appends the id of a test, unescaped, for people to type it where the run was started: pytest's ids
 * are seen from its rootdir, which may be another folder. NULL: nothing. */
void report_test_name(struct buf *b, const struct plan_map *plan, const struct plan_test *t);
/* The same for the id of a test of pytest, or the name of one of its files. */
void report_pytest_name(struct buf *b, const struct plan_map *plan, const char *id);
/* The same for output that may be coloured: complete colour sequences stay if color, else go. */
void report_output(struct buf *b, const char *text, size_t len, bool color);
/* "1.2 s", "340 ms", "2 m 03 s" and "34 MB" (1 MB is 1,000,000 bytes) into out (at least 16
 * bytes). */
void report_seconds(char *out, size_t size, double seconds);
void report_bytes(char *out, size_t size, double bytes);

#endif
