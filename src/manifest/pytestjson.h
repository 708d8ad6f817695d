/* The tests that a zygote collected (RUNDIR/pytest.json, see run/zygote.h). */
#ifndef MANIFEST_PYTESTJSON_H
#define MANIFEST_PYTESTJSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "manifest/manifest.h"

struct pytest_info {
    char *pytest_version;
    char *python_version;
    char *rootdir;      /* from where the ids of its tests are seen; absolute */
    char *collect_note; /* why one process has collected; "" where there is nothing to say */
    bool repeats;     /* what --count asks for is done by a plugin */
    char *start_note; /* why workers start as they do; "" where there is nothing to say */
    size_t deselected;
    size_t collected;
    int workers;       /* what the project wants -n auto to be; -1: nothing */
    char *dist;        /* the --dist that its own scheduler comes to; "": none */
    struct strv notes; /* what the user has to know */
    struct pytest_file { /* one that could not be collected, or skips itself */
        char *name, *message;
        char *detail; /* of an error: the whole text; of a skip: "file:line" */
    } *errors, *skips;
    size_t n_errors, n_skips;
};

/* Adds the tests of the file to m (suite is copied). The file is ours, but still checked: a
 * malformed one is EXIT_INTERNAL. The ids of native tests and pytest tests share one name
 * space; a clash is EXIT_USAGE. */
bool pytestjson_read(struct manifest *m, const char *suite, const char *path,
                     struct pytest_info *info, struct error *err);
void pytest_info_release(struct pytest_info *info);

#endif
