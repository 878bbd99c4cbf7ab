/*
 * The fd sink: chunks are filled by the producer, queue up, and leave in order through writev or sendmsg.
 * Invariant: each chunk is in exactly one place: being filled, in the queue (or the second thread's), or in the pool.
 */
#include "sinks/sink_fd.h"

#include <errno.h>

/* Page-cache writes of 256 KiB measured best for files; a socket or pipe gets each chunk as soon as it is full. */
#define FILE_BATCH ((size_t)256 * 1024)
#define OVERLAP_CHUNKS 4

typedef struct fd_sink {
    rj_sink base;
    rj_allocator alloc;
    rj_pool pool;
    rj__fd_io io;
    int pause;
    unsigned batch;    /* chunks to collect before a write */
    rj_chunk *filling; /* lent to the producer, or partly filled */
    rj__queue queue;   /* unused with overlap */
    rj__overlap *overlap;
    int overlap_wanted;
} fd_sink;

void
rj__queue_push(rj__queue *q, rj_chunk *chunk)
{
    q->ring[(q->head + q->count) % RJ__FD_MAX_CHUNKS] = chunk;
    q->count++;
}

rj_chunk *
rj__queue_pop(rj__queue *q)
{
    rj_chunk *chunk = q->ring[q->head];
    q->head = (q->head + 1) % RJ__FD_MAX_CHUNKS;
    q->count--;
    q->sent = 0;
    return chunk;
}

int
rj__queue_parts(const rj__queue *q, struct iovec *parts, unsigned most)
{
    unsigned count = q->count < most ? q->count : most;
    for (unsigned i = 0; i < count; i++) {
        rj_chunk *chunk = q->ring[(q->head + i) % RJ__FD_MAX_CHUNKS];
        size_t skip = i == 0 ? q->sent : 0;
        parts[i].iov_base = chunk->data + skip;
        parts[i].iov_len = chunk->length - skip;
    }
    return (int)count;
}

int
rj__fd_write_step(rj__fd_io *io, int pause, const struct iovec *parts, int count, uint64_t deadline_ns, size_t *written,
                  int *sys_errno)
{
    int stop;
    ssize_t n = rj__fd_io_write(io, parts, count, &stop);
    int error = n < 0 ? errno : 0;
    *written = n > 0 ? (size_t)n : 0;
    if (stop)
        return RJ_ECANCELED;
    if (n > 0 || error == EINTR)
        return RJ_OK;
    if (n < 0 && error != EAGAIN && error != EWOULDBLOCK) {
        *sys_errno = error;
        return RJ_EIO;
    }
    return pause ? RJ_PAUSE : rj__fd_io_wait(io, deadline_ns);
}

/* Takes written bytes off the queue; whole chunks go back to the pool. */
static void
consume(fd_sink *s, size_t written)
{
    rj__queue *q = &s->queue;
    s->base.accepted += written;
    while (written > 0) {
        size_t left = q->ring[q->head]->length - q->sent;
        if (written < left) {
            q->sent += written;
            return;
        }
        written -= left;
        rj_pool_release(&s->pool, rj__queue_pop(q));
    }
}

/* Writes the queue out. */
static int
drain(fd_sink *s)
{
    struct iovec parts[RJ__FD_MAX_CHUNKS];
    uint64_t deadline = 0;
    int waiting = 0;
    while (s->queue.count > 0) {
        size_t written = 0;
        int sys_errno = 0;
        int count = rj__queue_parts(&s->queue, parts, RJ__FD_MAX_CHUNKS);
        if (!waiting)
            deadline = rj__deadline_ns(s->io.timeout_ms);
        int rc = rj__fd_write_step(&s->io, s->pause, parts, count, deadline, &written, &sys_errno);
        consume(s, written);
        waiting = written == 0; /* progress starts the time anew */
        if (rc < 0)
            return rj_sink_fail(&s->base, rc, sys_errno);
        if (rc == RJ_PAUSE)
            return rc;
    }
    return RJ_OK;
}

