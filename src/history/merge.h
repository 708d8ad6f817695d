/* Two histories become one: that of this folder and one that came from elsewhere. */
#ifndef HISTORY_MERGE_H
#define HISTORY_MERGE_H

#include <stdbool.h>
#include <stddef.h>

/* Adds what the file `from` knows to the one at `to`, which is created if need be. Of two rows about
 * a test on one kind of machine the later one stays. *behind is how many rows of `to` were missing
 * or older in `from`.
 *
 * `from` is not trusted: it is opened for reading only, has to pass SQLite's own check and to have
 * exactly our tables (no view, no trigger), and each row is looked at; odd ones are left out. It is
 * never changed. False with *warning, which the caller frees and which names neither file. */
bool history_merge(const char *to, const char *from, size_t *behind, char **warning);
/* Counts the rows of the file at path into *behind, as if an empty file had been merged. False with
 * *warning. */
bool history_count(const char *path, size_t *behind, char **warning);
/* Writes a copy of the file at path, as it is at one moment, to `copy`, which must not exist. False
 * with *warning. */
bool history_copy(const char *path, const char *copy, char **warning);

#endif
