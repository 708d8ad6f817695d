/* How a TAP script of a suite is started: as Perl's prove starts it. */
#ifndef MANIFEST_TAPSTART_H
#define MANIFEST_TAPSTART_H

#include "base/strv.h"

/* Appends the command. path is where the file can be read from here, name what its command is to
 * call it; env the suite's variables ("NAME=value", NULL-terminated; NULL for none).
 *
 * A #! line that names perl: $HARNESS_PERL or perl, with the -T or -t of that line (and then
 * with -I for what PERL5LIB names, as taint mode does not look there), whether it is executable
 * or not. Another #! line: the file itself, or where it is not executable the interpreter of that
 * line. A file of bytes (a program): itself. *.tap: its own text is the output. Anything else is
 * Perl. */
void tapstart_command(const char *path, const char *name, char *const *env, struct strv *argv);

#endif
