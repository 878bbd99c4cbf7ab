/*
 * The part of the walk (walk.h) for runs in arrays: items of one kind, one after another without a call for each, and with what their vectors compare with in
 * registers. Here are strings where the result is a str wider than a byte a character; of bytes: string_batches.h; other scalars: scalar_runs.h.
 */

/* The longest string that joins a run: one-byte, wider. */
#define RJ_RUN_BYTES 32
#define RJ_RUN_UNITS 256

/* Whether strings of an array are written as wide runs: nothing but commas is between them. */
RJ__INLINE int
has_wide_runs(const rj_encoder *e)
{
    return !RJ__STYLED && e->str_sink && e->str_sink->width != 1;
}

/* What the window holds but for its last byte goes to the str. 0 if there may be no room. */
RJ__INLINE int
keep_last_pending(rj_encoder *e, const uint8_t *cur, int to)
{
    rj_str_sink *out = e->str_sink;
    size_t count = (size_t)(cur - e->start) - 1;
    if (RJ__LIKELY(count == 0))
        return 1;
    if (RJ__UNLIKELY(out->length + count > out->limit))
        return 0;
    widen_window(e, cur - 1, rj_str_sink_place(out, to), to);
    out->length += count;
    e->start[0] = e->start[count];
    return 1;
}

/* What puts units of a string returns how many they become, and this if the string does not join the run. */
#define RJ_NO_RUN SIZE_MAX

/* Bytes as units: they are to be few, and clean. */
RJ__INLINE size_t
put_few_bytes(const uint8_t *src, size_t length, uint8_t *dst, int to)
{
    uint8_t bytes[RJ_RUN_BYTES + RJ_UNITS_ROOM];
    if (length > RJ_RUN_BYTES || RJ__UNLIKELY(rj__copy_clean(src, length, bytes, 0)))
        return RJ_NO_RUN;
    rj__widen_bytes(bytes, length, dst, to);
    return length;
}

#if defined(RJ__ESCAPES_UNITS)
/* Units in blocks, with their short escapes. */
RJ__INLINE size_t
put_blocks_of_units(const uint8_t *src, size_t length, uint8_t *dst, int from, int to)
{
    const size_t block = (size_t)RJ__FEW_UNITS(to);
    uint8_t *at = dst;
    for (size_t i = 0; i < length; i += block, src += block * (size_t)from) {
        size_t count = length - i < block ? length - i : block;
        uint32_t special = rj__copy_unit_block(src, from, 0, count, at, to);
        if (RJ__LIKELY(!special))
            at += count * (size_t)to;
        else if (rj__has_few_marks(special))
            at = rj__spell_marked_units(src, from, count, special, at, to);
        else {
            uint8_t *next = at; /* so that `at` can stay in a register */
            at = put_escapes(src, count, &next, at + 2 * count * (size_t)to, SIZE_MAX, from, to) == count ? next : NULL;
        }
        if (RJ__UNLIKELY(!at))
            return RJ_NO_RUN;
    }
    return (size_t)(at - dst) / (size_t)to;
}
#else
/* Clean units, and then what others there are. */
RJ__INLINE size_t
put_blocks_of_units(const uint8_t *src, size_t length, uint8_t *dst, int from, int to)
{
#if defined(RJ__SPELLS_UNITS)
    if (from == to) {
        const uint8_t *end = rj__spell_units(src, length * (size_t)to, dst, to);
        return end ? (size_t)(end - dst) / (size_t)to : RJ_NO_RUN;
    }
#endif
    size_t done = rj__copy_clean_units(src, from, length, dst, to);
    if (RJ__LIKELY(done == length))
        return length;
    done = put_short_escapes(src, done, length, dst, from, to);
    return done ? done : RJ_NO_RUN;
}
#endif

/* Units that are many, or are not clean. A function of its own, so that others find their constants in registers. */
static RJ__NOINLINE size_t
put_units_by_width(const void *src, size_t length, uint8_t *dst, int from, int to)
{
    return to == 2     ? put_blocks_of_units(src, length, dst, 2, 2)
           : from == 2 ? put_blocks_of_units(src, length, dst, 2, 4)
                       : put_blocks_of_units(src, length, dst, 4, 4);
}

