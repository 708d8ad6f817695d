#include "manifest/meson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/gtest.h"
#include "manifest/json.h"

/* Introspection neither tells should_fail nor that a variable is to be extended (a PATH would come
 * out as the extension alone). Meson's own Python reads what `meson test` itself reads. */
static const char ask_python[] =
    "import json, os, pickle, sys\n"
    "from mesonbuild import mtest\n"
    "with open(os.path.join(sys.argv[1], 'meson-private', 'meson_test_setup.dat'), 'rb') as f:\n"
    "    tests = pickle.load(f)\n"
    "base = dict(os.environ)\n"
    "out = []\n"
    "for t in tests:\n"
    "    one = {'name': t.name, 'expected_exitcode': getattr(t, 'expected_exitcode', None),\n"
    "           'version': getattr(t, 'version', None)}\n"
    "    for name in 'should_fail', 'expected_fail':\n" /* the second since Meson 1.11 */
    "        if hasattr(t, name):\n"
    "            one['should_fail'] = bool(getattr(t, name))\n"
    "    try:\n"
    "        env = t.env.get_env(dict(base)) if t.env else base\n"
    "        one['env'] = {k: v for k, v in env.items() if base.get(k) != v}\n"
    "        one['unset'] = [k for k in base if k not in env]\n"
    "    except Exception:\n"
    "        pass\n"
    "    out.append(one)\n"
    "print(json.dumps(out))\n";

enum { SHOWN_OF_NAME = 200 };

/* What `meson test` gives every test, unless the caller's environment has it; its MALLOC_PERTURB_ is
 * a random number, which nobody could run a second time. */
static const char *const defaults[][2] = {
    {"MALLOC_PERTURB_", "165"},
    {"ASAN_OPTIONS", "halt_on_error=1:abort_on_error=1:print_summary=1"},
    {"UBSAN_OPTIONS", "halt_on_error=1:abort_on_error=1:print_summary=1:print_stacktrace=1"},
};

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool has_variable(const struct strv *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
            return true;
    return getenv(name) != NULL;
}

static void read_env(struct manifest *m, struct test *t, const cJSON *env, const cJSON *unset)
{
    struct strv all = STRV_INIT;
    strv_push(&all, "MESON_TEST_ITERATION=1");
    for (const cJSON *c = cJSON_IsObject(env) ? env->child : NULL; c; c = c->next)
        if (cJSON_IsString(c) && c->string[0] && !strchr(c->string, '='))
            strv_pushf(&all, "%s=%s", c->string, c->valuestring);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!has_variable(&all, defaults[i][0]))
            strv_pushf(&all, "%s=%s", defaults[i][0], defaults[i][1]);
    for (const cJSON *c = cJSON_IsArray(unset) ? unset->child : NULL; c; c = c->next)
        if (cJSON_IsString(c) && c->valuestring[0] && !strchr(c->valuestring, '='))
            strv_push(&all, c->valuestring);
    t->env = importer_keep(m, &all);
    strv_release(&all);
}

/* How long `meson test` has noted for it, under the name "PROJECT:SUITE+SUITE / NAME". */
static double logged_seconds(const struct import *from, const cJSON *suites, const char *name)
{
    struct strv names = STRV_INIT;
    struct buf b = BUF_INIT;
    importer_strings(suites, &names);
    for (size_t i = 0; i < names.n; i++) {
        const char *colon = strchr(names.v[i], ':');
        size_t project = colon ? (size_t)(colon - names.v[i]) : strlen(names.v[i]);
        if (i == 0)
            buf_add(&b, names.v[i], project);
        if (colon)
            buf_addf(&b, "%s%s", i ? "+" : ":", colon + 1);
    }
    buf_addf(&b, " / %s", name);
    double seconds = toollog_seconds(from->log, buf_cstr(&b));
    strv_release(&names);
    buf_release(&b);
    return seconds >= 0 ? seconds : toollog_seconds(from->log, name);
}

/* "project" or "project:suite": both are markers. */
static void read_suites(struct manifest *m, struct test *t, const cJSON *suites)
{
    struct strv names = STRV_INIT;
    importer_strings(suites, &names);
    for (size_t i = 0; i < names.n; i++) {
        char *colon = strchr(names.v[i], ':');
        if (colon)
            *colon = '\0';
        if (names.v[i][0])
            test_add_marker(m, t, names.v[i]);
        if (colon && colon[1])
            test_add_marker(m, t, colon + 1);
    }
    manifest_apply_markers(t);
    strv_release(&names);
}

static bool read_command(struct manifest *m, struct test *t, const struct json *j,
                         const cJSON *object, struct error *err)
{
    struct strv argv = STRV_INIT;
    importer_strings(get(object, "cmd"), &argv);
    bool ok = argv.n && argv.v[0][0];
    if (!ok)
        json_error(j, object, err, "a test needs a \"cmd\"");
    t->command = importer_keep(m, &argv);
    strv_release(&argv);
    return ok;
}

