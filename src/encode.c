/* The encoder's context: windows, levels and ownership; everything about a walk that is not on its hot path. */
#include "encode.h"
#include "cpython/str_access.h"

#include <stdarg.h>

/* ---- errors, recorded here and raised with their path at the end (error.c) */

uint8_t *
rj_stop_error(rj_encoder *e)
{
    e->stop = RJ_STOP_ERROR;
    return NULL;
}

uint8_t *
rj_fail(rj_encoder *e, PyObject *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Py_XDECREF(e->problem);
    e->problem = PyUnicode_FromFormatV(format, args); /* NULL with MemoryError, which is raised instead */
    va_end(args);
    e->problem_type = type ? type : e->state->encode_error;
    return rj_stop_error(e);
}

/* ---- levels */

void
rj_own_ancestors(rj_encoder *e)
{
    for (; e->owned < e->native; e->owned++)
        Py_INCREF(e->chain[e->owned]);
}

void
rj_enter_python(rj_encoder *e)
{
    rj_own_ancestors(e);
    if (e->coop)
        e->coop->ran_python = 1;
}

static Py_ssize_t
depth(const rj_encoder *e)
{
    return (Py_ssize_t)e->frame_count + e->native;
}

void
rj_set_native_limit(rj_encoder *e)
{
    Py_ssize_t left = e->options->max_depth - (Py_ssize_t)e->frame_count;
    e->native_limit = left < RJ_NATIVE_LEVELS ? (int)left : RJ_NATIVE_LEVELS;
}

int
rj_is_open_on_heap(const rj_encoder *e, PyObject *obj)
{
    return rj_ptrset_has(&e->ancestors, obj);
}

static int
is_open(const rj_encoder *e, PyObject *obj)
{
    for (int i = 0; i < e->native; i++)
        if (e->chain[i] == obj)
            return 1;
    return rj_is_open_on_heap(e, obj);
}

int
rj_refuse_entry(rj_encoder *e, uint8_t *cur, PyObject *obj)
{
    if (is_open(e, obj)) {
        rj_fail(e, NULL, "circular reference to a %.200s", Py_TYPE(obj)->tp_name);
    }
    else if (depth(e) >= e->options->max_depth) {
        rj_fail(e, PyExc_RecursionError, "nested deeper than max_depth=%zd", e->options->max_depth);
    }
    else {
        e->cur = cur;
        e->stop = RJ_STOP_DEEP;
        rj_push_frame(e, RJ_FRAME_VALUE, obj, NULL, NULL, NULL, 0, 0);
    }
    return 0;
}

/* Room for one more frame; -1 with MemoryError. */
static int
grow_frames(rj_encoder *e)
{
    if (e->frame_count < e->frame_capacity)
        return 0;
    size_t capacity = e->frame_capacity * 2;
    rj_frame *old = e->frames == e->inline_frames ? NULL : e->frames;
    rj_frame *frames = PyMem_Realloc(old, capacity * sizeof *frames);
    if (!frames) {
        PyErr_NoMemory();
        return -1;
    }
    if (!old)
        memcpy(frames, e->inline_frames, sizeof e->inline_frames);
    e->frames = frames;
    e->frame_capacity = capacity;
    return 0;
}

void
rj_push_frame(rj_encoder *e, rj_frame_kind kind, PyObject *obj, PyObject *iterator, PyObject *key, PyObject *value,
              Py_ssize_t pos, Py_ssize_t used)
{
    if (e->stop == RJ_STOP_ERROR && (e->problem_lost || grow_frames(e) < 0)) {
        /* The path will be incomplete; the error itself counts. */
        e->problem_lost = 1;
        return;
    }
    if (grow_frames(e) < 0 || (kind != RJ_FRAME_VALUE && rj_ptrset_add(&e->ancestors, obj) < 0)) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        e->stop = RJ_STOP_ERROR;
        e->problem_lost = 1;
        return;
    }
    e->frames[e->frame_count++] = (rj_frame){
        Py_NewRef(obj), Py_XNewRef(iterator), Py_XNewRef(key), Py_XNewRef(value), pos, used, kind,
    };
}

rj_frame
rj_pop_frame(rj_encoder *e)
{
    rj_frame f = e->frames[--e->frame_count];
    if (f.kind != RJ_FRAME_VALUE)
        rj_ptrset_remove(&e->ancestors, f.obj);
    rj_set_native_limit(e);
    return f;
}

void
rj_clear_frame(rj_frame *f)
{
    Py_CLEAR(f->obj);
    Py_CLEAR(f->iterator);
    Py_CLEAR(f->key);
    Py_CLEAR(f->value);
}

