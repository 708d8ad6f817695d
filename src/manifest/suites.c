#include "manifest/suites.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/fields.h"
#include "manifest/globs.h"
#include "manifest/gtest.h"
#include "manifest/tapstart.h"

static const char *const SUITE_KEYS[] = {"name", "format",  "glob",  "paths",  "build", "markers",
                                         "env",  "timeout", "locks", "weight", "cwd",   "reruns",
                                         "interpreter", "config", "command", NULL};
static const char *const BUILD_KEYS[] = {"name", "format", "build", "config", NULL};
static const char *const PYTEST_KEYS[] = {"name", "format", "paths", NULL};
static const char *const NATIVE_KEYS[] = {"name",  "format", "glob",   "markers", "env",
                                          "timeout", "locks", "weight", "cwd",   "reruns",
                                          "interpreter", NULL};
static const char *const GTEST_KEYS[] = {"name",    "format", "glob",   "command", "markers", "env",
                                         "timeout", "locks",  "weight", "cwd",     "reruns", NULL};

const struct key_set suites_keys[] = {{"suite of format exec or tap", NATIVE_KEYS},
                                      {"suite of format gtest", GTEST_KEYS},
                                      {"suite of format pytest", PYTEST_KEYS},
                                      {"suite of format ctest or meson", BUILD_KEYS},
                                      {NULL, NULL}};

static const struct format_row {
    const char *name;
    int format; /* enum test_format; -1: a later version's */
} FORMATS[] = {{"exec", FORMAT_EXEC}, {"tap", FORMAT_TAP}, {"pytest", FORMAT_PYTEST},
               {"gtest", FORMAT_GTEST}, {"ctest", -1},     {"meson", -1}};

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
                              "format '%s' is for suites; use exec, tap or gtest",
                              FORMATS[i].name);
        *format = (enum test_format)FORMATS[i].format;
        return true;
    }
    char *name = text_quote(value->valuestring);
    if (near.best)
        json_error(j, value, err, "unknown format %s; did you mean '%s'?", name, near.best);
    else
        json_error(j, value, err, "unknown format %s; use exec, tap, gtest or pytest", name);
    free(name);
    return false;
}

/* Appends each once; without the TAP scripts that listed has, if it is not NULL. */
static void add_new(const struct strv *from, const struct manifest *listed, struct strv *files)
{
    struct map seen = MAP_INIT;
    for (size_t i = 0; listed && i < listed->n; i++)
        if (listed->tests[i].format == FORMAT_TAP && listed->tests[i].file)
            map_put(&seen, listed->tests[i].file, 1);
    for (size_t i = 0; i < from->n; i++)
        if (map_put(&seen, from->v[i], 1) == MAP_NONE)
            strv_push(files, from->v[i]);
    map_release(&seen);
}

/* All files that "glob" names, each once. *value and its elements are borrowed. */
static bool expand_globs(const struct json *j, const cJSON *value, const char *root,
                         struct strv *files, struct error *err)
{
    struct strv patterns = STRV_INIT, all = STRV_INIT;
    struct buf why = BUF_INIT;
    bool ok = fields_strings(j, value, "glob", true, false, &patterns, err);
    if (ok && !patterns.n)
        ok = json_error(j, value, err, "\"glob\" names no files; add a pattern");
    const cJSON *c = ok && cJSON_IsArray(value) ? value->child : value;
    for (size_t i = 0; i < patterns.n && ok; i++, c = c->next)
        if (!globs_expand(patterns.v[i], root, &all, &why))
            ok = json_error(j, c, err, "%s", why.data);
    if (ok)
        add_new(&all, NULL, files);
    buf_release(&why);
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
    struct strv interpreter; /* what every file is started with; empty for none */
    struct strv command; /* of a gtest suite of one program */
    struct fields_common common;
};

static void suite_release(struct native_suite *s)
{
    map_release(&s->basenames);
    strv_release(&s->files);
    strv_release(&s->interpreter);
    strv_release(&s->command);
}

