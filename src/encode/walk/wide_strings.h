/*
 * The part of the walk (walk.h) that writes strings into a result str (rjpy_str_sink) whose characters are wider
 * than a byte: what the window holds is widened, and the string's own units go behind it. In arrays, one after
 * another does so in one loop.
 */

#include "arch/common/prefetch.h"
#include RJ__OF_SET(units.h)

/* Room that one round of put_units asks for: an escape, and what vectors store past their ends. */
#define RJ_UNITS_ROOM 64

#define RJ_FEW_PENDING 2

/* Where so many have no escapes, the next ones are copied on the chance that they have none either. */
#define RJ_CLEAN_UNITS 128

/* A unit that must be escaped, or is a surrogate, as units of `width` bytes at `dst`; returns their number, or 0 for
 * a surrogate that is not wanted. */
static RJ__NOINLINE size_t
spell_unit(rjpy_str_sink *out, const rj__text *text, uint32_t c, void *dst)
{
    uint8_t spelled[16];
    size_t count;
    if (c >= 0x80) {
        if (text->surrogates == RJ__SURROGATES_STOP)
            return 0;
        out->was_narrowed |= text->surrogates != RJ__SURROGATES_PASS;
        if (text->surrogates != RJ__SURROGATES_ESCAPE) {
            rj__set_unit(dst, out->width, 0, text->surrogates == RJ__SURROGATES_REPLACE ? 0xFFFD : c);
            return 1;
        }
        count = (size_t)(rj__put_escape(c, spelled) - spelled);
    }
    else {
        count = (size_t)(rj__put_spelled((uint8_t)c, spelled) - spelled);
    }
    for (size_t i = 0; i < count; i++)
        rj__set_unit(dst, out->width, i, spelled[i]);
    return count;
}

#if !defined(RJ__ESCAPES_UNITS)
/* Some units, with a short escape before them if the first has one; as many as `room` is for. 0 where that is too
 * little, or the first is rare. */
RJ__INLINE size_t
escape_units(const uint8_t *src, int from, size_t length, size_t room, uint8_t *dst, int to, size_t *written)
{
    uint32_t c = rj__unit(src, from, 0);
    if (c < 0x80 && rj__spellings[c].length == 2) {
        rj__set_unit(dst, to, 0, '\\');
        rj__set_unit(dst, to, 1, rj__spellings[c].bytes[1]);
        *written = 2;
        return 1;
    }
    return *written = rj__copy_clean_units(src, from, length < room ? length : room, dst, to);
}
#endif

/* Units of which some have short escapes, to *at: up to one that is anything but that, to where *at is behind `end`,
 * or to where `enough` in a row had none. How many. */
RJ__INLINE size_t
put_escapes(const uint8_t *src, size_t length, uint8_t **at, const uint8_t *end, size_t enough, int from, int to)
{
    size_t done = 0, clean = 0, taken = 1, written;
    uint8_t *next = *at; /* so that it can stay in a register */
    while (taken && done < length && clean < enough && next <= end) {
#if defined(RJ__ESCAPES_UNITS)
        taken = rj__escape_units(src + done * (size_t)from, from, length - done, next, to, &written);
#else
        taken = escape_units(src + done * (size_t)from, from, length - done, (size_t)(end - next) / (size_t)to, next, to,
                             &written);
#endif
        clean = written == taken ? clean + taken : 0;
        done += taken;
        next += written * (size_t)to;
    }
    *at = next;
    return done;
}

/* put_escapes for the text, while there is room. */
RJ__INLINE void
put_escaped_units(rjpy_str_sink *out, rj__text *text, int from, int to)
{
    if (RJ__UNLIKELY(out->capacity - out->length < RJ_UNITS_ROOM))
        return;
    const uint8_t *src = (const uint8_t *)text->data + text->position * (size_t)from;
    uint8_t *const begin = rjpy_str_sink_end(out), *at = begin;
    const uint8_t *end = begin + (out->capacity - out->length - RJ_UNITS_ROOM) * (size_t)to;
    text->position += put_escapes(src, text->length - text->position, &at, end, RJ_CLEAN_UNITS, from, to);
    out->length += (size_t)(at - begin) / (size_t)to;
}

