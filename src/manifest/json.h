/* JSON text, strictly checked, as a cJSON tree whose every value and key can be found again in
 * the text: cJSON decodes, but it knows no positions, is lenient and stops at a NUL. */
#ifndef MANIFEST_JSON_H
#define MANIFEST_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Arrays and objects in one another; deeper is refused. */
enum { JSON_DEEPEST = 200 };

struct json_place {
    size_t key, value; /* offsets into the text; key is that of value outside of objects */
};
/* Where a piece of text stands in the file that it was taken from: the bytes from the offset at on
 * begin there, at that line and character, counted from 0. What lies before stands at the file's
 * start. */
struct json_cut {
    size_t at, line, column;
};
struct json {
    const char *path; /* for messages; borrowed */
    const char *text; /* borrowed */
    size_t len;
    struct json_cut cut;
    enum exit_code code; /* what errors in the text are */
    cJSON *root;
    struct json_place *places; /* of all values, in the order of the text */
    size_t n_places, cap_places;
    size_t *lines; /* offsets at which lines start */
    size_t n_lines, cap_lines;
};

/* Parses text. Refused, with "path:line:column: what; what to do" and the given code: anything
 * that RFC 8259 does not allow, a NUL even as \u0000 (unless nul_ok: then it ends its string),
 * a key that an object has twice. text and path must outlive j. j is released on failure. */
bool json_parse(struct json *j, const char *path, const char *text, size_t len, enum exit_code code,
                bool nul_ok, struct error *err);
/* The same for text that is a piece of the file, or one of which a piece was left out. */
bool json_parse_piece(struct json *j, const char *path, const char *text, size_t len,
                      const struct json_cut *cut, enum exit_code code, bool nul_ok,
                      struct error *err);
void json_release(struct json *j);
/* The line at which a value (a node of j->root's tree) stands, from 1. */
size_t json_line(const struct json *j, const cJSON *node);
/* Sets err to "path:line:column: …", the place being that of the value. Returns false. */
bool json_error(const struct json *j, const cJSON *node, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for the key of a member. */
bool json_error_key(const struct json *j, const cJSON *node, struct error *err, const char *fmt,
                    ...) __attribute__((format(printf, 4, 5)));
/* "a string", "an array", …: what the value is, for messages. */
const char *json_kind(const cJSON *node);

#endif
