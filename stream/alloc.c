/* The default allocator, and the calls through one. */
#include "internal.h"

#include <stdlib.h>

static void *
libc_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *
libc_reallocate(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return realloc(block, size);
}

static void
libc_release(void *ctx, void *block)
{
    (void)ctx;
    free(block);
}

rj_allocator
rj__allocator_or_default(const rj_allocator *alloc)
{
    static const rj_allocator libc = {libc_allocate, libc_reallocate, libc_release, NULL};
    return alloc ? *alloc : libc;
}

void *
rj__allocate(const rj_allocator *alloc, size_t size)
{
    return alloc->allocate(alloc->ctx, size);
}

void *
rj__reallocate(const rj_allocator *alloc, void *block, size_t size)
{
    return alloc->reallocate(alloc->ctx, block, size);
}

void
rj__release(const rj_allocator *alloc, void *block)
{
    alloc->release(alloc->ctx, block);
}
