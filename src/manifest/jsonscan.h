/* The walk over JSON text that checks it and notes where values, keys and lines stand. */
#ifndef MANIFEST_JSONSCAN_H
#define MANIFEST_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "manifest/json.h"

struct json_fault {
    size_t off;       /* where in the text */
    const char *what; /* "what is wrong; what to do" */
};

/* Fills j->places and j->lines from j->text. False, and *fault, at the first thing that is not
 * JSON; j->lines is then filled up to that place at least. */
bool json_scan(struct json *j, bool nul_ok, struct json_fault *fault);

#endif
