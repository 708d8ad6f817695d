#include "manifest/ctest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/cmakeregex.h"
#include "manifest/ctestenv.h"
#include "manifest/fixtures.h"
#include "manifest/importer.h"
#include "manifest/json.h"

enum { HEAVIEST = 65535, CTEST_TIMEOUT = 1500 };

/* One import. */
struct reading {
    struct manifest *m;
    const struct import *from;
    struct json j;
    const char *label; /* what messages call the text */
    struct fixtures fixtures;
    struct importer_ignored ignored;
    size_t first; /* index of the first test of this import */
};

/* What a test's properties say, before it is all applied. */
struct props {
    struct strv env, modifications, locks, depends, labels, required_files;
    struct strv pass, fail, skip;
    bool has_timeout;
};

static double number(const cJSON *value, double least, double most)
{
    double n = cJSON_IsNumber(value) ? value->valuedouble : 0;
    return n >= least ? (n <= most ? n : most) : least;
}

static void hinder(struct manifest *m, struct test *t, const char *text)
{
    struct buf b = BUF_INIT;
    text_escape(&b, text, strlen(text), 500);
    if (!t->hindrance)
        t->hindrance = arena_strdup(&m->arena, buf_cstr(&b));
    buf_release(&b);
}

/* The expressions as EREs; one that cannot be had makes the test an error that says so. */
static char **translate(struct reading *r, struct test *t, const char *property,
                        const struct strv *from)
{
    struct strv to = STRV_INIT;
    for (size_t i = 0; i < from->n; i++) {
        struct buf ere = BUF_INIT;
        const char *why = "";
        if (cmakeregex_translate(from->v[i], &ere, &why)) {
            strv_push(&to, buf_cstr(&ere));
        } else {
            char *shown = text_quote(from->v[i]);
            char *text = xasprintf("its %s %s cannot be used: %s; correct it", property, shown, why);
            hinder(r->m, t, text);
            free(text);
            free(shown);
        }
        buf_release(&ere);
    }
    char **kept = importer_keep(r->m, &to);
    strv_release(&to);
    return kept;
}

/* Values that are numbers or truths. False: not one of those properties. */
static bool read_plain(struct test *t, struct props *p, const char *name, const cJSON *value)
{
    bool yes = cJSON_IsTrue(value);
    if (strcmp(name, "TIMEOUT") == 0) {
        t->timeout = number(value, 0, 1e9);
        p->has_timeout = true;
    } else if (strcmp(name, "WILL_FAIL") == 0) {
        t->rules.will_fail = yes;
    } else if (strcmp(name, "SKIP_RETURN_CODE") == 0) {
        t->rules.skip_code = (int)number(value, -1, 255);
    } else if (strcmp(name, "RUN_SERIAL") == 0) {
        t->serial = t->serial || yes;
    } else if (strcmp(name, "PROCESSORS") == 0) {
        t->weight = (unsigned)number(value, 1, HEAVIEST);
    } else if (strcmp(name, "COST") == 0) {
        t->expected = cJSON_IsNumber(value) ? number(value, 0, 1e9) : -1;
    } else if (strcmp(name, "DISABLED") == 0) {
        t->disabled = yes;
    } else {
        return false;
    }
    return true;
}

/* Values that are lists. False: not one of those properties. */
static bool read_list(struct reading *r, struct test *t, struct props *p, const char *name,
                      const cJSON *value)
{
    const struct {
        const char *name;
        struct strv *to;
    } rows[] = {
        {"ENVIRONMENT", &p->env},
        {"ENVIRONMENT_MODIFICATION", &p->modifications},
        {"RESOURCE_LOCK", &p->locks},
        {"DEPENDS", &p->depends},
        {"LABELS", &p->labels},
        {"REQUIRED_FILES", &p->required_files},
        {"PASS_REGULAR_EXPRESSION", &p->pass},
        {"FAIL_REGULAR_EXPRESSION", &p->fail},
        {"SKIP_REGULAR_EXPRESSION", &p->skip},
    };
    static const char *const roles[] = {"FIXTURES_SETUP", "FIXTURES_REQUIRED", "FIXTURES_CLEANUP"};
    size_t index = (size_t)(t - r->m->tests);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) {
            importer_strings(value, rows[i].to);
            return true;
        }
    for (int i = 0; i < 3; i++)
        if (strcmp(name, roles[i]) == 0) {
            struct strv names = STRV_INIT;
            importer_strings(value, &names);
            for (size_t k = 0; k < names.n; k++)
                fixtures_add(&r->fixtures, (enum fixture_role)i, names.v[k], index);
            strv_release(&names);
            return true;
        }
    return false;
}

