/* See reentrant_lock.h. */
#include "dump/reentrant_lock.h"

int
rjpy_reentrant_lock_init(rjpy_reentrant_lock *lock)
{
    *lock = (rjpy_reentrant_lock){.turn = PyThread_allocate_lock()};
    if (!lock->turn) {
        PyErr_NoMemory();
        return -1;
    }
    PyThread_acquire_lock(lock->turn, WAIT_LOCK);
    return 0;
}

void
rjpy_reentrant_lock_clear(rjpy_reentrant_lock *lock)
{
    if (lock->turn)
        PyThread_free_lock(lock->turn);
    lock->turn = NULL;
}

int
rjpy_reentrant_lock_is_mine(const rjpy_reentrant_lock *lock)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == PyThread_get_thread_ident();
}

static int
try_to_own(rjpy_reentrant_lock *lock, unsigned long me)
{
    unsigned long nobody = 0;
    return __atomic_compare_exchange_n(&lock->owner, &nobody, me, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* `waiting` is counted before each look at the owner, and the one who releases looks at it afterwards: one of the two sees the
 * other. */
static int
wait_to_own(rjpy_reentrant_lock *lock, unsigned long me)
{
    int rc = 0;
    __atomic_add_fetch(&lock->waiting, 1, __ATOMIC_SEQ_CST);
    while (rc == 0 && !try_to_own(lock, me)) {
        PyThreadState *saved = PyEval_SaveThread();
        PyLockStatus status = PyThread_acquire_lock_timed(lock->turn, -1, 1);
        PyEval_RestoreThread(saved);
        if (status == PY_LOCK_ACQUIRED)
            __atomic_store_n(&lock->is_woken, 0, __ATOMIC_SEQ_CST);
        else
            rc = PyErr_CheckSignals();
    }
    __atomic_sub_fetch(&lock->waiting, 1, __ATOMIC_SEQ_CST);
    return rc;
}

int
rjpy_reentrant_lock_acquire(rjpy_reentrant_lock *lock)
{
    unsigned long me = PyThread_get_thread_ident();
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != me && !try_to_own(lock, me) && wait_to_own(lock, me) < 0)
        return -1;
    lock->depth++;
    return 0;
}

void
rjpy_reentrant_lock_release(rjpy_reentrant_lock *lock)
{
    if (--lock->depth > 0)
        return;
    __atomic_store_n(&lock->owner, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&lock->waiting, __ATOMIC_SEQ_CST) && !__atomic_exchange_n(&lock->is_woken, 1, __ATOMIC_SEQ_CST))
        PyThread_release_lock(lock->turn);
}
