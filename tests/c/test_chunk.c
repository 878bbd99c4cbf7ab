/* Chunks are bounded, recycled, of at least the minimum size, and survive a lack of memory. */
#include "harness.h"

static void
test_sizes(void)
{
    rj_pool pool;
    rj_chunk *chunk;
    CHECK(rj_pool_init(&pool, NULL, 0, 0) == RJ_EINVAL);
    CHECK(rj_pool_init(&pool, NULL, RJ_CHUNK_MAX + 1, 1) == RJ_EINVAL);
    CHECK(rj_pool_init(&pool, NULL, 1, 1) == RJ_OK);
    CHECK(rj_pool_acquire(&pool, &chunk) == RJ_OK);
    CHECK(chunk->capacity == RJ_CHUNK_MIN && chunk->length == 0);
    memset(chunk->data, 'x', chunk->capacity);
    rj_pool_release(&pool, chunk);
    rj_pool_deinit(&pool);
    CHECK(rj_pool_init(&pool, NULL, 0, 1) == RJ_OK && pool.chunk_size == RJ_CHUNK_DEFAULT);
    rj_pool_deinit(&pool);
}

static void
test_limit_and_recycling(void)
{
    test_memory memory = {0};
    rj_allocator alloc = test_allocator(&memory);
    rj_pool pool;
    rj_chunk *a, *b, *c;
    CHECK(rj_pool_init(&pool, &alloc, 1000, 2) == RJ_OK);
    CHECK(memory.calls == 0);
    CHECK(rj_pool_acquire(&pool, &a) == RJ_OK && rj_pool_acquire(&pool, &b) == RJ_OK && a != b);
    CHECK(rj_pool_acquire(&pool, &c) == RJ_PAUSE);
    a->length = 7;
    rj_pool_release(&pool, a);
    CHECK(rj_pool_acquire(&pool, &c) == RJ_OK && c == a && c->length == 0);
    CHECK(memory.calls == 2);
    rj_pool_release(&pool, b);
    rj_pool_release(&pool, c);
    rj_pool_deinit(&pool);
    CHECK(memory.live == 0);
}

static void
test_no_memory(void)
{
    test_memory memory = {.fail_at = 1};
    rj_allocator alloc = test_allocator(&memory);
    rj_pool pool;
    rj_chunk *chunk;
    CHECK(rj_pool_init(&pool, &alloc, 512, 1) == RJ_OK);
    CHECK(rj_pool_acquire(&pool, &chunk) == RJ_ENOMEM);
    CHECK(rj_pool_acquire(&pool, &chunk) == RJ_OK);
    rj_pool_release(&pool, chunk);
    rj_pool_deinit(&pool);
    CHECK(memory.live == 0);
}

int
main(void)
{
    test_sizes();
    test_limit_and_recycling();
    test_no_memory();
    return 0;
}
