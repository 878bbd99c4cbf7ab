/*
 * What a call leaves for the next one, so that it need not be made again: memory, and what was found out meanwhile. With the
 * GIL there is one of a kind. Without it, as many as calls ran at once, and each thread looks for its own first: what one
 * takes is its own until it is given back, and needs no lock.
 */
#ifndef RJSON_SPARES_H
#define RJSON_SPARES_H

#include "cpython/locks.h"

#if RJ_FREE_THREADED
#define RJ_SPARES 64
#else
#define RJ_SPARES 1
#endif
#define RJ_CACHE_LINE 64

typedef struct rjpy_spares {
    struct {
        void *object;
        char apart[RJ_FREE_THREADED ? RJ_CACHE_LINE - sizeof(void *) : 1]; /* threads must not wait for each other's */
    } slots[RJ_SPARES];
} rjpy_spares;

#if RJ_FREE_THREADED

/* Where a thread looks first. */
RJ__INLINE size_t
rjpy_spares_start(void)
{
    return (size_t)((uint64_t)PyThread_get_thread_ident() * 0x9E3779B97F4A7C15u >>
                    32); /* 2^64 divided by the golden ratio */
}

RJ__INLINE void *
rjpy_spares_take(rjpy_spares *spares)
{
    const size_t start = rjpy_spares_start();
    for (size_t i = 0; i < RJ_SPARES; i++) {
        void **slot = &spares->slots[(start + i) % RJ_SPARES].object;
        void *object = __atomic_load_n(slot, __ATOMIC_RELAXED) ? __atomic_exchange_n(slot, NULL, __ATOMIC_ACQUIRE) : NULL;
        if (object)
            return object;
    }
    return NULL;
}

/* 0 if there is no room: it stays the caller's. */
RJ__INLINE int
rjpy_spares_give(rjpy_spares *spares, void *object)
{
    const size_t start = rjpy_spares_start();
    for (size_t i = 0; i < RJ_SPARES; i++) {
        void *none = NULL;
        if (__atomic_compare_exchange_n(&spares->slots[(start + i) % RJ_SPARES].object, &none, object, 0, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return 1;
    }
    return 0;
}

#else

/* NULL if there is none. */
RJ__INLINE void *
rjpy_spares_take(rjpy_spares *spares)
{
    void *object = spares->slots[0].object;
    spares->slots[0].object = NULL;
    return object;
}

/* 0 if there is no room: it stays the caller's. */
RJ__INLINE int
rjpy_spares_give(rjpy_spares *spares, void *object)
{
    if (spares->slots[0].object)
        return 0;
    spares->slots[0].object = object;
    return 1;
}

#endif
#endif
