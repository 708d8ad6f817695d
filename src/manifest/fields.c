#include "manifest/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { HEAVIEST = 65535 };

static bool unknown_key(const struct json *j, const cJSON *member, const char *const *known,
                        const char *what, struct error *err)
{
    struct nearest near;
    struct buf all = BUF_INIT;
    nearest_init(&near, member->string);
    for (size_t i = 0; known[i]; i++) {
        nearest_try(&near, known[i]);
        buf_addf(&all, "%s\"%s\"", i ? ", " : "", known[i]);
    }
    char *key = text_quote(member->string);
    if (near.best)
        json_error_key(j, member, err, "unknown key %s in %s; did you mean \"%s\"?", key, what,
                       near.best);
    else
        json_error_key(j, member, err, "unknown key %s in %s; known are %s", key, what,
                       buf_cstr(&all));
    free(key);
    buf_release(&all);
    return false;
}

bool fields_check(const struct json *j, const cJSON *object, const char *const *known,
                  const char *what, struct error *err)
{
    if (!cJSON_IsObject(object))
        return json_error(j, object, err, "%s must be an object, not %s; write {…}", what,
                          json_kind(object));
    for (const cJSON *c = object->child; c; c = c->next) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], c->string) != 0)
            i++;
        if (!known[i])
            return unknown_key(j, c, known, what, err);
    }
    return true;
}

const cJSON *fields_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

bool fields_string(const struct json *j, const cJSON *value, const char *key, struct error *err)
{
    if (!cJSON_IsString(value))
        return json_error(j, value, err, "\"%s\" must be a string, not %s; put it in double quotes",
                          key, json_kind(value));
    return value->valuestring[0] ||
           json_error(j, value, err, "\"%s\" is empty; give it a value or remove it", key);
}

bool fields_strings(const struct json *j, const cJSON *value, const char *key, bool single,
                    bool empty_ok, struct strv *to, struct error *err)
{
    if (!value)
        return true;
    if (single && cJSON_IsString(value)) {
        strv_push(to, value->valuestring);
        return fields_string(j, value, key, err);
    }
    if (!cJSON_IsArray(value))
        return json_error(j, value, err,
                          "\"%s\" must be an array of strings, not %s; write [\"…\"]", key,
                          json_kind(value));
    for (const cJSON *c = value->child; c; c = c->next) {
        if (!cJSON_IsString(c))
            return json_error(j, c, err,
                              "\"%s\" holds %s; it takes strings only: put it in double quotes",
                              key, json_kind(c));
        if (!empty_ok && !c->valuestring[0])
            return json_error(j, c, err, "\"%s\" holds an empty string; name it or remove it", key);
        strv_push(to, c->valuestring);
    }
    return true;
}

/* Markers are names. One with arguments would silently do nothing: it has a key of its own. */
static bool check_marker(const struct json *j, const cJSON *value, struct error *err)
{
    static const char *const keys[][2] = {{"lock", "\"locks\": [\"NAME\"]"},
                                          {"xdist_group", "\"locks\": [\"NAME\"]"},
                                          {"weight", "\"weight\": N"},
                                          {"timeout", "\"timeout\": SECONDS"},
                                          {"flaky", "\"reruns\": N"}};
    const char *open = strchr(value->valuestring, '(');
    for (size_t i = 0; open && i < sizeof keys / sizeof *keys; i++) {
        size_t n = strlen(keys[i][0]);
        if ((size_t)(open - value->valuestring) == n &&
            strncmp(value->valuestring, keys[i][0], n) == 0)
            return json_error(j, value, err, "markers take no arguments here; write %s instead",
                              keys[i][1]);
    }
    return true;
}

static bool read_markers(struct fields_common *f, const struct json *j, const cJSON *value,
                         struct arena *arena, struct error *err)
{
    struct strv names = STRV_INIT;
    struct map seen = MAP_INIT;
    bool ok = fields_strings(j, value, "markers", false, false, &names, err);
    for (const cJSON *c = ok && value ? value->child : NULL; c && ok; c = c->next)
        ok = check_marker(j, c, err);
    if (ok && names.n)
        f->markers = arena_alloc(arena, names.n * sizeof *f->markers);
    for (size_t i = 0; ok && i < names.n; i++)
        if (map_put(&seen, names.v[i], i) == MAP_NONE)
            f->markers[f->n_markers++].name = arena_strdup(arena, names.v[i]);
    map_release(&seen);
    strv_release(&names);
    return ok;
}

