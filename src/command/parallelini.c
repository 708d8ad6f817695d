#include "command/parallelini.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "config/ini.h"
#include "config/toml.h"

#define LOG_FORMAT "%(asctime)s %(levelname)s %(name)s: %(message)s"
#define LOG_FORMAT_PARALLEL "%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s"

static const char *const markers[] = {
    "parallel_safe: safe to run beside other tests",
    "serial: has to run alone",
    "resource_intensive: uses much memory or many cores",
    "slow: takes its time",
    "unit: tests one part by itself",
    "integration: tests how parts work together",
    "performance: measures time or memory",
};
enum { N_MARKERS = sizeof markers / sizeof *markers };

static bool has_suffix(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Appends "name =" and each line of value, indented. */
static void add_block(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s%s=", name, *name ? " " : ""); /* a space would go on with the value above */
    /* What would be a comment on a line of its own is none here. */
    size_t first = *value && strchr("#;", *value) ? strcspn(value, "\n") : 0;
    if (first)
        buf_addf(out, " %.*s", (int)first, value);
    buf_addc(out, '\n');
    value += first;
    while (*value) {
        size_t len = strcspn(value, "\n");
        if (len)
            buf_addf(out, "    %.*s\n", (int)len, value);
        value += len + (value[len] == '\n');
    }
}

static bool lists_marker(const char *value, const char *line)
{
    size_t len = strcspn(line, ":");
    for (const char *p = value; *p;) {
        p += strspn(p, " \t\n");
        if (strncmp(p, line, len) == 0 && strchr(" :(\n", p[len]))
            return true;
        p += strcspn(p, "\n");
    }
    return false;
}

/* Appends "name = value", a value of several lines as an indented block. */
static void add_plain(struct buf *out, const char *name, const char *value)
{
    if (strchr(value, '\n'))
        add_block(out, name, value);
    else
        buf_addf(out, "%s%s= %s\n", name, *name ? " " : "", value);
}

/* Likewise a setting of pytest's; what has to be different in parallel runs is. */
static void add_setting(struct buf *out, const char *name, const char *value)
{
    if (strcmp(name, "addopts") == 0) {
        add_block(out, name, value);
        buf_adds(out, "    # as many workers as there are processors; a class or a module stays together\n"
                      "    -n auto\n    --dist loadscope\n");
    } else if (strcmp(name, "markers") == 0) {
        add_block(out, name, value);
        for (int i = 0; i < N_MARKERS; i++)
            if (!lists_marker(value, markers[i]))
                buf_addf(out, "    %s\n", markers[i]);
    } else if (strcmp(name, "log_format") == 0 && strcmp(value, LOG_FORMAT) == 0) {
        buf_adds(out, "log_format = " LOG_FORMAT_PARALLEL "\n");
    } else {
        add_plain(out, name, value);
    }
}

static void add_missing(struct buf *out, bool addopts, bool marks)
{
    if (!addopts)
        add_setting(out, "addopts", "");
    if (!marks)
        add_setting(out, "markers", "");
}

static void from_ini(struct buf *out, const struct ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->n; i++)
        if (strcmp(ini->entries[i].section, section) == 0)
            add_setting(out, ini->entries[i].name, ini->entries[i].value);
    add_missing(out, ini_get(ini, section, "addopts") != NULL,
                ini_get(ini, section, "markers") != NULL);
    if (!ini_has_section(ini, "rowlock"))
        return;
    buf_adds(out, "\n[rowlock]\n");
    for (size_t i = 0; i < ini->n; i++)
        if (strcmp(ini->entries[i].section, "rowlock") == 0)
            add_plain(out, ini->entries[i].name, ini->entries[i].value);
}

/* Appends a word so that shlex gives it back. */
static void add_quoted(struct buf *b, const char *word)
{
    if (*word && !strpbrk(word, " \t\n'\"\\#")) {
        buf_adds(b, word);
        return;
    }
    buf_addc(b, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_adds(b, "'\"'\"'");
        else
            buf_addc(b, *word == '\n' ? ' ' : *word);
    }
    buf_addc(b, '\'');
}

/* The value of a TOML table as an ini has it. words: a list of words for shlex. */
static void add_value(struct buf *b, const cJSON *v, bool words)
{
    if (cJSON_IsArray(v)) {
        const cJSON *c;
        cJSON_ArrayForEach(c, v) {
            if (words && cJSON_IsString(c))
                add_quoted(b, c->valuestring);
            else
                add_value(b, c, false);
            buf_addc(b, '\n');
        }
    } else if (cJSON_IsString(v)) {
        buf_adds(b, v->valuestring);
    } else if (cJSON_IsBool(v)) {
        buf_adds(b, cJSON_IsTrue(v) ? "true" : "false");
    } else if (cJSON_IsNumber(v)) {
        buf_addf(b, "%.15g", v->valuedouble);
    }
}

static void from_table(struct buf *out, const cJSON *table, const cJSON *rowlock)
{
    const cJSON *c;
    struct buf value = BUF_INIT;
    cJSON_ArrayForEach(c, table) {
        buf_clear(&value);
        buf_adds(&value, "");
        add_value(&value, c, strcmp(c->string, "addopts") == 0 || strcmp(c->string, "testpaths") == 0);
        add_setting(out, c->string, buf_cstr(&value));
    }
    add_missing(out, cJSON_GetObjectItemCaseSensitive(table, "addopts") != NULL,
                cJSON_GetObjectItemCaseSensitive(table, "markers") != NULL);
    if (cJSON_IsObject(rowlock))
        buf_adds(out, "\n[rowlock]\n");
    cJSON_ArrayForEach(c, rowlock) {
        buf_clear(&value);
        add_value(&value, c, false);
        add_plain(out, c->string, buf_cstr(&value));
    }
    buf_release(&value);
}

static bool from_toml(struct buf *out, const char *path, const char *python, struct error *err)
{
    cJSON *toml = toml_read(python, path, err);
    if (!toml)
        return false;
    const char *const tables[] = {"tool_pytest", "pytest"};
    const cJSON *table = NULL, *rowlock = cJSON_GetObjectItem(toml, "tool_rowlock");
    for (int i = 0; i < 2 && !cJSON_IsObject(table); i++)
        table = cJSON_GetObjectItem(toml, tables[i]);
    const cJSON *old = cJSON_GetObjectItem(table, "ini_options");
    if (!cJSON_IsObject(rowlock))
        rowlock = cJSON_GetObjectItem(toml, "rowlock");
    from_table(out, cJSON_IsObject(old) ? old : table, rowlock);
    cJSON_Delete(toml);
    return true;
}

bool parallelini_make(struct buf *out, const char *path, const char *text, const char *python,
                      struct error *err)
{
    struct buf read = BUF_INIT;
    struct ini ini;
    const char *name = path_basename(path);
    buf_addf(out,
             "# Parallel runs: pytest -c pytest-parallel.ini, or rowlock parallel.\n"
             "# Written by rowlock init from %s; what changes there has to change here, too.\n"
             "[pytest]\n",
             name);
    if (has_suffix(name, ".toml"))
        return from_toml(out, path, python, err);
    if (!text && !file_read(path, &read, err))
        return false;
    bool ok = ini_parse(&ini, path, text ? text : buf_cstr(&read),
                        text ? strlen(text) : read.len, err);
    if (ok) {
        from_ini(out, &ini, has_suffix(name, ".cfg") ? "tool:pytest" : "pytest");
        ini_release(&ini);
    }
    buf_release(&read);
    return ok;
}
