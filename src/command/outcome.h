/* What follows when tests have run: crashed ones get their record, reports are written. Shared by the
 * driver, by tests.mk without driver, and by `rowlock report`. */
#ifndef COMMAND_OUTCOME_H
#define COMMAND_OUTCOME_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "config/options.h"
#include "plan/planfile.h"
#include "report/results.h"
#include "run/state.h"

/* Tests that were running when their process vanished get a record: crashed. With crashed false
 * (Ctrl-C) they become pending again; when the run's time was over they have timed out. Returns how
 * many tests have not ended. */
size_t outcome_settle(const struct plan_map *map, struct state *state, int journal_fd, bool crashed,
                      struct error *err);
/* The terminal summary and the files that options ask for. */
bool outcome_report(const struct results *r, const struct options *o, bool interrupted,
                    struct error *err);
/* What is for people elsewhere: the summary in Markdown, and what GitHub Actions gets. Behind the
 * report of the coverage, which is in both. */
bool outcome_summaries(const struct results *r, const struct options *o, struct error *err);
/* `--markers`, as pytest prints it. */
void outcome_list_markers(const struct config *c);

#endif
