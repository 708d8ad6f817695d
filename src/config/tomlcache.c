/* The file: a line "rowlock toml 1 LENGTH", LENGTH bytes of TOML, and what toml_read has made of
 * them, as JSON. One file is enough, as a project has one configuration; where runs with several
 * take turns, each replaces the other's answer. */
#include "config/tomlcache.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "config/toml.h"

#define FOLDER ".rowlock"
#define CACHE FOLDER "/toml.cache"

/* All of the file before the answer. */
static void key_of(const struct buf *text, struct buf *key)
{
    buf_addf(key, "rowlock toml 1 %zu\n", text->len);
    buf_add(key, text->data, text->len);
}

/* NULL if there is none. */
static cJSON *find(const struct buf *key)
{
    struct buf kept = BUF_INIT;
    struct error err = ERROR_INIT;
    cJSON *answer = NULL;
    if (file_read(CACHE, &kept, &err) && kept.len > key->len &&
        memcmp(kept.data, key->data, key->len) == 0)
        answer = cJSON_ParseWithLength(kept.data + key->len, kept.len - key->len);
    if (!cJSON_IsObject(answer)) {
        cJSON_Delete(answer);
        answer = NULL;
    }
    error_release(&err);
    buf_release(&kept);
    return answer;
}

/* Is the file what it was before Python has read it, too? */
static bool is_still(const char *path, const struct buf *text)
{
    struct buf now = BUF_INIT;
    struct error err = ERROR_INIT;
    bool same = file_read(path, &now, &err) && now.len == text->len &&
                memcmp(buf_cstr(&now), text->data, text->len) == 0;
    error_release(&err);
    buf_release(&now);
    return same;
}

/* Where that cannot be done, the next run asks again. */
static void keep(struct buf *key, const cJSON *answer)
{
    struct error err = ERROR_INIT;
    char *json = cJSON_PrintUnformatted(answer);
    if (json) {
        buf_adds(key, json);
        file_write(CACHE, key->data, key->len, &err);
    }
    cJSON_free(json);
    error_release(&err);
}

cJSON *tomlcache_read(const char *python, const char *path, const struct buf *text,
                      struct error *err)
{
    if (!text->len || access(FOLDER, W_OK) != 0)
        return toml_read(python, path, err);
    struct buf key = BUF_INIT;
    key_of(text, &key);
    cJSON *answer = find(&key);
    if (!answer) {
        answer = toml_read(python, path, err);
        if (answer && is_still(path, text))
            keep(&key, answer);
    }
    buf_release(&key);
    return answer;
}
