/* --lf, --ff and --nf over all formats, as pytest's cacheprovider does it for its own. */
#ifndef PLAN_LASTFAILED_H
#define PLAN_LASTFAILED_H

#include <stdbool.h>
#include <stddef.h>

#include "config/options.h"
#include "manifest/manifest.h"

/* Of the chosen tests (a flag for each of m) those that failed last stay chosen, if there are any;
 * if there are none, all, or under --lfnf=none none. What is not is set in away. Does nothing
 * without --lf, and only the last of it under --ff. *status, which the caller frees, is what
 * pytest would say of it ("rerun previous 2 failures"), NULL if nobody asked. */
void lastfailed_narrow(const struct manifest *m, const struct options *o, bool *chosen,
                       bool *away, char **status);
/* Sorts n indexes into m: under --ff the tests that failed last first, under --nf those that never
 * ran; the rest stays as it is. */
void lastfailed_sort(const struct manifest *m, const struct options *o, size_t *tests, size_t n);

#endif
