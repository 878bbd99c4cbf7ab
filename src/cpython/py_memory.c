/* See py_memory.h. */
#include "cpython/py_memory.h"

/* Smaller results are copied out of a block that is much too large. */
#define SMALL ((size_t)64 << 10)

static void *
allocate(void *ctx, size_t size)
{
    (void)ctx;
    return PyObject_Malloc(size);
}

static void *
reallocate(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return PyObject_Realloc(block, size);
}

static void
release(void *ctx, void *block)
{
    (void)ctx;
    PyObject_Free(block);
}

const rj_allocator rjpy_py_objects = {allocate, reallocate, release, NULL};

void *
rjpy_shrink(void *block, size_t used, size_t allocated)
{
    if (allocated - used <= used / 8)
        return block;
    void *shrunk = PyObject_Realloc(block, used);
    return shrunk ? shrunk : block;
}

void *
rjpy_take_block(rj_memory_sink *sink)
{
    size_t allocated = sink->prefix + sink->capacity + 1;
    if (sink->length < SMALL && sink->length < allocated / 4)
        return NULL;
    size_t length = sink->length;
    void *block = rj_memory_sink_detach(sink);
    return block ? rjpy_shrink(block, sink->prefix + length + 1, allocated) : NULL;
}