static bool read_env(struct fields_common *f, const struct json *j, const cJSON *value,
                     struct arena *arena, struct error *err)
{
    struct strv env = STRV_INIT;
    bool ok = true;
    if (!value)
        return true;
    if (!cJSON_IsObject(value))
        return json_error(j, value, err,
                          "\"env\" must be an object, not %s; write {\"NAME\": \"value\"}",
                          json_kind(value));
    for (const cJSON *c = value->child; c && ok; c = c->next) {
        if (!c->string[0])
            ok = json_error_key(j, c, err, "a variable needs a name; write \"NAME\": \"value\"");
        else if (strchr(c->string, '='))
            ok = json_error_key(j, c, err,
                                "a variable's name cannot hold '='; write \"NAME\": \"value\"");
        else if (!cJSON_IsString(c))
            ok = json_error(j, c, err,
                            "a variable's value must be a string, not %s; put it in double quotes",
                            json_kind(c));
        else
            strv_pushf(&env, "%s=%s", c->string, c->valuestring);
    }
    if (ok && env.n)
        f->env = arena_strv(arena, env.v, env.n);
    strv_release(&env);
    return ok;
}

static bool read_numbers(struct fields_common *f, const struct json *j, const cJSON *object,
                         struct error *err)
{
    const cJSON *weight = fields_get(object, "weight"), *timeout = fields_get(object, "timeout");
    if (weight) {
        double w = cJSON_IsNumber(weight) ? weight->valuedouble : 0;
        if (!(w >= 1 && w <= HEAVIEST) || w != (unsigned)w)
            return json_error(j, weight, err,
                              "\"weight\" must be a whole number from 1 to %d; correct it",
                              HEAVIEST);
        f->weight = (unsigned)w;
    }
    if (timeout) {
        double t = cJSON_IsNumber(timeout) ? timeout->valuedouble : 0;
        if (!(t > 0 && t <= 1e9))
            return json_error(j, timeout, err,
                              "\"timeout\" must be a number of seconds above 0; correct it");
        f->timeout = t;
    }
    const cJSON *reruns = fields_get(object, "reruns");
    if (reruns) {
        double n = cJSON_IsNumber(reruns) ? reruns->valuedouble : -1;
        if (!(n >= 0 && n <= MOST_RERUNS) || n != (int)n)
            return json_error(j, reruns, err,
                              "\"reruns\" must be a whole number from 0 to %d; correct it",
                              MOST_RERUNS);
        f->reruns = (int)n;
    }
    return true;
}

bool fields_common_read(struct fields_common *f, const struct json *j, const cJSON *object,
                        struct arena *arena, struct error *err)
{
    memset(f, 0, sizeof *f);
    f->reruns = -1;
    const cJSON *cwd = fields_get(object, "cwd");
    if (cwd && !fields_string(j, cwd, "cwd", err))
        return false;
    if (cwd)
        f->cwd = arena_strdup(arena, cwd->valuestring);
    bool ok = read_numbers(f, j, object, err) &&
              read_markers(f, j, fields_get(object, "markers"), arena, err) &&
              read_env(f, j, fields_get(object, "env"), arena, err) &&
              fields_strings(j, fields_get(object, "locks"), "locks", false, false, &f->locks, err);
    if (!ok)
        fields_common_release(f);
    return ok;
}

void fields_common_release(struct fields_common *f)
{
    strv_release(&f->locks);
}

void fields_common_apply(struct fields_common *f, struct manifest *m, struct test *t)
{
    t->markers = f->markers;
    t->n_markers = f->n_markers;
    manifest_apply_markers(t);
    t->env = f->env;
    t->cwd = f->cwd;
    t->timeout = f->timeout;
    if (f->reruns >= 0)
        t->reruns = f->reruns;
    if (f->weight)
        t->weight = f->weight;
    manifest_set_locks(m, t, &f->locks);
}
