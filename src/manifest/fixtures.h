/* CTest's fixtures: who sets them up, who needs them, who cleans up behind them. */
#ifndef MANIFEST_FIXTURES_H
#define MANIFEST_FIXTURES_H

#include <stddef.h>

#include "base/map.h"
#include "base/strv.h"
#include "manifest/manifest.h"

enum fixture_role { FIXTURE_SETUP, FIXTURE_REQUIRED, FIXTURE_CLEANUP, FIXTURE_ROLES };

struct fixture;
struct fixtures {
    struct fixture *all;
    size_t n;
    struct map by_name;
};

/* The test (an index of the manifest) has the role for the fixture of that name, copied. */
void fixtures_add(struct fixtures *f, enum fixture_role role, const char *name, size_t test);
/* Tests from first on: those that require a fixture depend on its set-ups and bring set-ups and
 * clean-ups along; clean-ups come after all of them. */
void fixtures_link(const struct fixtures *f, struct manifest *m, size_t first);
void fixtures_release(struct fixtures *f);

#endif
