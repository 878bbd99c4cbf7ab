/*
 * The second thread of an fd sink. It owns `todo`, the producer owns what it reclaims from `done`; both queues and
 * the report are guarded by `mutex`. The thread blocks all signals (they are for the program's own threads) and never
 * waits longer than TICK_MS in one call, so that it notices `stop`.
 */
#define _GNU_SOURCE
#include "platform.h"
#include "sinks/sink_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 50
/* Which clock a condition looks at. A tick on the wall clock is longer or shorter while that is set. */
#if RJ__LINUX
#define TICKS CLOCK_MONOTONIC
#else
#define TICKS CLOCK_REALTIME
#endif

struct rj__overlap {
    rj_allocator alloc;
    rj__fd_io io;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    rj__queue todo;
    rj__queue done;
    int stop;
    int joined; /* the producer's: the thread is no more */
    int pid;    /* of the process that has the thread */
    int status; /* the thread's failure */
    int sys_errno;
    uint64_t accepted;
};

/* One write of the oldest chunk; `deadline` is kept over steps without progress. Called and returns with the mutex held. */
static void
write_oldest_locked(rj__overlap *o, uint64_t *deadline)
{
    struct iovec part;
    size_t written = 0;
    int sys_errno = 0;
    rj__queue_parts(&o->todo, &part, 1);
    pthread_mutex_unlock(&o->mutex);
    uint64_t tick = rj__monotonic_ns() + (uint64_t)TICK_MS * 1000000u;
    uint64_t until = *deadline && *deadline < tick ? *deadline : tick;
    int rc = rj__fd_write_step(&o->io, 0, &part, 1, until, &written, &sys_errno);
    if (rc == RJ_ETIMEOUT && (*deadline == 0 || rj__monotonic_ns() < *deadline))
        rc = RJ_OK; /* only the tick is over */
    if (written > 0)
        *deadline = rj__deadline_ns(o->io.timeout_ms);
    pthread_mutex_lock(&o->mutex);
    o->accepted += written;
    o->todo.sent += written;
    if (o->todo.sent == o->todo.ring[o->todo.head]->length)
        rj__queue_push(&o->done, rj__queue_pop(&o->todo));
    if (rc < 0) {
        o->status = rc;
        o->sys_errno = sys_errno;
    }
    pthread_cond_broadcast(&o->changed);
}

static void *
overlap_main(void *arg)
{
    rj__overlap *o = arg;
    uint64_t deadline = rj__deadline_ns(o->io.timeout_ms); /* there may be chunks already, and no room for them */
    pthread_mutex_lock(&o->mutex);
    while (!o->stop && o->status == RJ_OK) {
        if (o->todo.count == 0) {
            pthread_cond_wait(&o->changed, &o->mutex);
            deadline = rj__deadline_ns(o->io.timeout_ms);
        }
        else {
            write_oldest_locked(o, &deadline);
        }
    }
    pthread_mutex_unlock(&o->mutex);
    return NULL;
}

static int
start_thread(rj__overlap *o)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&o->thread, NULL, overlap_main, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int
rj__overlap_start(rj__overlap **out, const rj__fd_io *io, const rj_allocator *alloc)
{
    pthread_condattr_t attr;
    rj__overlap *o = rj__allocate(alloc, sizeof *o);
    if (!o)
        return RJ_ENOMEM;
    *o = (rj__overlap){.alloc = *alloc, .io = *io, .pid = rj__process_id()};
    /* A descriptor of its own: the program may close the other one, and the number be another file's, in mid-write. */
    o->io.fd = fcntl(io->fd, F_DUPFD_CLOEXEC, 0);
    if (o->io.fd < 0) {
        rj__release(alloc, o);
        return RJ_EIO;
    }
    o->io.hooks = (rj_wait_hooks){NULL, NULL, NULL}; /* they belong to the producer's thread */
    pthread_mutex_init(&o->mutex, NULL);
    pthread_condattr_init(&attr);
#if RJ__LINUX
    pthread_condattr_setclock(&attr, TICKS);
#endif
    pthread_cond_init(&o->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = start_thread(o);
    if (rc != 0) {
        pthread_cond_destroy(&o->changed);
        pthread_mutex_destroy(&o->mutex);
        close(o->io.fd);
        rj__release(alloc, o);
        errno = rc;
        return RJ_EIO;
    }
    *out = o;
    return RJ_OK;
}

int
rj__overlap_is_foreign(const rj__overlap *o)
{
    return o->pid != rj__process_id();
}

void
rj__overlap_push(rj__overlap *o, rj_chunk *chunk)
{
    pthread_mutex_lock(&o->mutex);
    rj__queue_push(&o->todo, chunk);
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->mutex);
}

rj_chunk *
rj__overlap_reclaim(rj__overlap *o)
{
    pthread_mutex_lock(&o->mutex);
    rj_chunk *chunk = o->done.count > 0 ? rj__queue_pop(&o->done) : NULL;
    pthread_mutex_unlock(&o->mutex);
    return chunk;
}

static int
must_wait_locked(const rj__overlap *o, int all)
{
    return o->status == RJ_OK && (all ? o->todo.count > 0 : o->done.count == 0);
}

static void
wait_a_tick_locked(rj__overlap *o)
{
    struct timespec until;
    clock_gettime(TICKS, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&o->changed, &o->mutex, &until);
}

int
rj__overlap_wait(rj__overlap *o, int all, const rj_wait_hooks *hooks)
{
    int rc = RJ_OK;
    pthread_mutex_lock(&o->mutex);
    while (rc == RJ_OK && must_wait_locked(o, all)) {
        /* The hooks run without the mutex: `leave` may wait for a lock whose holder waits for us. */
        pthread_mutex_unlock(&o->mutex);
        if (hooks->enter)
            hooks->enter(hooks->ctx);
        pthread_mutex_lock(&o->mutex);
        if (must_wait_locked(o, all))
            wait_a_tick_locked(o);
        pthread_mutex_unlock(&o->mutex);
        if (hooks->leave && hooks->leave(hooks->ctx))
            rc = RJ_ECANCELED;
        if (rj__overlap_is_foreign(o))
            return rc < 0 ? rc : RJ_EPROCESS;
        pthread_mutex_lock(&o->mutex);
    }
    if (rc == RJ_OK)
        rc = o->status;
    pthread_mutex_unlock(&o->mutex);
    return rc;
}

int
rj__overlap_report(rj__overlap *o, uint64_t *accepted, int *sys_errno)
{
    pthread_mutex_lock(&o->mutex);
    *accepted = o->accepted;
    *sys_errno = o->sys_errno;
    int status = o->status;
    pthread_mutex_unlock(&o->mutex);
    return status;
}

void
rj__overlap_stop(rj__overlap *o)
{
    if (o->joined)
        return;
    pthread_mutex_lock(&o->mutex);
    o->stop = 1;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->mutex);
    pthread_join(o->thread, NULL);
    o->joined = 1;
}

void
rj__overlap_free(rj__overlap *o, void (*reclaimed)(void *ctx, rj_chunk *chunk), void *ctx)
{
    rj_allocator alloc = o->alloc;
    if (rj__overlap_is_foreign(o)) {
        close(o->io.fd);
        rj__release(&alloc, o);
        return;
    }
    rj__overlap_stop(o);
    while (o->todo.count > 0)
        reclaimed(ctx, rj__queue_pop(&o->todo));
    while (o->done.count > 0)
        reclaimed(ctx, rj__queue_pop(&o->done));
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->mutex);
    close(o->io.fd);
    rj__release(&alloc, o);
}
