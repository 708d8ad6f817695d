/* What a TOML file says, by pytest's rules: [tool.pytest.ini_options] holds what an ini file
 * would (texts, or lists of texts); [tool.pytest] and pytest.toml's [pytest] hold native types. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/registry.h"
#include "config/settings.h"
#include "config/source.h"
#include "config/toml.h"
#include "config/values.h"

static const cJSON *member(const cJSON *table, const char *name)
{
    const cJSON *found = table ? cJSON_GetObjectItemCaseSensitive(table, name) : NULL;
    return found && !cJSON_IsNull(found) ? found : NULL;
}

static struct place place_of(const struct source *s, const char *table, const char *key)
{
    struct place at = {s->path, 1, 1};
    toml_place(buf_cstr(&s->text), table, key, &at.line, &at.column);
    return at;
}

/* pytest.toml and files for -c: [pytest]. Values outside of any table are a usual mistake. */
static bool choose_plain(struct source *s, struct error *err)
{
    s->pytest = member(s->toml, "pytest");
    s->native = true;
    const cJSON *top = member(s->toml, "top");
    if (s->pytest || !top || !top->child || !cJSON_IsString(top->child))
        return true;
    char *quoted = text_quote(top->child->valuestring);
    place_error((struct place){s->path, 1, 1}, err,
                "%s stands outside of any table; pytest's values have to be in a [pytest] table",
                quoted);
    free(quoted);
    return false;
}

/* pyproject.toml: [tool.pytest] or [tool.pytest.ini_options]. */
static bool choose_tool(struct source *s, struct error *err)
{
    const cJSON *tool = member(s->toml, "tool_pytest");
    const cJSON *ini = member(tool, "ini_options");
    int others = (tool ? cJSON_GetArraySize(tool) : 0) - (ini != NULL);
    if (others > 0 && ini && ini->child)
        return place_error(place_of(s, "pytest", "ini_options"), err,
                           "both [tool.pytest] and [tool.pytest.ini_options] are used; keep one of "
                           "them");
    if (ini && !cJSON_IsObject(ini))
        return place_error(place_of(s, "pytest", "ini_options"), err,
                           "ini_options is no table; write it as [tool.pytest.ini_options]");
    s->native = others > 0;
    s->pytest = s->native ? tool : ini;
    return true;
}

bool source_choose_tables(struct source *s, struct error *err)
{
    bool plain = s->kind == SOURCE_PYTEST_TOML;
    if (!plain && !choose_tool(s, err))
        return false;
    if (s->kind == SOURCE_CUSTOM_TOML && s->pytest && member(s->toml, "pytest"))
        return place_error((struct place){s->path, 1, 1}, err,
                           "both [pytest] and [tool.pytest] are used; keep one of them");
    if (s->kind == SOURCE_CUSTOM_TOML && !s->pytest)
        plain = true;
    if (plain && !choose_plain(s, err))
        return false;
    s->rowlock = s->kind == SOURCE_PYPROJECT ? NULL : member(s->toml, "rowlock");
    if (!s->rowlock && s->kind != SOURCE_PYTEST_TOML)
        s->rowlock = member(s->toml, "tool_rowlock");
    s->has_pytest = s->pytest || s->kind == SOURCE_PYTEST_TOML;
    s->has_rowlock = s->rowlock != NULL;
    return true;
}

/* A single value as Python's str() would write it; NULL for lists and tables. Caller frees. */
static char *scalar_text(const cJSON *v)
{
    if (cJSON_IsString(v))
        return xstrdup(v->valuestring);
    if (cJSON_IsBool(v))
        return xstrdup(cJSON_IsTrue(v) ? "True" : "False");
    return cJSON_IsNumber(v) ? xasprintf("%.0f", v->valuedouble) : NULL;
}

/* A list of texts; in ini_options also a text, which is split at blanks or, for lines, at line
 * ends. */
static bool take_list(const struct source *s, const char *name, bool lines, struct strv *out,
                      struct error *err)
{
    const cJSON *v = member(s->pytest, name), *entry;
    struct place at = place_of(s, "pytest", name);
    if (!v)
        return true;
    bool good = cJSON_IsArray(v) || (!s->native && !cJSON_IsObject(v));
    if (cJSON_IsArray(v))
        for (entry = v->child; entry; entry = entry->next)
            good = good && cJSON_IsString(entry);
    if (!good)
        return place_error(at, err, "%s has to be a list of strings", name);
    if (cJSON_IsArray(v)) {
        for (entry = v->child; entry; entry = entry->next)
            strv_push(out, entry->valuestring);
        return true;
    }
    char *text = scalar_text(v), *rest = text, *line;
    bool ok = true;
    if (lines) {
        while ((line = strsep(&rest, "\n"))) {
            line += strspn(line, " \t\r");
            size_t len = strlen(line);
            while (len && strchr(" \t\r", line[len - 1]))
                len--;
            if (len)
                strv_push_nodup(out, xmemdup0(line, len));
        }
    } else {
        struct buf where = BUF_INIT;
        text_escape(&where, s->path, strlen(s->path), SIZE_MAX);
        buf_addf(&where, ":%u:%u: %s", at.line, at.column, name);
        ok = config_split(text, where.data, out, err);
        buf_release(&where);
    }
    free(text);
    return ok;
}

static bool take_strict(const struct source *s, struct config *c, struct error *err)
{
    const char *name = member(s->pytest, "strict_markers") ? "strict_markers" : "strict";
    const cJSON *v = member(s->pytest, name);
    char *text = v && (!s->native || cJSON_IsBool(v)) ? scalar_text(v) : NULL;
    bool ok = !v || (text && value_bool(text, &c->strict_markers));
    free(text);
    if (!ok)
        place_error(place_of(s, "pytest", name), err, "%s has to be true or false", name);
    return ok;
}

bool source_apply_toml(const struct source *s, struct config *c, struct error *err)
{
    struct strv markers = STRV_INIT;
    bool ok = take_list(s, "addopts", false, &c->addopts, err) &&
              take_list(s, "testpaths", false, &c->testpaths, err) &&
              take_list(s, "markers", true, &markers, err) && take_strict(s, c, err);
    for (size_t i = 0; ok && i < markers.n; i++)
        registry_add(c, markers.v[i]);
    strv_release(&markers);
    const cJSON *v = s->rowlock ? s->rowlock->child : NULL;
    for (; ok && v; v = v->next) {
        struct place at = place_of(s, "rowlock", v->string);
        char *text = scalar_text(v);
        ok = settings_store(c, v->string, text, at, at, err);
        free(text);
    }
    return ok;
}
