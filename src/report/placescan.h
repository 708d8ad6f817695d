/* Places in texts: "file:line" and the like, as compilers, assert, test libraries, valgrind,
 * shells, Perl and Python write them. Private to report/. */
#ifndef REPORT_PLACESCAN_H
#define REPORT_PLACESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct placescan_hit {
    const char *name; /* borrowed from the text, not terminated; may hold any bytes */
    size_t len;
    uint32_t line;  /* from 1 */
    bool strong;    /* its line of text tells of a failure */
    bool traceback; /* a later one counts more: Python, most recent call last */
};

/* Calls take for each place in text, in order, until it returns false. last tells that a later place
 * counts more, whatever it looks like. Of a long text the beginning is read. */
void placescan(const char *text, size_t len, bool last,
               bool (*take)(void *arg, const struct placescan_hit *hit), void *arg);

#endif