void
rj_order_frames(rj_encoder *e, size_t mark)
{
    for (size_t i = mark, j = e->frame_count; i + 1 < j; i++) {
        rj_frame f = e->frames[i];
        e->frames[i] = e->frames[--j];
        e->frames[j] = f;
    }
}

/* ---- windows */

uint8_t *
rj_open_window(rj_encoder *e, size_t hint)
{
    rj_window w;
    int rc = rj_sink_lend(e->sink, hint, &w);
    if (rc == RJ_PAUSE) {
        e->stop = RJ_STOP_PAUSE;
        return NULL;
    }
    if (rc < 0)
        return rj_stop_error(e);
    e->start = w.cur;
    e->end = w.end - w.cur > RJ_WINDOW_MAX ? w.cur + RJ_WINDOW_MAX : w.end;
    if (e->held_back) {
        *w.cur++ = e->held;
        e->held_back = 0;
    }
    return w.cur;
}

/* 0, or -1 when the sink failed. */
static int
give_window_back(rj_encoder *e, const uint8_t *cur, int hold)
{
    rj_own_ancestors(e);
    if (hold)
        e->held = cur[-1];
    e->held_back = hold;
    return rj_sink_take(e->sink, (size_t)(cur - e->start) - (size_t)hold) < 0 ? -1 : 0;
}

uint8_t *
rj_next_window(rj_encoder *e, uint8_t *cur, int hold, size_t hint)
{
    if (give_window_back(e, cur, hold) < 0)
        return rj_stop_error(e);
    int rc = e->on_window ? e->on_window(e) : 0;
    if (rc < 0)
        return rj_stop_error(e);
    if (rc > 0) {
        e->stop = RJ_STOP_PAUSE;
        return NULL;
    }
    return rj_open_window(e, hint);
}

uint8_t *
rj_pause_here(rj_encoder *e, uint8_t *cur, rj_pause_reason reason)
{
    e->coop->reason = reason;
    if (give_window_back(e, cur, cur > e->start) < 0)
        return rj_stop_error(e);
    e->stop = RJ_STOP_PAUSE;
    return NULL;
}

/* ---- values that need Python's help */

int
rj_text_from_str(rj_encoder *e, PyObject *str)
{
    if (RJ_STR_READY(str) < 0)
        return -1;
    e->text.position = 0;
    if (PyUnicode_IS_ASCII(str)) {
        e->text.kind = RJ__TEXT_LATIN1;
        e->text.data = PyUnicode_DATA(str);
        e->text.length = (size_t)PyUnicode_GET_LENGTH(str);
        return 0;
    }
    e->non_ascii = 1;
    const char *utf8 = ((PyCompactUnicodeObject *)str)->utf8; /* if somebody asked for it before; never created here */
    if (utf8) {
        e->text.kind = RJ__TEXT_UTF8;
        e->text.data = utf8;
        e->text.length = (size_t)((PyCompactUnicodeObject *)str)->utf8_length;
        return 0;
    }
    switch (PyUnicode_KIND(str)) {
    case PyUnicode_1BYTE_KIND:
        e->text.kind = RJ__TEXT_LATIN1;
        break;
    case PyUnicode_2BYTE_KIND:
        e->text.kind = RJ__TEXT_UCS2;
        break;
    default:
        e->text.kind = RJ__TEXT_UCS4;
    }
    e->text.data = PyUnicode_DATA(str);
    e->text.length = (size_t)PyUnicode_GET_LENGTH(str);
    return 0;
}

PyObject *
rj_int_text(rj_encoder *e, PyObject *v)
{
    rj_own_ancestors(e); /* an exception that it makes may start the garbage collector, and that finalizers */
    return PyLong_Type.tp_repr(v);
}

const char *
rj_non_finite(rj_encoder *e, double value)
{
    const char *text = value != value ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    if (e->options->allow_nan)
        return text;
    rj_fail(e, NULL, "float %s is not JSON (allow_nan=True writes it all the same)", text);
    return NULL;
}

static PyObject *
float_key_text(rj_encoder *e, PyObject *key)
{
    double value = PyFloat_AS_DOUBLE(key);
    if (value - value == 0)
        return PyFloat_Type.tp_repr(key);
    const char *text = rj_non_finite(e, value);
    return text ? PyUnicode_FromString(text) : NULL;
}

