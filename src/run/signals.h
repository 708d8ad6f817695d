/* Signals: being asked to stop, and sleeping until something happens.
 *
 * All signals of interest are blocked except while signals_poll sleeps, so that none comes
 * between a look at the flags and the sleep. */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Tells a process that was stopping already to stop without grace. */
#define SIGNAL_NOW SIGUSR1

/* Once per process image: handlers, the mask, and default actions for what was ignored, but for
 * INT, HUP and QUIT, which stay so; tests have the default actions of those, too. */
void signals_init(void);
/* In the child of a fork: forgets what the parent was told. */
void signals_forget(void);
/* Between vfork and exec: default actions, nothing blocked. */
void signals_reset_child(void);
/* True once SIGTERM, SIGINT, SIGHUP or SIGQUIT came. */
bool signals_stop(void);
/* As if such a signal had come. */
void signals_stop_now(void);
/* True once one of them came again a second later or more, or SIGNAL_NOW. */
bool signals_now(void);
/* poll(2) with the signals let in; ends at any of them, SIGCHLD included. timeout_ns < 0:
 * none. Returns the number of ready descriptors; 0 after a timeout or a signal. */
int signals_poll(struct pollfd *fds, nfds_t n, int64_t timeout_ns);

#endif
