#include "manifest/suites.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/fields.h"

static const char *const SUITE_KEYS[] = {"name", "format",  "glob",  "paths",  "build", "markers",
                                         "env",  "timeout", "locks", "weight", "cwd",   NULL};
static const char *const PYTEST_KEYS[] = {"name", "format", "paths", NULL};
static const char *const NATIVE_KEYS[] = {"name",    "format", "glob",   "markers", "env",
                                          "timeout", "locks",  "weight", "cwd",     NULL};

static const struct format_row {
    const char *name;
    int format; /* enum test_format; -1: a later version's */
} FORMATS[] = {{"exec", FORMAT_EXEC}, {"tap", FORMAT_TAP}, {"pytest", FORMAT_PYTEST},
               {"ctest", -1},         {"meson", -1},       {"gtest", -1}};

bool suites_format(const struct json *j, const cJSON *value, enum test_format *format,
                   struct error *err)
{
    struct nearest near;
    if (!fields_string(j, value, "format", err))
        return false;
    nearest_init(&near, value->valuestring);
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        nearest_try(&near, FORMATS[i].name);
        if (strcmp(FORMATS[i].name, value->valuestring) != 0)
            continue;
        if (FORMATS[i].format < 0)
            return json_error(j, value, err,
                              "format '%s' is not supported by this version; use exec, tap or "
                              "pytest",
                              FORMATS[i].name);
        *format = (enum test_format)FORMATS[i].format;
        return true;
    }
    char *name = text_quote(value->valuestring);
    if (near.best)
        json_error(j, value, err, "unknown format %s; did you mean '%s'?", name, near.best);
    else
        json_error(j, value, err, "unknown format %s; use exec, tap or pytest", name);
    free(name);
    return false;
}

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

