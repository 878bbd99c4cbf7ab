/* What the C tests share: checks that stay in release builds, an allocator that fails on demand, and a sink that misbehaves. */
#ifndef RJSON_TEST_HARNESS_H
#define RJSON_TEST_HARNESS_H

#include "rjson/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                                    \
    do {                                                                                                                    \
        if (!(condition)) {                                                                                                 \
            fprintf(stderr, "%s:%d: CHECK(%s) failed\n", __FILE__, __LINE__, #condition);                                   \
            abort();                                                                                                        \
        }                                                                                                                   \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The smallest chunk, odd ones, a page, the default. */
static const size_t chunk_sizes[] = {1, 512, 513, 777, 4096, 0};

/* ---- an allocator that counts, and fails at the n-th call (from 1 on; 0: never) */
typedef struct test_memory {
    unsigned calls, fail_at;
    long live;
} test_memory;

static int
test_memory_must_fail(test_memory *m)
{
    return ++m->calls == m->fail_at;
}

static void *
test_allocate(void *ctx, size_t size)
{
    test_memory *m = ctx;
    void *block = test_memory_must_fail(m) ? NULL : malloc(size);
    m->live += block != NULL;
    return block;
}

static void *
test_reallocate(void *ctx, void *old, size_t size)
{
    test_memory *m = ctx;
    void *block = test_memory_must_fail(m) ? NULL : realloc(old, size);
    m->live += block != NULL && old == NULL;
    return block;
}

static void
test_release(void *ctx, void *block)
{
    ((test_memory *)ctx)->live -= block != NULL;
    free(block);
}

static inline rj_allocator
test_allocator(test_memory *m)
{
    return (rj_allocator){test_allocate, test_reallocate, test_release, m};
}

/* ---- a place that bytes arrive at, through a callback that takes little, blocks and fails */
typedef struct test_target {
    char *data;
    size_t length;
    size_t most; /* bytes to take per call; 0: all */
    unsigned calls;
    unsigned block_every; /* every n-th call takes nothing; 0: never */
    unsigned fail_at;     /* the n-th call fails with EPIPE; 0: never */
} test_target;

static inline ptrdiff_t
test_target_write(void *ctx, const uint8_t *data, size_t length)
{
    test_target *t = ctx;
    t->calls++;
    if (t->calls == t->fail_at)
        return -EPIPE;
    if (t->block_every && t->calls % t->block_every == 0)
        return 0;
    size_t n = t->most && t->most < length ? t->most : length;
    t->data = realloc(t->data, t->length + n + 1);
    CHECK(t->data);
    memcpy(t->data + t->length, data, n);
    t->length += n;
    t->data[t->length] = '\0';
    return (ptrdiff_t)n;
}

static inline void
test_target_reset(test_target *t)
{
    free(t->data);
    *t = (test_target){0};
}

#endif
