/* What the two readers of TAP, prove's (tap.c) and Meson's (tapmeson.c), share. */
#ifndef RUN_TAPPARTS_H
#define RUN_TAPPARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/tap.h"

/* A piece of a line, not owned. */
struct tap_piece {
    const char *p;
    size_t n;
};

enum tap_directive { DIRECTIVE_NONE, DIRECTIVE_SKIP, DIRECTIVE_TODO };

bool tap_is_space(char c);
/* A letter, a digit or "_". */
bool tap_is_word(char c);
void tap_skip_space(struct tap_piece *s);
/* Takes the space off both ends. */
void tap_trim(struct tap_piece *s);
/* Takes text off the beginning, if it is there. */
bool tap_take(struct tap_piece *s, const char *text);
/* Takes the digits off the beginning, if there are some; a huge number stays huge. */
bool tap_take_number(struct tap_piece *s, uint64_t *v);
/* Adds to what is shown of failures, as far as there is room. */
void tap_add_detail(struct tap *t, const char *p, size_t n);
/* Notes what is wrong with the output itself. */
void tap_fault(struct tap *t, const char *what);
/* Records and counts a point, except in t->ran; line is all of it, for the details of a failure. */
void tap_add_point(struct tap *t, enum outcome o, uint64_t number, struct tap_piece text,
                   enum tap_directive d, struct tap_piece reason, struct tap_piece line);

/* The words of a message: why it has bailed out, which points have failed (some have), how many
 * there were to be. */
void tap_explain_bail(const struct tap *t, struct buf *m);
void tap_explain_failed(const struct tap *t, struct buf *m);
void tap_explain_planned(const struct tap *t, struct buf *m);

#endif
