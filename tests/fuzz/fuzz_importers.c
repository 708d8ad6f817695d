/* Exercises what reads the words of build tools: ctest_read, meson_read, cmakeregex_translate and toollog.
 * The first byte chooses. The tests that they yield have to be such as the rest of the program takes
 * for granted. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "manifest/cmakeregex.h"
#include "manifest/ctest.h"
#include "manifest/meson.h"
#include "manifest/toollog.h"
#include "support.h"

static void check_ids(const struct manifest *m, char *const *ids)
{
    for (; ids && *ids; ids++)
        CHECK(map_get(&m->by_id, *ids) != MAP_NONE);
}

static void check_expressions(char *const *list)
{
    regex_t compiled;
    for (; list && *list; list++) {
        CHECK(regcomp(&compiled, *list, REG_EXTENDED | REG_NOSUB) == 0);
        regfree(&compiled);
    }
}

static void check_test(const struct manifest *m, const struct test *t)
{
    CHECK(t->id[0] && map_get(&m->by_id, t->id) == (size_t)(t - m->tests));
    CHECK(t->format == FORMAT_EXEC || t->format == FORMAT_TAP);
    CHECK(t->command && t->command[0] && t->command[0][0]);
    CHECK(t->weight >= 1 && t->weight <= 65535 && t->timeout >= 0 && t->timeout_else >= 0);
    CHECK(t->cwd && t->cwd[0] && t->suite);
    CHECK(!t->disabled || t->hindrance);
    CHECK(!t->hindrance || (t->hindrance[0] && !strchr(t->hindrance, '\n')));
    for (char **e = t->env; e && *e; e++)
        CHECK((*e)[0] && (*e)[0] != '=');
    for (size_t i = 0; i < t->n_markers; i++)
        CHECK(t->markers[i].name[0]);
    check_ids(m, t->depends);
    check_ids(m, t->after);
    check_ids(m, t->brings);
    check_expressions(t->rules.pass_regex);
    check_expressions(t->rules.fail_regex);
    check_expressions(t->rules.skip_regex);
}

static void read_tool(const uint8_t *data, size_t size, bool meson)
{
    static const struct import from = {.dir = "/build", .suite = "s", .prefix = "s"};
    struct manifest m;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    char *text = xmemdup0(data, size);
    char *more = meson ? memchr(text, '\f', size) : NULL; /* what Meson's Python says */
    size_t len = more ? (size_t)(more - text) : size;
    bool ok = meson ? meson_read(&m, &from, text, len, more ? more + 1 : "",
                                 more ? size - len - 1 : 0, &err)
                    : ctest_read(&m, &from, text, len, &err);
    CHECK(ok || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    for (size_t i = 0; ok && i < m.n; i++)
        check_test(&m, &m.tests[i]);
    for (size_t i = 0; i < m.notes.n; i++)
        CHECK(!strchr(m.notes.v[i], '\n'));
    free(text);
    manifest_release(&m);
}

static void translate(const uint8_t *data, size_t size)
{
    char *text = xmemdup0(data, size);
    struct buf ere = BUF_INIT;
    const char *why = NULL;
    regex_t compiled;
    if (cmakeregex_translate(text, &ere, &why)) {
        CHECK(regcomp(&compiled, buf_cstr(&ere), REG_EXTENDED | REG_NOSUB) == 0);
        regfree(&compiled);
    } else {
        CHECK(why && why[0]);
    }
    buf_release(&ere);
    free(text);
}

static void read_durations(const uint8_t *data, size_t size, bool meson)
{
    struct toollog log = TOOLLOG_INIT;
    if (meson)
        toollog_add_meson(&log, (const char *)data, size);
    else
        toollog_add_ctest(&log, (const char *)data, size);
    for (size_t i = 0; i < log.by_name.cap; i++) {
        const char *name = log.by_name.entries[i].key;
        CHECK(!name || (name[0] && toollog_seconds(&log, name) >= 0 &&
                        toollog_seconds(&log, name) <= 1e9));
    }
    toollog_release(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (data[0] == 'r')
        translate(data + 1, size - 1);
    else if (data[0] == 'd' || data[0] == 'l')
        read_durations(data + 1, size - 1, data[0] == 'l');
    else
        read_tool(data + 1, size - 1, data[0] == 'm');
    return 0;
}
