/*
 * The part of the walk (walk.h) that writes text: strings, raw JSON and big ints, over any number of windows; and
 * the short paths for strings that are sure to fit into the current one.
 */

/* What continue_text needs at the end: a quote, and what follows it. */
#define RJ_TEXT_END_ROOM (2 + (RJ__STYLED ? RJ_SEPARATOR_MAX : 0))

/* ---- over any number of windows */

/* e->text is at a lone surrogate that cannot be written. */
static RJ__NOINLINE uint8_t *
fail_surrogate(rjpy_encoder *e, const rj__text *text, uint8_t tail)
{
    uint32_t unit = rj__unit(text->data, text->kind == RJ__TEXT_UCS2 ? 2 : 4, text->position);
    e->problem_in_key = tail == ':';
    return rjpy_fail(e, NULL, "str with a lone surrogate '\\u%04x' at index %zd cannot be encoded as UTF-8", (unsigned)unit,
                     (Py_ssize_t)text->position);
}

static RJ__NOINLINE uint8_t *
continue_text(rjpy_encoder *e, uint8_t *cur)
{
    for (;;) {
        cur = rj__put_text(&e->text, cur, e->end);
        if (RJ__UNLIKELY(!cur))
            return fail_surrogate(e, &e->text, e->text_tail);
        if (e->text.position == e->text.length && e->end - cur >= RJ_TEXT_END_ROOM)
            break;
        cur = rjpy_next_window(e, cur, 0, e->text.length - e->text.position + RJ_ITEM_ROOM);
        if (!cur)
            return NULL;
    }
    if (e->text_quoted)
        *cur++ = '"';
    if (!RJ__STYLED || e->text_tail)
        *cur++ = e->text_tail;
    if (e->text_tail == ':')
        cur = end_key(e, cur);
    Py_CLEAR(e->text_owner);
    return cur;
}

#include "encode/walk/wide_strings.h"

/* Whether a string of that many units fits into the current window whatever its characters become. */
RJ__INLINE int
is_sure_to_fit(const rjpy_encoder *e, const uint8_t *cur, Py_ssize_t length)
{
    return length * RJ__UNIT_MAX <= e->end - cur - RJ_ITEM_ROOM;
}

/* The quotes of a string whose body lies from first + 1 to `next`, and what follows it. */
RJ__INLINE uint8_t *
end_string(uint8_t *first, uint8_t *next, uint8_t tail)
{
    *first = '"';
    next[0] = '"';
    next[1] = tail;
    return next + 2;
}

/* Any string. */
static RJ__NOINLINE uint8_t *
put_string(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    rj__text text;
    if (RJ__UNLIKELY(rjpy_text_from_str(e, str, &text) < 0))
        return rjpy_stop_error(e);
    if (e->str_sink && (text.kind == RJ__TEXT_UCS2 || text.kind == RJ__TEXT_UCS4) && !text.ascii)
        return put_wide_string(e, cur, text, tail);
    if (RJ__LIKELY(is_sure_to_fit(e, cur, (Py_ssize_t)text.length))) { /* nothing can interrupt it, so nobody must own it */
        uint8_t *next = rj__put_text(&text, cur + 1, e->end);
        if (RJ__LIKELY(next != NULL)) {
            next = end_string(cur, next, tail);
            return tail == ':' ? end_key(e, next) : next;
        }
        text.position = 0;
    }
    *cur++ = '"';
    e->text = text;
    e->text_owner = Py_NewRef(str);
    e->text_quoted = 1;
    e->text_tail = tail;
    return continue_text(e, cur);
}

/* Text that is JSON already; `owner` keeps it alive. */
static RJ__NOINLINE uint8_t *
put_verbatim(rjpy_encoder *e, uint8_t *cur, PyObject *owner, const void *data, Py_ssize_t length)
{
    e->text = (rj__text){.data = data, .length = (size_t)length, .kind = e->str_sink ? RJ__TEXT_UNCUT : RJ__TEXT_RAW};
    e->text_owner = Py_NewRef(owner);
    e->text_quoted = 0;
    e->text_tail = ',';
    e->has_verbatim = 1;
    return continue_text(e, cur);
}

