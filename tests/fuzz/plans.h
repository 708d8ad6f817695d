/* For targets that need a plan: made of fuzzed tests, written and mapped. */
#ifndef FUZZ_PLANS_H
#define FUZZ_PLANS_H

#include "manifest/manifest.h"
#include "plan/plan.h"
#include "plan/planfile.h"

/* Settings for plan_make that every plan here has. */
extern const struct plan_settings fuzz_plan_settings;
/* Plans all tests of m with one worker, and maps the plan file. Aborts if that fails. */
void fuzz_map_plan(const struct manifest *m, struct plan_map *map);

#endif
