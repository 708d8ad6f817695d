/* The Python part of collect: data files of coverage.py, added up, then understood. */
#ifndef COMMAND_COLLECTPY_H
#define COMMAND_COLLECTPY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "coverage/model.h"
#include "coverage/pydata.h"
#include "coverage/pyfacts.h"

struct collectpy {
    const char *python;          /* NULL: as for pytest (command/program.h) */
    const char *rcfile;          /* NULL: where coverage.py looks by itself */
    const struct strv *sources;  /* in place of the configuration's; NULL: none given */
    unsigned contexts; /* PY_JSON_CONTEXTS, PY_HTML_CONTEXTS: of the reports that are written */
    unsigned show;     /* those of them that show contexts; collectpy_finish adds what the
                          configuration says */
    struct strv patterns; /* of contexts that count, in place of the configuration's */
    bool no_match;        /* no context of the data does */
    struct py_data data;
    struct py_facts facts; /* its config is known once collectpy_finish has found data */
    bool known;            /* facts are */
};

void collectpy_init(struct collectpy *p);
void collectpy_release(struct collectpy *p);
/* Adds what was read to c; without any data nothing happens. Names the files that cannot be reported
 * in problems. EXIT_USAGE if Python cannot be asked. */
bool collectpy_finish(struct collectpy *p, struct coverage *c, struct strv *problems,
                      struct error *err);

#endif
