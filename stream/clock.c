/* Time, for timeouts and for a producer that shares its thread. */
#define _GNU_SOURCE
#include "internal.h"

#include <time.h>

uint64_t
rj__monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
rj__nap_us(unsigned microseconds)
{
    struct timespec nap = {0, (long)microseconds * 1000};
    nanosleep(&nap, NULL);
}
