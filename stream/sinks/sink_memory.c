/*
 * The memory sink. Invariant: `block` holds prefix + capacity + 1 bytes (the spare byte lets the caller
 * terminate the result), and length <= capacity.
 */
#include "internal.h"

#define SPARE 1
#define FIRST_CAPACITY 1024

/* The capacity that leaves `room` free bytes: doubled, so that appending costs amortised constant time. 0 on overflow. */
static size_t
grown_capacity(const rj_memory_sink *s, size_t room)
{
    size_t doubled = s->block && s->capacity <= SIZE_MAX / 4 ? s->capacity * 2 : 0; /* the first time as estimated */
    size_t limit = SIZE_MAX / 2 - s->prefix - SPARE;
    if (room > limit - s->length)
        return 0;
    return doubled > s->length + room ? doubled : s->length + room;
}

static int
grow(rj_memory_sink *s, size_t room)
{
    size_t capacity = grown_capacity(s, room);
    if (capacity == 0)
        return RJ_ENOMEM;
    void *old = s->borrowed ? NULL : s->block;
    uint8_t *block = rj__reallocate(&s->alloc, old, s->prefix + capacity + SPARE);
    if (!block)
        return RJ_ENOMEM;
    if (s->borrowed)
        memcpy(block, s->block, s->prefix + s->length);
    s->block = block;
    s->capacity = capacity;
    s->borrowed = 0;
    return RJ_OK;
}

static int
memory_lend(rj_sink *base, size_t hint, rj_window *out)
{
    rj_memory_sink *s = (rj_memory_sink *)base;
    size_t free_bytes = s->block ? s->capacity - s->length : 0;
    if (free_bytes < RJ_CHUNK_MIN || free_bytes < hint) {
        size_t room = hint < SIZE_MAX / 4 ? hint + RJ_CHUNK_MIN : hint;
        int rc = grow(s, s->block ? room : (room > s->capacity ? room : s->capacity));
        if (rc < 0)
            return rc;
    }
    out->cur = s->block + s->prefix + s->length;
    out->end = s->block + s->prefix + s->capacity;
    return RJ_OK;
}

static int
memory_take(rj_sink *base, size_t used)
{
    rj_memory_sink *s = (rj_memory_sink *)base;
    s->length += used;
    base->accepted += used;
    return RJ_OK;
}

static int
memory_flush(rj_sink *base)
{
    (void)base;
    return RJ_OK;
}

static void
memory_close(rj_sink *base)
{
    rj_memory_sink *s = (rj_memory_sink *)base;
    if (!s->borrowed && s->block)
        rj__release(&s->alloc, s->block);
    s->block = NULL;
}

static const rj_sink_ops memory_ops = {memory_lend, memory_take, memory_flush, NULL, memory_close};

void
rj_memory_sink_init(rj_memory_sink *s, const rj_allocator *alloc, size_t prefix, size_t size_hint, void *scratch,
                    size_t scratch_size)
{
    s->base = (rj_sink){&memory_ops, 0, RJ_OK, 0};
    s->alloc = rj__allocator_or_default(alloc);
    s->prefix = prefix;
    s->length = 0;
    s->borrowed = scratch && scratch_size >= prefix + SPARE + RJ_CHUNK_MIN;
    s->block = s->borrowed ? scratch : NULL;
    if (s->borrowed)
        s->capacity = scratch_size - prefix - SPARE;
    else
        s->capacity = size_hint > FIRST_CAPACITY ? size_hint : FIRST_CAPACITY;
}

const uint8_t *
rj_memory_sink_data(const rj_memory_sink *s, size_t *length)
{
    *length = s->length;
    return s->block ? s->block + s->prefix : NULL;
}

void *
rj_memory_sink_detach(rj_memory_sink *s)
{
    void *block = s->borrowed ? NULL : s->block;
    if (block)
        s->block = NULL;
    return block;
}
