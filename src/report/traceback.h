/* pytest's failure texts on a terminal. Private to report/. */
#ifndef REPORT_TRACEBACK_H
#define REPORT_TRACEBACK_H

#include "report/screen.h"

/* Writes the text as screen_block does, except that without -v a stack of faulthandler ends with the
 * project's own code, and the frames of pytest below that are counted. On a coloured screen, what failed ("E   …") and where
 * ("test_a.py:5: ValueError") gets the colours that pytest gives it. */
void traceback_show(struct screen *s, const char *text, size_t len);

#endif
