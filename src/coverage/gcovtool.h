/* Data of a GCC that this reader does not know: gcov of the same GCC reads them. */
#ifndef COVERAGE_GCOVTOOL_H
#define COVERAGE_GCOVTOOL_H

#include "base/strv.h"
#include "coverage/gcnotes.h"

/* Runs `gcov-N --json-format` (or `gcov`, where there is none of that name) for the notes at that path
 * and data, the path of a data file or NULL, and adds what it says to c; see gc_lines_add for name, of
 * which n->cwd is set alone. False, and problems says why, if that fails. */
bool gcov_tool_add(struct coverage *c, const char *notes, const char *data, uint32_t version,
                   const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                   void *arg, struct strv *problems);

/* Adds what `gcov --json-format --stdout` printed of one .gcno file. False if it is no such thing. */
bool gcov_json_add(struct coverage *c, const char *text, size_t len,
                   const char *(*name)(const struct gc_notes *n, const char *file, void *arg),
                   void *arg);

#endif
