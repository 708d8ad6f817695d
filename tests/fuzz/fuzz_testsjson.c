/* Exercises testsjson_read, that is the strict JSON reader, the keys of tests and suites and the
 * expansion of globs. The tests that it yields have to be such as the rest of the program takes
 * for granted. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "manifest/testsjson.h"
#include "support.h"

/* The root: a folder with a few files that globs can match. */
static const char *root(void)
{
    static char *path;
    static const char *const files[] = {"build/tests/test_a", "build/tests/test_b", "t/basic.t",
                                        "t/odd [x] $(y)\n.t"};
    struct error err = ERROR_INIT;
    if (path)
        return path;
    path = path_join(fuzz_folder(), "root");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *file = path_join(path, files[i]), *dir = path_dirname(file);
        CHECK(file_mkdirs(dir, &err) && file_write(file, "", 0, &err));
        free(dir);
        free(file);
    }
    return path;
}

/* A glob that leaves the root would walk through this machine: slow, and never twice the same. */
static bool leaves_root(const cJSON *node, bool glob)
{
    for (; node; node = node->next) {
        bool inside = glob || (node->string && strcmp(node->string, "glob") == 0);
        const char *s = cJSON_IsString(node) ? node->valuestring : "";
        if ((inside && (s[0] == '/' || strstr(s, ".."))) || leaves_root(node->child, inside))
            return true;
    }
    return false;
}

static void check_names(char *const *names)
{
    for (; names && *names; names++)
        CHECK((*names)[0]);
}

static void check_test(const struct manifest *m, const struct test *t)
{
    CHECK(t->id[0] && map_get(&m->by_id, t->id) == (size_t)(t - m->tests));
    CHECK(t->format == FORMAT_EXEC || t->format == FORMAT_TAP);
    CHECK(t->command && t->command[0] && t->command[0][0]);
    CHECK(t->weight >= 1 && t->timeout >= 0 && t->expected < 0);
    CHECK(t->suite && t->origin && (!t->cwd || t->cwd[0]));
    for (char **e = t->env; e && *e; e++)
        CHECK(strchr(*e, '=') > *e);
    for (char **l = t->locks; l && *l; l++)
        CHECK((*l)[0] && (!l[1] || strcmp(l[0], l[1]) < 0));
    for (size_t i = 0; i < t->n_markers; i++)
        CHECK(t->markers[i].name[0] && t->markers[i].n_args == 0);
    CHECK(!test_has_marker(t, "serial") || t->serial);
    check_names(t->needs);
    check_names(t->depends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)data, size);
    bool skip = leaves_root(tree, false);
    cJSON_Delete(tree);
    if (skip)
        return 0;
    struct manifest m;
    struct testsjson t;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    bool ok = testsjson_read(&m, &t, "tests.json", (const char *)data, size, root(), &err);
    CHECK(ok || (err.code == EXIT_USAGE && strncmp(err.msg, "tests.json:", 11) == 0));
    fuzz_check_error(&err, ok, 1);
    for (size_t i = 0; ok && i < m.n; i++)
        check_test(&m, &m.tests[i]);
    CHECK(ok || (!t.pytest && !t.n_pytest));
    for (size_t i = 0; i < t.n_pytest; i++) {
        CHECK(t.pytest[i].name[0]);
        check_names(t.pytest[i].paths.v);
    }
    testsjson_release(&t);
    manifest_release(&m);
    return 0;
}