/* 1000 * major + minor, newer than all that are known where nobody tells. */
static uint32_t version_of(const cJSON *version)
{
    unsigned long major = 9, minor = 0;
    char *end = NULL;
    if (cJSON_IsString(version)) {
        major = strtoul(version->valuestring, &end, 10);
        minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    }
    major = major < 1 ? 1 : major < 9 ? major : 9;
    return (uint32_t)(1000 * major + (minor < 999 ? minor : 999));
}

/* True if the program speaks Google Test's protocol. version: of Meson. */
static bool read_protocol(struct test *t, const cJSON *protocol, uint32_t version,
                          struct importer_ignored *ignored)
{
    const char *name = cJSON_IsString(protocol) ? protocol->valuestring : "exitcode";
    bool gtest = strcmp(name, "gtest") == 0;
    bool tap = strcmp(name, "tap") == 0, rust = strcmp(name, "rust") == 0;
    t->rules.meson = tap || rust ? version : 0;
    if (tap)
        t->format = FORMAT_TAP;
    else if (!gtest && !rust && strcmp(name, "exitcode") != 0)
        importer_ignore(ignored, "a protocol that is not known here; their exit status counts");
    return gtest;
}

/* What Meson's own Python tells of a test; more is NULL where nothing does. */
static void read_more(struct manifest *m, struct test *t, const char *name, const cJSON *object,
                      const cJSON *more, const struct import *from)
{
    const cJSON *code = get(more, "expected_exitcode"), *fails = get(more, "should_fail");
    const cJSON *env = get(more, "env");
    read_env(m, t, env ? env : get(object, "env"), get(more, "unset"));
    t->rules.should_fail = cJSON_IsTrue(fails);
    if (!t->rules.meson && cJSON_IsNumber(code) && code->valuedouble >= -255 &&
        code->valuedouble <= 255)
        t->rules.pass_code = code->valueint;
    if (!more || (fails && env))
        return;
    struct buf b = BUF_INIT;
    text_escape(&b, from->dir, strlen(from->dir), SHOWN_OF_NAME);
    buf_adds(&b, ": the test ");
    text_escape(&b, name, strlen(name), SHOWN_OF_NAME);
    buf_addf(&b, " is judged without %s, which this version of Meson does not tell; try another",
             fails ? "variables that are extended" : "its expected_fail");
    strv_push_nodup(&m->notes, buf_detach(&b));
}

/* Adds the test as it is, or the tests that its program lists: not where it is to fail as a whole,
 * nor with an exit status of its own, nor where it lists none, since its exit status tells in any
 * case. */
static bool add_test(struct manifest *m, const struct import *from, struct test *like,
                     const char *name, bool gtest, struct error *err)
{
    struct strv names = STRV_INIT;
    char *why = NULL;
    bool ok;
    like->suite = from->suite;
    if (gtest && !like->rules.should_fail && !like->rules.pass_code &&
        gtest_list(m, like, &names, &why)) {
        char *first = xasprintf("::%s", names.v[0]);
        if (like->logged >= 0) /* that of the program */
            like->logged /= (double)names.n;
        char *id = importer_id(m, from->suite, from->prefix, name, first);
        like->id = arena_strdup(&m->arena, id);
        ok = gtest_add_names(m, like, &names, err);
        free(id);
        free(first);
    } else {
        struct test *t = importer_add(m, from->suite, from->prefix, name, like->origin, err);
        ok = t != NULL;
        if (ok) {
            like->id = t->id;
            like->origin = t->origin;
            *t = *like;
        }
    }
    free(why);
    strv_release(&names);
    return ok;
}

static bool read_test(struct manifest *m, const struct import *from, const struct json *j,
                      const cJSON *object, const cJSON *more, struct importer_ignored *ignored,
                      struct error *err)
{
    const cJSON *name = get(object, "name"), *workdir = get(object, "workdir");
    const cJSON *timeout = get(object, "timeout"), *priority = get(object, "priority");
    struct test test, *t = &test;
    if (!cJSON_IsString(name) || !name->valuestring[0])
        return json_error(j, object, err, "a test needs a name");
    test_init(t);
    t->origin = j->path;
    t->imported = true;
    if (!read_command(m, t, j, object, err))
        return false;
    read_suites(m, t, get(object, "suite"));
    uint32_t version = version_of(get(more, "version"));
    bool gtest = read_protocol(t, get(object, "protocol"), version, ignored);
    read_more(m, t, name->valuestring, object, cJSON_IsObject(more) ? more : NULL, from);
    t->serial = t->serial || cJSON_IsFalse(get(object, "is_parallel"));
    if (cJSON_IsNumber(timeout) && timeout->valuedouble > 0)
        t->timeout = timeout->valuedouble < 1e9 ? timeout->valuedouble : 1e9;
    if (cJSON_IsNumber(priority) && priority->valuedouble > -1e9 && priority->valuedouble < 1e9)
        t->rank = priority->valuedouble;
    t->cwd = arena_strdup(&m->arena, cJSON_IsString(workdir) && workdir->valuestring[0]
                                         ? workdir->valuestring
                                         : from->dir);
    t->logged = logged_seconds(from, get(object, "suite"), name->valuestring);
    return add_test(m, from, t, name->valuestring, gtest, err);
}

