/* Untrusted text in Markdown, as GitHub and GitLab read it (CommonMark with tables). What is shown
 * is the text and nothing else: no markup, no HTML, no mention, no reference, no link. Private to
 * report/. */
#ifndef REPORT_MDTEXT_H
#define REPORT_MDTEXT_H

#include <stddef.h>

#include "base/buf.h"

/* One line of code; may stand in a table, too. Control bytes as \xNN; at most max characters. */
void md_code(struct buf *b, const char *text, size_t len, size_t max);
/* The same as HTML, for a line that is HTML already (<summary>). */
void md_html_code(struct buf *b, const char *text, size_t len, size_t max);
/* The same as running text: every character that could mean something as a reference. */
void md_text(struct buf *b, const char *text, size_t len);
/* The end of text as a block of code: so many lines and bytes of it; says how many lines stand
 * before. Nothing if text is empty. */
void md_block(struct buf *b, const char *text, size_t len, size_t lines, size_t bytes);

#endif
