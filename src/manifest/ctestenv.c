#include "manifest/ctestenv.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

static size_t find(const struct strv *env, const char *name, size_t len)
{
    size_t i = 0;
    while (i < env->n && !(strncmp(env->v[i], name, len) == 0 &&
                           (env->v[i][len] == '=' || !env->v[i][len])))
        i++;
    return i;
}

void ctestenv_set(struct strv *env, const char *var)
{
    size_t i = find(env, var, strcspn(var, "="));
    if (i == env->n) {
        strv_push(env, var);
        return;
    }
    char *copy = xstrdup(var);
    free(env->v[i]);
    env->v[i] = copy;
}

/* "" where it is unset. */
static char *value_of(const struct strv *env, const char *name)
{
    size_t len = strlen(name), i = find(env, name, len);
    if (i < env->n)
        return xstrdup(env->v[i][len] ? env->v[i] + len + 1 : "");
    const char *outer = getenv(name);
    return xstrdup(outer ? outer : "");
}

static void reset(struct strv *env, const struct strv *base, const char *name)
{
    size_t len = strlen(name), i = find(base, name, len);
    if (i < base->n) {
        ctestenv_set(env, base->v[i]);
        return;
    }
    i = find(env, name, len);
    if (i == env->n)
        return;
    free(env->v[i]);
    env->v[i] = env->v[--env->n];
    env->v[env->n] = NULL;
}

static const struct operation {
    const char *name, *separator;
    bool in_front;
} operations[] = {
    {"string_append", "", false},    {"string_prepend", "", true}, {"path_list_append", ":", false},
    {"path_list_prepend", ":", true}, {"cmake_list_append", ";", false},
    {"cmake_list_prepend", ";", true},
};

static bool join(struct strv *env, const char *name, const char *op, const char *value)
{
    const struct operation *o = operations, *end = o + sizeof operations / sizeof *operations;
    while (o < end && strcmp(o->name, op) != 0)
        o++;
    if (o == end)
        return false;
    char *old = value_of(env, name);
    const char *sep = *old ? o->separator : "";
    char *var = o->in_front ? xasprintf("%s=%s%s%s", name, value, sep, old)
                            : xasprintf("%s=%s%s%s", name, old, sep, value);
    ctestenv_set(env, var);
    free(var);
    free(old);
    return true;
}

bool ctestenv_modify(struct strv *env, const struct strv *base, const char *modification)
{
    const char *eq = strchr(modification, '='), *colon = eq ? strchr(eq, ':') : NULL;
    if (!colon || eq == modification)
        return false;
    char *name = xmemdup0(modification, (size_t)(eq - modification));
    char *op = xmemdup0(eq + 1, (size_t)(colon - eq - 1));
    bool ok = true;
    if (strcmp(op, "set") == 0) {
        char *var = xasprintf("%s=%s", name, colon + 1);
        ctestenv_set(env, var);
        free(var);
    } else if (strcmp(op, "unset") == 0) {
        ctestenv_set(env, name);
    } else if (strcmp(op, "reset") == 0) {
        reset(env, base, name);
    } else {
        ok = join(env, name, op, colon + 1);
    }
    free(op);
    free(name);
    return ok;
}
