/* dumps and dumps_bytes: the memory sink's block becomes the result. */
#include "cpython/bytes_access.h"
#include "cpython/str_access.h"
#include "dump.h"

/* Estimates beyond this are not reserved in advance: growing in place is cheap there, and a wrong guess expensive. */
#define ESTIMATE_MAX ((size_t)32 << 20)

/* Smaller results are copied out of a block that is much too large. */
#define SMALL ((size_t)64 << 10)

static void *
object_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return PyObject_Malloc(size);
}

static void *
object_reallocate(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return PyObject_Realloc(block, size);
}

static void
object_release(void *ctx, void *block)
{
    (void)ctx;
    PyObject_Free(block);
}

/* Gives back what the block has too much, in place. */
static void *
shrink(void *block, size_t used, size_t allocated)
{
    if (allocated - used <= used / 8)
        return block;
    void *shrunk = PyObject_Realloc(block, used);
    return shrunk ? shrunk : block;
}

/* The finished document, still in the scratch memory. */
static PyObject *
copy_result(const rj_encoder *e, const uint8_t *data, size_t length, int as_str)
{
    if (!as_str)
        return PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)length);
    if (e->non_ascii)
        return PyUnicode_DecodeUTF8((const char *)data, (Py_ssize_t)length, rj_decode_errors(e->options));
    PyObject *str = PyUnicode_New((Py_ssize_t)length, 127);
    if (str)
        memcpy(PyUnicode_DATA(str), data, length);
    return str;
}

static PyObject *
take_result(const rj_encoder *e, rj_memory_sink *sink, int as_str)
{
    size_t length;
    const uint8_t *data = rj_memory_sink_data(sink, &length);
    if (as_str && e->non_ascii)
        return copy_result(e, data, length, as_str);
    size_t allocated = sink->prefix + sink->capacity + 1;
    if (length < SMALL &&
        length < allocated / 4) /* the estimate was far off: the rest of a large block is not kept for it */
        return copy_result(e, data, length, as_str);
    void *block = rj_memory_sink_detach(sink);
    if (!block)
        return copy_result(e, data, length, as_str);
    block = shrink(block, sink->prefix + length + 1, allocated);
    return as_str ? rj_str_adopt(block, (Py_ssize_t)length) : rj_bytes_adopt(block, (Py_ssize_t)length);
}

/* Small results are built in the context's scratch memory and copied once, at their exact size. */
static void
init_sink(rj_memory_sink *sink, rj_encoder *e, int as_str)
{
    static const rj_allocator objects = {object_allocate, object_reallocate, object_release, NULL};
    size_t prefix = as_str ? RJ_STR_PREFIX : RJ_BYTES_PREFIX;
    size_t last = e->state->last_size;
    int small = last < RJ_SCRATCH / 2;
    size_t hint = last + last / 16 + RJ_CHUNK_MIN;
    rj_memory_sink_init(sink, &objects, prefix, hint, small ? e->scratch : NULL, RJ_SCRATCH);
}

PyObject *
rj_dumps(rj_state *state, const rj_options *options, PyObject *obj, int as_str)
{
    rj_memory_sink sink;
    PyObject *result = NULL;
    rj_encoder *e = rj_encoder_acquire(state, options, obj, &sink.base);
    if (!e)
        return NULL;
    init_sink(&sink, e, as_str);
    e->on_window = rj_pace_signals;
    if (rj_encoder_run(e) == RJ_RUN_DONE) {
        state->last_size = sink.length < ESTIMATE_MAX ? sink.length : ESTIMATE_MAX;
        result = take_result(e, &sink, as_str);
    }
    else {
        rj_encoder_raise(e, NULL, 0);
    }
    rj_sink_free(&sink.base);
    rj_encoder_release(e);
    return result;
}
