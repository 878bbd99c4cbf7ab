/*
 * Chunks and their pool. Invariant: idle chunks + acquired chunks == live <= limit.
 * A chunk and its bytes are one allocation, so that each costs one call and one failure to handle.
 */
#include "internal.h"

#include <assert.h>

int
rj_pool_init(rj_pool *pool, const rj_allocator *alloc, size_t chunk_size, unsigned limit)
{
    if (limit == 0 || chunk_size > RJ_CHUNK_MAX)
        return RJ_EINVAL;
    if (chunk_size == 0)
        chunk_size = RJ_CHUNK_DEFAULT;
    if (chunk_size < RJ_CHUNK_MIN)
        chunk_size = RJ_CHUNK_MIN;
    pool->alloc = rj__allocator_or_default(alloc);
    pool->chunk_size = chunk_size;
    pool->limit = limit;
    pool->live = 0;
    pool->idle = NULL;
    return RJ_OK;
}

static rj_chunk *
chunk_new(rj_pool *pool)
{
    rj_chunk *chunk = rj__allocate(&pool->alloc, sizeof *chunk + pool->chunk_size);
    if (!chunk)
        return NULL;
    chunk->capacity = pool->chunk_size;
    chunk->data = (uint8_t *)(chunk + 1);
    pool->live++;
    return chunk;
}

int
rj_pool_acquire(rj_pool *pool, rj_chunk **out)
{
    rj_chunk *chunk = pool->idle;
    if (chunk) {
        pool->idle = chunk->next;
    }
    else {
        if (pool->live == pool->limit)
            return RJ_PAUSE;
        chunk = chunk_new(pool);
        if (!chunk)
            return RJ_ENOMEM;
    }
    chunk->next = NULL;
    chunk->length = 0;
    *out = chunk;
    return RJ_OK;
}

void
rj_pool_release(rj_pool *pool, rj_chunk *chunk)
{
    /* Last in, first out: the chunk that is still in the cache is lent next. */
    chunk->next = pool->idle;
    pool->idle = chunk;
}

void
rj_pool_deinit(rj_pool *pool)
{
    while (pool->idle) {
        rj_chunk *chunk = pool->idle;
        pool->idle = chunk->next;
        rj__release(&pool->alloc, chunk);
        pool->live--;
    }
    assert(pool->live == 0);
}
