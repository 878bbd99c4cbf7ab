/* dumps and dumps_bytes: the sink's block becomes the result. */
#include "cpython/bytes_access.h"
#include "dump/dump.h"
#include "cpython/py_memory.h"
#include "encode/sources.h"
#include "encode/str_sink.h"

/* Estimates beyond this are not reserved in advance: growing in place is cheap there, and a wrong guess expensive. */
#define ESTIMATE_MAX ((size_t)32 << 20)

static size_t
at_most_estimate(size_t length)
{
    return length < ESTIMATE_MAX ? length : ESTIMATE_MAX;
}

/* Small results are built in the context's scratch memory and copied once, at their exact size. */
static int
expects_small(const rjpy_encode_cache *cache)
{
    return cache->last_size < RJ_SCRATCH / 2;
}

static size_t
expected_size(const rjpy_encode_cache *cache)
{
    return cache->last_size + cache->last_size / 16 + RJ_CHUNK_MIN;
}

/* The UTF-8 form, or NULL with an exception. */
static PyObject *
to_bytes(rjpy_encoder *e)
{
    rj_memory_sink sink;
    PyObject *result = NULL;
    rj_memory_sink_init(&sink, &rjpy_py_objects, RJ_BYTES_PREFIX, expected_size(e->cache),
                        expects_small(e->cache) ? e->scratch : NULL, RJ_SCRATCH);
    e->sink = &sink.base;
    if (rjpy_encoder_run(e) == RJ_RUN_DONE) {
        size_t length;
        const uint8_t *data = rj_memory_sink_data(&sink, &length);
        e->cache->last_size = at_most_estimate(length);
        void *block = rjpy_take_block(&sink);
        result = block ? rjpy_bytes_adopt(block, (Py_ssize_t)length)
                       : PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)length);
    }
    else {
        rjpy_encoder_raise(e, NULL, 0);
        rjpy_encoder_close_sources(e);
    }
    rj_sink_free(&sink.base);
    return result;
}

static PyObject *
to_str(rjpy_encoder *e)
{
    rjpy_str_sink sink;
    PyObject *result = NULL;
    rjpy_encode_cache *cache = e->cache;
    int was_wide = cache->last_width > 1; /* what comes before the first wide string is short, as a rule */
    rjpy_str_sink_init(&sink, expected_size(cache), cache->last_was_latin1, e->scratch, RJ_SCRATCH,
                       was_wide || expects_small(cache));
    e->sink = &sink.base;
    e->str_sink = &sink;
    if (rjpy_encoder_run(e) == RJ_RUN_DONE) {
        cache->last_size = at_most_estimate(sink.width == 1 ? sink.narrow.length : sink.length);
        cache->last_width = sink.width;
        cache->last_was_latin1 = sink.width == 1 && e->non_ascii;
        result = rjpy_str_sink_finish(&sink, e->non_ascii);
    }
    else {
        rjpy_encoder_raise(e, NULL, 0);
        rjpy_encoder_close_sources(e);
    }
    rj_sink_free(&sink.base);
    return result;
}

/* Separators outside ASCII are laid out as UTF-8 only. */
static PyObject *
to_str_from_bytes(rjpy_encoder *e)
{
    PyObject *bytes = to_bytes(e);
    if (!bytes)
        return NULL;
    PyObject *str = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), rjpy_decode_errors(e->options));
    Py_DECREF(bytes);
    return str;
}

PyObject *
rjpy_dumps(rjpy_state *state, const rjpy_options *options, PyObject *obj, int as_str)
{
    rjpy_encoder *e = rjpy_encoder_acquire(state, options, obj, NULL);
    if (!e)
        return NULL;
    e->on_window = rjpy_pace_signals;
    PyObject *result = !as_str ? to_bytes(e) : options->layout.is_ascii ? to_str(e) : to_str_from_bytes(e);
    rjpy_encoder_release(e);
    return result;
}
