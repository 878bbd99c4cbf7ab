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

static uint8_t *walk_sequence(rj_encoder *e, uint8_t *cur, PyObject *seq, Py_ssize_t i);
static uint8_t *walk_dict(rj_encoder *e, uint8_t *cur, PyObject *dict, Py_ssize_t pos, Py_ssize_t used, PyObject *value);
static uint8_t *put_value(rj_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *RJ__NAME(put_sorted_dict)(rj_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *RJ__NAME(put_known)(rj_encoder *e, uint8_t *cur, PyObject *v, rj_plan *plan);

/* ---- levels */

#if defined(RJ__POINTERS)
/* See is_among; there are RJ__POINTERS or more. From the last on, so that none is looked at that is not there. A function of its own, so that others need
 * not align their stack. */
static RJ__NOINLINE int
RJ__NAME(is_among_many)(PyObject *const *ancestors, int count, PyObject *obj)
{
    do {
        count = count > RJ__POINTERS ? count - RJ__POINTERS : 0;
        if (RJ__UNLIKELY(rj__has_pointer((void *const *)(ancestors + count), obj)))
            return 1;
    } while (count > 0);
    return 0;
}
#endif

/* Whether `obj` is one of `count` ancestors. */
RJ__INLINE int
is_among(PyObject *const *ancestors, int count, PyObject *obj)
{
#if defined(RJ__POINTERS)
    if (RJ__UNLIKELY(count >= RJ__POINTERS))
        return RJ__NAME(is_among_many)(ancestors, count, obj);
#endif
    for (int i = 0; i < count; i++)
        if (RJ__UNLIKELY(ancestors[i] == obj))
            return 1;
    return 0;
}

/* Puts `obj` on the native stack. 0 where that is impossible: circular, too deep for max_depth (e->stop is ERROR) or for the
 * native stack (DEEP; the value has been laid down to be begun later). */
RJ__INLINE int
enter(rj_encoder *e, uint8_t *cur, PyObject *obj)
{
    int native = e->native;
    if (RJ__UNLIKELY(is_among(e->chain, native, obj)) || RJ__UNLIKELY(native >= e->native_limit) ||
        RJ__UNLIKELY(e->frame_count && rj_is_open_on_heap(e, obj)))
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
#include "encode_text_body.h"

/* ---- scalars */

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

/* So many items ahead, so that lists whose items lie anywhere in memory do not wait for each. */
#define RJ_PREFETCH 12

RJ__INLINE void
prefetch_item(const void *item)
{
    __builtin_prefetch(item);
    __builtin_prefetch((const char *)item + 64); /* of strings, the contents */
}

#include "encode_run_body.h"

/* Most lists hold nothing but scalars, and fit into the window: these are written here, without a level of their own, since nothing can interrupt
 * that. The first item that is none of these, or has no room, is where walk_sequence goes on. */
static RJ__NOINLINE uint8_t *
put_sequence(rj_encoder *e, uint8_t *cur, PyObject *v)
{
    Py_ssize_t size = Py_SIZE(v);
    if (RJ__UNLIKELY(size == 0))
        return has_depth(e, cur, v) ? put_literal(cur, "[],", 3) : NULL;
    if (RJ__STYLED || RJ__UNLIKELY(e->native >= e->native_limit) || RJ__UNLIKELY(may_have_runs(e)))
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

static uint8_t *
walk_sequence(rj_encoder *e, uint8_t *cur, PyObject *seq, Py_ssize_t i)
{
    int is_list = PyList_Check(seq);
reload:;
    PyObject **items = is_list ? ((PyListObject *)seq)->ob_item : ((PyTupleObject *)seq)->ob_item;
    Py_ssize_t size = Py_SIZE(seq), ahead = size - RJ_PREFETCH;
    const uint8_t *full = full_behind(e);
    const int has_runs = may_have_runs(e);
    if (has_runs && i < size && PyUnicode_CheckExact(items[i])) {
        uint8_t *at = cur; /* so that `cur` can stay in a register */
        i = RJ__NAME(put_run)(e, &at, items + i, items + size) - items;
        cur = at;
    }
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
            if (RJ__UNLIKELY(has_runs))
                goto reload;
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

#undef walk_sequence
#undef walk_dict
#undef put_sequence
#undef put_value
