#include "manifest/json.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "manifest/jsonscan.h"

void json_release(struct json *j)
{
    cJSON_Delete(j->root);
    free(j->places);
    free(j->lines);
    j->root = NULL;
    j->places = NULL;
    j->lines = NULL;
    j->n_places = j->cap_places = j->n_lines = j->cap_lines = 0;
}

/* The index of the line that holds the offset. */
static size_t line_of(const struct json *j, size_t off)
{
    size_t low = 0, high = j->n_lines;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (j->lines[mid] <= off)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static bool fail_at(const struct json *j, size_t off, struct error *err, const char *what)
{
    size_t line = line_of(j, off), start = j->lines[line], before = 0;
    if (off >= j->cut.at) {
        size_t first = line_of(j, j->cut.at);
        if (line == first) {
            start = j->cut.at;
            before = j->cut.column;
        }
        line += j->cut.line - first;
    }
    return error_set(err, j->code, "%s:%zu:%zu: %s", j->path, line + 1,
                     before + text_count(j->text + start, off - start) + 1, what);
}

static const struct json_place *place_of(const struct json *j, const cJSON *node)
{
    return &j->places[node->valueint];
}

static bool fail_va(const struct json *j, size_t off, struct error *err, const char *fmt,
                    va_list ap)
{
    char *what = xvasprintf(fmt, ap);
    fail_at(j, off, err, what);
    free(what);
    return false;
}

bool json_error(const struct json *j, const cJSON *node, struct error *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_va(j, place_of(j, node)->value, err, fmt, ap);
    va_end(ap);
    return false;
}

bool json_error_key(const struct json *j, const cJSON *node, struct error *err, const char *fmt,
                    ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_va(j, place_of(j, node)->key, err, fmt, ap);
    va_end(ap);
    return false;
}

size_t json_line(const struct json *j, const cJSON *node)
{
    return line_of(j, place_of(j, node)->value) + 1;
}

const char *json_kind(const cJSON *node)
{
    if (cJSON_IsString(node))
        return "a string";
    if (cJSON_IsNumber(node))
        return "a number";
    if (cJSON_IsArray(node))
        return "an array";
    if (cJSON_IsObject(node))
        return "an object";
    return cJSON_IsNull(node) ? "null" : "a boolean";
}

static bool refuse_twin(const struct json *j, const cJSON *node, struct error *err)
{
    char *key = text_quote(node->string);
    json_error_key(j, node, err, "key %s stands twice in this object; remove one", key);
    free(key);
    return false;
}

static bool check_keys(const struct json *j, const cJSON *object, struct error *err)
{
    struct map seen = MAP_INIT;
    bool ok = true;
    for (const cJSON *c = object->child; c && ok; c = c->next)
        if (map_put(&seen, c->string, 1) != MAP_NONE)
            ok = refuse_twin(j, c, err);
    map_release(&seen);
    return ok;
}

/* Gives every node its index in places, which nobody else has a use for valueint for: the tree's
 * own order is that of the text. The depth was limited by the scan. */
static void number_nodes(cJSON *node, size_t *next)
{
    for (; node; node = node->next) {
        node->valueint = (int)(*next)++;
        number_nodes(node->child, next);
    }
}

static bool check_all_keys(const struct json *j, const cJSON *node, struct error *err)
{
    for (; node; node = node->next) {
        if (cJSON_IsObject(node) && node->child && node->child->next && !check_keys(j, node, err))
            return false;
        if (!check_all_keys(j, node->child, err))
            return false;
    }
    return true;
}

static bool decode(struct json *j, struct error *err)
{
    const char *end = NULL;
    size_t n = 0;
    j->root = cJSON_ParseWithLengthOpts(j->text, j->len, &end, 0);
    if (!j->root)
        return fail_at(j, end && end >= j->text ? (size_t)(end - j->text) : 0, err,
                       "this cannot be read as JSON; correct it");
    number_nodes(j->root, &n);
    if (n != j->n_places)
        return fail_at(j, 0, err, "this cannot be read as JSON; correct it");
    return check_all_keys(j, j->root, err);
}

bool json_parse(struct json *j, const char *path, const char *text, size_t len, enum exit_code code,
                bool nul_ok, struct error *err)
{
    static const struct json_cut whole = {0, 0, 0};
    return json_parse_piece(j, path, text, len, &whole, code, nul_ok, err);
}

bool json_parse_piece(struct json *j, const char *path, const char *text, size_t len,
                      const struct json_cut *cut, enum exit_code code, bool nul_ok,
                      struct error *err)
{
    *j = (struct json){.path = path, .text = text, .len = len, .cut = *cut, .code = code};
    struct json_fault fault;
    bool ok = json_scan(j, nul_ok, &fault);
    if (!ok)
        fail_at(j, fault.off, err, fault.what);
    else
        ok = decode(j, err);
    if (!ok)
        json_release(j);
    return ok;
}
