/* Ctrl-C and its kin in the driver. Only the driver handles INT, TERM and HUP: what runs below it
 * stands in process groups of its own and is told by the driver. */
#ifndef RUN_INTERRUPTS_H
#define RUN_INTERRUPTS_H

#include <stdbool.h>
#include <stddef.h>

/* Catches INT, TERM, HUP and CHLD, which rowlock-exec may have blocked until now, and ignores PIPE.
 * INT and HUP stay ignored where they are: below nohup, or in a shell's background. Call once,
 * before anything is started. */
void interrupts_install(void);
/* How many of INT, TERM and HUP have come. */
int interrupts_count(void);
/* Whether TERM or HUP was among them: who sends those does not sit there to send another. */
bool interrupts_unattended(void);
/* From now on likewise: the time of the run is over. */
void interrupts_expect_none(void);
/* While anybody sleeps in interrupts_wait, readable(ctx) is called when there is something to read
 * in one of n further descriptors (-1: none). They stay the caller's, who may change them; n is 0:
 * no more. */
void interrupts_attend(const int *fds, size_t n, void (*readable)(void *ctx), void *ctx);
/* Sleeps until a signal comes, fd (or -1) is readable, or timeout_ms have passed (-1: never).
 * Returns 1 if fd is readable or closed, else 0. */
int interrupts_wait(int fd, int timeout_ms);
/* What a child calls between fork and exec: default dispositions, empty mask. Async-signal-safe. */
void interrupts_reset(void);

#endif
