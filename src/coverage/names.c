#include "coverage/names.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"

const char *cov_name_below(const struct cov_names *n, const char *path)
{
    size_t root = strlen(n->root);
    if (root == 1 || strncmp(path, n->root, root) != 0 || path[root] != '/')
        return NULL;
    return path + root + 1;
}

/* A glob that names a folder means all below it. */
static bool matches(const char *glob, const char *name)
{
    return fnmatch(glob, name, 0) == 0 || fnmatch(glob, name, FNM_LEADING_DIR) == 0;
}

bool cov_name_matches(const struct strv *globs, const char *name, const char *path)
{
    bool found = false;
    for (size_t i = 0; globs && i < globs->n && !found; i++) {
        const char *glob = globs->v[i];
        while (strncmp(glob, "./", 2) == 0)
            glob += 2;
        size_t n = strlen(glob);
        char *trimmed = xmemdup0(glob, n > 1 && glob[n - 1] == '/' ? n - 1 : n);
        found = (name && matches(trimmed, name)) || matches(trimmed, path);
        free(trimmed);
    }
    return found;
}

/* A relative name that is not there from the current folder on is one from the root on already: the
 * report was written elsewhere. */
static char *name_file(const char *name, void *arg)
{
    const struct cov_names *n = arg;
    char *path = path_absolute(name), *shown = NULL;
    const char *below = cov_name_below(n, path);
    if (below)
        shown = xstrdup(below);
    else if (name[0] != '/' && strncmp(name, "../", 3) != 0 && access(path, F_OK) != 0)
        shown = xstrdup(name);
    else if (!n->only_root || !n->root[1] || cov_name_matches(n->include, NULL, path))
        shown = xstrdup(path);
    free(path);
    return shown;
}

void cov_name_files(struct coverage *c, const struct cov_names *n)
{
    coverage_rename(c, name_file, (void *)n);
}
