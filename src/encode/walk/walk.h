/*
 * The walk, compiled once per instruction set as a whole (a pointer per string kernel costs 8 to 13 %).
 *
 * Conventions: every value ends with a comma, which the closing bracket overwrites and the end of the document drops. A walk
 * function takes the write position and returns the new one, or NULL when it stopped (e->stop says why). A container
 * is entered (push_level) before its walk function, which leaves it.
 */
#include "arch/common/text_body.h"
#include "encode/types/array.h"
#include "encode/walk/headers.h"
#include "number/shortest.h"

#if RJ__STYLED
#define RJ__ENCODE RJ__SHARED(rjpy_encode_styled)
#else
#define RJ__ENCODE RJ__SHARED(rjpy_encode)
#endif

static uint8_t *put_value(rjpy_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *put_arranged_dict(rjpy_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *put_with_known_plan(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_plan *plan);
static uint8_t *put_date_or_uuid(rjpy_encoder *e, uint8_t *cur, PyObject *v);
static uint8_t *put_subclass_or_planned(rjpy_encoder *e, uint8_t *cur, PyObject *v);

/* ---- levels */

/* Puts `obj` on the native stack; `used`: see rjpy_walk_level. 0 where that is too deep: for max_depth (e->stop is
 * ERROR) or for the native stack (DEEP; the value has been spilled to be begun later). Whether it is inside of
 * itself has not been looked at. */
RJ__INLINE int
push_level(rjpy_encoder *e, uint8_t *cur, PyObject *obj, Py_ssize_t used)
{
    if (RJ__UNLIKELY(&e->levels[e->native] >= e->levels_end))
        return rjpy_refuse_entry(e, cur, obj);
    e->levels[e->native++] = (rjpy_walk_level){obj, 0, used, 0, 0};
    if (RJ_FREE_THREADED)
        rjpy_own_ancestors(e);
    return 1;
}

/* push_level for what may run Python code of its own: sure not to be inside of itself. */
RJ__INLINE int
enter(rjpy_encoder *e, uint8_t *cur, PyObject *obj)
{
    return push_level(e, cur, obj, RJ_NOT_WALKED) && rjpy_become_parent(e);
}

#include "encode/walk/layout.h"
#include "encode/walk/strings.h"

#include "encode/walk/scalars.h"

/* Before a source is asked for an item (or `default`, NULL): 1 if the walk has to pause here first, on an event loop. */
RJ__INLINE int
pause_before(rjpy_encoder *e, uint8_t *cur, PyObject *source, int is_async)
{
    if (RJ__LIKELY(!e->coop))
        return 0;
    rjpy_pause_reason reason = rjpy_coop_pause_reason(e->coop, source, is_async);
    if (reason == RJ_PAUSE_NONE)
        return 0;
    rjpy_pause_here(e, cur, reason);
    return 1;
}

#include "encode/walk/runs.h"
#include "encode/walk/keys.h"
#include "encode/walk/plain.h"
#include "encode/walk/levels.h"
#include "encode/walk/lazy.h"
#include "encode/walk/members.h"
#include "encode/walk/types.h"

/* A list or tuple subclass: by its own __iter__ if it has one, as json does. */
static RJ__NOINLINE uint8_t *
put_sequence_subclass(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    if (e->options->namedtuple_as_object && PyTuple_Check(v)) {
        rjpy_plan *plan = rjpy_plan_of(e, v);
        if (!plan || plan->form == RJ_FORM_FIELDS) {
            cur = plan ? put_fields(e, cur, v, plan) : rjpy_stop_error(e);
            Py_XDECREF(plan);
            return cur;
        }
        Py_DECREF(plan);
    }
    getiterfunc own = Py_TYPE(v)->tp_iter;
    if (own == (PyList_Check(v) ? PyList_Type.tp_iter : PyTuple_Type.tp_iter))
        return put_container(e, cur, v);
    rjpy_enter_python(e);
    return put_iterable(e, cur, v);
}

/* Whether an object's type is derived from one that JSON has a name for. */
RJ__INLINE int
is_basic_subclass(PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
        type == &PyDict_Type || type == &PyList_Type || type == &PyTuple_Type || rjpy_is_frozendict_exact(v))
        return 0;
    return PyUnicode_Check(v) || PyLong_Check(v) || PyFloat_Check(v) || PyDict_Check(v) || PyList_Check(v) ||
           PyTuple_Check(v) || rjpy_is_frozendict(v);
}

/* Any value. It must be owned by the caller or a container on the stack. */
static RJ__NOINLINE uint8_t *
put_value_held(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    if (RJ__UNLIKELY(e->options->passthrough & RJ_GROUP_SUBCLASS) && is_basic_subclass(v))
        return put_default(e, cur, v);
    if (PyUnicode_Check(v))
        return put_string(e, cur, v, ',');
    if (PyLong_Check(v) && !PyBool_Check(v))
        return put_any_int(e, cur, v);
    if (PyFloat_Check(v))
        return put_any_float(e, cur, v);
    if (PyDict_CheckExact(v))
        return put_container(e, cur, v);
    if (PyDict_Check(v) || rjpy_is_frozendict(v))
        return put_dict_subclass(e, cur, v);
    if (PyList_CheckExact(v) || PyTuple_CheckExact(v))
        return put_container(e, cur, v);
    if (PyList_Check(v) || PyTuple_Check(v))
        return put_sequence_subclass(e, cur, v);
    if (Py_IS_TYPE(v, e->state->raw_type)) {
        if (rjpy_raw_is_non_ascii(v))
            return put_non_ascii_raw(e, cur, v);
        return put_verbatim(e, cur, rjpy_raw_bytes(v), PyBytes_AS_STRING(rjpy_raw_bytes(v)),
                            PyBytes_GET_SIZE(rjpy_raw_bytes(v)));
    }
    if ((PyIter_Check(v) && !(e->options->passthrough & RJ_GROUP_ITERATOR)) ||
        (rjpy_coop_awaits(e->coop) && rjpy_is_async_iterable(v)))
        return put_source(e, cur, v);
    return put_by_type(e, cur, v);
}

/* What is neither a scalar nor a container of exact type. */
static RJ__NOINLINE uint8_t *
put_subclass_or_planned(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type)
        return put_string(e, cur, v, ',');
    rjpy_plan *plan = rjpy_known_plan(&e->cache->plans, type);
    if (plan && plan->group != RJ_GROUP_SUBCLASS)
        return put_with_known_plan(e, cur, v, plan);
    return put_value(e, cur, v);
}

