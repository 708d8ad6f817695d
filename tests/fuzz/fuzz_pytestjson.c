/* Exercises pytestjson_read with what a zygote may have written, into a manifest that has a
 * native test already. The tests that it yields are complete, whatever the file leaves out. And
 * json_list_read: what it takes and refuses is what json_parse does with the whole of the text. */
#include <string.h>

#include "manifest/fields.h"
#include "manifest/jsonlist.h"
#include "manifest/pytestjson.h"
#include "support.h"

static void check_args(const struct marker *marker)
{
    for (size_t i = 0; i < marker->n_args; i++) {
        const struct marker_arg *a = &marker->args[i];
        CHECK(a->name && (a->type != ARG_STR || a->str));
        CHECK(a->type != ARG_BOOL || a->integer == 0 || a->integer == 1);
    }
}

static void check_test(const struct manifest *m, const struct test *t)
{
    CHECK(t->id[0] && map_get(&m->by_id, t->id) == (size_t)(t - m->tests));
    CHECK(t->format == FORMAT_PYTEST && !t->command && strcmp(t->suite, "py") == 0);
    CHECK(t->file && t->scope && t->weight >= 1 && t->timeout >= 0);
    for (char **l = t->locks; l && *l; l++)
        CHECK((*l)[0] && (!l[1] || strcmp(l[0], l[1]) < 0));
    for (size_t i = 0; i < t->n_markers; i++) {
        CHECK(t->markers[i].name);
        check_args(&t->markers[i]);
    }
}

static bool count(void *ctx, const struct json *j, struct error *err)
{
    (void)err;
    CHECK(j->root);
    ++*(int *)ctx;
    return true;
}

static void check_list(const char *path, const uint8_t *data, size_t size)
{
    int n = 0;
    struct json_list list = {path, "tests", EXIT_INTERNAL, count, &n};
    struct json rest, whole;
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT, other = ERROR_INIT;
    bool ok = json_list_read(&list, &rest, &text, &err);
    bool all = json_parse(&whole, path, (const char *)data, size, EXIT_INTERNAL, true, &other);
    /* An element alone is nested less deeply. */
    CHECK(ok == all || strstr(other.msg, "nested too deeply"));
    fuzz_check_error(&err, ok, 1);
    fuzz_check_error(&other, all, 1);
    if (ok && all) {
        const cJSON *left = fields_get(rest.root, "tests");
        CHECK(cJSON_GetArraySize(fields_get(whole.root, "tests")) == n + cJSON_GetArraySize(left));
    }
    if (ok)
        json_release(&rest);
    if (all)
        json_release(&whole);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m;
    struct pytest_info info;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    CHECK(manifest_add(&m, "tests/test_a.py::test_native", "tests.json:3", &err));
    const char *path = fuzz_file(data, size);
    check_list(path, data, size);
    bool ok = pytestjson_read(&m, "py", path, &info, &err);
    CHECK(ok || err.code == EXIT_INTERNAL || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    if (ok) {
        CHECK(info.pytest_version && info.python_version && info.collected == m.n - 1);
        for (size_t i = 1; i < m.n; i++)
            check_test(&m, &m.tests[i]);
    }
    pytest_info_release(&info);
    manifest_release(&m);
    return 0;
}
