/* What the terminal is. */
#ifndef COMMAND_TERMINAL_H
#define COMMAND_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Columns: of the terminal behind f, else $COLUMNS, else 80; at least 20. */
int terminal_width(FILE *f);
/* choice is "yes", "no", "auto" or NULL (auto): colour on a terminal unless NO_COLOR or TERM=dumb;
 * FORCE_COLOR and PY_COLORS as in pytest. */
bool terminal_color(FILE *f, const char *choice);
/* True if lines on f can be rewritten. */
bool terminal_live(FILE *f);

#endif
