/* Lines of the terminal report: rules, colours, widths. Private to report/. */
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "report/report.h"
#include "report/results.h"

struct screen {
    FILE *out;
    const struct results *r;
    const struct report_style *style;
    size_t width;
    struct buf b;    /* the line under construction */
    struct buf name; /* for screen_id */
};

void screen_init(struct screen *s, FILE *out, const struct results *r,
                 const struct report_style *style);
void screen_release(struct screen *s);
/* The id of test i, unescaped, as report_test_name has it; valid until the next call. */
const char *screen_id(struct screen *s, uint32_t i);
/* "failed", "timed out", …: the word for people. */
const char *screen_outcome(enum outcome o);
/* "FAILED", "TIMEOUT", …: the word of the short summary. */
const char *screen_short_word(enum outcome o);

/* Appends text to the line, escaped. */
void screen_plain(struct screen *s, const char *text, size_t len);
/* Ends the line and writes it. */
void screen_line(struct screen *s);
void screen_linef(struct screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes lines of text, escaped, ended with a newline; nothing if it is empty. Colour codes in
 * it stay if the report is coloured. */
void screen_block(struct screen *s, const char *text, size_t len);
/* A ruled line around title (plain text), as wide as the screen; sgr ("1;31") colours it. */
void screen_rule(struct screen *s, char fill, const char *title, const char *sgr);
/* "FAILED id - message": the first line of the message, cut to the width unless the test was
 * expected to fail. The id is never cut: people copy it. */
void screen_short(struct screen *s, enum outcome o, uint32_t test, const char *message, size_t len);
/* The same for what is no test. */
void screen_short_named(struct screen *s, enum outcome o, const char *name, const char *message,
                        size_t len);
/* "SKIPPED [2] text", never cut. */
void screen_folded(struct screen *s, enum outcome o, const char *count, const char *text);
/* The last line. */
void screen_totals(struct screen *s);

#endif
