#include "config/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/registry.h"
#include "config/settings.h"
#include "config/toml.h"
#include "config/tomlcache.h"
#include "config/values.h"

static const char *pytest_section(const struct source *s)
{
    return s->kind == SOURCE_CFG ? "tool:pytest" : "pytest";
}

static bool is_toml(enum source_kind kind)
{
    return kind == SOURCE_PYTEST_TOML || kind == SOURCE_PYPROJECT || kind == SOURCE_CUSTOM_TOML;
}

static bool open_ini(struct source *s, struct error *err)
{
    if (!ini_parse(&s->ini, s->path, buf_cstr(&s->text), s->text.len, err))
        return false;
    s->has_rowlock = ini_has_section(&s->ini, "rowlock");
    s->has_pytest = s->kind == SOURCE_PYTEST_INI || ini_has_section(&s->ini, pytest_section(s));
    const struct ini_section *old = s->kind == SOURCE_CFG ? ini_section(&s->ini, "pytest") : NULL;
    if (old && !s->has_pytest)
        return place_error((struct place){s->path, old->line, 1}, err,
                           "a [pytest] section in a .cfg file is not supported by pytest; change "
                           "it to [tool:pytest]");
    return true;
}

static bool open_toml(struct source *s, const char *python, struct error *err)
{
    if (s->kind == SOURCE_PYPROJECT && !toml_may_concern_us(buf_cstr(&s->text)))
        return true;
    if (!python)
        return place_error((struct place){s->path, 1, 1}, err,
                           "is TOML, and no Python is there to read it; name one with --python");
    s->toml = tomlcache_read(python, s->path, &s->text, err);
    return s->toml && source_choose_tables(s, err);
}

bool source_open(struct source *s, const char *path, enum source_kind kind, const char *python,
                 struct error *err)
{
    memset(s, 0, sizeof *s);
    s->path = xstrdup(path);
    s->kind = kind;
    bool ok = file_read(path, &s->text, err) &&
              (is_toml(kind) ? open_toml(s, python, err) : open_ini(s, err));
    if (!ok)
        source_release(s);
    return ok;
}

void source_release(struct source *s)
{
    free(s->path);
    buf_release(&s->text);
    ini_release(&s->ini);
    cJSON_Delete(s->toml);
    memset(s, 0, sizeof *s);
}

static struct place value_place(const struct source *s, const struct ini_entry *e)
{
    return (struct place){s->path, e->value_line, e->value_column};
}

static bool apply_words(const struct source *s, const char *name, struct strv *words,
                        struct error *err)
{
    const struct ini_entry *e = ini_get(&s->ini, pytest_section(s), name);
    if (!e)
        return true;
    struct buf where = BUF_INIT;
    text_escape(&where, s->path, strlen(s->path), SIZE_MAX);
    buf_addf(&where, ":%u:%u: %s", e->value_line, e->value_column, name);
    bool ok = config_split(e->value, where.data, words, err);
    buf_release(&where);
    return ok;
}

static bool apply_strict(const struct source *s, struct config *c, struct error *err)
{
    const struct ini_entry *e = ini_get(&s->ini, pytest_section(s), "strict_markers");
    if (!e)
        e = ini_get(&s->ini, pytest_section(s), "strict");
    if (!e || value_bool(e->value, &c->strict_markers))
        return true;
    char *quoted = text_quote(e->value);
    place_error(value_place(s, e), err, "%s: %s is not accepted; give true or false", e->name,
                quoted);
    free(quoted);
    return false;
}

static void apply_markers(const struct source *s, struct config *c)
{
    const struct ini_entry *e = ini_get(&s->ini, pytest_section(s), "markers");
    for (const char *line = e ? e->value : ""; *line;) {
        const char *end = strchrnul(line, '\n');
        char *copy = xmemdup0(line, (size_t)(end - line));
        if (*copy)
            registry_add(c, copy);
        free(copy);
        line = *end ? end + 1 : end;
    }
}

static bool apply_rowlock(const struct source *s, struct config *c, struct error *err)
{
    for (size_t i = 0; i < s->ini.n; i++) {
        const struct ini_entry *e = &s->ini.entries[i];
        if (strcmp(e->section, "rowlock") != 0)
            continue;
        if (!settings_store(c, e->name, e->value, (struct place){s->path, e->line, 1},
                            value_place(s, e), err))
            return false;
    }
    return true;
}

bool source_apply(const struct source *s, struct config *c, struct error *err)
{
    if (is_toml(s->kind))
        return source_apply_toml(s, c, err);
    apply_markers(s, c);
    return apply_words(s, "addopts", &c->addopts, err) &&
           apply_words(s, "testpaths", &c->testpaths, err) && apply_strict(s, c, err) &&
           apply_rowlock(s, c, err);
}
