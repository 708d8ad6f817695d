/* Text for HTML pages: escaping, and templates with places to be filled in. */
#ifndef COVERAGE_HTMLTEXT_H
#define COVERAGE_HTMLTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends text for an element's content or for an attribute in double quotes. Bytes that are no
 * UTF-8 become U+FFFD. Characters that would not be seen as what they are (controls except TAB,
 * marks of direction, of zero width) become their picture or [U+202E]. */
void html_text(struct buf *b, const char *s, size_t len);
/* Likewise the name of a file, and bytes that are no UTF-8 become \xNN. */
void html_name(struct buf *b, const char *name);
/* Appends the name as html_name shows it as a string of JavaScript, with its quotes; no character
 * in it means anything to HTML. */
void html_js_string(struct buf *b, const char *name);
/* Appends the name as html_name shows it, percent-encoded for the part of a URL behind "#". */
void html_fragment(struct buf *b, const char *name);
/* Appends a whole number with commas: 1,234,567. */
void html_number(struct buf *b, uint64_t v);

/* A template is text with places like @TITLE@. */
struct html_place {
    const char *name; /* "TITLE" */
    const struct buf *value;
};
struct html_template {
    char *path;
    struct buf text;
};
/* EXIT_INTERNAL if it cannot be read. */
bool html_template_load(struct html_template *t, const char *folder, const char *name,
                        struct error *err);
void html_template_release(struct html_template *t);
/* Appends the text with its places filled in. EXIT_INTERNAL if there is one that is none of places,
 * which end with a NULL name. */
bool html_template_fill(struct buf *b, const struct html_template *t,
                        const struct html_place *places, struct error *err);

#endif