static PyObject *
key_text(rj_encoder *e, PyObject *key)
{
    if (key == Py_True)
        return PyUnicode_FromString("true");
    if (key == Py_False)
        return PyUnicode_FromString("false");
    if (key == Py_None)
        return PyUnicode_FromString("null");
    if (PyLong_Check(key))
        return rj_int_text(e, key);
    if (PyFloat_Check(key))
        return float_key_text(e, key);
    rj_fail(e, NULL, "keys must be str, int, float, bool or None, not %.200s", Py_TYPE(key)->tp_name);
    return NULL;
}

PyObject *
rj_key_text(rj_encoder *e, PyObject *key)
{
    PyObject *text = key_text(e, key);
    if (!text) {
        e->problem_in_key = 1;
        rj_stop_error(e);
    }
    return text;
}

PyObject *
rj_call_default(rj_encoder *e, PyObject *obj)
{
    if (!e->options->default_) {
        rj_fail(e, NULL, "object of type %.200s is not JSON serializable", Py_TYPE(obj)->tp_name);
        return NULL;
    }
    rj_enter_python(e);
    PyObject *result = PyObject_CallOneArg(e->options->default_, obj);
    if (!result)
        rj_stop_error(e);
    return result;
}

PyObject *
rj_dict_subclass_pairs(rj_encoder *e, PyObject *dict, int *direct)
{
    *direct = 0;
    PyObject *own = PyObject_GetAttr((PyObject *)Py_TYPE(dict), e->state->str_items);
    if (!own)
        return NULL;
    *direct = own == e->state->dict_items;
    Py_DECREF(own);
    if (*direct)
        return NULL;
    PyObject *items = PyObject_CallMethodNoArgs(dict, e->state->str_items);
    if (!items)
        return NULL;
    PyObject *iterator = PyObject_GetIter(items);
    Py_DECREF(items);
    return iterator;
}

int
rj_next_pair(rj_encoder *e, PyObject *iterator, PyObject **key, PyObject **value)
{
    rj_enter_python(e);
    PyObject *pair = PyIter_Next(iterator);
    if (!pair) {
        if (!PyErr_Occurred())
            return 0;
        e->problem_in_key = 1;
        rj_stop_error(e);
        return -1;
    }
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        e->problem_in_key = 1;
        rj_fail(e, NULL, "items() must yield 2-tuples, not %.200s", Py_TYPE(pair)->tp_name);
        Py_DECREF(pair);
        return -1;
    }
    *key = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    *value = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 1;
}

/* ---- life */

rj_encoder *
rj_encoder_acquire(rj_state *state, const rj_options *options, PyObject *root, rj_sink *sink)
{
    rj_encoder *e = state->spare;
    state->spare = NULL;
    if (!e) {
        e = PyMem_Malloc(sizeof *e);
        if (!e) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    /* Field by field: the arrays at the end are never cleared. */
    memset(e, 0, offsetof(rj_encoder, chain));
    e->state = state;
    e->options = options;
    e->sink = sink;
    e->root = root;
    e->frames = e->inline_frames;
    e->frame_capacity = RJ_INLINE_FRAMES;
    rj_set_native_limit(e);
    return e;
}

/* What a document that was not completed leaves behind. */
static void
drop_references(rj_encoder *e)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback); /* what is dropped here may run code of its own */
    while (e->frame_count > 0)
        rj_clear_frame(&e->frames[--e->frame_count]);
    Py_CLEAR(e->text_owner);
    Py_CLEAR(e->problem);
    PyErr_Restore(type, value, traceback);
}

void
rj_encoder_release(rj_encoder *e)
{
    if (RJ__UNLIKELY(e->frame_count || e->text_owner || e->problem))
        drop_references(e);
    if (e->frames != e->inline_frames)
        PyMem_Free(e->frames);
    if (e->ancestors.slots)
        rj_ptrset_free(&e->ancestors);
    if (e->state->spare)
        PyMem_Free(e);
    else
        e->state->spare = e;
}

int
rj_encoder_traverse(rj_encoder *e, visitproc visit, void *arg)
{
    for (size_t i = 0; i < e->frame_count; i++) {
        Py_VISIT(e->frames[i].obj);
        Py_VISIT(e->frames[i].iterator);
        Py_VISIT(e->frames[i].key);
        Py_VISIT(e->frames[i].value);
    }
    Py_VISIT(e->text_owner);
    return 0;
}

PyObject *
rj_encoder_open_sources(const rj_encoder *e)
{
    PyObject *sources = PyList_New(0);
    for (size_t i = e->frame_count; i-- > 0 && sources;)
        if (e->frames[i].iterator && PyList_Append(sources, e->frames[i].iterator) < 0)
            Py_CLEAR(sources);
    return sources;
}

rj_run
rj_encoder_run(rj_encoder *e)
{
    return (rj_run)e->state->encode(e);
}
