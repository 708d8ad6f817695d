/* What a pytest worker left behind when it died: TEMP/gwN.crash, the tracebacks that faulthandler
 * wrote, and TEMP/gwN.out and .err, what its last test had printed. */
#ifndef RUN_LASTWORDS_H
#define RUN_LASTWORDS_H

#include <stdint.h>

#include "base/buf.h"
#include "run/journal.h"

/* Appends what is there as fields, counting them in r, and removes the files of output, so that
 * they cannot be taken for the words of the next worker that dies. Where r is a timeout, the tracebacks
 * are headed by "Timeout". */
void lastwords_add(const char *temp_dir, uint32_t slot, struct record *r, struct buf *fields);

#endif
