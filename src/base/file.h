/* Files and folders: whole reads, writes that appear at once or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the whole file to b. On failure: false, the message names path, code EXIT_USAGE. */
bool file_read(const char *path, struct buf *b, struct error *err);

/* A file under construction: written under a temporary name beside its final one. */
struct outfile {
    FILE *f;    /* write here; NULL once committed or dropped */
    char *path; /* the final name */
    char *temp; /* the name until then; NULL: path is written as it is */
};
/* Opens path.XXXXXX for writing, mode 0666 less the umask. A device, a pipe or /dev/stdout is no file
 * to be replaced: that is written to. Code EXIT_INTERNAL on failure. */
bool outfile_open(struct outfile *o, const char *path, struct error *err);
/* Flushes, checks every earlier write, and renames. On failure the temporary file is gone
 * and what stood at path is untouched. o is released either way. */
bool outfile_commit(struct outfile *o, struct error *err);
/* Removes the temporary file; nothing happens if there is none. */
void outfile_drop(struct outfile *o);
/* The three in one. */
bool file_write(const char *path, const void *data, size_t len, struct error *err);

/* mkdir -p; code EXIT_INTERNAL on failure. */
bool file_mkdirs(const char *path, struct error *err);
/* Makes link point to target, replacing what was there in one step. EXIT_INTERNAL on failure. */
bool file_symlink(const char *target, const char *link, struct error *err);
/* rm -rf without following links; returns false if anything is left. Makes folders
 * writable where it has to. path is relative to dirfd (AT_FDCWD for the current folder). */
bool file_remove_tree(int dirfd, const char *path);
/* write(2) until all is written; -1 with errno on failure. */
int file_write_all(int fd, const void *data, size_t len);

/* a/b; b alone if it is absolute or a is empty. Caller frees. */
char *path_join(const char *a, const char *b);
/* The absolute path, "." and ".." and doubled slashes folded away, links not followed. Caller frees. */
char *path_absolute(const char *path);
/* The folder of path ("." if it has none). Caller frees. */
char *path_dirname(const char *path);
/* The part behind the last slash; points into path. */
const char *path_basename(const char *path);
/* True if an executable file of that name is found as execvp would find it. */
bool path_executable(const char *name);

#endif
