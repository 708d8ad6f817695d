/* The parts that make up an HTML report; html.c puts them together. */
#ifndef COVERAGE_HTMLREPORT_H
#define COVERAGE_HTMLREPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "coverage/html.h"
#include "coverage/htmltext.h"
#include "coverage/model.h"

struct html_report {
    const struct coverage *c;
    const struct cov_html *how;
    char *root;       /* the source root, without links; NULL: it is not there */
    char **pages;     /* of each file: the name of its page, without ".html" */
    struct buf title; /* escaped */
    struct buf foot;  /* what stands below every page */
};

/* ---- Pages (folder "f") */

/* The name of a file's page, without ".html": ASCII, never hidden, at most 100 bytes, differs from
 * that of any other file by more than case. taken tells whether a name is in use. Caller frees. */
char *html_page_name(const char *file, bool (*taken)(const char *name, void *arg), void *arg);
/* Appends the page of file number i. */
bool html_page(struct buf *b, const struct html_report *r, const struct html_template *t, size_t i,
               struct error *err);

/* ---- Overview */

/* Appends the data that the overview's script reads. */
void html_overview_data(struct buf *b, const struct html_report *r);
bool html_overview(struct buf *b, const struct html_report *r, const struct html_template *t,
                   struct error *err);
/* Appends all files as a plain table, for those who have no scripts or want to print. */
bool html_list(struct buf *b, const struct html_report *r, const struct html_template *t,
               struct error *err);

/* ---- Sources */

enum html_source_state {
    HTML_SOURCE_READ,
    HTML_SOURCE_NOT_FOUND,
    HTML_SOURCE_OUTSIDE, /* of the source root */
    HTML_SOURCE_UNREADABLE /* no regular file, too large, not permitted */
};
/* Reads the source of f into text. *newer: it was changed after the data was written. */
enum html_source_state html_source(struct buf *text, const struct html_report *r,
                                   const struct cov_file *f, bool *newer);

/* ---- Figures */

/* Appends "87.3%" with the class of its colour and a bar; a dash if there is nothing to cover. */
void html_percent(struct buf *b, const struct cov_html *how, uint64_t covered, uint64_t coverable);
/* Appends a figure for the head of a page: "Lines 87.3% 12 of 15". */
void html_figure(struct buf *b, const struct cov_html *how, const char *what, uint64_t covered,
                 uint64_t coverable);
/* Appends the figures of t that there are. */
void html_figures(struct buf *b, const struct cov_html *how, const struct cov_totals *t);

#endif
