/* See str_sink.h. Invariant: `block` holds RJ_WIDE_PREFIX + (capacity + 1) * width bytes, and length <= capacity. */
#include "encode/str_sink.h"

#include "arch/common/scalar_block.h"
#include "cpython/py_memory.h"

/* Vectors may store so many characters past the end. */
#define SLACK 64

#define BLOCK 16

RJ__INLINE void
widen_unit(const void *src, int from, size_t i, void *dst, int to)
{
    rj__set_unit(dst, to, i, from == 1 ? ((const uint8_t *)src)[i] : ((const uint16_t *)src)[i]);
}

/* By blocks of one length, which compilers turn into vectors. */
RJ__INLINE void
widen_units(const void *restrict src, int from, size_t length, void *restrict dst, int to)
{
    size_t i = 0;
    for (; length - i >= BLOCK; i += BLOCK)
        for (size_t j = 0; j < BLOCK; j++)
            widen_unit(src, from, i + j, dst, to);
    for (; i < length; i++)
        widen_unit(src, from, i, dst, to);
}

/* Copies characters of `from` bytes as characters of `to`. */
static void
widen(const void *src, int from, size_t length, void *dst, int to)
{
    if (from == to)
        memcpy(dst, src, length * (size_t)to);
    else if (from == 2)
        widen_units(src, 2, length, dst, 4);
    else if (to == 2)
        widen_units(src, 1, length, dst, 2);
    else
        widen_units(src, 1, length, dst, 4);
}

void
rjpy_str_sink_set_limit(rjpy_str_sink *s)
{
    size_t paced = s->length | (((size_t)1 << RJ_PACE_BITS) - 1);
    size_t safe = s->capacity - SLACK; /* no block has fewer */
    s->limit = safe < paced ? safe : paced;
}

static int
resize(rjpy_str_sink *s, size_t capacity, int width)
{
    if (capacity > (PY_SSIZE_T_MAX - RJ_WIDE_PREFIX) / 4 - 1) {
        PyErr_NoMemory();
        return -1;
    }
    uint8_t *block = PyObject_Realloc(s->block, RJ_WIDE_PREFIX + (capacity + 1) * (size_t)width);
    if (!block) {
        PyErr_NoMemory();
        return -1;
    }
    s->block = block;
    s->capacity = capacity;
    rjpy_str_sink_set_limit(s);
    return 0;
}

int
rjpy_str_sink_reserve(rjpy_str_sink *s, size_t count)
{
    if (s->capacity - s->length >= count)
        return 0;
    size_t needed = s->length + count;
    return resize(s, needed > 2 * s->capacity ? needed : 2 * s->capacity, s->width);
}

/* From the memory sink to a block of wide characters. */
static int
leave_narrow(rjpy_str_sink *s, int width)
{
    size_t length;
    const uint8_t *data = rj_memory_sink_data(&s->narrow, &length);
    size_t capacity = length + length / 4 + SLACK;
    s->length = length;
    if (resize(s, capacity > s->hint ? capacity : s->hint, width) < 0)
        return -1;
    s->width = width;
    widen(data, 1, length, s->block + RJ_WIDE_PREFIX, width);
    rj_sink_free(&s->narrow.base);
    return 0;
}

/* From two bytes a character to four, from the last character on: the new place of each is free by then. */
static int
widen_block(rjpy_str_sink *s)
{
    if (resize(s, s->capacity, 4) < 0)
        return -1;
    s->width = 4;
    const uint16_t *from = (const uint16_t *)(const void *)(s->block + RJ_WIDE_PREFIX);
    uint32_t *to = (uint32_t *)(void *)(s->block + RJ_WIDE_PREFIX);
    for (size_t i = s->length; i-- > 0;) {
        uint16_t c;
        memcpy(&c, &from[i], 2);
        memcpy(&to[i], &(uint32_t){c}, 4);
    }
    return 0;
}

int
rjpy_str_sink_widen(rjpy_str_sink *s, int width)
{
    if (s->width >= width)
        return 0;
    return s->width == 1 ? leave_narrow(s, width) : widen_block(s);
}

