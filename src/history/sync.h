/* A history that machines share through a web server (--history-url): fetched before a run and
 * merged into the one here, put back after it. Machines that put theirs at the same time lose
 * nothing on a server that looks at If-Match; on others it is looked at once more whether what was
 * put is there. */
#ifndef HISTORY_SYNC_H
#define HISTORY_SYNC_H

#include <stdbool.h>

struct history_sync {
    const char *path; /* of the history here */
    const char *url;
    const char *dir;    /* for files of the exchange */
    bool (*stop)(void); /* give up? May be NULL */
};

/* Both take ten seconds at most. False with *warning, one line without anything secret, which the
 * caller frees. That there is nothing on the server yet is none. */
bool history_fetch(const struct history_sync *s, char **warning);
bool history_publish(const struct history_sync *s, char **warning);

#endif
