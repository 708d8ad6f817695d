/* The keys that tests.json knows, and reading their values. */
#ifndef MANIFEST_FIELDS_H
#define MANIFEST_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "manifest/json.h"
#include "manifest/manifest.h"

/* For docs/reference.md: the keys of one kind of object in tests.json. */
struct key_set {
    const char *object;      /* "test"; NULL behind the last */
    const char *const *keys; /* NULL behind the last */
};

/* Every function here that fails sets err to "path:line:column: what; what to do". */

/* The object's keys are all among known (NULL-terminated)? what names the object: "a test". */
bool fields_check(const struct json *j, const cJSON *object, const char *const *known,
                  const char *what, struct error *err);
/* The value of the key; NULL if it is not there. */
const cJSON *fields_get(const cJSON *object, const char *key);
/* Is the value a string that is not empty? key names it in the message. */
bool fields_string(const struct json *j, const cJSON *value, const char *key, struct error *err);
/* Appends the strings of an array; none may be empty unless empty_ok. With single a lone string
 * will do, too. A value of NULL adds nothing. */
bool fields_strings(const struct json *j, const cJSON *value, const char *key, bool single,
                    bool empty_ok, struct strv *to, struct error *err);

/* What a test and a suite of native tests have in common; strings belong to the arena given. */
struct fields_common {
    struct marker *markers;
    size_t n_markers;
    char **env;
    const char *cwd;
    struct strv locks;
    unsigned weight; /* 0: not given */
    double timeout;
    int reruns; /* < 0: not given */
};
bool fields_common_read(struct fields_common *f, const struct json *j, const cJSON *object,
                        struct arena *arena, struct error *err);
void fields_common_release(struct fields_common *f);
/* Gives them to the test. The arena they were read into must be the manifest's. */
void fields_common_apply(struct fields_common *f, struct manifest *m, struct test *t);

#endif