static int
append(rjpy_str_sink *s, const void *units, int width, size_t length)
{
    if (rjpy_str_sink_reserve(s, length + SLACK) < 0)
        return -1;
    widen(units, width, length, rjpy_str_sink_end(s), s->width);
    s->length += length;
    return 0;
}

int
rjpy_str_sink_append(rjpy_str_sink *s, PyObject *str)
{
    return append(s, PyUnicode_DATA(str), (int)PyUnicode_KIND(str), (size_t)PyUnicode_GET_LENGTH(str));
}

static int
str_lend(rj_sink *base, size_t hint, rj_window *out)
{
    rjpy_str_sink *s = (rjpy_str_sink *)base;
    if (s->width == 1) {
        int is_used_up = s->narrow.borrowed && s->narrow.length > 0; /* the scratch memory: then as much as is expected */
        return rj_sink_lend(&s->narrow.base, is_used_up && s->hint > hint ? s->hint : hint, out);
    }
    out->cur = s->scratch;
    out->end = s->scratch + s->scratch_size;
    return RJ_OK;
}

static int
str_take(rj_sink *base, size_t used)
{
    rjpy_str_sink *s = (rjpy_str_sink *)base;
    if (s->width == 1)
        return rj_sink_take(&s->narrow.base, used);
    return append(s, s->scratch, 1, used) < 0 ? RJ_ENOMEM : RJ_OK;
}

static int
str_flush(rj_sink *base)
{
    (void)base;
    return RJ_OK;
}

static void
str_close(rj_sink *base)
{
    rjpy_str_sink *s = (rjpy_str_sink *)base;
    if (s->width == 1)
        rj_sink_free(&s->narrow.base);
    PyObject_Free(s->block);
    s->block = NULL;
}

static const rj_sink_ops str_ops = {str_lend, str_take, str_flush, NULL, str_close};

void
rjpy_str_sink_init(rjpy_str_sink *s, size_t hint, int non_ascii, uint8_t *scratch, size_t scratch_size, int starts_there)
{
    s->base = (rj_sink){&str_ops, 0, RJ_OK, 0};
    s->width = 1;
    s->was_narrowed = 0;
    s->block = NULL;
    s->hint = hint;
    /* What vectors read past a window's contents is still memory of ours. */
    s->scratch = scratch;
    s->scratch_size = scratch_size - SLACK;
    size_t prefix = non_ascii ? RJ_WIDE_PREFIX : RJ_STR_PREFIX;
    rj_memory_sink_init(&s->narrow, &rjpy_py_objects, prefix, hint, starts_there ? scratch : NULL, s->scratch_size);
}

static PyObject *
finish_narrow(rjpy_str_sink *s, int non_ascii)
{
    size_t length;
    const uint8_t *data = rj_memory_sink_data(&s->narrow, &length);
    size_t prefix = non_ascii ? RJ_WIDE_PREFIX : RJ_STR_PREFIX;
    void *block = s->narrow.prefix == prefix ? rjpy_take_block(&s->narrow) : NULL;
    if (block)
        return rjpy_str_adopt(block, (Py_ssize_t)length, 1, !non_ascii);
    PyObject *str = PyUnicode_New((Py_ssize_t)length, non_ascii ? 255 : 127);
    if (str)
        memcpy(PyUnicode_1BYTE_DATA(str), data, length);
    return str;
}

static PyObject *
finish_wide(rjpy_str_sink *s)
{
    if (s->was_narrowed)
        return PyUnicode_FromKindAndData(s->width, s->block + RJ_WIDE_PREFIX, (Py_ssize_t)s->length);
    size_t width = (size_t)s->width;
    void *block =
        rjpy_shrink(s->block, RJ_WIDE_PREFIX + (s->length + 1) * width, RJ_WIDE_PREFIX + (s->capacity + 1) * width);
    s->block = NULL;
    return rjpy_str_adopt(block, (Py_ssize_t)s->length, s->width, 0);
}

PyObject *
rjpy_str_sink_finish(rjpy_str_sink *s, int non_ascii)
{
    return s->width == 1 ? finish_narrow(s, non_ascii) : finish_wide(s);
}
