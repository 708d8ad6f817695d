/* Exercises ini_parse with the bytes of a configuration file. What it accepts has to survive
 * being written out and read again, and every entry has to be found by its name. */
#include <string.h>

#include "base/buf.h"
#include "config/ini.h"
#include "support.h"

/* The sections and their entries in the shape they could have had in a file. */
static void write_out(struct buf *b, const struct ini *ini)
{
    size_t k = 0;
    for (size_t i = 0; i < ini->n_sections; i++) {
        buf_addf(b, "[%s]\n", ini->sections[i].name);
        for (; k < ini->n && strcmp(ini->entries[k].section, ini->sections[i].name) == 0; k++) {
            buf_addf(b, "%s=", ini->entries[k].name);
            for (const char *s = ini->entries[k].value; *s; s++) {
                buf_addc(b, *s);
                if (*s == '\n')
                    buf_addc(b, '\t');
            }
            buf_addc(b, '\n');
        }
    }
    CHECK(k == ini->n);
}

static void check_same(const struct ini *a, const struct ini *b)
{
    CHECK(a->n == b->n && a->n_sections == b->n_sections);
    for (size_t i = 0; i < a->n_sections; i++)
        CHECK(strcmp(a->sections[i].name, b->sections[i].name) == 0);
    for (size_t i = 0; i < a->n; i++) {
        CHECK(strcmp(a->entries[i].section, b->entries[i].section) == 0);
        CHECK(strcmp(a->entries[i].name, b->entries[i].name) == 0);
        CHECK(strcmp(a->entries[i].value, b->entries[i].value) == 0);
    }
}

static void check_entries(const struct ini *ini)
{
    unsigned line = 0;
    for (size_t i = 0; i < ini->n; i++) {
        const struct ini_entry *e = &ini->entries[i];
        CHECK(e->line > line && e->value_line >= e->line && e->value_column >= 1);
        CHECK(ini_get(ini, e->section, e->name) == e);
        CHECK(ini_has_section(ini, e->section));
        CHECK(!strpbrk(e->value, "\r\v\f\x1c\x1d\x1e") && !strstr(e->value, "\n\n"));
        line = e->line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini ini, again;
    struct error err = ERROR_INIT;
    bool ok = ini_parse(&ini, "pytest.ini", (const char *)data, size, &err);
    CHECK(ok || (err.msg && strncmp(err.msg, "pytest.ini:", 11) == 0));
    fuzz_check_error(&err, ok, 1);
    if (!ok)
        return 0;
    check_entries(&ini);
    struct buf b = BUF_INIT;
    write_out(&b, &ini);
    CHECK(ini_parse(&again, "again", buf_cstr(&b), b.len, &err));
    check_same(&ini, &again);
    buf_release(&b);
    ini_release(&again);
    ini_release(&ini);
    return 0;
}
