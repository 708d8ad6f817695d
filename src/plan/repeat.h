/* --count: each selected test several times. */
#ifndef PLAN_REPEAT_H
#define PLAN_REPEAT_H

#include <stdbool.h>

#include "base/error.h"
#include "manifest/manifest.h"
#include "plan/select.h"

/* Adds count - 1 copies of each selected test to the manifest, with "#2", "#3", … behind its id,
 * and puts them behind it in the selection. A copy depends on what its test depends on. Fixtures
 * (set-ups and clean-ups that other tests bring along) stay single, and clean-ups wait for all
 * copies; with natives_only, tests of pytest stay single, too. EXIT_USAGE where an id is taken. */
bool repeat_tests(struct manifest *m, struct selection *s, uint32_t count, bool natives_only,
                  struct error *err);

#endif
