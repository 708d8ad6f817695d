/* How the reports show untrusted bytes. Private to report/; the public part is in report.h. */
#ifndef REPORT_SHOW_H
#define REPORT_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "report/results.h"

/* Appends \xNN for each of len bytes. */
void show_hex(struct buf *b, const char *bytes, size_t len);

/* What happens to a complete colour sequence (SGR: ESC [ digits ; : m). Any other use of ESC is
 * escaped like every control byte. */
enum show_colors { COLORS_ESCAPE, COLORS_STRIP, COLORS_KEEP };
/* report_plain with a choice of colours; kept ones are reset at the end. With multiline a CR
 * before a newline is dropped. */
void show_text(struct buf *b, const char *text, size_t len, bool multiline,
               enum show_colors colors);

/* Columns that plain text (no control bytes) takes on a terminal. */
size_t show_columns(const char *text, size_t len);
/* Length in bytes of the longest prefix that fits into columns. */
size_t show_fit(const char *text, size_t len, size_t columns);

/* "gw3"; "master" for a sequential run and for records without a slot. At least 16 bytes. */
void show_worker(char *out, size_t size, const struct results *r, const struct result *t);

#endif
