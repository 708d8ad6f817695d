/* The goals that make was called with: which tests were asked for by name. */
#ifndef RUN_GOALS_H
#define RUN_GOALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

struct goals {
    struct strv words;
};

/* Takes the words behind the group in a recipe (NULL-terminated): "t17", "g3", or "@FILE" with
 * such words in it. Without any it is a full run. */
bool goals_read(struct goals *g, char *const *words, struct error *err);
void goals_release(struct goals *g);
/* False in a full run. */
bool goals_named(const struct goals *g);
/* Which of a group's n members (indexes of tests) are to run: wanted[k] for the k-th. If no goal
 * names the group (number from 1) or any of them, the group is a prerequisite of some other
 * goal (a project's own target), and all of it is to run; so it is in a full run. */
void goals_select(const struct goals *g, uint32_t group, const uint32_t *members, uint32_t n,
                  bool *wanted);

#endif