RJ__INLINE size_t
put_units_of_run(const void *src, size_t length, uint8_t *dst, int from, int to)
{
    if (RJ__LIKELY(length <= (size_t)RJ__FEW_UNITS(to)) && RJ__LIKELY(!rj__copy_few_units(src, from, length, dst, to)))
        return length;
    return put_units_by_width(src, length, dst, from, to);
}

/* The characters of a compact string. */
RJ__INLINE size_t
put_string_of_run(PyObject *str, size_t length, uint8_t *dst, int to)
{
    if (PyUnicode_KIND(str) == PyUnicode_1BYTE_KIND)
        return put_few_bytes(PyUnicode_IS_ASCII(str) ? rj_str_ascii(str) : rj_str_wide(str), length, dst, to);
    if (PyUnicode_KIND(str) == PyUnicode_2BYTE_KIND)
        return put_units_of_run(rj_str_wide(str), length, dst, 2, to);
    return to == 4 ? put_units_of_run(rj_str_wide(str), length, dst, 4, 4) : RJ_NO_RUN;
}

RJ__INLINE PyObject **
put_run_of_width(rj_encoder *e, PyObject **item, PyObject **stop, int to)
{
    rj_str_sink *out = e->str_sink;
    uint8_t *const begin = rj_str_sink_place(out, 0), *at = rj_str_sink_place(out, to);
    const uint8_t *const limit = begin + out->limit * (size_t)to;
    uint8_t before = e->start[0];
    for (; item < stop; item++) {
        PyObject *str = *item;
        if (stop - item > RJ_PREFETCH)
            prefetch_item(item[RJ_PREFETCH]);
        if (!PyUnicode_CheckExact(str) || !PyUnicode_IS_COMPACT(str))
            break;
        size_t length = (size_t)PyUnicode_GET_LENGTH(str);
        /* Quotes, and what comes before them; and each character might have an escape. */
        if (length > RJ_RUN_UNITS || at + (2 * length + 3) * (size_t)to > limit)
            break;
        rj__set_unit(at, to, 0, before);
        rj__set_unit(at, to, 1, '"');
        size_t count = put_string_of_run(str, length, at + 2 * to, to);
        if (count == RJ_NO_RUN)
            break;
        at += (count + 3) * (size_t)to;
        rj__set_unit(at - to, to, 0, '"');
        before = ',';
    }
    out->length = (size_t)(at - begin) / (size_t)to;
    e->start[0] = before;
    return item;
}

/* Items of an array, up to the first that does not join the run, which it returns. A comma is then all that the window holds, and *cur is behind it. Runs no
 * Python code. */
static RJ__NOINLINE PyObject **
put_wide_run(rj_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    int width = e->str_sink->width;
    if (!(width == 2 ? keep_last_pending(e, *cur, 2) : keep_last_pending(e, *cur, 4)))
        return item;
    *cur = e->start + 1;
    return width == 2 ? put_run_of_width(e, item, stop, 2) : put_run_of_width(e, item, stop, 4);
}

#if defined(RJ__UP_TO_MOST)
#include "encode/walk/string_batches.h"
#if defined(RJ__TO_END_MOST)
#include "encode/walk/string_batches_backward.h"
#endif

/* Whether so many are left, strings at first, that batches pay. */
RJ__INLINE int
may_have_batches(PyObject **item, PyObject **stop)
{
    return !RJ__STYLED && stop - item >= RJ_BATCH && PyUnicode_CheckExact(item[1]);
}
#endif

/* Strings of an array from one on; returns what is left. Runs no Python code. */
RJ__INLINE PyObject **
put_strings(rj_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    if (RJ__UNLIKELY(has_wide_runs(e)))
        return put_wide_run(e, cur, item, stop);
#if defined(RJ__UP_TO_MOST)
    if (may_have_batches(item, stop)) {
#if defined(RJ__TO_END_MOST)
        if (PyUnicode_IS_COMPACT_ASCII(item[0]) && PyUnicode_IS_COMPACT_ASCII(item[1]))
            return put_backward(e, cur, item, stop);
#endif
        return put_batches(e, cur, item, stop);
    }
#endif
    return item;
}

/* What an array begins or goes on with, if that is a run; returns what is left. Runs no Python code. */
RJ__INLINE PyObject **
put_run(rj_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    if (PyUnicode_CheckExact(*item))
        return put_strings(e, cur, item, stop);
    return may_have_scalars(item, stop) ? put_scalars(e, cur, item, stop) : item;
}
