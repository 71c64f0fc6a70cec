/* clock.h: the two clocks of the daemon, for storage and server; core has none. Any thread. */
#ifndef FC_CLOCK_H
#define FC_CLOCK_H

#include "series.h"
#include <time.h>

/* Neither clock can fail: Linux always has both. */
static inline int64_t fc_clock_read_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Nanoseconds that only go forward: for durations and deadlines. */
static inline int64_t fc_clock_ns(void)
{
    return fc_clock_read_ns(CLOCK_MONOTONIC);
}

/* The wall clock, which people may set. */
static inline fc_time fc_clock_now(void)
{
    return fc_clock_read_ns(CLOCK_REALTIME) / 1000000;
}

#endif