static void
report_overlap(fd_sink *s)
{
    int sys_errno = 0;
    int rc = rj__overlap_report(s->overlap, &s->base.accepted, &sys_errno);
    if (rc < 0)
        rj_sink_fail(&s->base, rc, sys_errno);
}

/* Moves written chunks back to the pool. */
static void
reclaim_overlap(fd_sink *s)
{
    rj_chunk *chunk;
    while ((chunk = rj__overlap_reclaim(s->overlap)) != NULL)
        rj_pool_release(&s->pool, chunk);
    report_overlap(s);
}

/* Whether the second thread is another process's. */
static int
is_in_child(const fd_sink *s)
{
    return s->overlap && rj__overlap_is_foreign(s->overlap);
}

static int
wait_overlap(fd_sink *s, int all)
{
    int rc = rj__overlap_wait(s->overlap, all, &s->io.hooks);
    if (!is_in_child(s))
        reclaim_overlap(s);
    return rc < 0 ? rj_sink_fail(&s->base, rc, 0) : s->base.status;
}

/* Hands the queue over to a second thread. Only when a batch is full: a smaller document pays for no thread. Where there
 * can be no thread, the queue stays, and the sink goes on alone. */
static void
start_overlap(fd_sink *s)
{
    s->overlap_wanted = 0;
    if (rj__overlap_start(&s->overlap, &s->io, &s->alloc) < 0) {
        s->overlap = NULL;
        return;
    }
    while (s->queue.count > 0)
        rj__overlap_push(s->overlap, rj__queue_pop(&s->queue));
}

/* Sends a full chunk on its way. */
static int
push(fd_sink *s, rj_chunk *chunk)
{
    if (s->overlap) {
        rj__overlap_push(s->overlap, chunk);
        reclaim_overlap(s);
        return s->base.status;
    }
    rj__queue_push(&s->queue, chunk);
    if (s->overlap_wanted && s->queue.count >= s->batch)
        start_overlap(s);
    return RJ_OK;
}

/* Makes a chunk available in s->filling. */
static int
next_chunk(fd_sink *s)
{
    if (!s->overlap && s->queue.count >= s->batch) {
        int rc = drain(s);
        if (rc < 0 || (rc == RJ_PAUSE && s->queue.count >= s->pool.limit))
            return rc;
    }
    int rc = rj_pool_acquire(&s->pool, &s->filling);
    if (rc == RJ_ENOMEM && s->pool.live > 0)
        rc = RJ_PAUSE; /* short of memory, but what is out can be waited for */
    if (rc != RJ_PAUSE)
        return rc;
    rc = s->overlap ? wait_overlap(s, 0) : drain(s);
    return rc != RJ_OK ? rc : rj_pool_acquire(&s->pool, &s->filling);
}

static int
fd_lend(rj_sink *base, size_t hint, rj_window *out)
{
    fd_sink *s = (fd_sink *)base;
    (void)hint;
    if (is_in_child(s))
        return RJ_EPROCESS;
    if (s->filling && s->filling->capacity - s->filling->length < RJ_CHUNK_MIN) {
        rj_chunk *full = s->filling;
        s->filling = NULL;
        int rc = push(s, full);
        if (rc < 0)
            return rc;
    }
    if (!s->filling) {
        int rc = next_chunk(s);
        if (rc != RJ_OK)
            return rc;
    }
    out->cur = s->filling->data + s->filling->length;
    out->end = s->filling->data + s->filling->capacity;
    return RJ_OK;
}

static int
fd_take(rj_sink *base, size_t used)
{
    fd_sink *s = (fd_sink *)base;
    s->filling->length += used;
    return RJ_OK;
}

static int
fd_flush(rj_sink *base)
{
    fd_sink *s = (fd_sink *)base;
    if (is_in_child(s))
        return RJ_EPROCESS;
    if (s->filling && s->filling->length > 0) {
        rj_chunk *last = s->filling;
        s->filling = NULL;
        /* A thread that is not needed so far isn't started for the last chunk. */
        s->overlap_wanted = 0;
        int rc = push(s, last);
        if (rc < 0)
            return rc;
    }
    return s->overlap ? wait_overlap(s, 1) : drain(s);
}