/* Appends the files that match, in the order of their bytes. */
static bool expand_glob(const struct json *j, const cJSON *value, const char *pattern,
                        const char *root, struct strv *to, struct error *err)
{
    char *shown = text_quote(pattern), *full = pattern_below(root, pattern);
    struct strv found = STRV_INIT;
    glob_t g = {0};
    struct stat st;
    bool ok = true;
    if (strstr(pattern, "**")) {
        ok = json_error(j, value, err,
                        "the glob %s holds '**', which is not supported; name the "
                        "folders one by one",
                        shown);
    } else {
        int failed = glob(full, GLOB_NOSORT, NULL, &g);
        if (failed && failed != GLOB_NOMATCH)
            ok = json_error(j, value, err, "the glob %s cannot be expanded (%s); check the folder",
                            shown, failed == GLOB_NOSPACE ? "out of memory" : strerror(errno));
        for (size_t i = 0; ok && !failed && i < g.gl_pathc; i++)
            if (stat(g.gl_pathv[i], &st) == 0 && !S_ISDIR(st.st_mode))
                strv_push(&found, below(root, g.gl_pathv[i]));
        if (ok && !found.n)
            ok = json_error(j, value, err,
                            "the glob %s matches no file; build the tests first, or "
                            "correct it",
                            shown);
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

/* All files that "glob" names, each once. *value and its elements are borrowed. */
static bool expand_globs(const struct json *j, const cJSON *value, const char *root,
                         struct strv *files, struct error *err)
{
    struct strv patterns = STRV_INIT, all = STRV_INIT;
    struct map seen = MAP_INIT;
    bool ok = fields_strings(j, value, "glob", true, false, &patterns, err);
    if (ok && !patterns.n)
        ok = json_error(j, value, err, "\"glob\" names no files; add a pattern");
    const cJSON *c = ok && cJSON_IsArray(value) ? value->child : value;
    for (size_t i = 0; i < patterns.n && ok; i++, c = c->next)
        ok = expand_glob(j, c, patterns.v[i], root, &all, err);
    for (size_t i = 0; i < all.n && ok; i++)
        if (map_put(&seen, all.v[i], 1) == MAP_NONE)
            strv_push(files, all.v[i]);
    map_release(&seen);
    strv_release(&all);
    strv_release(&patterns);
    return ok;
}

/* What starts the file: never looked up in PATH, and found whatever the test's folder is. */
static char *command_of(const char *file, const char *root, const char *cwd)
{
    if (cwd) {
        char *path = path_join(root, file), *absolute = path_absolute(path);
        free(path);
        return absolute;
    }
    return strchr(file, '/') ? xstrdup(file) : xasprintf("./%s", file);
}

struct native_suite {
    const char *name;
    enum test_format format;
    const char *root;
    struct strv files;
    struct map basenames; /* → how many files bear it */
    struct fields_common common;
};

static bool add_file(struct manifest *m, struct native_suite *s, const struct json *j,
                     const cJSON *value, const char *file, struct error *err)
{
    const char *base = path_basename(file);
    bool alone = map_get(&s->basenames, base) == 1;
    char *origin = xasprintf("%s:%zu", j->path, json_line(j, value));
    char *id = xasprintf("%s/%s", s->name, alone ? base : file);
    char *argv[] = {command_of(file, s->root, s->common.cwd), NULL};
    struct test *t = manifest_add(m, id, origin, err);
    if (t) {
        t->suite = s->name;
        t->format = s->format;
        t->command = arena_strv(&m->arena, argv, 1);
        fields_common_apply(&s->common, m, t);
    }
    free(argv[0]);
    free(origin);
    free(id);
    return t != NULL;
}

static bool read_native(struct manifest *m, const struct json *j, const cJSON *object,
                        struct native_suite *s, struct error *err)
{
    const cJSON *glob_value = fields_get(object, "glob");
    if (!glob_value)
        return json_error(j, object, err,
                          "a suite of format %s needs a \"glob\"; add the pattern "
                          "of its files",
                          s->format == FORMAT_TAP ? "tap" : "exec");
    if (!expand_globs(j, glob_value, s->root, &s->files, err) ||
        !fields_common_read(&s->common, j, object, &m->arena, err))
        return false;
    for (size_t i = 0; i < s->files.n; i++) {
        const char *base = path_basename(s->files.v[i]);
        size_t before = map_get(&s->basenames, base);
        map_put(&s->basenames, base, before == MAP_NONE ? 1 : before + 1);
    }
    bool ok = true;
    for (size_t i = 0; i < s->files.n && ok; i++)
        ok = add_file(m, s, j, glob_value, s->files.v[i], err);
    fields_common_release(&s->common);
    return ok;
}

static bool read_pytest(struct testsjson *t, const struct json *j, const cJSON *object,
                        const char *name, struct error *err)
{
    struct pytest_suite suite = {.name = NULL};
    if (!fields_strings(j, fields_get(object, "paths"), "paths", false, false, &suite.paths, err)) {
        strv_release(&suite.paths);
        return false;
    }
    suite.name = xstrdup(name);
    t->pytest = xreallocarray(t->pytest, t->n_pytest + 1, sizeof *t->pytest);
    t->pytest[t->n_pytest++] = suite;
    return true;
}

static bool read_suite(struct manifest *m, struct testsjson *t, const struct json *j,
                       const cJSON *object, const char *root, struct error *err)
{
    struct native_suite s = {.root = root};
    if (!fields_check(j, object, SUITE_KEYS, "a suite", err))
        return false;
    const cJSON *name = fields_get(object, "name"), *format = fields_get(object, "format");
    if (!name || !format)
        return json_error(j, object, err, "a suite needs a \"%s\"; add it",
                          name ? "format" : "name");
    if (!fields_string(j, name, "name", err) || !suites_format(j, format, &s.format, err))
        return false;
    if (s.format == FORMAT_PYTEST)
        return fields_check(j, object, PYTEST_KEYS, "a pytest suite", err) &&
               read_pytest(t, j, object, name->valuestring, err);
    if (!fields_check(j, object, NATIVE_KEYS, "a suite of native tests", err))
        return false;
    s.name = arena_strdup(&m->arena, name->valuestring);
    bool ok = read_native(m, j, object, &s, err);
    map_release(&s.basenames);
    strv_release(&s.files);
    return ok;
}

bool suites_read(struct manifest *m, struct testsjson *t, const struct json *j, const cJSON *array,
                 const char *root, struct error *err)
{
    struct map names = MAP_INIT;
    bool ok = true;
    for (const cJSON *c = array->child; c && ok; c = c->next) {
        ok = read_suite(m, t, j, c, root, err);
        const cJSON *name = ok ? fields_get(c, "name") : NULL;
        if (name && map_put(&names, name->valuestring, 1) != MAP_NONE) {
            char *shown = text_quote(name->valuestring);
            ok = json_error(j, name, err, "a second suite named %s; give it another name", shown);
            free(shown);
        }
    }
    map_release(&names);
    return ok;
}
