/* The registry of markers: the project's own, then those that Rowlock gives a meaning to or that
 * its guide uses. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "config/registry.h"

static const char *const built_in[] = {
    "parallel_safe: may run beside any other test",
    "serial: runs alone, after all other tests",
    "resource_intensive: uses much of the machine, so fewer tests run beside it",
    "slow: takes long",
    "unit: tests one part by itself",
    "integration: tests how parts work together",
    "performance: measures time or memory",
    "xdist_group(name): with --dist loadgroup, tests of one group run on the same worker",
    "lock(name, ...): never runs at the same time as another test with one of these locks",
    "weight(n): counts as n tests when it is decided how many run side by side",
    "timeout(s): is stopped after s seconds",
    "flaky(reruns=n): is run again up to n times when it fails",
};

void registry_add(struct config *c, const char *line)
{
    static const char blanks[] = " \t\r\n\v\f";
    size_t len = strcspn(line, ":(");
    size_t skip = strspn(line, blanks);
    if (skip > len)
        skip = len;
    while (len > skip && strchr(blanks, line[len - 1]))
        len--;
    c->markers = xreallocarray(c->markers, c->n_markers + 1, sizeof *c->markers);
    c->markers[c->n_markers++] =
        (struct marker_def){xmemdup0(line + skip, len - skip), xstrdup(line)};
}

const struct marker_def *config_marker(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_markers; i++)
        if (strcmp(c->markers[i].name, name) == 0)
            return &c->markers[i];
    return NULL;
}

const char *config_nearest_marker(const struct config *c, const char *name)
{
    struct nearest near;
    nearest_init(&near, name);
    for (size_t i = 0; i < c->n_markers; i++)
        nearest_try(&near, c->markers[i].name);
    return near.best;
}

void registry_add_built_in(struct config *c)
{
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++) {
        registry_add(c, built_in[i]);
        struct marker_def *last = &c->markers[c->n_markers - 1];
        if (config_marker(c, last->name) == last)
            continue;
        free(last->name);
        free(last->description);
        c->n_markers--;
    }
}