static const char *why_ignored(const char *name)
{
    static const char *const rows[][2] = {
        {"RESOURCE_GROUPS", "RESOURCE_GROUPS, which is not supported: they run as if there were no "
                            "resource specification file"},
        {"ATTACHED_FILES", "ATTACHED_FILES, which is for CDash and is passed over"},
        {"ATTACHED_FILES_ON_FAIL", "ATTACHED_FILES_ON_FAIL, which is for CDash and is passed over"},
        {"MEASUREMENT", "MEASUREMENT, which is for CDash and is passed over"},
        {"TIMEOUT_AFTER_MATCH", "TIMEOUT_AFTER_MATCH, which is not supported: their time is that "
                                "of TIMEOUT from start to end"},
        {"PROCESSOR_AFFINITY", "PROCESSOR_AFFINITY, which is not supported: they run on any "
                               "processor"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i][0], name) == 0)
            return rows[i][1];
    return NULL;
}

static void ignore_property(struct reading *r, const char *name, const cJSON *value)
{
    const char *why = why_ignored(name);
    if (cJSON_IsFalse(value))
        return;
    char *text = why ? xstrdup(why) : xasprintf("the property %s, which is not known here", name);
    importer_ignore(&r->ignored, text);
    free(text);
}

static bool read_property(struct reading *r, struct test *t, struct props *p, const cJSON *property,
                          struct error *err)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(property, "name");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(property, "value");
    if (!cJSON_IsString(name) || !value)
        return json_error(&r->j, property, err, "a property needs a name and a value");
    if (strcmp(name->valuestring, "WORKING_DIRECTORY") == 0) {
        if (cJSON_IsString(value) && value->valuestring[0])
            t->cwd = arena_strdup(&r->m->arena, value->valuestring);
    } else if (!read_plain(t, p, name->valuestring, value) &&
               !read_list(r, t, p, name->valuestring, value)) {
        ignore_property(r, name->valuestring, value);
    }
    return true;
}

static void apply_env(struct reading *r, struct test *t, const struct props *p)
{
    struct strv env = STRV_INIT, base = STRV_INIT;
    ctestenv_set(&env, "CTEST_INTERACTIVE_DEBUG_MODE=1"); /* whatever the outer one says */
    for (size_t i = 0; i < p->env.n; i++)
        if (p->env.v[i][0] && p->env.v[i][0] != '=')
            ctestenv_set(&env, p->env.v[i]);
    strv_push_all(&base, env.v);
    for (size_t i = 0; i < p->modifications.n; i++)
        if (!ctestenv_modify(&env, &base, p->modifications.v[i]))
            importer_ignore(&r->ignored, "an ENVIRONMENT_MODIFICATION of no known form; write "
                                         "NAME=OP:VALUE");
    t->env = importer_keep(r->m, &env);
    strv_release(&env);
    strv_release(&base);
}

/* t->depends and the like are the fixtures'; DEPENDS is an order only. */
static void apply(struct reading *r, struct test *t, struct props *p)
{
    struct manifest *m = r->m;
    unsigned weight = t->weight;
    for (size_t i = 0; i < p->labels.n; i++)
        if (p->labels.v[i][0])
            test_add_marker(m, t, p->labels.v[i]);
    manifest_apply_markers(t);
    if (weight > 1)
        t->weight = weight;
    apply_env(r, t, p);
    manifest_set_locks(m, t, &p->locks);
    t->required_files = importer_keep(m, &p->required_files);
    t->rules.pass_regex = translate(r, t, "PASS_REGULAR_EXPRESSION", &p->pass);
    t->rules.fail_regex = translate(r, t, "FAIL_REGULAR_EXPRESSION", &p->fail);
    t->rules.skip_regex = translate(r, t, "SKIP_REGULAR_EXPRESSION", &p->skip);
    t->after = importer_keep(m, &p->depends); /* names; link_depends makes ids of them */
    if (!p->has_timeout)
        t->timeout_else = CTEST_TIMEOUT;
    if (t->disabled)
        t->hindrance = "disabled";
}

static void props_release(struct props *p)
{
    struct strv *all[] = {&p->env,    &p->modifications,  &p->locks, &p->depends,
                          &p->labels, &p->required_files, &p->pass,  &p->fail, &p->skip};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        strv_release(all[i]);
}

static void read_command(struct reading *r, struct test *t, const cJSON *command)
{
    struct strv argv = STRV_INIT;
    importer_strings(command, &argv);
    if (!argv.n || !argv.v[0][0]) {
        strv_release(&argv);
        strv_push(&argv, "not-found");
        char *text = xasprintf("ctest finds no program for it; build it (cmake --build %s%s%s)",
                               r->from->dir, r->from->config ? " --config " : "",
                               r->from->config ? r->from->config
                                               : "), or name the configuration (--ctest-config");
        hinder(r->m, t, text);
        free(text);
    }
    t->command = importer_keep(r->m, &argv);
    strv_release(&argv);
}

static bool read_test(struct reading *r, const cJSON *object, struct error *err)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "properties");
    if (!cJSON_IsString(name) || !name->valuestring[0])
        return json_error(&r->j, object, err, "a test needs a name");
    struct test *t = importer_add(r->m, r->from->suite, r->from->prefix, name->valuestring,
                                  r->label, err);
    if (!t)
        return false;
    struct props p = {.has_timeout = false};
    bool ok = true;
    t->imported = true;
    t->rules.skip_code = -1;
    t->rules.error_code = 0;
    for (const cJSON *c = cJSON_IsArray(list) ? list->child : NULL; c && ok; c = c->next)
        ok = read_property(r, t, &p, c, err);
    if (ok)
        apply(r, t, &p);
    if (ok && !t->cwd)
        t->cwd = arena_strdup(&r->m->arena, r->from->dir);
    if (ok)
        read_command(r, t, cJSON_GetObjectItemCaseSensitive(object, "command"));
    t->logged = toollog_seconds(r->from->log, name->valuestring);
    props_release(&p);
    return ok;
}

