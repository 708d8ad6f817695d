/* Cases of the tests of librowlock: each in processes of its own, as the library reads the environment
 * once. */
#ifndef UNIT_FIXTURECASE_H
#define UNIT_FIXTURECASE_H

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "fixtures/rowlock/fixtures.h"

extern char case_dir[4096]; /* TMPDIR of each case, fresh */
extern int case_talk[2];    /* from children to the case */

/* In a child, where cmocka's own assertions would go on with the parent's tests, and in any thread:
 * they belong to the first one. */
#define CHECK(x)                                                                               \
    do {                                                                                       \
        if (!(x)) {                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold (%s)\n", __FILE__, __LINE__, #x,          \
                    rowlock_error());                                                          \
            _exit(1);                                                                          \
        }                                                                                      \
    } while (0)

/* Around each case: its folder, its pipe, and no variable of a run. */
int case_set_up(void **state);
int case_tear_down(void **state);

/* A child that runs body and exits with 0. */
pid_t case_start(void (*body)(void));
/* Waits for it; it has to end with 0. */
void case_finish(pid_t pid);
/* Both. */
void case_run(void (*body)(void));

/* From a child: a line of less than 512 bytes. */
void case_say(const char *text);
/* One of those lines; for free. */
char *case_hear(void);

#endif
