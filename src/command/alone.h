/* What pytest does alone, in the terminal of whoever typed it: a debugger, and options with which
 * it prints something and ends. */
#ifndef COMMAND_ALONE_H
#define COMMAND_ALONE_H

#include "command/suite.h"

/* The first of the options for which pytest runs alone, or NULL. */
const char *alone_option(const struct strv *args);
/* Is the option one that talks with its user? */
bool alone_is_interactive(const char *option);
/* Becomes pytest; comes back only with an error. */
int alone_run(struct suite *s, struct error *err);

#endif
