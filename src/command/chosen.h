/* What a run checks and says of how its tests were chosen: --shard, --random-order, --lf. */
#ifndef COMMAND_CHOSEN_H
#define COMMAND_CHOSEN_H

#include <stdbool.h>
#include <stdio.h>

#include "command/suite.h"

/* Do the options go together? EXIT_USAGE. */
bool chosen_check(const struct suite *s, struct error *err);
/* Reads the durations that all shards know. EXIT_USAGE on failure. */
bool chosen_read_times(struct suite *s, struct error *err);
/* How many of the selected tests are native. */
size_t chosen_natives(const struct suite *s);
/* Warns of what the options do not mean for the tests that were selected. */
void chosen_warn(const struct suite *s);
/* Prints with which option the random order can be had again, and which part of the tests this is;
 * a line each, where there is something to say. */
void chosen_say(const struct suite *s, FILE *out);

#endif
