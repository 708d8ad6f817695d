#include "command/manifests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "manifest/ctest.h"
#include "manifest/meson.h"
#include "manifest/suites.h"

static bool import_build(struct suite *s, bool meson, const char *dir, const char *name,
                         const char *prefix, const char *config, struct error *err)
{
    struct arena *arena = &s->manifest.arena;
    char *path = path_absolute(dir);
    struct import from = {.dir = arena_strdup(arena, path),
                          .suite = arena_strdup(arena, name),
                          .prefix = prefix,
                          .config = config};
    free(path);
    return meson ? meson_import(&s->manifest, &from, err) : ctest_import(&s->manifest, &from, err);
}

/* The build folders that the command line names. */
static bool import_named(struct suite *s, bool meson, struct error *err)
{
    const struct strv *dirs = meson ? &s->options.meson : &s->options.ctest;
    bool alone = s->options.ctest.n + s->options.meson.n == 1, ok = true;
    for (size_t i = 0; i < dirs->n && ok; i++) {
        const char *name = alone ? (meson ? "meson" : "ctest") : dirs->v[i];
        ok = import_build(s, meson, dirs->v[i], name, alone ? NULL : name,
                          s->options.ctest_config, err);
    }
    return ok;
}

/* Does the command line name that folder, too? Its tests run once then, under the ids of there. */
static bool is_named(const struct suite *s, const struct build_suite *b)
{
    const struct strv *dirs = b->meson ? &s->options.meson : &s->options.ctest;
    const char *config = s->options.ctest_config;
    bool same = false;
    if (b->config && (!config || strcmp(b->config, config) != 0))
        return false;
    char *path = path_absolute(b->dir);
    for (size_t i = 0; i < dirs->n && !same; i++) {
        char *other = path_absolute(dirs->v[i]);
        same = strcmp(path, other) == 0;
        free(other);
    }
    free(path);
    return same;
}

/* Those, and the suites of tests.json. */
static bool import_builds(struct suite *s, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; i < s->json.n_builds && ok; i++) {
        const struct build_suite *b = &s->json.builds[i];
        if (!is_named(s, b))
            ok = import_build(s, b->meson, b->dir, b->name, b->name,
                          b->config ? b->config : s->options.ctest_config, err);
    }
    return ok && import_named(s, false, err) && import_named(s, true, err);
}

static bool read_testsjson(struct suite *s, struct error *err)
{
    const char *path = s->options.manifest ? s->options.manifest : "tests.json";
    struct buf text = BUF_INIT;
    if (!s->options.manifest && access(path, F_OK) != 0)
        return true;
    bool ok = file_read(path, &text, err);
    if (ok)
        ok = testsjson_read(&s->manifest, &s->json, path, buf_cstr(&text), text.len, ".", err);
    else
        error_set(err, EXIT_USAGE,
                  "%s: cannot be read (%s); --manifest names the tests.json to use", path,
                  strerror(errno));
    buf_release(&text);
    return ok;
}

bool manifests_read(struct suite *s, struct error *err)
{
    bool ok = read_testsjson(s, err) && import_builds(s, err) &&
              (!s->options.taps.n || suites_add_tap(&s->manifest, &s->options.taps, ".", err));
    for (size_t i = 0; i < s->manifest.notes.n; i++)
        command_say(s->manifest.notes.v[i]);
    return ok;
}
