/* The tests that are not pytest's: where they are listed. */
#ifndef COMMAND_MANIFESTS_H
#define COMMAND_MANIFESTS_H

#include "command/suite.h"

/* Reads tests.json (or --manifest), the build folders that it and the command line name, and the
 * scripts of --tap into s->manifest, the suites of pytest into s->json; prints what they note.
 * EXIT_USAGE on failure. */
bool manifests_read(struct suite *s, struct error *err);

#endif