static void make_command(const struct native_suite *s, const char *file, struct strv *argv)
{
    char *name = command_of(file, s->root, s->common.cwd);
    char *path = file[0] == '/' ? xstrdup(file) : path_join(s->root, file);
    if (s->interpreter.n) {
        strv_push_all(argv, s->interpreter.v);
        strv_push(argv, name);
    } else if (s->format == FORMAT_TAP) {
        tapstart_command(path, name, s->common.env, argv);
    } else {
        strv_push(argv, name);
    }
    free(path);
    free(name);
}

/* The tests of a program made with Google Test. file: it was found by a glob; else NULL. */
static bool add_program(struct manifest *m, struct native_suite *s, const char *origin,
                        const char *id, const char *file, char *const *command,
                        struct error *err)
{
    struct test like;
    size_t n = 0;
    while (command[n])
        n++;
    test_init(&like);
    like.id = arena_strdup(&m->arena, id);
    like.suite = s->name;
    like.origin = origin;
    like.file = file ? arena_strdup(&m->arena, file) : NULL;
    like.command = arena_strv(&m->arena, command, n);
    fields_common_apply(&s->common, m, &like);
    return gtest_add(m, &like, err);
}

static bool add_file(struct manifest *m, struct native_suite *s, const char *origin,
                     const char *file, struct error *err)
{
    const char *base = path_basename(file);
    bool alone = map_get(&s->basenames, base) == 1;
    char *id = xasprintf("%s/%s", s->name, alone ? base : file);
    if (s->format == FORMAT_GTEST) {
        char *command[] = {command_of(file, s->root, s->common.cwd), NULL};
        bool ok = add_program(m, s, origin, id, file, command, err);
        free(command[0]);
        free(id);
        return ok;
    }
    struct test *t = manifest_add(m, id, origin, err);
    if (t) {
        struct strv argv = STRV_INIT;
        make_command(s, file, &argv);
        t->suite = s->name;
        t->format = s->format;
        t->file = arena_strdup(&m->arena, file);
        t->command = arena_strv(&m->arena, argv.v, argv.n);
        fields_common_apply(&s->common, m, t);
        strv_release(&argv);
    }
    free(id);
    return t != NULL;
}

static bool add_files(struct manifest *m, struct native_suite *s, const char *origin,
                      struct error *err)
{
    for (size_t i = 0; i < s->files.n; i++) {
        const char *base = path_basename(s->files.v[i]);
        size_t before = map_get(&s->basenames, base);
        map_put(&s->basenames, base, before == MAP_NONE ? 1 : before + 1);
    }
    bool ok = true;
    for (size_t i = 0; i < s->files.n && ok; i++)
        ok = add_file(m, s, origin, s->files.v[i], err);
    return ok;
}

static bool read_interpreter(struct native_suite *s, const struct json *j, const cJSON *value,
                             struct error *err)
{
    if (!fields_strings(j, value, "interpreter", true, true, &s->interpreter, err))
        return false;
    if (value && (!s->interpreter.n || !s->interpreter.v[0][0]))
        return json_error(j, value, err, "\"interpreter\" names no program; write [\"perl\", …]");
    return true;
}

/* A suite of one program: {"format": "gtest", "command": ["build/unit", "--fast"]}. */
static bool read_program(struct manifest *m, const struct json *j, const cJSON *object,
                         const cJSON *command, struct native_suite *s, struct error *err)
{
    if (fields_get(object, "glob"))
        return json_error(j, command, err, "a suite has a \"glob\" or a \"command\"; remove one");
    if (!fields_strings(j, command, "command", false, true, &s->command, err))
        return false;
    if (!s->command.n || !s->command.v[0][0])
        return json_error(j, command, err, "\"command\" names no program; write [\"PROGRAM\", …]");
    if (!fields_common_read(&s->common, j, object, &m->arena, err))
        return false;
    char *origin = xasprintf("%s:%zu", j->path, json_line(j, command));
    bool ok = add_program(m, s, origin, s->name, NULL, s->command.v, err);
    free(origin);
    fields_common_release(&s->common);
    return ok;
}

