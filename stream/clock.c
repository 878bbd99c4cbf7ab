/* Time and processors: for timeouts, and for producers that share a thread. */
#define _GNU_SOURCE
#include "internal.h"
#include "platform.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

uint64_t
rj__monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
rj__deadline_ns(int64_t timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / 2000000)
        return 0;
    return rj__monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
}

void
rj__nap_us(unsigned microseconds)
{
    struct timespec nap = {0, (long)microseconds * 1000};
    nanosleep(&nap, NULL);
}

int
rj__processor_count(void)
{
#if RJ__LINUX
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
#endif
}
