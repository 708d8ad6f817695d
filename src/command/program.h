/* Where Rowlock's own parts lie: beside the executable in a build tree, else relative to it as
 * installed, else where configure said. */
#ifndef COMMAND_PROGRAM_H
#define COMMAND_PROGRAM_H

#include <stdbool.h>

#include "base/error.h"

struct program {
    char *rowlock; /* absolute path of this program */
    char *exec;    /* of rowlock-exec */
    char *zygote;  /* of zygote.py */
};

/* EXIT_INTERNAL if a part is missing: err names where it was looked for. */
bool program_find(struct program *p, struct error *err);
void program_release(struct program *p);
/* The folder with the templates of HTML reports; NULL and err (EXIT_INTERNAL) if it is missing. Caller
 * frees. */
char *program_templates(struct error *err);
/* The file with the fixtures for shell scripts; likewise. */
char *program_shell_fixtures(struct error *err);
/* The interpreter for pytest: option, then the ini's, then $VIRTUAL_ENV's, then that of the pytest on
 * PATH, then python3. Caller frees. */
char *program_python(const char *option, const char *ini);

#endif
