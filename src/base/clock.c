#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

double clock_monotonic_seconds(void)
{
    return (double)clock_monotonic_ns() / 1e9;
}

int64_t clock_realtime_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}
