/* Words of a command line that stand for a file of words: "@FILE", as in pytest 8.2 and newer. */
#ifndef CONFIG_ARGFILE_H
#define CONFIG_ARGFILE_H

#include "base/strv.h"

/* Appends the words to out, each line of FILE in place of "@FILE"; a line may name a file too.
 * Where there is no such file, the word stays: pytest has the message for it. */
void argfile_expand(struct strv *out, char *const *words, size_t n);

#endif