/* Raw JSON with characters outside ASCII. */
static RJ__NOINLINE uint8_t *
put_non_ascii_raw(rjpy_encoder *e, uint8_t *cur, PyObject *raw)
{
    PyObject *bytes = rjpy_raw_bytes(raw);
    e->non_ascii = 1;
    if (!e->str_sink)
        return put_verbatim(e, cur, bytes, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    PyObject *str = rjpy_raw_str(raw);
    if (!str)
        return rjpy_stop_error(e);
    if (PyUnicode_KIND(str) == PyUnicode_1BYTE_KIND) {
        cur = put_verbatim(e, cur, str, PyUnicode_DATA(str), PyUnicode_GET_LENGTH(str));
    }
    else {
        int width = (int)PyUnicode_KIND(str) > e->str_sink->width ? (int)PyUnicode_KIND(str) : e->str_sink->width;
        cur = rjpy_widen_output(e, cur, width);
        if (cur && rjpy_str_sink_append(e->str_sink, str) < 0)
            cur = rjpy_stop_error(e);
        else if (cur)
            *cur++ = ',';
    }
    Py_DECREF(str);
    return cur;
}

/* ---- the short paths, inside of the current window */

_Static_assert(RJ_STR_HEADER >= RJ__BEFORE, "rj__copy_clean reads into a str's header");
_Static_assert(2 * (RJ_SHORT_STRING + 3) + RJ__NUMBER_ROOM + RJ__AFTER <= RJ_ITEM_ROOM, "a key and a value must fit");

/* These are the short paths for strings that have escapes or are not ASCII: for those that are sure to fit and have
 * nothing rare about them; NULL for any other, with everything as it was. They run no Python code. Each is a
 * function of its own, so that what one of them needs in registers costs nothing in the others. */

/* Longer strings are written by a function of their own. Few keys are as long as others. */
#define RJ_IN_LINE 32
#define RJ_KEY_IN_LINE 16

/* Bytes that pass but for escapes, fewer than there is room for; NULL where that is too little for what may become
 * of them. */
RJ__INLINE uint8_t *
put_passing(const rjpy_encoder *e, uint8_t *cur, const uint8_t *data, Py_ssize_t length, uint8_t tail)
{
    uint8_t *next = rj__put_passing(data, (size_t)length, cur + 1, e->end);
    return RJ__LIKELY(next != NULL) ? end_string(cur, next, tail) : NULL;
}

/* put_passing for bytes that are known to have escapes. */
RJ__INLINE uint8_t *
put_dirty(const rjpy_encoder *e, uint8_t *cur, const uint8_t *data, Py_ssize_t length, uint8_t tail)
{
    uint8_t *next = rj__put_dirty(data, (size_t)length, cur + 1, e->end);
    return RJ__LIKELY(next != NULL) ? end_string(cur, next, tail) : NULL;
}

/* An ASCII string of up to RJ__SHORT_DIRTY bytes that has escapes. */
static RJ__NOINLINE uint8_t *
put_short_dirty(const rjpy_encoder *e, uint8_t *cur, const uint8_t *data, Py_ssize_t length, uint8_t tail)
{
    if (RJ__UNLIKELY(!is_sure_to_fit(e, cur, length)))
        return NULL;
    return end_string(cur, rj__put_short_dirty(data, (size_t)length, cur + 1), tail);
}

/* A string that is not ASCII, and that keeps no UTF-8 form. */
static RJ__NOINLINE uint8_t *
put_units_as_utf8(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    size_t length = (size_t)PyUnicode_GET_LENGTH(str), done = 1;
    uint8_t *next = cur + 1;
    if (RJ__UNLIKELY(!is_sure_to_fit(e, cur, (Py_ssize_t)length)))
        return NULL;
    switch (PyUnicode_KIND(str)) {
    case PyUnicode_1BYTE_KIND:
        for (size_t i = 0; i < length; i += done)
            done = rj__step_bytes(PyUnicode_1BYTE_DATA(str) + i, length - i, &next, e->end, RJ__HIGH_TWO_BYTES);
        break;
    case PyUnicode_2BYTE_KIND:
        for (size_t i = 0; i < length && done; i += done)
            done = rj__step_ucs2(PyUnicode_2BYTE_DATA(str) + i, length - i, &next, e->end);
        break;
    default:
        for (size_t i = 0; i < length && done; i += done)
            done = rj__step_ucs4(PyUnicode_4BYTE_DATA(str) + i, length - i, &next, e->end);
    }
    return done ? end_string(cur, next, tail) : NULL;
}

/* A string of `from` bytes a character, to a result str of `to`. */
RJ__INLINE uint8_t *
put_wide_from_to(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, int from, int to)
{
    rjpy_str_sink *out = e->str_sink;
    size_t length = (size_t)PyUnicode_GET_LENGTH(str), pending = (size_t)(cur - e->start), before = out->length;
    size_t end = before + pending + length + 2; /* quotes */
    if (RJ__UNLIKELY(out->capacity < end + length + RJ_UNITS_ROOM) || RJ__UNLIKELY((before ^ end) >> RJ_PACE_BITS))
        return NULL;
    uint8_t *at = rjpy_str_sink_place(out, to);
    widen_window(e, cur, at, to);
    at += pending * (size_t)to;
    rj__set_unit(at, to, 0, '"');
    at += to;
    size_t clean = rj__copy_clean_units(PyUnicode_DATA(str), from, length, at, to);
    if (RJ__UNLIKELY(clean < length)) {
        length = put_short_escapes(PyUnicode_DATA(str), clean, length, at, from, to);
        if (length == 0)
            return NULL;
    }
    rj__set_unit(at, to, length, '"');
    out->length = before + pending + length + 2;
    e->start[0] = tail;
    return e->start + 1;
}

/* A string that is no wider than the result str, which is wide. */
static RJ__NOINLINE uint8_t *
put_wide_by_width(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    if (e->str_sink->width == 2)
        return put_wide_from_to(e, cur, str, tail, 2, 2);
    return PyUnicode_KIND(str) == PyUnicode_2BYTE_KIND ? put_wide_from_to(e, cur, str, tail, 2, 4)
                                                       : put_wide_from_to(e, cur, str, tail, 4, 4);
}

/* put_wide_by_width for a few units, behind a single comma or bracket: what lists of short strings consist of. */
RJ__INLINE uint8_t *
put_few_units(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, int from, int to)
{
    rjpy_str_sink *out = e->str_sink;
    size_t length = (size_t)PyUnicode_GET_LENGTH(str);
    size_t end = out->length + length + 3; /* quotes, and what comes before them */
    if (RJ__UNLIKELY(length > (size_t)RJ__FEW_UNITS(to)) || RJ__UNLIKELY(end > out->limit) ||
        RJ__UNLIKELY(cur != e->start + 1))
        return put_wide_by_width(e, cur, str, tail);
    uint8_t *at = rjpy_str_sink_place(out, to);
    rj__set_unit(at, to, 0, e->start[0]);
    rj__set_unit(at, to, 1, '"');
    if (RJ__UNLIKELY(rj__copy_few_units(PyUnicode_DATA(str), from, length, at + 2 * to, to)))
        return put_wide_by_width(e, cur, str, tail);
    rj__set_unit(at, to, length + 2, '"');
    out->length = end;
    e->start[0] = tail;
    return cur;
}

static RJ__NOINLINE uint8_t *
put_wide_in_window(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    unsigned kind = PyUnicode_KIND(str);
    if (e->str_sink->width == 2)
        return kind == PyUnicode_2BYTE_KIND ? put_few_units(e, cur, str, tail, 2, 2) : NULL;
    if (e->str_sink->width == 4)
        return kind == PyUnicode_2BYTE_KIND ? put_few_units(e, cur, str, tail, 2, 4)
                                            : put_few_units(e, cur, str, tail, 4, 4);
    return NULL;
}

/* Bytes of a string that is not ASCII. `alone`: nothing before them need be readable. */
RJ__INLINE uint8_t *
put_non_ascii_bytes(const rjpy_encoder *e, uint8_t *cur, const uint8_t *data, Py_ssize_t length, uint8_t tail, int alone)
{
    if (RJ__UNLIKELY(length > e->end - cur - RJ_ITEM_ROOM))
        return NULL;
    if (length > RJ_IN_LINE)
        return put_passing(e, cur, data, length, tail);
    size_t dirty =
        alone ? rj__copy_clean_alone(data, (size_t)length, cur + 1) : rj__copy_clean(data, (size_t)length, cur + 1, 0);
    return RJ__LIKELY(!dirty) ? end_string(cur, cur + 1 + length, tail) : put_dirty(e, cur, data, length, tail);
}

/* The bytes of a string as the window takes them; NULL if it has none such. */
RJ__INLINE const uint8_t *
bytes_in_place(rjpy_encoder *e, PyObject *str, size_t *length)
{
    *length = 0;
    if (RJ__UNLIKELY(!PyUnicode_IS_COMPACT(str)))
        return NULL;
    *length = (size_t)PyUnicode_GET_LENGTH(str);
    if (RJ__LIKELY(PyUnicode_IS_ASCII(str)))
        return rjpy_str_ascii(str);
    e->non_ascii = 1;
    if (e->str_sink)
        return PyUnicode_KIND(str) == PyUnicode_1BYTE_KIND ? PyUnicode_1BYTE_DATA(str) : NULL;
    return rjpy_str_kept_utf8(str, length);
}

/* What put_ascii_string returned NULL for. NULL too where the characters do not lie behind the header, whose bytes
 * may be read with them. */
static RJ__NOINLINE uint8_t *
put_escaped_or_non_ascii(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    if (RJ__UNLIKELY(!PyUnicode_IS_COMPACT(str)) || (RJ__STYLED && e->options->ensure_ascii))
        return NULL;
    if (PyUnicode_IS_ASCII(str)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(str);
        if (length <= RJ__SHORT_DIRTY)
            return put_short_dirty(e, cur, PyUnicode_DATA(str), length, tail);
        return length <= RJ_IN_LINE ? put_dirty(e, cur, PyUnicode_DATA(str), length, tail) : NULL;
    }
    size_t length;
    const uint8_t *data = bytes_in_place(e, str, &length);
    if (data)
        return put_non_ascii_bytes(e, cur, data, (Py_ssize_t)length, tail, !e->str_sink);
    return e->str_sink ? put_wide_in_window(e, cur, str, tail) : put_units_as_utf8(e, cur, str, tail);
}

/* An ASCII string that is sure to fit, and one of up to RJ_IN_LINE characters if it needs no escapes; NULL for any other. */
RJ__INLINE uint8_t *
put_ascii_string(const rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    if (RJ__UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(str)))
        return NULL;
    const size_t length = rjpy_str_length(str);
    const uint8_t *data = rjpy_str_ascii(str);
    const int ascii = RJ__STYLED ? e->options->ensure_ascii : 0;
    if (length > (tail == ':' ? RJ_KEY_IN_LINE : RJ_IN_LINE)) {
        if (length > RJ_SHORT_STRING && (ptrdiff_t)length > e->end - cur - RJ_ITEM_ROOM)
            return NULL;
        if (!ascii)
            return put_passing(e, cur, data, (Py_ssize_t)length, tail);
    }
    if (RJ__UNLIKELY(rj__copy_clean(data, length, cur + 1, ascii)))
        return NULL;
    return end_string(cur, cur + 1 + length, tail);
}

/* A string by the first of the short paths that takes it; NULL if none does. */
RJ__INLINE uint8_t *
put_string_in_window(rjpy_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    uint8_t *next = put_ascii_string(e, cur, str, tail);
    return RJ__LIKELY(next != NULL) ? next : put_escaped_or_non_ascii(e, cur, str, tail);
}

#undef RJ_TEXT_END_ROOM
