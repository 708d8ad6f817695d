/* What the files of the command __fixture share: librowlock for scripts of the shell. */
#ifndef COMMAND_FIXTURE_H
#define COMMAND_FIXTURE_H

#include <stdbool.h>

#include "base/buf.h"

/* Exit codes, which the functions of fixtures.sh hand on. FIXTURE_NO: busy, not there, not parallel.
 * FIXTURE_AGAIN: the file of the lock is another one by now, which the script has to open. */
enum { FIXTURE_YES = 0, FIXTURE_NO = 1, FIXTURE_FAILED = 2, FIXTURE_AGAIN = 3 };

/* One thing that a script may ask for. Prints what there is to print; a failure has set rowlock_error. */
struct fixture_row {
    const char *name;
    int min, max; /* how many words */
    int (*run)(char **words, int n);
};
/* Those of fixtureenv.c and fixtureconfig.c; a row without name ends each. */
extern const struct fixture_row fixture_env_rows[], fixture_config_rows[];

/* `rowlock __fixture PID IDENTITY WHAT [WORD…]`, from PID on. Words are taken as they are: none is an
 * option, and none names a file with arguments. Returns the exit code. */
int fixture_main(int argc, char **argv);

/* Prints it and a newline, and frees it; NULL, which rowlock_error explains, is FIXTURE_FAILED. */
int fixture_print(char *text);
/* Appends s with a backslash, a tab and a newline as \\, \t and \n, so that printf %b makes s of it. */
void fixture_add_escaped(struct buf *b, const char *s);
/* Cuts the field at *rest, which a tab or the end of the string ends, and undoes the escapes in it.
 * Returns it; *rest is what follows, NULL behind the last field. */
char *fixture_next_field(char **rest);
/* Reads a file as a string, or false and rowlock_error. */
bool fixture_read(const char *path, struct buf *b);

#endif