/* The two lists are of the same tests in the same order? */
static bool agree(const cJSON *tests, const cJSON *more)
{
    const cJSON *a = tests->child, *b = cJSON_IsArray(more) ? more->child : NULL;
    for (; a && b; a = a->next, b = b->next) {
        const cJSON *name = get(a, "name"), *other = get(b, "name");
        if (!cJSON_IsString(name) || !cJSON_IsString(other) ||
            strcmp(name->valuestring, other->valuestring) != 0)
            return false;
    }
    return !a && !b;
}

static bool read_tests(struct manifest *m, const struct import *from, const struct json *j,
                       const cJSON *more, struct error *err)
{
    struct importer_ignored ignored = {.counts = NULL};
    bool ok = true;
    if (!cJSON_IsArray(j->root))
        return json_error(j, j->root, err,
                          "this is not what meson introspect --tests prints; use Meson 0.55 or "
                          "newer");
    const cJSON *extra = more && agree(j->root, more) ? more->child : NULL;
    if (!extra && j->root->child)
        strv_pushf(&m->notes,
                   "%s: what meson does not print (should_fail, variables that are extended) could "
                   "not be had from Meson's Python; such tests are judged without",
                   from->dir);
    for (const cJSON *c = j->root->child; c && ok; c = c->next) {
        ok = read_test(m, from, j, c, extra, &ignored, err);
        extra = extra ? extra->next : NULL;
    }
    importer_note(&ignored, m, from->dir);
    return ok;
}

bool meson_read(struct manifest *m, const struct import *from, const char *text, size_t len,
                const char *more, size_t more_len, struct error *err)
{
    struct json j;
    char *label = xasprintf("%s: what meson prints", from->dir);
    bool ok = json_parse(&j, label, text, len, EXIT_USAGE, true, err);
    if (ok) {
        cJSON *tree = cJSON_ParseWithLength(more, more_len);
        ok = read_tests(m, from, &j, tree, err);
        cJSON_Delete(tree);
        json_release(&j);
    }
    free(label);
    return ok;
}

/* The interpreter that runs meson, from its first line; NULL if that is no Python. Caller frees. */
static char *python_of_meson(void)
{
    char *which[] = {(char *)"sh", (char *)"-c", (char *)"command -v meson", NULL};
    struct buf path = BUF_INIT, said = BUF_INIT;
    char line[256] = "", *python = NULL;
    if (subprocess_ask(which, NULL, &path, &said, sizeof line) == 0 && path.len) {
        path.data[strcspn(path.data, "\n")] = '\0';
        FILE *f = fopen(path.data, "re");
        if (f && !fgets(line, sizeof line, f))
            line[0] = '\0';
        if (f)
            fclose(f);
    }
    const char *start = line + 2 + strspn(line + (line[0] ? 2 : 0), " ");
    if (strncmp(line, "#!", 2) == 0 && strstr(line, "python")) {
        const char *env = strstr(start, "env ");
        start = env ? env + 4 : start;
        python = xmemdup0(start, strcspn(start, " \t\r\n"));
    }
    buf_release(&path);
    buf_release(&said);
    return python;
}

bool meson_import(struct manifest *m, const struct import *from, struct error *err)
{
    char *file = path_join(from->dir, "meson-info/meson-info.json");
    bool there = access(file, F_OK) == 0;
    free(file);
    if (!there)
        return error_set(err, EXIT_USAGE,
                         "%s: no meson-info there; name a build folder that 'meson setup' has made",
                         from->dir);
    struct buf out = BUF_INIT, more = BUF_INIT, said = BUF_INIT;
    struct toollog log = TOOLLOG_INIT;
    struct import with_log = *from;
    char *argv[] = {(char *)"meson", (char *)"introspect", (char *)"--tests", (char *)from->dir,
                    NULL};
    size_t before = m->n;
    bool ok = importer_ask(argv, from->dir, "install Meson", &out, err);
    char *python = ok ? python_of_meson() : NULL;
    if (python) {
        char *ask[] = {python, (char *)"-c", (char *)ask_python, (char *)from->dir, NULL};
        if (subprocess_ask(ask, from->dir, &more, &said, 1u << 30) != 0)
            buf_clear(&more);
    }
    if (ok)
        toollog_read_meson(&log, from->dir);
    with_log.log = &log;
    ok = ok && meson_read(m, &with_log, buf_cstr(&out), out.len, buf_cstr(&more), more.len, err);
    if (ok && m->n == before)
        strv_pushf(&m->notes, "%s: meson has no tests there; add them with test()", from->dir);
    free(python);
    toollog_release(&log);
    buf_release(&out);
    buf_release(&more);
    buf_release(&said);
    return ok;
}
