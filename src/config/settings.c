#include "config/settings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/values.h"

static void replace(char **at, char *value)
{
    free(*at);
    *at = value;
}

void settings_default(struct config *c)
{
    replace(&c->env_prefix, xstrdup("FQCN"));
    replace(&c->worker_start, xstrdup("auto"));
    replace(&c->history_url, xstrdup(""));
    c->parallel_collect = true;
    c->timeout = c->run_timeout = 0;
    c->grace = 5;
    c->slow_warning = 60;
    c->memory = (struct memory_floor){0, 0};
    c->reruns = 0;
    c->output_limit = 1024 * 1024;
}

bool place_error(struct place at, struct error *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *what = xvasprintf(fmt, ap);
    va_end(ap);
    struct buf path = BUF_INIT;
    text_escape(&path, at.path, strlen(at.path), SIZE_MAX);
    error_set(err, EXIT_USAGE, "%s:%u:%u: %s", path.data, at.line, at.column, what);
    buf_release(&path);
    free(what);
    return false;
}

static bool store_env_prefix(struct config *c, const char *value)
{
    if (!value_is_variable(value))
        return false;
    replace(&c->env_prefix, xstrdup(value));
    return true;
}

/* A path is relative to the folder of the file; a mere name is looked up in PATH. */
static bool store_python(struct config *c, const char *value)
{
    if (!*value)
        return false;
    replace(&c->python, strchr(value, '/') ? path_join(c->root, value) : xstrdup(value));
    return true;
}

static bool store_shard_times(struct config *c, const char *value)
{
    if (!*value)
        return false;
    replace(&c->shard_times, path_join(c->root, value));
    return true;
}

static bool store_timeout(struct config *c, const char *value)
{
    return value_seconds(value, &c->timeout);
}

static bool store_timeouts(struct config *c, const char *value)
{
    marker_timeouts_free(c->timeouts, c->n_timeouts);
    c->timeouts = NULL;
    c->n_timeouts = 0;
    return value_timeouts(value, &c->timeouts, &c->n_timeouts);
}

static bool store_run_timeout(struct config *c, const char *value)
{
    return value_seconds(value, &c->run_timeout);
}

static bool store_slow_warning(struct config *c, const char *value)
{
    return value_seconds(value, &c->slow_warning);
}

static bool store_memory_floor(struct config *c, const char *value)
{
    return value_memory_floor(value, &c->memory);
}

static bool store_reruns(struct config *c, const char *value)
{
    return value_reruns(value, &c->reruns);
}

static bool store_grace(struct config *c, const char *value)
{
    return value_seconds(value, &c->grace);
}

static bool store_output_limit(struct config *c, const char *value)
{
    return value_bytes(value, &c->output_limit);
}

static bool store_worker_start(struct config *c, const char *value)
{
    if (!value_is_worker_start(value))
        return false;
    replace(&c->worker_start, xstrdup(value));
    return true;
}

static bool store_history_url(struct config *c, const char *value)
{
    replace(&c->history_url, xstrdup(value));
    return true;
}

static bool store_parallel_collect(struct config *c, const char *value)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0) {
            c->parallel_collect = i >= 4;
            return true;
        }
    return false;
}

static const struct setting {
    const char *key;
    bool (*store)(struct config *c, const char *value); /* false: a bad value */
    const char *accepts;
} settings[] = {
    {"env_prefix", store_env_prefix, "the start of a variable's name, such as FQCN"},
    {"python", store_python, "the path or name of a Python"},
    {"timeout", store_timeout, "seconds, such as 2.5; 0 is no limit"},
    {"timeouts", store_timeouts, "markers with seconds, such as slow: 300, unit: 5"},
    {"run_timeout", store_run_timeout, "seconds, such as 900; 0 is no limit"},
    {"slow_warning", store_slow_warning, "seconds, such as 60; 0 is never"},
    {"memory_floor", store_memory_floor, "a share of all memory, such as 10%, or bytes, such as 2G"},
    {"reruns", store_reruns, "a number from 0 to 200"},
    {"grace", store_grace, "seconds, such as 2.5"},
    {"output_limit", store_output_limit, "a number of bytes, such as 65536, 64K, 1M or 1G"},
    {"worker_start", store_worker_start, "auto, fork or spawn"},
    {"history_url", store_history_url, "an http:// or https:// URL of a file"},
    {"shard_times", store_shard_times, "the path of a file"},
    {"parallel_collect", store_parallel_collect, "true or false"},
};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

const char *settings_key(size_t i, const char **accepts)
{
    *accepts = i < N_SETTINGS ? settings[i].accepts : NULL;
    return i < N_SETTINGS ? settings[i].key : NULL;
}

static bool refuse_key(const char *key, struct place at, struct error *err)
{
    struct nearest near;
    struct buf known = BUF_INIT;
    nearest_init(&near, key);
    for (size_t i = 0; i < N_SETTINGS; i++) {
        nearest_try(&near, settings[i].key);
        buf_addf(&known, "%s%s", i ? ", " : "", settings[i].key);
    }
    char *quoted = text_quote(key);
    if (near.best)
        place_error(at, err, "unknown key %s in the rowlock section; did you mean %s?", quoted,
                    near.best);
    else
        place_error(at, err, "unknown key %s in the rowlock section; the keys are %s", quoted,
                    buf_cstr(&known));
    free(quoted);
    buf_release(&known);
    return false;
}

bool settings_store(struct config *c, const char *key, const char *value, struct place key_at,
                    struct place value_at, struct error *err)
{
    const struct setting *s = settings;
    while (s < settings + N_SETTINGS && strcmp(s->key, key) != 0)
        s++;
    if (s == settings + N_SETTINGS)
        return refuse_key(key, key_at, err);
    if (value && s->store(c, value))
        return true;
    char *quoted = text_quote(value ? value : "");
    place_error(value_at, err, "%s: %s is not accepted; give %s", key,
                value ? quoted : "a list or table", s->accepts);
    free(quoted);
    return false;
}