/* Units that are not clean but for the first `done`, which are there: how many they become, or 0 if one has more
 * than a short escape. There is room for twice as many, and RJ_UNITS_ROOM. */
static RJ__NOINLINE size_t
put_short_escapes(const void *src, size_t done, size_t length, uint8_t *dst, int from, int to)
{
    const uint8_t *here = (const uint8_t *)src + done * (size_t)from;
    size_t left = length - done;
    uint8_t *at = dst + done * (size_t)to;
#if defined(RJ__SPELLS_UNITS)
    _Static_assert(RJ_WIDE_HEADER >= RJ__SCAN_BLOCK, "rj__spell_units reads into a str's header");
    if (from == to) {
        at = to == 2 ? rj__spell_units(here, 2 * left, at, 2) : rj__spell_units(here, 4 * left, at, 4);
        return at ? (size_t)(at - dst) / (size_t)to : 0;
    }
#endif
    const uint8_t *end = at + 2 * left * (size_t)to;
    size_t taken = to == 2     ? put_escapes(here, left, &at, end, SIZE_MAX, 2, 2)
                   : from == 2 ? put_escapes(here, left, &at, end, SIZE_MAX, 2, 4)
                               : put_escapes(here, left, &at, end, SIZE_MAX, 4, 4);
    return taken == left ? (size_t)(at - dst) / (size_t)to : 0;
}

/* As much of the text as there is room for; 0 at a surrogate that is not wanted (position is on it). */
RJ__INLINE int
put_units(rjpy_str_sink *out, rj__text *text, int from, int to)
{
    while (text->position < text->length && out->capacity - out->length >= RJ_UNITS_ROOM) {
        size_t room = out->capacity - out->length - RJ_UNITS_ROOM / 2, left = text->length - text->position;
        const uint8_t *src = (const uint8_t *)text->data + text->position * (size_t)from;
        size_t wanted = left < room ? left : room;
        size_t done = rj__copy_clean_units(src, from, wanted, rjpy_str_sink_end(out), to);
        text->position += done;
        out->length += done;
        if (RJ__LIKELY(done == wanted))
            continue;
        size_t position = text->position;
        put_escaped_units(out, text, from, to);
        if (text->position > position)
            continue;
        uint32_t unit = rj__unit(text->data, from, text->position);
        size_t count = spell_unit(out, text, unit, rjpy_str_sink_end(out));
        if (count == 0)
            return 0;
        text->position++;
        out->length += count;
    }
    return 1;
}

/* The window's contents, up to `cur`, as characters of `to` bytes. */
RJ__INLINE void
widen_window(const rjpy_encoder *e, const uint8_t *cur, void *dst, int to)
{
    size_t pending = (size_t)(cur - e->start);
    if (RJ__LIKELY(pending <= RJ_FEW_PENDING)) { /* one comma, as a rule: a vector would have to wait until it is written */
        for (size_t i = 0; i < pending; i++)
            rj__set_unit(dst, to, i, e->start[i]);
        return;
    }
    rj__widen_bytes(e->start, pending, dst, to);
}

/* Long results: lets Ctrl-C and other threads have their turn, as between windows. */
static RJ__NOINLINE uint8_t *
pace_units(rjpy_encoder *e, uint8_t *cur)
{
    rjpy_own_ancestors(e);
    return e->on_window && e->on_window(e) < 0 ? rjpy_stop_error(e) : cur;
}

