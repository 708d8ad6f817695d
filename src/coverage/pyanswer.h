/* The answers of src/pytest/covfacts.py, which describes them: words and texts. What comes from there, or
 * from the file that keeps it, is trusted for nothing: what cannot be is torn. */
#ifndef COVERAGE_PYANSWER_H
#define COVERAGE_PYANSWER_H

#include "base/arena.h"
#include "coverage/pyfacts.h"

struct py_cursor {
    const char *at, *end; /* at: aligned as an integer is */
    bool torn; /* it ended too early, or says what cannot be */
};

/* The next word; 0 if it is torn. */
int32_t py_take(struct py_cursor *c);
/* The next word as a number of elements of so many bytes that all follow; 0 if it is torn. */
size_t py_take_length(struct py_cursor *c, size_t each);
/* Takes the head of an answer; *stamped is the file of coverage.py that it names. Texts are copied into the
 * arena. False if it is torn. */
bool py_take_config(struct py_cursor *c, struct arena *arena, struct py_config *config,
                    const char **stamped);
/* Takes the record of a source; *bytes is all of it. Its texts are copied into the arena, its numbers stay
 * where they are. False if it is torn. */
bool py_take_record(struct py_cursor *c, struct arena *arena, struct py_source *s,
                    struct py_cursor *bytes);

#endif
