/*
 * The libuv sink. Invariant: chunks in flight + the chunk being filled + idle chunks <= max_chunks; a chunk that libuv holds
 * comes back in `on_released`, and nowhere else.
 */
#define _GNU_SOURCE /* for uv.h */
#include "rjson/uv.h"

#include "sinks/fd_io.h"
#include "uv/uv_queue.h"

#define DEFAULT_CHUNKS 2

enum stage { NO_RUN, PRODUCING, FLUSHING };

typedef struct uv_sink {
    rj_sink base;
    rj__uv_queue queue;
    rj_allocator alloc;
    rj_pool pool;
    rj_chunk *chunk; /* being filled, or NULL */
    enum stage stage;
    int pid; /* of the process that made it */
    rj_produce_fn produce;
    rj_done_fn done;
    void *ctx;
    int active; /* a callback of the user's is running: no other begins, and the sink is not destroyed */
    int again;  /* it was woken meanwhile */
    int closed; /* freed by its user */
    rj__uv_write writes[];
} uv_sink;

static int
show(uv_sink *s, int rc)
{
    s->base.accepted = s->queue.accepted;
    return rc < 0 ? rj_sink_fail(&s->base, rc, -s->queue.uv_error) : rc;
}

static void
destroy(uv_sink *s)
{
    rj_allocator alloc = s->alloc;
    rj_pool_deinit(&s->pool);
    rj__release(&alloc, s);
}

static void
destroy_when_unused(uv_sink *s)
{
    if (s->closed && !s->active && s->queue.in_flight == 0)
        destroy(s);
}

/* ---- the sink */

/* Sends the chunk that is being filled. Never RJ_PAUSE: there is a write for every chunk. */
static int
send_chunk(uv_sink *s)
{
    rj_chunk *chunk = s->chunk;
    s->chunk = NULL;
    int rc = RJ_OK;
    if (s->pid != rj__process_id()) /* a child must not write into the middle of its parent's output */
        rc = RJ_EPROCESS;
    else if (chunk->length)
        rc = rj__uv_queue_send(&s->queue, chunk, chunk->data, chunk->length);
    if (rc != RJ_PAUSE)
        rj_pool_release(&s->pool, chunk);
    return show(s, rc < 0 ? rc : RJ_OK);
}

static int
uv_lend(rj_sink *base, size_t hint, rj_window *out)
{
    uv_sink *s = (uv_sink *)base;
    (void)hint;
    if (s->chunk && s->chunk->capacity - s->chunk->length < RJ_CHUNK_MIN) {
        int rc = send_chunk(s);
        if (rc < 0)
            return rc;
    }
    if (!s->chunk) {
        int rc = rj_pool_acquire(&s->pool, &s->chunk);
        if (rc != RJ_OK)
            return rc;
    }
    out->cur = s->chunk->data + s->chunk->length;
    out->end = s->chunk->data + s->chunk->capacity;
    return RJ_OK;
}

static int
uv_take(rj_sink *base, size_t used)
{
    ((uv_sink *)base)->chunk->length += used;
    return RJ_OK;
}

static int
uv_flush(rj_sink *base)
{
    uv_sink *s = (uv_sink *)base;
    int rc = s->chunk ? send_chunk(s) : RJ_OK;
    return rc < 0 ? rc : s->queue.in_flight > 0 ? RJ_PAUSE : RJ_OK;
}

static void
drop_chunk(uv_sink *s)
{
    if (s->chunk)
        rj_pool_release(&s->pool, s->chunk);
    s->chunk = NULL;
}

static void
uv_abort(rj_sink *base)
{
    uv_sink *s = (uv_sink *)base;
    drop_chunk(s);
    rj__uv_queue_freeze(&s->queue);
    show(s, RJ_OK);
}

static void
uv_sink_close(rj_sink *base)
{
    uv_sink *s = (uv_sink *)base;
    drop_chunk(s);
    s->closed = 1;
    s->stage = NO_RUN;
    destroy_when_unused(s);
}

static const rj_sink_ops uv_ops = {uv_lend, uv_take, uv_flush, uv_abort, uv_sink_close};

/* ---- the producer */

/* The next step of a run: RJ_PAUSE if it has to wait, else the run's end. */
static int
step(uv_sink *s)
{
    if (s->base.status < 0)
        return s->base.status;
    if (s->stage == PRODUCING) {
        int rc = s->produce(s->ctx);
        if (rc != RJ_OK || s->closed)
            return rc;
        s->stage = FLUSHING;
    }
    return rj_sink_flush(&s->base);
}

/* Gets on with the run, and with those that `done` begins. */
static void
work(uv_sink *s)
{
    s->again = 1;
    if (s->active)
        return;
    s->active = 1;
    while (s->again && s->stage != NO_RUN) {
        s->again = 0;
        int rc = step(s);
        if (rc == RJ_PAUSE || s->stage == NO_RUN) /* the latter: its user has freed the sink */
            continue;
        s->stage = NO_RUN;
        s->done(s->ctx, rc);
    }
    s->active = 0;
    destroy_when_unused(s);
}

static void
on_released(rj__uv_queue *queue, void *owner)
{
    uv_sink *s = (uv_sink *)((char *)queue - offsetof(uv_sink, queue));
    rj_pool_release(&s->pool, owner);
    if (show(s, queue->uv_error ? RJ_EIO : RJ_OK) < 0)
        drop_chunk(s);
    if (s->closed)
        destroy_when_unused(s);
    else
        work(s);
}

int
rj_uv_sink_run(rj_sink *sink, rj_produce_fn produce, rj_done_fn done, void *ctx)
{
    uv_sink *s = (uv_sink *)sink;
    if (sink->ops != &uv_ops || !produce || !done)
        return RJ_EINVAL;
    if (s->stage != NO_RUN)
        return RJ_ESTATE;
    s->stage = PRODUCING;
    s->produce = produce;
    s->done = done;
    s->ctx = ctx;
    work(s);
    return RJ_OK;
}

void
rj_uv_sink_wake(rj_sink *sink)
{
    if (sink->ops == &uv_ops)
        work((uv_sink *)sink);
}

/* ---- life */

int
rj_uv_sink_new(rj_sink **out, uv_stream_t *stream, const rj_uv_options *options, const rj_allocator *alloc)
{
    rj_allocator a = rj__allocator_or_default(alloc);
    size_t chunk_size = options ? options->chunk_size : 0;
    unsigned count = options && options->max_chunks ? options->max_chunks : DEFAULT_CHUNKS;
    rj_pool pool;
    if (count > RJ_UV_MAX_CHUNKS || rj_pool_init(&pool, &a, chunk_size, count) < 0)
        return RJ_EINVAL;
    uv_sink *s = rj__allocate(&a, sizeof *s + count * sizeof s->writes[0]);
    if (!s)
        return RJ_ENOMEM;
    *s = (uv_sink){.base = {&uv_ops, 0, RJ_OK, 0}, .alloc = a, .pool = pool, .pid = rj__process_id()};
    rj__uv_queue_init(&s->queue, stream, s->writes, count, on_released);
    *out = &s->base;
    return RJ_OK;
}
