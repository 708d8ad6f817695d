/* The HTML report: an overview, a page for each source file, and no more than a browser that is
 * offline needs. */
#ifndef COVERAGE_HTML_H
#define COVERAGE_HTML_H

#include <stdbool.h>
#include <time.h>

#include "base/error.h"
#include "coverage/model.h"

struct cov_html {
    const char *templates;   /* folder with the templates */
    const char *source_root; /* NULL: the current folder. Only what lies below it is shown */
    const char *title;       /* NULL: "Coverage" */
    double low, high;        /* percent: below low is bad, from high on is good */
    bool contexts;           /* name for each line who ran it */
    time_t data_time;        /* when the newest of the data was written; 0: unknown */
};

/* Writes the report of c, which is finished, as folder dir. It is made beside dir and takes its
 * place when it is whole. What stands at dir is replaced if it is an empty folder or a report and
 * nothing else; anything else is left as it is, with an error (EXIT_USAGE). EXIT_INTERNAL if it
 * cannot be written. The same coverage and sources give the same bytes. */
bool html_write(const struct coverage *c, const struct cov_html *how, const char *dir,
                struct error *err);

#endif