static void
release_to_pool(void *ctx, rj_chunk *chunk)
{
    fd_sink *s = ctx;
    rj_pool_release(&s->pool, chunk);
}

/* Without the second thread `accepted` is always up to date. */
static void
fd_abort(rj_sink *base)
{
    fd_sink *s = (fd_sink *)base;
    if (!s->overlap || is_in_child(s))
        return;
    rj__overlap_stop(s->overlap);
    report_overlap(s);
}

/* Those that another process's thread had. */
static void
forget_lost_chunks(rj_pool *pool)
{
    pool->live = 0;
    for (const rj_chunk *chunk = pool->idle; chunk; chunk = chunk->next)
        pool->live++;
}

static void
fd_close(rj_sink *base)
{
    fd_sink *s = (fd_sink *)base;
    rj_allocator alloc = s->alloc;
    int is_child = is_in_child(s);
    if (s->overlap)
        rj__overlap_free(s->overlap, release_to_pool, s);
    while (s->queue.count > 0)
        rj_pool_release(&s->pool, rj__queue_pop(&s->queue));
    if (s->filling)
        rj_pool_release(&s->pool, s->filling);
    if (is_child)
        forget_lost_chunks(&s->pool);
    rj_pool_deinit(&s->pool);
    rj__release(&alloc, s);
}

static const rj_sink_ops fd_ops = {fd_lend, fd_take, fd_flush, fd_abort, fd_close};

/* How many chunks to collect before a write, and how many may exist. */
static void
size_batch(fd_sink *s, size_t chunk_size, unsigned max_chunks, unsigned *limit)
{
    unsigned batch = 1;
    if (s->io.kind == RJ__FD_FILE && chunk_size < FILE_BATCH)
        batch = (unsigned)(FILE_BATCH / chunk_size);
    if (s->overlap_wanted)
        batch = OVERLAP_CHUNKS;
    if (batch > RJ__FD_MAX_CHUNKS)
        batch = RJ__FD_MAX_CHUNKS;
    if (max_chunks == 0)
        max_chunks = batch;
    *limit = max_chunks < RJ__FD_MAX_CHUNKS ? max_chunks : RJ__FD_MAX_CHUNKS;
    s->batch = batch < *limit ? batch : *limit;
}

/* A second thread must be able to give up, so it may not sit in a write that a peer can hold up for ever; and it needs
 * a chunk of its own. */
static int
wants_overlap(const rj__fd_io *io, const rj_fd_options *options)
{
    if (options->overlap == RJ_OVERLAP_OFF || options->pause || options->max_chunks == 1)
        return 0;
    if (options->overlap == RJ_OVERLAP_AUTO)
        return io->kind == RJ__FD_FILE && rj__processor_count() > 1;
    return io->kind != RJ__FD_BLOCKING && io->kind != RJ__FD_NOWAIT;
}

int
rj_fd_sink_new(rj_sink **out, int fd, const rj_fd_options *options, const rj_allocator *alloc)
{
    static const rj_fd_options defaults = RJ_FD_OPTIONS_INIT;
    rj_allocator a = rj__allocator_or_default(alloc);
    const rj_fd_options *o = options ? options : &defaults;
    fd_sink sink = {.base = {&fd_ops, 0, RJ_OK, 0}, .alloc = a, .pause = o->pause};
    unsigned limit;
    if (o->chunk_size > RJ_CHUNK_MAX)
        return RJ_EINVAL;
    if (rj__fd_io_init(&sink.io, fd, o) < 0)
        return RJ_EIO;
    rj_pool_init(&sink.pool, &a, o->chunk_size, 1); /* settles the chunk size */
    sink.overlap_wanted = wants_overlap(&sink.io, o);
    size_batch(&sink, sink.pool.chunk_size, o->max_chunks, &limit);
    sink.pool.limit = limit;
    fd_sink *s = rj__allocate(&a, sizeof *s);
    if (!s)
        return RJ_ENOMEM;
    *s = sink;
    *out = &s->base;
    return RJ_OK;
}
