#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/registry.h"
#include "config/settings.h"
#include "config/source.h"

/* The names that pytest looks for in each folder, in its order. */
static const struct {
    const char *name;
    enum source_kind kind;
} known_files[] = {
    {"pytest.toml", SOURCE_PYTEST_TOML},
    {".pytest.toml", SOURCE_PYTEST_TOML},
    {"pytest.ini", SOURCE_PYTEST_INI},
    {".pytest.ini", SOURCE_PYTEST_INI},
    {"pyproject.toml", SOURCE_PYPROJECT},
    {"tox.ini", SOURCE_INI},
    {"setup.cfg", SOURCE_CFG},
};
enum { N_KNOWN = sizeof known_files / sizeof *known_files };

/* By name, then by suffix, as pytest does for -c. False if pytest has no reader for it. */
static bool kind_of(const char *path, enum source_kind *kind)
{
    const char *name = path_basename(path);
    for (size_t i = 0; i < N_KNOWN; i++)
        if (strcmp(name, known_files[i].name) == 0) {
            *kind = known_files[i].kind;
            return true;
        }
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name)
        return false;
    *kind = strcmp(dot, ".ini") == 0   ? SOURCE_INI
            : strcmp(dot, ".cfg") == 0 ? SOURCE_CFG
                                       : SOURCE_CUSTOM_TOML;
    return *kind != SOURCE_CUSTOM_TOML || strcmp(dot, ".toml") == 0;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Takes what the file says; it becomes the file of c. */
static bool adopt(struct config *c, const struct source *s, struct error *err)
{
    c->path = xstrdup(s->path);
    c->root = path_dirname(s->path);
    c->has_pytest = s->has_pytest;
    return source_apply(s, c, err);
}

/* Looks at one file of the search. 1: it was taken; 0: go on; -1: err. The first file that has
 * nothing but a rowlock section is kept in spare. */
static int try_file(struct config *c, const char *path, enum source_kind kind, const char *python,
                    struct source *spare, struct error *err)
{
    struct source s;
    if (!source_open(&s, path, kind, python, err))
        return -1;
    if (s.has_pytest) {
        int result = adopt(c, &s, err) ? 1 : -1;
        source_release(&s);
        return result;
    }
    if (s.has_rowlock && !spare->path)
        *spare = s;
    else
        source_release(&s);
    return 0;
}

/* Walks up from dir to the root of the file system. */
static bool search(struct config *c, const char *dir, const char *python, struct error *err)
{
    struct source spare = {.path = NULL};
    char *base = path_absolute(dir);
    int result = 0;
    for (bool top = false; !top && result == 0;) {
        for (size_t i = 0; i < N_KNOWN && result == 0; i++) {
            char *path = path_join(base, known_files[i].name);
            if (is_file(path))
                result = try_file(c, path, known_files[i].kind, python, &spare, err);
            free(path);
        }
        top = strcmp(base, "/") == 0;
        char *up = path_dirname(base);
        free(base);
        base = up;
    }
    free(base);
    bool ok = result >= 0;
    if (result == 0 && spare.path)
        ok = adopt(c, &spare, err);
    source_release(&spare);
    return ok;
}

/* -c FILE. What is no regular file (/dev/null) is no configuration, as in pytest. */
static bool load_explicit(struct config *c, const char *dir, const char *file, const char *python,
                          struct error *err)
{
    char *joined = path_join(dir, file);
    char *path = path_absolute(joined);
    char *shown = text_quote(file);
    struct source s = {.path = NULL};
    struct stat st;
    enum source_kind kind;
    bool ok = false;
    if (stat(path, &st) != 0)
        error_set(err, EXIT_USAGE, "-c: %s: %s; name an existing file", shown, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        error_set(err, EXIT_USAGE, "-c: %s: is a folder; name a file in it", shown);
    else if (!S_ISREG(st.st_mode))
        ok = true;
    else if (!kind_of(path, &kind))
        error_set(err, EXIT_USAGE,
                  "-c: %s: has an unsupported format; name a file that ends with "
                  ".ini, .cfg or .toml",
                  shown);
    else
        ok = source_open(&s, path, kind, python, err) && adopt(c, &s, err);
    source_release(&s);
    free(shown);
    free(path);
    free(joined);
    return ok;
}

bool config_load(struct config *c, const char *dir, const char *explicit_file, const char *python,
                 struct error *err)
{
    memset(c, 0, sizeof *c);
    settings_default(c);
    bool ok = explicit_file ? load_explicit(c, dir, explicit_file, python, err)
                            : search(c, dir, python, err);
    if (!ok) {
        config_release(c);
        return false;
    }
    if (!c->root)
        c->root = path_absolute(dir);
    c->n_own_markers = c->n_markers;
    registry_add_built_in(c);
    return true;
}

#define PARALLEL_FILE "pytest-parallel.ini"

char *config_parallel_file(const struct config *c, const char *dir)
{
    char *folder = c->path ? path_dirname(c->path) : xstrdup(dir);
    char *path = path_join(folder, PARALLEL_FILE);
    bool there = is_file(path);
    if (there && strcmp(folder, dir) == 0) {
        free(path);
        path = xstrdup(PARALLEL_FILE);
    }
    free(folder);
    if (there)
        return path;
    free(path);
    return NULL;
}

void config_release(struct config *c)
{
    free(c->root);
    free(c->path);
    strv_release(&c->addopts);
    strv_release(&c->testpaths);
    for (size_t i = 0; i < c->n_markers; i++) {
        free(c->markers[i].name);
        free(c->markers[i].description);
    }
    free(c->markers);
    free(c->env_prefix);
    free(c->python);
    free(c->worker_start);
    free(c->history_url);
    marker_timeouts_free(c->timeouts, c->n_timeouts);
    free(c->shard_times);
    memset(c, 0, sizeof *c);
}
