#include "manifest/durations.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"
#include "base/text.h"
#include "manifest/fields.h"
#include "manifest/json.h"

/* The id as JSON has it: bytes that are no UTF-8 as \xNN. */
static void add_shown(struct buf *b, const char *id)
{
    size_t len = strlen(id);
    for (size_t i = 0; i < len;) {
        int32_t cp;
        size_t n = text_char(id + i, len - i, &cp);
        if (cp < 0)
            buf_addf(b, "\\x%02x", (unsigned char)id[i]);
        else
            buf_add(b, id + i, n);
        i += n;
    }
}

static bool refuse(const struct json *j, const cJSON *at, struct error *err)
{
    return json_error(j, at, err,
                      "this is no list of durations; give what 'rowlock list --json' or "
                      "--report-json has written, or {\"ID\": seconds, …}");
}

/* What the file says. */
struct durations {
    struct map by_id; /* to places in seconds */
    struct buf seconds;
};

static bool add(const struct json *j, struct durations *known, const char *id, const cJSON *seconds,
                struct error *err)
{
    if (!seconds || cJSON_IsNull(seconds))
        return true;
    if (!cJSON_IsNumber(seconds) || !(seconds->valuedouble >= 0))
        return refuse(j, seconds, err);
    map_put(&known->by_id, id, known->seconds.len);
    buf_add(&known->seconds, &seconds->valuedouble, sizeof(double));
    return true;
}

static bool gather(const struct json *j, struct durations *known, struct error *err)
{
    const cJSON *tests = cJSON_IsObject(j->root) ? fields_get(j->root, "tests") : NULL;
    bool ok = true;
    if (!cJSON_IsObject(j->root))
        return refuse(j, j->root, err);
    if (!cJSON_IsArray(tests)) {
        for (const cJSON *c = j->root->child; c && ok; c = c->next)
            ok = add(j, known, c->string, c, err);
        return ok;
    }
    for (const cJSON *c = tests->child; c && ok; c = c->next) {
        const cJSON *id = cJSON_IsObject(c) ? fields_get(c, "id") : NULL;
        if (!cJSON_IsString(id))
            return refuse(j, c, err);
        ok = add(j, known, id->valuestring, fields_get(c, "duration"), err);
    }
    return ok;
}

static void set_all(struct manifest *m, const struct durations *known)
{
    struct buf shown = BUF_INIT;
    for (size_t i = 0; i < m->n; i++) {
        buf_clear(&shown);
        add_shown(&shown, m->tests[i].id);
        size_t at = map_get(&known->by_id, buf_cstr(&shown));
        if (at != MAP_NONE)
            memcpy(&m->tests[i].shared, known->seconds.data + at, sizeof(double));
    }
    buf_release(&shown);
}

bool durations_read(struct manifest *m, const char *path, struct error *err)
{
    struct buf text = BUF_INIT;
    struct durations known = {MAP_INIT, BUF_INIT};
    struct json j;
    bool ok = file_read(path, &text, err);
    if (!ok) {
        error_set(err, EXIT_USAGE,
                  "%s: cannot be read (%s); --shard-times names a file of durations", path,
                  strerror(errno));
    } else if ((ok = json_parse(&j, path, buf_cstr(&text), text.len, EXIT_USAGE, true, err))) {
        ok = gather(&j, &known, err);
        if (ok)
            set_all(m, &known);
        json_release(&j);
    }
    map_release(&known.by_id);
    buf_release(&known.seconds);
    buf_release(&text);
    return ok;
}
