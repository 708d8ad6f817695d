#include "manifest/testsjson.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/fields.h"
#include "manifest/gtest.h"
#include "manifest/rulefields.h"
#include "manifest/suites.h"

static const char *const TOP_KEYS[] = {"rowlock", "suites", "tests", NULL};
static const char *const TEST_KEYS[] = {"id",      "format",  "command", "markers", "locks",
                                        "weight",  "timeout", "reruns",  "env",     "cwd",     "needs",
                                        "depends", "inputs",  "will_fail", "disabled", "skip_code",
                                        "pass_regex", "fail_regex", "skip_regex", "required_files",
                                        NULL};

/* Of a program made with Google Test, which judges its tests itself. */
static const char *const GTEST_KEYS[] = {"id",     "format",  "command", "markers",  "locks",
                                         "weight", "timeout", "reruns",  "env",      "cwd",
                                         "needs",  "depends", "inputs",  "disabled", "required_files",
                                         NULL};

const struct key_set testsjson_keys[] = {{"file", TOP_KEYS},
                                         {"test", TEST_KEYS},
                                         {"test of format gtest", GTEST_KEYS},
                                         {NULL, NULL}};

/* The manifest's own copy of the strings, NULL for none. */
static char **keep(struct manifest *m, const struct strv *s)
{
    return s->n ? arena_strv(&m->arena, s->v, s->n) : NULL;
}

static bool read_command(const struct json *j, const cJSON *object, struct strv *argv,
                         struct error *err)
{
    const cJSON *command = fields_get(object, "command");
    if (!command)
        return json_error(j, object, err, "a test needs a \"command\"; write [\"PROGRAM\", …]");
    if (!fields_strings(j, command, "command", false, true, argv, err))
        return false;
    if (!argv->n)
        return json_error(j, command, err, "\"command\" is empty; write [\"PROGRAM\", …]");
    return argv->v[0][0] ||
           json_error(j, command->child, err, "the program's name is empty; write it");
}

/* What only single tests have, in the order of reading. */
struct own_fields {
    enum test_format format;
    struct strv command, needs, depends;
};

static bool read_own(struct own_fields *o, const struct json *j, const cJSON *object,
                     struct error *err)
{
    const cJSON *format = fields_get(object, "format");
    if (format && !suites_format(j, format, &o->format, err))
        return false;
    if (o->format == FORMAT_PYTEST)
        return json_error(j, format, err,
                          "pytest tests are not listed singly; add a suite of format pytest");
    return read_command(j, object, &o->command, err) &&
           fields_strings(j, fields_get(object, "needs"), "needs", false, false, &o->needs, err) &&
           fields_strings(j, fields_get(object, "depends"), "depends", false, false, &o->depends,
                          err);
}

/* Refused here and not by manifest_add, so that the message has a column. */
static bool check_twin(const struct manifest *m, const struct json *j, const cJSON *id,
                       struct error *err)
{
    size_t first = map_get(&m->by_id, id->valuestring);
    if (first == MAP_NONE)
        return true;
    char *shown = text_quote(id->valuestring);
    json_error(j, id, err,
               "the test id %s is taken already, by the test of %s; give each test an "
               "id of its own",
               shown, m->tests[first].origin);
    free(shown);
    return false;
}

static bool add_test(struct manifest *m, const struct json *j, const cJSON *object,
                     struct own_fields *o, struct error *err)
{
    const cJSON *id = fields_get(object, "id");
    struct fields_common common;
    if (!fields_common_read(&common, j, object, &m->arena, err))
        return false;
    char *origin = xasprintf("%s:%zu", j->path, json_line(j, object));
    struct test program, *t = &program;
    bool gtest = o->format == FORMAT_GTEST;
    test_init(&program);
    if (!gtest)
        t = manifest_add(m, id->valuestring, origin, err);
    if (t) {
        t->format = o->format;
        t->command = keep(m, &o->command);
        t->needs = keep(m, &o->needs);
        t->depends = keep(m, &o->depends);
        fields_common_apply(&common, m, t);
    }
    bool ok = t && rulefields_read(m, t, j, object, err);
    if (ok && gtest) {
        program.id = arena_strdup(&m->arena, id->valuestring);
        program.origin = origin;
        ok = gtest_add(m, &program, err);
    }
    free(origin);
    fields_common_release(&common);
    return ok;
}

static bool read_test(struct manifest *m, const struct json *j, const cJSON *object,
                      struct error *err)
{
    struct own_fields own = {.format = FORMAT_EXEC};
    if (!fields_check(j, object, TEST_KEYS, "a test", err))
        return false;
    const cJSON *id = fields_get(object, "id");
    if (!id)
        return json_error(j, object, err, "a test needs an \"id\"; add one");
    bool ok = fields_string(j, id, "id", err) && check_twin(m, j, id, err) &&
              read_own(&own, j, object, err) &&
              (own.format != FORMAT_GTEST ||
               fields_check(j, object, GTEST_KEYS, "a Google Test program", err)) && add_test(m, j, object, &own, err);
    strv_release(&own.command);
    strv_release(&own.needs);
    strv_release(&own.depends);
    return ok;
}

/* The value of a top-level key, which must be an array; NULL, *ok untouched, if it is absent. */
static const cJSON *top_array(const struct json *j, const char *key, bool *ok, struct error *err)
{
    const cJSON *value = *ok ? fields_get(j->root, key) : NULL;
    if (value && !cJSON_IsArray(value))
        *ok = json_error(j, value, err, "\"%s\" must be an array, not %s; write [{…}]", key,
                         json_kind(value));
    return *ok ? value : NULL;
}

static bool check_version(const struct json *j, struct error *err)
{
    const cJSON *version = fields_get(j->root, "rowlock");
    if (!version)
        return json_error(j, j->root, err, "this is no manifest yet; add \"rowlock\": 1");
    if (!cJSON_IsNumber(version) || version->valuedouble != 1)
        return json_error(j, version, err,
                          "only version 1 of the format is known; write \"rowlock\": 1");
    return true;
}

bool testsjson_read(struct manifest *m, struct testsjson *t, const char *path, const char *text,
                    size_t len, const char *root, struct error *err)
{
    struct json j;
    memset(t, 0, sizeof *t);
    if (!json_parse(&j, path, text, len, EXIT_USAGE, false, err))
        return false;
    bool ok = fields_check(&j, j.root, TOP_KEYS, "the manifest", err) && check_version(&j, err);
    const cJSON *suites = top_array(&j, "suites", &ok, err);
    const cJSON *tests = top_array(&j, "tests", &ok, err);
    if (suites && ok)
        ok = suites_read(m, t, &j, suites, root, err);
    for (const cJSON *c = tests ? tests->child : NULL; c && ok; c = c->next)
        ok = read_test(m, &j, c, err);
    json_release(&j);
    if (!ok)
        testsjson_release(t);
    return ok;
}

void testsjson_release(struct testsjson *t)
{
    for (size_t i = 0; i < t->n_pytest; i++) {
        free(t->pytest[i].name);
        strv_release(&t->pytest[i].paths);
    }
    free(t->pytest);
    t->pytest = NULL;
    t->n_pytest = 0;
    for (size_t i = 0; i < t->n_builds; i++) {
        free(t->builds[i].name);
        free(t->builds[i].dir);
        free(t->builds[i].config);
    }
    free(t->builds);
    t->builds = NULL;
    t->n_builds = 0;
}
