/* What time it is. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, for durations and deadlines: the kernel's clock that nobody sets. It is the same
 * one in all processes, so that they can compare what they keep in shared memory. */
int64_t clock_monotonic_ns(void);
int64_t clock_monotonic_ms(void);
double clock_monotonic_seconds(void);
/* CLOCK_REALTIME: since 1970, as a calendar has it. */
int64_t clock_realtime_ns(void);

#endif
