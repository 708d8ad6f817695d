/* Ini files as pytest reads them (the iniconfig library): sections, "name = value" or
 * "name: value", values that go on in indented lines, comment lines. The library for ini
 * files that Debian has for C (inih) cuts lines at 200 bytes and at " ;", so pytest.ini files
 * that pytest accepts would read differently; hence a reader of our own. */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct ini_entry {
    const char *section;
    const char *name;
    const char *value;                 /* lines joined by '\n' */
    unsigned line;                     /* where the name stands, from 1 */
    unsigned value_line, value_column; /* where the value starts; the name's end if it is empty */
};
struct ini_section {
    const char *name;
    unsigned line;
};
struct ini {
    struct arena arena;
    struct ini_entry *entries;
    size_t n, cap;
    struct ini_section *sections; /* all that were opened, empty ones too */
    size_t n_sections, cap_sections;
};

/* Parses text (len bytes; path is for messages: "path:line:column: what; what to do"; columns
 * count characters). Beyond what iniconfig refuses, a NUL byte is refused. EXIT_USAGE on
 * failure; ini is released then. */
bool ini_parse(struct ini *ini, const char *path, const char *text, size_t len, struct error *err);
void ini_release(struct ini *ini);
/* NULL if it is not there. */
const struct ini_entry *ini_get(const struct ini *ini, const char *section, const char *name);
/* NULL if it is not there. */
const struct ini_section *ini_section(const struct ini *ini, const char *section);
bool ini_has_section(const struct ini *ini, const char *section);

#endif
