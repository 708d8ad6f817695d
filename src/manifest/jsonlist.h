/* A JSON file with an object that has one long array in it. The elements are handed out one by one,
 * so that neither the text nor the tree of all of them is in memory at once. */
#ifndef MANIFEST_JSONLIST_H
#define MANIFEST_JSONLIST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "manifest/json.h"

struct json_list {
    const char *path;
    const char *key;     /* the array's, a member of the outermost object */
    enum exit_code code; /* what errors in the text are */
    /* Takes the next element, the root of j, which is released behind the call. False, with err:
     * nothing else is read. */
    bool (*take)(void *ctx, const struct json *j, struct error *err);
    void *ctx;
};

/* Reads the file as strictly as json_parse() does with nul_ok. rest is then the object with the array
 * empty, or whatever else the file holds, to be released before text, which it borrows; path is
 * borrowed, too. False and err, with nothing to release, where the file cannot be read, is not JSON,
 * or take() was false. */
bool json_list_read(const struct json_list *list, struct json *rest, struct buf *text,
                    struct error *err);

#endif
