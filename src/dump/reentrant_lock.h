/* A lock that one thread at a time has, and may take several times. Taking a free one is one atomic instruction: PyThread's own
 * reads the clock even where it need not wait (CPython 3.11). */
#ifndef RJSON_DUMP_REENTRANT_LOCK_H
#define RJSON_DUMP_REENTRANT_LOCK_H

#include "py.h"

typedef struct rjpy_reentrant_lock {
    PyThread_type_lock turn; /* taken by nobody but one who waits and was woken */
    unsigned long owner;     /* the thread that has the lock, or 0 */
    int depth;               /* how often it has it */
    int waiting;             /* how many threads wait */
    int is_woken;            /* one of them was told to try again, and has not yet */
} rjpy_reentrant_lock;

/* 0, or -1 with an exception. */
int rjpy_reentrant_lock_init(rjpy_reentrant_lock *lock);
/* Nobody may have it. Zeros are allowed: a lock that was never begun. */
void rjpy_reentrant_lock_clear(rjpy_reentrant_lock *lock);
/* Waits without the GIL. 0, or -1 with an exception: a signal's handler raised it. */
int rjpy_reentrant_lock_acquire(rjpy_reentrant_lock *lock);
/* As often as it was acquired, by the same thread. */
void rjpy_reentrant_lock_release(rjpy_reentrant_lock *lock);
/* Whether this thread has it. */
int rjpy_reentrant_lock_is_mine(const rjpy_reentrant_lock *lock);

#endif
