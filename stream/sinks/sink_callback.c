/* The callback sink: one chunk, handed to a function of the caller's as it fills up. */
#include "internal.h"

#include <errno.h>

typedef struct callback_sink {
    rj_sink base;
    rj_allocator alloc;
    rj_pool pool;
    rj_chunk *chunk; /* filled by the producer, then sent from `sent` on */
    size_t sent;
    int in_write;
    rj_write_fn write;
    void *ctx;
} callback_sink;

/* Hands over what is left of the chunk. */
static int
callback_flush(rj_sink *base)
{
    callback_sink *s = (callback_sink *)base;
    if (s->in_write) /* it is used by its own callback */
        return rj_sink_fail(base, RJ_ESTATE, 0);
    while (s->chunk && s->sent < s->chunk->length) {
        size_t left = s->chunk->length - s->sent;
        s->in_write = 1;
        ptrdiff_t n = s->write(s->ctx, s->chunk->data + s->sent, left);
        s->in_write = 0;
        if (n == 0)
            return RJ_PAUSE;
        if (n < 0)
            return rj_sink_fail(base, RJ_EIO, (int)-n);
        if ((size_t)n > left)
            return rj_sink_fail(base, RJ_EIO, EOVERFLOW);
        s->sent += (size_t)n;
        base->accepted += (uint64_t)n;
        if (base->status < 0)
            return base->status;
    }
    return RJ_OK;
}

static int
callback_lend(rj_sink *base, size_t hint, rj_window *out)
{
    callback_sink *s = (callback_sink *)base;
    (void)hint;
    if (!s->chunk) {
        int rc = rj_pool_acquire(&s->pool, &s->chunk);
        if (rc < 0)
            return rc;
    }
    /* What is smaller than a chunk waits for the producer to fill it up. */
    if (s->chunk->capacity - s->chunk->length < RJ_CHUNK_MIN || s->sent > 0) {
        int rc = callback_flush(base);
        if (rc != RJ_OK)
            return rc;
        s->chunk->length = 0;
        s->sent = 0;
    }
    out->cur = s->chunk->data + s->chunk->length;
    out->end = s->chunk->data + s->chunk->capacity;
    return RJ_OK;
}

static int
callback_take(rj_sink *base, size_t used)
{
    callback_sink *s = (callback_sink *)base;
    s->chunk->length += used;
    return RJ_OK;
}

static void
callback_close(rj_sink *base)
{
    callback_sink *s = (callback_sink *)base;
    rj_allocator alloc = s->alloc;
    if (s->chunk)
        rj_pool_release(&s->pool, s->chunk);
    rj_pool_deinit(&s->pool);
    rj__release(&alloc, s);
}

static const rj_sink_ops callback_ops = {callback_lend, callback_take, callback_flush, NULL, callback_close};

int
rj_callback_sink_new(rj_sink **out, rj_write_fn write, void *ctx, size_t chunk_size, const rj_allocator *alloc)
{
    rj_allocator a = rj__allocator_or_default(alloc);
    rj_pool pool;
    if (!write || rj_pool_init(&pool, &a, chunk_size, 1) < 0)
        return RJ_EINVAL;
    callback_sink *s = rj__allocate(&a, sizeof *s);
    if (!s)
        return RJ_ENOMEM;
    *s = (callback_sink){.base = {&callback_ops, 0, RJ_OK, 0}, .alloc = a, .pool = pool, .write = write, .ctx = ctx};
    *out = &s->base;
    return RJ_OK;
}