/* Owns the value meanwhile: a list's or dict's item may lose its place as soon as Python code runs. */
static RJ__NOINLINE uint8_t *
put_value(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    Py_INCREF(v);
    uint8_t *next = put_scalar(e, cur, v);
    cur = next ? next : put_value_held(e, cur, v);
    Py_DECREF(v);
    return cur;
}

/* ---- the driver */

/* Goes on with a level that was spilled (and taken off the heap stack). Its references are the frame's. */
static uint8_t *
resume_frame(rjpy_encoder *e, uint8_t *cur, rjpy_frame *f)
{
    if (f->kind == RJ_FRAME_VALUE)
        return put_value(e, cur, f->obj);
    if (f->kind == RJ_FRAME_PAIR)
        return put_pair(e, cur, f->key, f->value);
    if (f->kind == RJ_FRAME_CLOSE)
        return put_bracket(cur, (uint8_t)f->pos);
    if (f->kind == RJ_FRAME_DEFAULT && !(e->coop && e->coop->arrived))
        return cur; /* its value is complete */
    e->levels[0] = (rjpy_walk_level){f->obj, f->pos, RJ_NOT_WALKED, 0, 0};
    e->native = 1;
    if (RJ_FREE_THREADED)
        rjpy_own_ancestors(e);
    if (!rjpy_become_parent(e))
        return NULL;
    switch (f->kind) {
    case RJ_FRAME_DEFAULT:
        return put_default_result(e, cur, f->obj, take_arrival(e, cur, RJ_ARRIVAL_READY));
    case RJ_FRAME_SEQUENCE:
    case RJ_FRAME_DICT:
        e->levels[0].used = f->used;
        e->waiting = Py_XNewRef(f->value);
        return walk(e, cur, 0);
    case RJ_FRAME_ENTRIES:
        return walk_entries(e, cur, f->obj, f->iterator, f->pos, f->value);
    case RJ_FRAME_FIELDS:
        return walk_fields(e, cur, f->obj, f->iterator, f->pos, f->value);
    case RJ_FRAME_ARRAY:
        return walk_array(e, cur, f->obj, f->iterator, 1);
    case RJ_FRAME_ITERATOR:
    case RJ_FRAME_ASYNC:
        return walk_iterator(e, cur, f->obj, f->iterator, f->pos, f->kind == RJ_FRAME_ASYNC);
    default: {
        PyObject *key = f->key, *value = f->value;
        f->key = f->value = NULL;
        return walk_pairs(e, cur, f->obj, f->iterator, key, value);
    }
    }
}

/* Finishes what the heap stack and the current text say. Returns the end of the document, or NULL: paused or failed. */
static uint8_t *
finish_frames(rjpy_encoder *e, uint8_t *cur)
{
    for (;;) {
        if (cur && e->text_owner)
            cur = continue_text(e, cur);
        if (!cur || e->frame_count == 0)
            return cur;
        if (is_full(e, cur)) {
            cur = rjpy_next_window(e, cur, 1, 0);
            if (!cur)
                return NULL;
        }
        rjpy_frame f = rjpy_pop_frame(e);
        size_t mark = e->frame_count;
        e->native = e->owned = 0;
        cur = resume_frame(e, cur, &f);
        rjpy_clear_frame(&f);
        if (!cur) {
            rjpy_order_frames(e, mark);
            if (e->stop != RJ_STOP_DEEP)
                return NULL;
            cur = e->cur;
        }
    }
}

static uint8_t *
begin(rjpy_encoder *e, uint8_t *cur)
{
    e->native = e->owned = 0;
    cur = put_non_scalar(e, cur, e->root);
    if (cur)
        return cur;
    rjpy_order_frames(e, 0);
    return e->stop == RJ_STOP_DEEP ? e->cur : NULL;
}

rjpy_run
RJ__ENCODE(rjpy_encoder *e)
{
    e->stop = RJ_STOP_NONE;
    uint8_t *cur = rjpy_open_window(e, 0);
    if (cur && !e->started) {
        e->started = 1;
        cur = begin(e, cur);
    }
    if (cur)
        cur = finish_frames(e, cur);
    if (!cur)
        return e->stop == RJ_STOP_PAUSE ? RJ_RUN_PAUSED : RJ_RUN_FAILED;
    /* The comma after the document is not part of it. */
    cur[-1] = '\n';
    if (rj_sink_take(e->sink, (size_t)(cur - !e->options->append_newline - e->start)) < 0) {
        rjpy_stop_error(e);
        return RJ_RUN_FAILED;
    }
    return RJ_RUN_DONE;
}
