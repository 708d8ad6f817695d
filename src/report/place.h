/* Where in the project a failure is, for annotations and links: a file below the root or the
 * workspace of a CI machine, and a line. Private to report/. */
#ifndef REPORT_PLACE_H
#define REPORT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/strv.h"
#include "report/results.h"

struct place {
    struct buf file; /* as the CI server names it: relative to the workspace */
    uint32_t line;   /* 0: not known */
};

struct places {
    const struct results *r; /* borrowed */
    char *root;              /* absolute, of the plan */
    char *base;              /* $GITHUB_WORKSPACE, $CI_PROJECT_DIR or the root: absolute */
    bool on_server;          /* base is a CI server's */
};

/* The files of a project, which all reports of a run share: they are looked for once, when the first
 * name without a folder turns up. */
struct project_files {
    bool walked;        /* the next two are filled: */
    struct strv paths;  /* absolute */
    struct map by_name; /* their last parts; PLACE_TWICE where two have the same */
};
struct project_files *project_files_new(void);
void project_files_free(struct project_files *f);

void places_init(struct places *p, const struct results *r);
void places_release(struct places *p);
/* Finds where a test failed: what the journal says, else the first "file:line" in what it has
 * printed that is a file of the project (of a Python traceback the last), else its own file. False
 * if nothing is known. at is cleared first; the caller releases at->file. */
bool place_of_failure(struct places *p, uint32_t test, struct place *at);
/* The file of the test itself: the module of pytest's, a script. False if it is not known. */
bool place_of_test(struct places *p, const struct plan_test *pt, struct place *at);
/* A file as pytest names it, from the root; whether it is there is not looked at. */
void place_of_module(const struct places *p, const char *path, size_t len, struct place *at);

#endif
