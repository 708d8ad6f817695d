/* A report file that is written piece by piece: what has gathered in b goes to the file now and
 * then, so that a report of any size takes little memory. Private to report/. */
#ifndef REPORT_STREAM_H
#define REPORT_STREAM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

struct stream {
    struct outfile file;
    struct buf b; /* append here */
    int errnum;   /* of the first write that failed; 0: none */
};

/* Makes the folders of path and opens it (base/file.h: it appears whole or not at all). */
bool stream_open(struct stream *s, const char *path, struct error *err);
/* Writes b out if it is large. */
void stream_flow(struct stream *s);
/* Writes the rest and puts the file in place. s is released either way. */
bool stream_close(struct stream *s, struct error *err);

#endif
