/* The short test summary. Private to report/. */
#ifndef REPORT_SHORTS_H
#define REPORT_SHORTS_H

#include "report/screen.h"

enum { SHORTS_SIZE = 16 };

/* What pytest makes of the value of -r (NULL: its default, "fE"): the letters in the order in
 * which their lines come, "a", "A" and "N" resolved, each once. out: SHORTS_SIZE bytes. */
void shorts_chars(const char *given, char *out);
/* The lines that -r asks for, under their heading; nothing where there are none. */
void shorts_show(struct screen *s);

#endif
