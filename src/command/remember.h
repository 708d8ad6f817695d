/* Runs learn from those before: .rowlock/history.db (history/history.h). */
#ifndef COMMAND_REMEMBER_H
#define COMMAND_REMEMBER_H

#include <stdbool.h>

#include "base/error.h"
#include "manifest/manifest.h"
#include "report/results.h"

/* Sets what the history knows of each test: how long it took, and, for native ones, whether it
 * failed last or never ran. (Of its own tests pytest has a memory, too.) */
void remember_known(struct manifest *m);
/* Sets how long each test of the manifest is expected to take: as it is known, else as it says itself,
 * else as its own tool remembers, else as long as such tests of its file, or of all, take on average.
 * Without any history it stays unknown. */
void remember_expected(struct manifest *m);
/* Adds what this run has shown. */
void remember_results(const struct results *r);

/* The history that machines share through a web server (history/sync.h). Where it cannot be had, a
 * warning is printed, once, and the run goes on. */
struct remote_history {
    const char *url; /* borrowed; NULL: none */
    bool broken;     /* there was a warning */
};

/* Sets r from --history-url (may be NULL) and history_url in the ini file. EXIT_USAGE if it is no
 * URL; the message does not show it, as it may hold a password. */
bool remember_choose(struct remote_history *r, const char *option, const char *setting,
                     struct error *err);
/* Adds what lies on the server to the history here. dir: for files of the exchange. */
void remember_fetch(struct remote_history *r, const char *dir);
/* Adds the history here to the one on the server. */
void remember_publish(struct remote_history *r, const char *dir);

#endif
