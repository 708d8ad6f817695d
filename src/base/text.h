/* Untrusted text: walking it as UTF-8, showing it on one line, and the nearest known word. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Decodes the character at s, of which len > 0 bytes are left. Returns its length in bytes;
 * *cp is its code point, or -1 for a byte that is not part of valid UTF-8 (length 1). */
size_t text_char(const char *s, size_t len, int32_t *cp);
/* Appends the UTF-8 of the code point. */
void text_add_char(struct buf *b, int32_t cp);
/* The number of characters in len bytes; a byte that is not valid UTF-8 counts as one. */
size_t text_count(const char *s, size_t len);
/* Appends len bytes of s so that they stay on one line of a terminal: control characters and
 * invalid bytes as \n, \t, \x1b. For people, not for parsing back: a backslash stays as it is.
 * Stops after max characters of s with "...". */
void text_escape(struct buf *b, const char *s, size_t len, size_t max);
/* s for a message: escaped, at most 60 characters of it, in single quotes. Caller frees. */
char *text_quote(const char *s);

/* Looks for the known word that a mistyped one was meant to be: an edit distance (insertion,
 * deletion, change or swap of neighbours) of at most 3 and less than half the word's length. */
struct nearest {
    const char *word;
    const char *best; /* borrowed from a nearest_try; NULL while none is near */
    size_t distance;  /* of best; before that, one more than is allowed */
};
void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *candidate);
/* "did you mean BEST? ", without what stands behind a space in it; "" while none is near. Caller
 * frees. */
char *nearest_question(const struct nearest *n);
/* That question about the names in a table of n rows of row bytes, the first of them at *first. Caller
 * frees. */
char *nearest_in_table(const char *word, const char *const *first, size_t n, size_t row);

#endif
