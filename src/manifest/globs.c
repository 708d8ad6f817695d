#include "manifest/globs.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

/* The pattern below root, which is taken literally. */
static char *pattern_below(const char *root, const char *pattern)
{
    struct buf b = BUF_INIT;
    for (const char *s = pattern[0] == '/' ? "" : root; *s; s++) {
        if (strchr("*?[]\\", *s))
            buf_addc(&b, '\\');
        buf_addc(&b, *s);
    }
    if (b.len && b.data[b.len - 1] != '/')
        buf_addc(&b, '/');
    buf_adds(&b, pattern);
    return buf_detach(&b);
}

/* The path as seen from root, if it lies below. */
static const char *below(const char *root, const char *path)
{
    size_t n = strlen(root);
    while (n && root[n - 1] == '/')
        n--;
    if (strncmp(path, root, n) != 0 || path[n] != '/')
        return path;
    path += n;
    while (*path == '/')
        path++;
    return path;
}

bool globs_expand(const char *pattern, const char *root, struct strv *to, struct buf *why)
{
    char *shown = text_quote(pattern), *full = pattern_below(root, pattern);
    struct strv found = STRV_INIT;
    glob_t g = {0};
    struct stat st;
    bool ok = false;
    int failed = 0;
    if (strstr(pattern, "**"))
        buf_addf(why,
                 "the glob %s holds '**', which is not supported; name the "
                 "folders one by one",
                 shown);
    else if ((failed = glob(full, GLOB_NOSORT, NULL, &g)) != 0 && failed != GLOB_NOMATCH)
        buf_addf(why, "the glob %s cannot be expanded (%s); check the folder", shown,
                 failed == GLOB_NOSPACE ? "out of memory" : strerror(errno));
    else
        ok = true;
    for (size_t i = 0; ok && !failed && i < g.gl_pathc; i++)
        if (stat(g.gl_pathv[i], &st) == 0 && !S_ISDIR(st.st_mode))
            strv_push(&found, below(root, g.gl_pathv[i]));
    if (ok && !found.n) {
        buf_addf(why, "the glob %s matches no file; build the tests first, or correct it", shown);
        ok = false;
    }
    if (g.gl_pathv)
        globfree(&g);
    strv_sort(&found);
    strv_push_all(to, found.v);
    strv_release(&found);
    free(full);
    free(shown);
    return ok;
}
