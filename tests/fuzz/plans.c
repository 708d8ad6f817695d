#include "plans.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "support.h"

const struct plan_settings fuzz_plan_settings = {
    .dist = DIST_LOAD,
    .n_slots = 1,
    .grace = 5,
    .output_limit = 65536,
    .run_id = "20240102-030405-67",
    .root = "/",
    .env_prefix = "FQCN",
    .program = "/usr/bin/rowlock",
};

void fuzz_map_plan(const struct manifest *m, struct plan_map *map)
{
    struct plan plan;
    struct error err = ERROR_INIT;
    size_t *all = xmalloc(m->n * sizeof *all);
    for (size_t i = 0; i < m->n; i++)
        all[i] = i;
    char *path = path_join(fuzz_folder(), "plan");
    CHECK(plan_make(&plan, m, all, m->n, &fuzz_plan_settings, &err));
    CHECK(plan_write_file(&plan, path, &err));
    CHECK(plan_map_open(map, path, &err));
    fuzz_check_error(&err, true, 0);
    plan_release(&plan);
    free(path);
    free(all);
}
