/*
 * The walk, compiled once per instruction set as a whole (a pointer per string kernel costs 8 to 13 %).
 *
 * Conventions: every value ends with a comma, which the closing bracket overwrites and the end of the document drops. A walk
 * function takes the write position and returns the new one, or NULL when it stopped (e->stop says why). A container
 * is entered (rj_enter) before its walk function, which leaves it.
 */
#include "array.h"
#include "cpython/dict_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode.h"
#include "number.h"
#include "raw.h"
#include "shortest.h"
#include "types.h"

#define walk_sequence RJ__NAME(walk_sequence)
#define walk_dict RJ__NAME(walk_dict)
#define put_sequence RJ__NAME(put_sequence)
#define put_value RJ__NAME(put_value)

/* What continue_text needs at the end: a quote, and what follows it. */
#define RJ_TEXT_END_ROOM (2 + (RJ__STYLED ? RJ_SEPARATOR_MAX : 0))

static uint8_t *walk_sequence(rj_encoder *e, uint8_t *cur, PyObject *seq, Py_ssize_t i);
static uint8_t *walk_dict(rj_encoder *e, uint8_t *cur, PyObject *dict, Py_ssize_t pos, Py_ssize_t used, PyObject *value);
static uint8_t *put_value(rj_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *RJ__NAME(put_sorted_dict)(rj_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *RJ__NAME(put_known)(rj_encoder *e, uint8_t *cur, PyObject *v, rj_plan *plan);

/* ---- levels */

/* Puts `obj` on the native stack. 0 where that is impossible: circular, too deep for max_depth (e->stop is ERROR) or for the
 * native stack (DEEP; the value has been laid down to be begun later). */
RJ__INLINE int
enter(rj_encoder *e, uint8_t *cur, PyObject *obj)
{
    int native = e->native;
    for (int i = 0; i < native; i++)
        if (RJ__UNLIKELY(e->chain[i] == obj))
            return rj_refuse_entry(e, cur, obj);
    if (RJ__UNLIKELY(native >= e->native_limit) || RJ__UNLIKELY(e->frame_count && rj_is_open_on_heap(e, obj)))
        return rj_refuse_entry(e, cur, obj);
    e->chain[native] = obj;
    e->native = native + 1;
    return 1;
}

/* Takes the innermost level off. May run Python code: the last reference to its container may go. */
RJ__INLINE void
leave(rj_encoder *e)
{
    int native = --e->native;
    if (RJ__UNLIKELY(e->owned > native)) {
        e->owned = native;
        Py_DECREF(e->chain[native]);
    }
}

#include "encode_layout_body.h"

/* ---- text: strings, raw JSON and big ints, over any number of windows */

/* e->text is at a lone surrogate that cannot be written. */
static RJ__NOINLINE uint8_t *
RJ__NAME(fail_surrogate)(rj_encoder *e, uint8_t tail)
{
    uint32_t unit = rj__unit(e->text.data, e->text.kind == RJ__TEXT_UCS2 ? 2 : 4, e->text.position);
    e->problem_in_key = tail == ':';
    return rj_fail(e, NULL, "str with a lone surrogate '\\u%04x' at index %zd cannot be encoded as UTF-8", (unsigned)unit,
                   (Py_ssize_t)e->text.position);
}

static RJ__NOINLINE uint8_t *
continue_text(rj_encoder *e, uint8_t *cur)
{
    for (;;) {
        cur = rj__put_text(&e->text, cur, e->end);
        if (RJ__UNLIKELY(!cur))
            return RJ__NAME(fail_surrogate)(e, e->text_tail);
        if (e->text.position == e->text.length && e->end - cur >= RJ_TEXT_END_ROOM)
            break;
        cur = rj_next_window(e, cur, 0, e->text.length - e->text.position + RJ_ITEM_ROOM);
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

#include "encode_units_body.h"

/* Whether a string of that many units fits into the window at hand whatever its characters become. */
RJ__INLINE int
is_sure_to_fit(const rj_encoder *e, const uint8_t *cur, Py_ssize_t length)
{
    return length * RJ__UNIT_MAX <= e->end - cur - RJ_ITEM_ROOM;
}

/* Longer texts are not copied on the chance that nothing in them is to be escaped. */
#define RJ_CLEAN_MAX 1024

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
put_string(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    rj__text text;
    if (RJ__UNLIKELY(rj_text_from_str(e, str, &text) < 0))
        return rj_stop_error(e);
    if (e->str_sink && (text.kind == RJ__TEXT_UCS2 || text.kind == RJ__TEXT_UCS4) && !text.ascii)
        return RJ__NAME(put_wide_string)(e, cur, &text, tail);
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
put_verbatim(rj_encoder *e, uint8_t *cur, PyObject *owner, const void *data, Py_ssize_t length)
{
    e->text = (rj__text){.data = data, .length = (size_t)length, .kind = e->str_sink ? RJ__TEXT_UNCUT : RJ__TEXT_RAW};
    e->text_owner = Py_NewRef(owner);
    e->text_quoted = 0;
    e->text_tail = ',';
    return continue_text(e, cur);
}

/* Raw JSON with characters outside ASCII. */
static RJ__NOINLINE uint8_t *
RJ__NAME(put_non_ascii_raw)(rj_encoder *e, uint8_t *cur, PyObject *raw)
{
    PyObject *bytes = rj_raw_bytes(raw);
    e->non_ascii = 1;
    if (!e->str_sink)
        return put_verbatim(e, cur, bytes, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    PyObject *str = rj_raw_str(raw);
    if (!str)
        return rj_stop_error(e);
    if (PyUnicode_KIND(str) == PyUnicode_1BYTE_KIND) {
        cur = put_verbatim(e, cur, str, PyUnicode_DATA(str), PyUnicode_GET_LENGTH(str));
    }
    else {
        int width = (int)PyUnicode_KIND(str) > e->str_sink->width ? (int)PyUnicode_KIND(str) : e->str_sink->width;
        cur = rj_widen_output(e, cur, width);
        if (cur && rj_str_sink_append(e->str_sink, str) < 0)
            cur = rj_stop_error(e);
        else if (cur)
            *cur++ = ',';
    }
    Py_DECREF(str);
    return cur;
}

/* ---- scalars */

_Static_assert(sizeof(PyASCIIObject) >= RJ__BEFORE, "rj__copy_clean reads into a str's header");
_Static_assert(2 * (RJ_SHORT_STRING + 3) + RJ__NUMBER_ROOM + RJ__AFTER <= RJ_ITEM_ROOM, "a key and a value must fit");

/* These are the short ways for strings that are more than plain ASCII: for those that are sure to fit and have nothing rare about
 * them; NULL for any other, with everything as it was. They run no Python code. Each is a function of its own, so that what one of
 * them needs in registers costs nothing in the others. */

/* Bytes that are written as they are, but for escapes. The first `clean` of them are there already. */
static RJ__NOINLINE uint8_t *
RJ__NAME(put_dirty_bytes)(rj_encoder *e, uint8_t *cur, const uint8_t *data, Py_ssize_t length, uint8_t tail, size_t clean)
{
    if (RJ__UNLIKELY(!is_sure_to_fit(e, cur, length)))
        return NULL;
    uint8_t *next = cur + 1 + clean;
    for (size_t i = clean; i < (size_t)length;)
        i += rj__step_bytes(data + i, (size_t)length - i, &next, e->end, RJ__HIGH_PASS);
    return end_string(cur, next, tail);
}

/* Not ASCII, and nobody has its UTF-8 form yet. */
static RJ__NOINLINE uint8_t *
RJ__NAME(put_fresh)(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
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

/* A string of `from` bytes a character, to a str in the making of `to`. */
RJ__INLINE uint8_t *
put_clean_units(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, int from, int to)
{
    rj_str_sink *out = e->str_sink;
    size_t length = (size_t)PyUnicode_GET_LENGTH(str), pending = (size_t)(cur - e->start);
    size_t end = out->length + pending + length + 2; /* quotes */
    if (RJ__UNLIKELY(out->capacity < end + RJ_UNITS_ROOM) || RJ__UNLIKELY((out->length ^ end) >> RJ_PACE_BITS))
        return NULL;
    uint8_t *at = rj_str_sink_place(out, to);
    widen_window(e, cur, at, to);
    at += pending * (size_t)to;
    rj__set_unit(at, to, 0, '"');
    at += to;
    if (RJ__UNLIKELY(rj__copy_clean_units(PyUnicode_DATA(str), from, length, at, to) < length))
        return NULL;
    rj__set_unit(at, to, length, '"');
    out->length = end;
    e->start[0] = tail;
    return e->start + 1;
}

/* One that is no wider than the str in the making, which is wide. */
static RJ__NOINLINE uint8_t *
RJ__NAME(put_clean_wide)(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    if (e->str_sink->width == 2)
        return put_clean_units(e, cur, str, tail, 2, 2);
    return PyUnicode_KIND(str) == PyUnicode_2BYTE_KIND ? put_clean_units(e, cur, str, tail, 2, 4)
                                                       : put_clean_units(e, cur, str, tail, 4, 4);
}

/* The same for a few units, behind a single comma or bracket: what lists of short strings consist of. */
RJ__INLINE uint8_t *
put_few_units(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, int from, int to)
{
    rj_str_sink *out = e->str_sink;
    size_t length = (size_t)PyUnicode_GET_LENGTH(str);
    size_t end = out->length + length + 3; /* quotes, and what comes before them */
    if (RJ__UNLIKELY(length > (size_t)RJ__FEW_UNITS(to)) || RJ__UNLIKELY(end > out->limit) ||
        RJ__UNLIKELY(cur != e->start + 1))
        return RJ__NAME(put_clean_wide)(e, cur, str, tail);
    uint8_t *at = rj_str_sink_place(out, to);
    rj__set_unit(at, to, 0, e->start[0]);
    rj__set_unit(at, to, 1, '"');
    if (RJ__UNLIKELY(rj__copy_few_units(PyUnicode_DATA(str), from, length, at + 2 * to, to)))
        return NULL;
    rj__set_unit(at, to, length + 2, '"');
    out->length = end;
    e->start[0] = tail;
    return cur;
}

static RJ__NOINLINE uint8_t *
RJ__NAME(put_few_wide)(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail)
{
    unsigned kind = PyUnicode_KIND(str);
    if (e->str_sink->width == 2)
        return kind == PyUnicode_2BYTE_KIND ? put_few_units(e, cur, str, tail, 2, 2) : NULL;
    if (e->str_sink->width == 4)
        return kind == PyUnicode_2BYTE_KIND ? put_few_units(e, cur, str, tail, 2, 4)
                                            : put_few_units(e, cur, str, tail, 4, 4);
    return NULL;
}

static RJ__NOINLINE uint8_t *
RJ__NAME(put_less_plain)(rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, size_t clean)
{
    if (RJ__UNLIKELY(!RJ_STR_IS_READY(str)) || (RJ__STYLED && e->options->ensure_ascii))
        return NULL;
    const uint8_t *data;
    Py_ssize_t length;
    if (PyUnicode_IS_ASCII(str))
        return RJ__NAME(put_dirty_bytes)(e, cur, PyUnicode_DATA(str), PyUnicode_GET_LENGTH(str), tail, clean);
    e->non_ascii = 1;
    if (e->str_sink) {
        if (PyUnicode_KIND(str) != PyUnicode_1BYTE_KIND)
            return RJ__NAME(put_few_wide)(e, cur, str, tail);
        data = PyUnicode_1BYTE_DATA(str);
        length = PyUnicode_GET_LENGTH(str);
    }
    else {
        data = (const uint8_t *)((PyCompactUnicodeObject *)str)->utf8;
        length = ((PyCompactUnicodeObject *)str)->utf8_length;
        if (!data)
            return RJ__NAME(put_fresh)(e, cur, str, tail);
    }
    if (RJ__UNLIKELY(!is_sure_to_fit(e, cur, length)))
        return NULL;
    size_t dirty = length > RJ_CLEAN_MAX ? 1 : rj__copy_clean_alone(data, (size_t)length, cur + 1);
    if (RJ__UNLIKELY(dirty))
        return RJ__NAME(put_dirty_bytes)(e, cur, data, length, tail, dirty - 1);
    return end_string(cur, cur + 1 + length, tail);
}

/* An ASCII string that needs no escapes and is sure to fit; NULL for any other, of which *clean characters need none and are there. */
RJ__INLINE uint8_t *
put_plain_string(const rj_encoder *e, uint8_t *cur, PyObject *str, uint8_t tail, size_t *clean)
{
    *clean = 0;
    if (RJ__UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(str)))
        return NULL;
    Py_ssize_t length = ((PyASCIIObject *)str)->length;
    if (length > RJ_SHORT_STRING && length > e->end - cur - RJ_ITEM_ROOM)
        return NULL;
    const uint8_t *data = (const uint8_t *)((PyASCIIObject *)str + 1);
    size_t dirty = rj__copy_clean(data, (size_t)length, cur + 1, RJ__STYLED ? e->options->ensure_ascii : 0);
    if (RJ__UNLIKELY(dirty)) {
        *clean = dirty - 1;
        return NULL;
    }
    return end_string(cur, cur + 1 + length, tail);
}

RJ__INLINE uint8_t *
put_literal(uint8_t *cur, const char *literal, size_t length)
{
    memcpy(cur, literal, length);
    return cur + length;
}

static RJ__NOINLINE uint8_t *
put_double(uint8_t *cur, double value)
{
    return rj__put_double_inline(cur, value);
}

/* The values that documents consist of, where nothing special is about them; NULL for the rest. Runs no Python code. */
RJ__INLINE uint8_t *
put_scalar(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type) {
        size_t clean;
        uint8_t *next = put_plain_string(e, cur, v, ',', &clean);
        return RJ__LIKELY(next != NULL) ? next : RJ__NAME(put_less_plain)(e, cur, v, ',', clean);
    }
    uint8_t *small = rj_put_small_int(&e->state->known, cur, v);
    if (small)
        return small;
    if (type == &PyLong_Type) {
        int negative;
        uint64_t magnitude;
        if (RJ__UNLIKELY(!rj_long_magnitude(v, &negative, &magnitude)))
            return NULL;
        if (RJ__STYLED && RJ__UNLIKELY(magnitude > e->options->integer_max))
            return NULL;
        cur = rj__put_signed(cur, negative, magnitude);
        *cur = ',';
        return cur + 1;
    }
    if (type == &PyFloat_Type) {
        double value = PyFloat_AS_DOUBLE(v);
        if (RJ__UNLIKELY(!(value - value == 0))) /* NaN or infinite */
            return NULL;
        cur = put_double(cur, value);
        *cur = ',';
        return cur + 1;
    }
    return rj_put_literal(&e->state->known, cur, v);
}

static RJ__NOINLINE uint8_t *
put_any_int(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    int negative;
    uint64_t magnitude;
    int is_large = !rj_long_magnitude(v, &negative, &magnitude);
    if (RJ__UNLIKELY(is_large ? e->options->integer_max != UINT64_MAX : magnitude > e->options->integer_max))
        return rj_fail_js_safe(e);
    if (!is_large) { /* a subclass: its digits, as json does */
        cur = rj__put_signed(cur, negative, magnitude);
        *cur = ',';
        return cur + 1;
    }
    PyObject *text = rj_int_text(e, v);
    if (!text)
        return rj_stop_error(e);
    cur = put_verbatim(e, cur, text, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    Py_DECREF(text);
    return cur;
}

static RJ__NOINLINE uint8_t *
put_any_float(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    double value = PyFloat_AS_DOUBLE(v);
    if (value - value == 0) {
        cur = put_double(cur, value);
    }
    else {
        const char *text = rj_non_finite(e, value);
        if (!text)
            return NULL;
        cur = put_literal(cur, text, strlen(text));
    }
    *cur = ',';
    return cur + 1;
}

/* ---- containers */

/* The depth of an empty container counts too. */
RJ__INLINE int
has_depth(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    return RJ__LIKELY(e->native < e->native_limit) || rj_refuse_entry(e, cur, v);
}

/* Most lists hold nothing but scalars, and fit into the window: these are written here, without a level of their own, since nothing can interrupt
 * that. The first item that is none of these, or has no room, is where walk_sequence goes on. */
static RJ__NOINLINE uint8_t *
put_sequence(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    Py_ssize_t size = Py_SIZE(v);
    if (RJ__UNLIKELY(size == 0))
        return has_depth(e, cur, v) ? put_literal(cur, "[],", 3) : NULL;
    if (RJ__STYLED || RJ__UNLIKELY(e->native >= e->native_limit))
        return RJ__LIKELY(enter(e, cur, v)) ? walk_sequence(e, open_container(e, cur, '['), v, 0) : NULL;
    PyObject **items = PyList_Check(v) ? ((PyListObject *)v)->ob_item : ((PyTupleObject *)v)->ob_item, **item = items;
    PyObject **const stop = items + size;
    const uint8_t *full = full_behind(e);
    cur = open_container(e, cur, '[');
    while (RJ__LIKELY(cur <= full)) {
        uint8_t *next = put_scalar(e, cur, *item);
        if (RJ__UNLIKELY(!next))
            break;
        cur = next;
        if (++item == stop)
            return close_container(e, cur, ']');
    }
    return RJ__LIKELY(enter(e, cur, v)) ? walk_sequence(e, cur, v, item - items) : NULL;
}

RJ__INLINE uint8_t *
put_dict(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    Py_ssize_t used = PyDict_GET_SIZE(v);
    if (RJ__UNLIKELY(used == 0))
        return has_depth(e, cur, v) ? put_literal(cur, "{},", 3) : NULL;
    if (RJ__STYLED && e->options->sort_keys)
        return RJ__NAME(put_sorted_dict)(e, cur, v);
    if (RJ__UNLIKELY(!enter(e, cur, v)))
        return NULL;
    return walk_dict(e, open_container(e, cur, '{'), v, 0, used, NULL);
}

/* What put_scalar declined. */
RJ__INLINE uint8_t *
put_container_or_other(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type)
        return put_string(e, cur, v, ',');
    if (type == &PyDict_Type)
        return put_dict(e, cur, v);
    if (type == &PyList_Type || type == &PyTuple_Type)
        return put_sequence(e, cur, v);
    rj_plan *plan = rj_known_plan(&e->state->plans, type);
    if (plan && plan->group != RJ_GROUP_SUBCLASS)
        return RJ__NAME(put_known)(e, cur, v, plan);
    return put_value(e, cur, v);
}

/* So many items ahead, so that lists whose items lie anywhere in memory do not wait for each. */
#define RJ_PREFETCH 12

RJ__INLINE void
prefetch_item(const void *item)
{
    __builtin_prefetch(item);
    __builtin_prefetch((const char *)item + 64); /* of strings, the contents */
}

static uint8_t *
walk_sequence(rj_encoder *e, uint8_t *cur, PyObject *seq, Py_ssize_t i)
{
    int is_list = PyList_Check(seq);
reload:;
    PyObject **items = is_list ? ((PyListObject *)seq)->ob_item : ((PyTupleObject *)seq)->ob_item;
    Py_ssize_t size = Py_SIZE(seq), ahead = size - RJ_PREFETCH;
    const uint8_t *full = full_behind(e);
    for (;;) {
        if (RJ__UNLIKELY(cur > full)) {
            cur = rj_next_window(e, cur, 1, 0);
            if (!cur)
                goto stopped;
            goto reload;
        }
        if (RJ__UNLIKELY(i >= size))
            break;
        if (i < ahead)
            prefetch_item(items[i + RJ_PREFETCH]);
        PyObject *v = items[i++];
        if (!begin_item(e, &cur, NULL, v))
            goto stopped;
        uint8_t *next = put_scalar(e, cur, v);
        if (RJ__LIKELY(next != NULL)) {
            cur = next;
            continue;
        }
        cur = put_container_or_other(e, cur, v);
        if (RJ__UNLIKELY(!cur))
            goto stopped;
        goto reload;
    }
    leave(e);
    return close_container(e, cur, ']');
stopped:
    rj_push_frame(e, RJ_FRAME_SEQUENCE, seq, NULL, NULL, NULL, i, 0);
    leave(e);
    return NULL;
}

#include "encode_lazy_body.h"
#include "encode_dict_body.h"
#include "encode_types_body.h"

/* A list or tuple subclass: by its own __iter__ if it has one, as json does. */
static RJ__NOINLINE uint8_t *
RJ__NAME(put_sequence_subclass)(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    if (e->options->namedtuple_as_object && PyTuple_Check(v)) {
        rj_plan *plan = rj_plan_of(e, v);
        if (!plan || plan->form == RJ_FORM_FIELDS) {
            cur = plan ? RJ__NAME(put_fields)(e, cur, v, plan) : rj_stop_error(e);
            Py_XDECREF(plan);
            return cur;
        }
        Py_DECREF(plan);
    }
    getiterfunc own = Py_TYPE(v)->tp_iter;
    if (own == (PyList_Check(v) ? PyList_Type.tp_iter : PyTuple_Type.tp_iter))
        return put_sequence(e, cur, v);
    rj_enter_python(e);
    PyObject *iterator = PyObject_GetIter(v);
    if (!iterator)
        return rj_stop_error(e);
    cur = RJ__NAME(put_iterator)(e, cur, v, iterator, 0);
    Py_DECREF(iterator);
    return cur;
}

/* Whether an object's type is derived from one that JSON has a name for. */
RJ__INLINE int
is_basic_subclass(PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
        type == &PyDict_Type || type == &PyList_Type || type == &PyTuple_Type)
        return 0;
    return PyUnicode_Check(v) || PyLong_Check(v) || PyFloat_Check(v) || PyDict_Check(v) || PyList_Check(v) ||
           PyTuple_Check(v);
}

/* Any value. It must be owned by the caller or a container on the stack. */
static RJ__NOINLINE uint8_t *
put_value_held(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    if (RJ__UNLIKELY(e->options->passthrough & RJ_GROUP_SUBCLASS) && is_basic_subclass(v))
        return RJ__NAME(put_default)(e, cur, v);
    if (PyUnicode_Check(v))
        return put_string(e, cur, v, ',');
    if (PyLong_Check(v) && !PyBool_Check(v))
        return put_any_int(e, cur, v);
    if (PyFloat_Check(v))
        return put_any_float(e, cur, v);
    if (PyDict_CheckExact(v))
        return put_dict(e, cur, v);
    if (PyDict_Check(v))
        return RJ__NAME(put_dict_subclass)(e, cur, v);
    if (PyList_CheckExact(v) || PyTuple_CheckExact(v))
        return put_sequence(e, cur, v);
    if (PyList_Check(v) || PyTuple_Check(v))
        return RJ__NAME(put_sequence_subclass)(e, cur, v);
    if (Py_IS_TYPE(v, e->state->raw_type)) {
        if (rj_raw_is_non_ascii(v))
            return RJ__NAME(put_non_ascii_raw)(e, cur, v);
        return put_verbatim(e, cur, rj_raw_bytes(v), PyBytes_AS_STRING(rj_raw_bytes(v)), PyBytes_GET_SIZE(rj_raw_bytes(v)));
    }
    if (e->coop && rj_is_async_iterable(v))
        return RJ__NAME(put_async)(e, cur, v);
    if (PyIter_Check(v) && !(e->options->passthrough & RJ_GROUP_ITERATOR))
        return RJ__NAME(put_iterator)(e, cur, v, v, 0);
    return RJ__NAME(put_typed)(e, cur, v);
}

/* Owns the value meanwhile: a list's or dict's item may lose its place as soon as Python code runs. */
static RJ__NOINLINE uint8_t *
put_value(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    Py_INCREF(v);
    uint8_t *next = put_scalar(e, cur, v);
    cur = next ? next : put_value_held(e, cur, v);
    Py_DECREF(v);
    return cur;
}

/* ---- the driver */

/* Goes on with a level that was laid down (and taken off the heap stack). Its references are the frame's. */
static uint8_t *
RJ__NAME(resume_frame)(rj_encoder *e, uint8_t *cur, rj_frame *f)
{
    if (f->kind == RJ_FRAME_VALUE)
        return put_value(e, cur, f->obj);
    if (f->kind == RJ_FRAME_PAIR)
        return RJ__NAME(put_pair)(e, cur, f->key, f->value);
    if (f->kind == RJ_FRAME_CLOSE)
        return put_bracket(cur, (uint8_t)f->pos);
    if (f->kind == RJ_FRAME_DEFAULT && !(e->coop && e->coop->arrived))
        return cur; /* its value is complete */
    e->chain[0] = f->obj;
    e->native = 1;
    switch (f->kind) {
    case RJ_FRAME_DEFAULT:
        return RJ__NAME(put_default_result)(e, cur, f->obj, take_arrival(e, cur, RJ_ARRIVAL_READY));
    case RJ_FRAME_SEQUENCE:
        return walk_sequence(e, cur, f->obj, f->pos);
    case RJ_FRAME_DICT:
        return walk_dict(e, cur, f->obj, f->pos, f->used, f->value);
    case RJ_FRAME_ENTRIES:
        return RJ__NAME(walk_entries)(e, cur, f->obj, f->iterator, f->pos, f->value);
    case RJ_FRAME_FIELDS:
        return RJ__NAME(walk_fields)(e, cur, f->obj, f->iterator, f->pos, f->value);
    case RJ_FRAME_ARRAY:
        return RJ__NAME(walk_array)(e, cur, f->obj, f->iterator);
    case RJ_FRAME_ITERATOR:
    case RJ_FRAME_ASYNC:
        return RJ__NAME(walk_iterator)(e, cur, f->obj, f->iterator, f->pos, f->kind == RJ_FRAME_ASYNC);
    default: {
        PyObject *key = f->key, *value = f->value;
        f->key = f->value = NULL;
        return RJ__NAME(walk_pairs)(e, cur, f->obj, f->iterator, key, value);
    }
    }
}

/* Finishes what the heap stack and the text at hand say. Returns the end of the document, or NULL: paused or failed. */
static uint8_t *
RJ__NAME(finish_frames)(rj_encoder *e, uint8_t *cur)
{
    for (;;) {
        if (cur && e->text_owner)
            cur = continue_text(e, cur);
        if (!cur || e->frame_count == 0)
            return cur;
        if (is_full(e, cur)) {
            cur = rj_next_window(e, cur, 1, 0);
            if (!cur)
                return NULL;
        }
        rj_frame f = rj_pop_frame(e);
        size_t mark = e->frame_count;
        e->native = e->owned = 0;
        cur = RJ__NAME(resume_frame)(e, cur, &f);
        rj_clear_frame(&f);
        if (!cur) {
            rj_order_frames(e, mark);
            if (e->stop != RJ_STOP_DEEP)
                return NULL;
            cur = e->cur;
        }
    }
}

static uint8_t *
RJ__NAME(begin)(rj_encoder *e, uint8_t *cur)
{
    e->native = e->owned = 0;
    cur = put_container_or_other(e, cur, e->root);
    if (cur)
        return cur;
    rj_order_frames(e, 0);
    return e->stop == RJ_STOP_DEEP ? e->cur : NULL;
}

rj_run
RJ__ENCODE(rj_encoder *e)
{
    e->stop = RJ_STOP_NONE;
    uint8_t *cur = rj_open_window(e, 0);
    if (cur && !e->started) {
        e->started = 1;
        cur = RJ__NAME(begin)(e, cur);
    }
    if (cur)
        cur = RJ__NAME(finish_frames)(e, cur);
    if (!cur)
        return e->stop == RJ_STOP_PAUSE ? RJ_RUN_PAUSED : RJ_RUN_FAILED;
    /* The comma after the document is not part of it. */
    cur[-1] = '\n';
    if (rj_sink_take(e->sink, (size_t)(cur - !e->options->append_newline - e->start)) < 0) {
        rj_stop_error(e);
        return RJ_RUN_FAILED;
    }
    return RJ_RUN_DONE;
}

#undef RJ_TEXT_END_ROOM
#undef walk_sequence
#undef walk_dict
#undef put_sequence
#undef put_value