/* A string of more than a byte a character, with its quotes. */
static RJ__NOINLINE uint8_t *
put_wide_string(rjpy_encoder *e, uint8_t *cur, rj__text text, uint8_t tail)
{
    rjpy_str_sink *out = e->str_sink;
    int from = text.kind == RJ__TEXT_UCS2 ? 2 : 4;
    size_t before = out->length, size = text.length * (size_t)from;
    uint8_t padded[2 * RJ__BEFORE];
    if (size < RJ__BEFORE) { /* of a subclass, nothing readable need come before its characters */
        memcpy(padded + RJ__BEFORE, text.data, size);
        text.data = padded + RJ__BEFORE;
    }
    *cur++ = '"';
    if (RJ__UNLIKELY(out->width < from)) {
        cur = rjpy_widen_output(e, cur, from);
        if (!cur)
            return NULL;
    }
    do {
        size_t pending = (size_t)(cur - e->start);
        if (RJ__UNLIKELY(out->capacity - out->length < pending + (text.length - text.position) + RJ_UNITS_ROOM) &&
            rjpy_str_sink_reserve(out, pending + (text.length - text.position) + 2 * RJ_UNITS_ROOM) < 0)
            return rjpy_stop_error(e);
        if (out->width == 2)
            widen_window(e, cur, rjpy_str_sink_end(out), 2);
        else
            widen_window(e, cur, rjpy_str_sink_end(out), 4);
        out->length += pending;
        cur = e->start;
        int is_fine = out->width == 2 ? put_units(out, &text, 2, 2)
                      : from == 2     ? put_units(out, &text, 2, 4)
                                      : put_units(out, &text, 4, 4);
        if (RJ__UNLIKELY(!is_fine))
            return fail_surrogate(e, &text, tail);
    } while (RJ__UNLIKELY(text.position < text.length));
    if (RJ__UNLIKELY(out->length > out->limit))
        rjpy_str_sink_set_limit(out);
    *cur++ = '"';
    *cur++ = tail;
    if (tail == ':')
        return end_key(e, cur);
    return RJ__UNLIKELY((out->length ^ before) >> RJ_PACE_BITS) ? pace_units(e, cur) : cur;
}

/* ---- runs of strings in arrays */

/* The longest string that joins a run: one-byte, wider. */
#define RJ_RUN_BYTES 32
#define RJ_RUN_UNITS 256

/* Whether strings of an array are written as wide runs: nothing but commas is between them. */
RJ__INLINE int
has_wide_runs(const rjpy_encoder *e)
{
    return !RJ__STYLED && e->str_sink && e->str_sink->width != 1;
}

/* What the window holds but for its last byte goes to the str. 0 if there may be no room. */
RJ__INLINE int
keep_last_pending(rjpy_encoder *e, const uint8_t *cur, int to)
{
    rjpy_str_sink *out = e->str_sink;
    size_t count = (size_t)(cur - e->start) - 1;
    if (RJ__LIKELY(count == 0))
        return 1;
    if (RJ__UNLIKELY(out->length + count > out->limit))
        return 0;
    widen_window(e, cur - 1, rjpy_str_sink_place(out, to), to);
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
        return put_few_bytes(PyUnicode_IS_ASCII(str) ? rjpy_str_ascii(str) : rjpy_str_wide(str), length, dst, to);
    if (PyUnicode_KIND(str) == PyUnicode_2BYTE_KIND)
        return put_units_of_run(rjpy_str_wide(str), length, dst, 2, to);
    return to == 4 ? put_units_of_run(rjpy_str_wide(str), length, dst, 4, 4) : RJ_NO_RUN;
}

RJ__INLINE PyObject **
put_run_of_width(rjpy_encoder *e, PyObject **item, PyObject **stop, int to)
{
    rjpy_str_sink *out = e->str_sink;
    uint8_t *const begin = rjpy_str_sink_place(out, 0), *at = rjpy_str_sink_place(out, to);
    const uint8_t *const limit = begin + out->limit * (size_t)to;
    uint8_t before = e->start[0];
    for (; item < stop; item++) {
        PyObject *str = *item;
        if (stop - item > RJ__ITEMS_AHEAD)
            rj__prefetch_item(item[RJ__ITEMS_AHEAD]);
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

/* Items of an array, up to the first that does not join the run, which it returns. A comma is then all that the
 * window holds, and *cur is behind it. Runs no Python code. */
static RJ__NOINLINE PyObject **
put_wide_run(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    int width = e->str_sink->width;
    if (!(width == 2 ? keep_last_pending(e, *cur, 2) : keep_last_pending(e, *cur, 4)))
        return item;
    *cur = e->start + 1;
    return width == 2 ? put_run_of_width(e, item, stop, 2) : put_run_of_width(e, item, stop, 4);
}
