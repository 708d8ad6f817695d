/* --random-order: an order that follows from a seed and the tests' ids alone. */
#ifndef PLAN_SHUFFLE_H
#define PLAN_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

#include "manifest/manifest.h"

/* Sorts n indexes into m. Files, the classes of a file and the tests of a class are shuffled, each
 * among its like, so that what pytest sets up for a file or a class is set up once; tests that share
 * a parameter of a fixture of the session, a package, a module or a class stay together within these
 * as they do in pytest. A native test counts as a file, a suite of Google Test
 * as a class of its program. Of two tests the same one is always the
 * first, whatever others are there: a failure that depends on the order can be looked for among
 * fewer tests. */
void shuffle(const struct manifest *m, uint64_t seed, size_t *tests, size_t n);

#endif
