/* The keys of tests.json that say how a test is judged. */
#ifndef MANIFEST_RULEFIELDS_H
#define MANIFEST_RULEFIELDS_H

#include <stdbool.h>

#include "manifest/json.h"
#include "manifest/manifest.h"

/* Reads will_fail, disabled, skip_code, pass_regex, fail_regex, skip_regex (POSIX EREs) and
 * required_files into the test. EXIT_USAGE with the place on failure. */
bool rulefields_read(struct manifest *m, struct test *t, const struct json *j, const cJSON *object,
                     struct error *err);

#endif
