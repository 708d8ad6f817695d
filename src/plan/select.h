/* Selection: which tests of a manifest -m, -k, --deselect, paths and ids leave. */
#ifndef PLAN_SELECT_H
#define PLAN_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/options.h"
#include "manifest/manifest.h"
#include "plan/shard.h"

struct selection {
    size_t *tests; /* indexes into the manifest, ascending unless --random-order, --ff or --nf
                      asks for another order; owned */
    size_t n;
    size_t deselected;
    struct shard shard; /* what --shard has left; all zero without it */
    char *last_failed; /* what --lf or --ff has come to, in pytest's words; NULL; owned */
};

/* Applies o->markers, o->keyword, o->deselect and o->test_paths, then --lf, --shard, --random-order,
 * --ff and --nf. Tests of format pytest pass the first four untouched, as pytest itself has selected
 * them, and --lf, unless native ones alone have failed last (plan/lastfailed.h). A native test is
 * meant by an argument that is its id, its suite's name, a folder prefix of its id ("db" and "db/"
 * mean "db/migrate"), or the path of its command or of a folder that the command lies in (the
 * current folder is the root).
 * Arguments that are pytest's (is_pytest_path[i] true for test_paths.v[i]) are none of a native
 * test's business, but if only such are given no native test is selected. An argument that means
 * nothing is EXIT_USAGE and named, with the nearest id. With is_pytest_path NULL nobody has told
 * which are pytest's: then any argument is tried on native tests, and one that means none of
 * them is let pass if the manifest has pytest tests. --deselect takes the same forms, and one
 * that means nothing is no error. s->deselected counts what -m, -k, --deselect and --lf took away,
 * not what no argument meant, nor what is in other shards. */
bool selection_make(struct selection *s, const struct manifest *m, const struct options *o,
                    const bool *is_pytest_path, struct error *err);
void selection_release(struct selection *s);

#endif
