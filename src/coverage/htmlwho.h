/* Who ran the lines of a source file, on its page: the names of contexts stand there once, and each
 * line says which set of them it is. */
#ifndef COVERAGE_HTMLWHO_H
#define COVERAGE_HTMLWHO_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "coverage/model.h"

struct html_who_line {
    uint32_t line;
    uint32_t set;   /* number of its set */
    uint32_t named; /* contexts of it but "", which is no test's */
};
struct html_who {
    struct html_who_line *lines; /* ascending */
    size_t n_lines;
    size_t named;     /* contexts of the file but "" */
    struct buf names; /* HTML text, a name a line: "N REST", N characters are those of the one before */
    struct buf sets;  /* likewise a set a line: "0,4-17", indices of names */
};

/* Of f, which is finished; empty for one without contexts. */
void html_who_make(struct html_who *w, const struct cov_file *f);
void html_who_release(struct html_who *w);
/* The line, NULL if no context has it. */
const struct html_who_line *html_who_find(const struct html_who *w, uint32_t line);

#endif
