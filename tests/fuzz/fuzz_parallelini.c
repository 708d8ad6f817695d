/* Exercises parallelini_make and the finding of places in TOML (toml_may_concern_us, toml_place) with
 * the bytes of a project's configuration. The pytest-parallel.ini that is made says all that the
 * project's own said, can be read, and asks for workers. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "command/parallelini.h"
#include "config/ini.h"
#include "config/toml.h"
#include "support.h"

/* Each line of value stands in that of the new file, too. */
static void check_kept(const char *value, const char *fresh)
{
    while (*value) {
        size_t len = strcspn(value, "\n");
        CHECK(memmem(fresh, strlen(fresh), value, len));
        value += len + (value[len] == '\n');
    }
}

static void check_section(const struct ini *old, const struct ini *fresh, const char *section)
{
    for (size_t i = 0; i < old->n; i++) {
        const struct ini_entry *e = &old->entries[i], *f;
        if (strcmp(e->section, section) != 0)
            continue;
        f = ini_get(fresh, section, e->name);
        CHECK(f);
        if (strcmp(e->name, "log_format") != 0)
            check_kept(e->value, f->value);
    }
}

static void make(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    struct error err = ERROR_INIT;
    struct ini old, fresh;
    bool ok = parallelini_make(&out, "pytest.ini", text, "python3", &err);
    fuzz_check_error(&err, ok, 1);
    if (ok) {
        if (!ini_parse(&fresh, "pytest-parallel.ini", buf_cstr(&out), out.len, &err))
            fuzz_fail(__FILE__, __LINE__, err.msg);
        CHECK(ini_parse(&old, "pytest.ini", text, len, &err));
        check_section(&old, &fresh, "pytest");
        check_section(&old, &fresh, "rowlock");
        CHECK(strstr(ini_get(&fresh, "pytest", "addopts")->value, "-n auto\n--dist loadscope"));
        CHECK(strstr(ini_get(&fresh, "pytest", "markers")->value, "serial"));
        ini_release(&old);
        ini_release(&fresh);
    }
    buf_release(&out);
}

static void place(const char *text)
{
    static const char *const keys[] = {"addopts", "markers"};
    unsigned lines = 1, line, column;
    for (const char *s = text; *s; s++)
        lines += *s == '\n';
    toml_may_concern_us(text);
    for (int i = 0; i < 2; i++) {
        toml_place(text, "pytest", keys[i], &line, &column);
        CHECK(line >= 1 && line <= lines && column >= 1 && column <= strlen(text) + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0(data, size);
    make(text, strlen(text));
    place(text);
    free(text);
    return 0;
}