static bool read_native(struct manifest *m, const struct json *j, const cJSON *object,
                        struct native_suite *s, struct error *err)
{
    const cJSON *glob_value = fields_get(object, "glob");
    const cJSON *command = fields_get(object, "command");
    if (command)
        return read_program(m, j, object, command, s, err);
    if (!glob_value)
        return json_error(j, object, err,
                          "a suite of format %s needs a \"glob\"; add the pattern "
                          "of its files",
                          s->format == FORMAT_TAP     ? "tap"
                          : s->format == FORMAT_GTEST ? "gtest"
                                                      : "exec");
    if (!expand_globs(j, glob_value, s->root, &s->files, err) ||
        !read_interpreter(s, j, fields_get(object, "interpreter"), err) ||
        !fields_common_read(&s->common, j, object, &m->arena, err))
        return false;
    char *origin = xasprintf("%s:%zu", j->path, json_line(j, glob_value));
    bool ok = add_files(m, s, origin, err);
    free(origin);
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

static bool is_build_format(const cJSON *format)
{
    return cJSON_IsString(format) && (strcmp(format->valuestring, "ctest") == 0 ||
                                      strcmp(format->valuestring, "meson") == 0);
}

static bool read_build(struct testsjson *t, const struct json *j, const cJSON *object,
                       const char *name, bool meson, struct error *err)
{
    const cJSON *build = fields_get(object, "build"), *config = fields_get(object, "config");
    if (!fields_check(j, object, BUILD_KEYS, "a suite of a build folder", err))
        return false;
    if (!build)
        return json_error(j, object, err, "a suite of a build folder needs a \"build\"; add the "
                                          "folder's path");
    if (!fields_string(j, build, "build", err) ||
        (config && !fields_string(j, config, "config", err)))
        return false;
    t->builds = xreallocarray(t->builds, t->n_builds + 1, sizeof *t->builds);
    t->builds[t->n_builds++] =
        (struct build_suite){.meson = meson,
                             .name = xstrdup(name),
                             .dir = xstrdup(build->valuestring),
                             .config = config ? xstrdup(config->valuestring) : NULL};
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
    if (!fields_string(j, name, "name", err))
        return false;
    if (is_build_format(format))
        return read_build(t, j, object, name->valuestring,
                          strcmp(format->valuestring, "meson") == 0, err);
    if (!suites_format(j, format, &s.format, err))
        return false;
    if (s.format == FORMAT_PYTEST)
        return fields_check(j, object, PYTEST_KEYS, "a pytest suite", err) &&
               read_pytest(t, j, object, name->valuestring, err);
    bool gtest = s.format == FORMAT_GTEST;
    if (!fields_check(j, object, gtest ? GTEST_KEYS : NATIVE_KEYS,
                      gtest ? "a suite of Google Test programs" : "a suite of native tests", err))
        return false;
    s.name = arena_strdup(&m->arena, name->valuestring);
    bool ok = read_native(m, j, object, &s, err);
    suite_release(&s);
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

bool suites_add_tap(struct manifest *m, const struct strv *globs, const char *root,
                    struct error *err)
{
    struct native_suite s = {.name = "tap", .format = FORMAT_TAP, .root = root};
    struct strv all = STRV_INIT;
    struct buf why = BUF_INIT;
    bool ok = true;
    for (size_t i = 0; i < globs->n && ok; i++) {
        struct stat st;
        bool folder = stat(globs->v[i], &st) == 0 && S_ISDIR(st.st_mode);
        char *pattern = folder ? path_join(globs->v[i], "*.t") : xstrdup(globs->v[i]);
        if (!globs_expand(pattern, root, &all, &why))
            ok = error_set(err, EXIT_USAGE, "--tap: %s", why.data);
        free(pattern);
    }
    add_new(&all, m, &s.files);
    ok = ok && add_files(m, &s, "--tap", err);
    buf_release(&why);
    strv_release(&all);
    suite_release(&s);
    return ok;
}
