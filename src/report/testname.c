/* The ids of pytest's tests, as config.cwd_relative_nodeid() of pytest shows them. */
#include <string.h>

#include "manifest/manifest.h"
#include "report/report.h"

/* Skips the components that both paths begin with; each path ends with a slash. */
static void skip_common(const char **a, const char **b)
{
    size_t common = 0;
    for (size_t i = 0; (*a)[i] && (*a)[i] == (*b)[i]; i++)
        if ((*a)[i] == '/')
            common = i + 1;
    *a += common;
    *b += common;
}

void report_pytest_name(struct buf *b, const struct plan_map *plan, const char *id)
{
    const char *root = plan_map_str(plan, plan->head->pytest_root);
    const char *here = plan_map_str(plan, plan->head->root), *colons = strstr(id, "::");
    if (root[0] != '/' || here[0] != '/' || id[0] == '/' || strcmp(root, here) == 0) {
        buf_adds(b, id);
        return;
    }
    struct buf from, to;
    buf_init(&from);
    buf_init(&to);
    buf_addf(&from, "%s/", strcmp(here, "/") == 0 ? "" : here);
    buf_addf(&to, "%s/%.*s/", strcmp(root, "/") == 0 ? "" : root,
             (int)(colons ? (size_t)(colons - id) : strlen(id)), id);
    const char *up = buf_cstr(&from), *down = buf_cstr(&to);
    skip_common(&up, &down);
    for (; *up; up++)
        if (*up == '/')
            buf_adds(b, "../");
    if (*down)
        buf_add(b, down, strlen(down) - 1);
    buf_adds(b, colons ? colons : "");
    buf_release(&from);
    buf_release(&to);
}

void report_test_name(struct buf *b, const struct plan_map *plan, const struct plan_test *t)
{
    const char *id = t ? plan_map_str(plan, t->id) : "";
    if (t && t->format == FORMAT_PYTEST)
        report_pytest_name(b, plan, id);
    else
        buf_adds(b, id);
}
