/* The lines of a source file on its page: each is an element of a list whose class says what became
 * of it. */
#ifndef COVERAGE_HTMLLINES_H
#define COVERAGE_HTMLLINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "coverage/htmlwho.h"
#include "coverage/model.h"

enum html_state {
    HTML_NONE,     /* no statement */
    HTML_HIT,      /* run; perhaps an exception never came, which is no fault of the tests */
    HTML_MISSED,   /* never run */
    HTML_PARTIAL,  /* run, but a way was never taken */
    HTML_EXCLUDED, /* taken out */
    HTML_STATES
};
/* Of a line with its arms. line may be NULL. */
enum html_state html_state_of(const struct cov_line *line, const struct cov_arm *arms, size_t n);

struct html_lines {
    struct buf list;           /* <ol>s */
    struct buf ruler;          /* <rect>s, one unit high for each line */
    uint32_t last;             /* the number of the last line that is shown */
    size_t state[HTML_STATES]; /* how many lines */
    uint32_t beyond;           /* the first line of the data behind the end of the text; 0: none */
};
/* Renders f with its source text; without one (NULL) the lines that the data tells of. who: who ran
 * them, where that is shown; else NULL. */
void html_lines_render(struct html_lines *l, const struct cov_file *f, const struct buf *text,
                       const struct html_who *who);
void html_lines_release(struct html_lines *l);

/* Appends what a line says of its arms: a mark "1/2" for the margin, words if a way was never taken,
 * and the list of all. */
void html_arms(struct buf *b, const struct cov_file *f, const struct cov_line *line,
               const struct cov_arm *arms, size_t n);
/* Appends a count in at most five characters: 99999, 1.23M. */
void html_short_count(struct buf *b, int64_t count);

#endif