/* DEPENDS holds names of tests, and ctest passes over those that there are not. */
static void link_depends(struct reading *r, const cJSON *tests)
{
    struct manifest *m = r->m;
    struct map by_name = MAP_INIT;
    size_t *twin = xcalloc(m->n + 1, sizeof *twin), i = r->first;
    for (const cJSON *c = tests->child; c; c = c->next, i++)
        twin[i] = map_put(&by_name,
                          cJSON_GetObjectItemCaseSensitive(c, "name")->valuestring, i);
    for (i = r->first; i < m->n; i++) {
        struct test *t = &m->tests[i];
        struct strv ids = STRV_INIT;
        for (char **name = t->after; name && *name; name++) {
            size_t on = map_get(&by_name, *name);
            if (on == MAP_NONE)
                importer_ignore(&r->ignored, "a name in DEPENDS that no test bears");
            for (; on != MAP_NONE; on = twin[on])
                strv_push(&ids, m->tests[on].id);
        }
        t->after = importer_keep(m, &ids);
        strv_release(&ids);
    }
    map_release(&by_name);
    free(twin);
}

static bool check_version(struct reading *r, struct error *err)
{
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(r->j.root, "kind");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(r->j.root, "version");
    const cJSON *major = cJSON_GetObjectItemCaseSensitive(version, "major");
    if (!cJSON_IsString(kind) || strcmp(kind->valuestring, "ctestInfo") != 0)
        return json_error(&r->j, r->j.root, err, "this is not what ctest --show-only=json-v1 prints");
    if (!cJSON_IsNumber(major) || major->valuedouble != 1)
        return json_error(&r->j, major ? major : r->j.root, err,
                          "only version 1 of ctest's format is known; use a ctest that prints it");
    return true;
}

static bool read_root(struct reading *r, struct error *err)
{
    const cJSON *tests = cJSON_GetObjectItemCaseSensitive(r->j.root, "tests");
    bool ok = check_version(r, err);
    if (ok && !cJSON_IsArray(tests))
        ok = json_error(&r->j, r->j.root, err, "\"tests\" is missing");
    for (const cJSON *c = ok ? tests->child : NULL; c && ok; c = c->next)
        ok = read_test(r, c, err);
    if (!ok)
        return false;
    link_depends(r, tests);
    fixtures_link(&r->fixtures, r->m, r->first);
    importer_note(&r->ignored, r->m, r->from->dir);
    return true;
}

bool ctest_read(struct manifest *m, const struct import *from, const char *text, size_t len,
                struct error *err)
{
    struct reading r = {.m = m, .from = from, .first = m->n};
    char *label = xasprintf("%s: what ctest prints", from->dir);
    r.label = label;
    bool ok = json_parse(&r.j, label, text, len, EXIT_USAGE, true, err);
    if (ok) {
        ok = read_root(&r, err);
        json_release(&r.j);
    }
    fixtures_release(&r.fixtures);
    strv_release(&r.ignored.what);
    free(r.ignored.counts);
    free(label);
    return ok;
}

/* In front of the JSON ctest complains of expressions, on the same stream. */
static const char *start_of_json(const char *text)
{
    const char *brace = text[0] == '{' ? text : strstr(text, "\n{");
    return brace && brace > text ? brace + 1 : text;
}

bool ctest_import(struct manifest *m, const struct import *from, struct error *err)
{
    char *file = path_join(from->dir, "CTestTestfile.cmake");
    bool there = access(file, F_OK) == 0;
    free(file);
    if (!there)
        return error_set(err, EXIT_USAGE,
                         "%s: no CTestTestfile.cmake there; name a build folder that cmake has "
                         "made for a project with enable_testing()",
                         from->dir);
    struct buf out = BUF_INIT;
    struct toollog log = TOOLLOG_INIT;
    struct import with_log = *from;
    size_t before = m->n;
    char *argv[] = {(char *)"ctest", (char *)"--show-only=json-v1",
                    from->config ? (char *)"-C" : NULL, (char *)from->config, NULL};
    bool ok = importer_ask(argv, from->dir, "install CMake, 3.14 or newer", &out, err);
    if (ok) {
        const char *text = start_of_json(buf_cstr(&out));
        toollog_read_ctest(&log, from->dir);
        with_log.log = &log;
        ok = ctest_read(m, &with_log, text, out.len - (size_t)(text - buf_cstr(&out)), err);
    }
    if (ok && m->n == before)
        strv_pushf(&m->notes, "%s: ctest has no tests there; add them with add_test()", from->dir);
    toollog_release(&log);
    buf_release(&out);
    return ok;
}
