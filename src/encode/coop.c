/* See coop.h. */
#include "encode/coop.h"
#include "cpython/exceptions.h"

#include "encode/encoder.h"

/* ---- the protocols of PEP 492 and PEP 525 */

static PyAsyncMethods *
async_methods(PyObject *obj)
{
    return Py_TYPE(obj)->tp_as_async;
}

int
rjpy_is_async_iterable(PyObject *obj)
{
    PyAsyncMethods *methods = async_methods(obj);
    return methods && (methods->am_anext || methods->am_aiter);
}

int
rjpy_has_anext(PyObject *obj)
{
    PyAsyncMethods *methods = async_methods(obj);
    return methods && methods->am_anext;
}

PyObject *
rjpy_async_iterator(PyObject *obj)
{
    if (!async_methods(obj)->am_aiter)
        return Py_NewRef(obj);
    PyObject *iterator = async_methods(obj)->am_aiter(obj);
    if (iterator && !rjpy_has_anext(iterator)) {
        PyErr_Format(PyExc_TypeError, "__aiter__() of %.200s returned a %.200s, which has no __anext__()",
                     Py_TYPE(obj)->tp_name, Py_TYPE(iterator)->tp_name);
        Py_CLEAR(iterator);
    }
    return iterator;
}

/* Of types.coroutine: awaitable, although its type is not. */
static int
is_generator_coroutine(PyObject *obj)
{
    if (!PyGen_CheckExact(obj))
        return 0;
    PyObject *code = PyObject_GetAttrString(obj, "gi_code");
    int is = code && ((PyCodeObject *)code)->co_flags & CO_ITERABLE_COROUTINE;
    Py_XDECREF(code);
    PyErr_Clear();
    return is;
}

int
rjpy_is_awaitable(PyObject *obj)
{
    PyAsyncMethods *methods = async_methods(obj);
    return (methods && methods->am_await) || is_generator_coroutine(obj);
}

/* What __await__ gives; a coroutine is its own. */
static PyObject *
awaitable_iterator(PyObject *obj)
{
    if (PyCoro_CheckExact(obj) || PyGen_CheckExact(obj))
        return Py_NewRef(obj);
    PyAsyncMethods *methods = async_methods(obj);
    if (!methods || !methods->am_await) {
        PyErr_Format(PyExc_TypeError, "an async iterator gave a %.200s, which cannot be awaited", Py_TYPE(obj)->tp_name);
        return NULL;
    }
    PyObject *iterator = methods->am_await(obj);
    if (iterator && !PyIter_Check(iterator)) {
        PyErr_Format(PyExc_TypeError, "__await__() of %.200s returned a %.200s, which is no iterator", Py_TYPE(obj)->tp_name,
                     Py_TYPE(iterator)->tp_name);
        Py_CLEAR(iterator);
    }
    return iterator;
}

/* ---- one awaitable at a time */

/* Takes what the awaitable gave: its result, something for the event loop, or (NULL) an exception. `value` is consumed. */
static rjpy_arrival
settle(rjpy_coop *coop, PySendResult result, PyObject *value)
{
    if (result == PYGEN_NEXT) {
        coop->yielded = value;
        return RJ_ARRIVAL_PENDING;
    }
    Py_CLEAR(coop->awaiting);
    if (result == PYGEN_RETURN) {
        coop->arrived = value;
        return RJ_ARRIVAL_READY;
    }
    if (!coop->is_iterator || !PyErr_ExceptionMatches(PyExc_StopAsyncIteration))
        return RJ_ARRIVAL_FAILED;
    PyErr_Clear();
    coop->ended = 1;
    return RJ_ARRIVAL_READY;
}

rjpy_arrival
rjpy_coop_send(rjpy_coop *coop, PyObject *value)
{
    PyObject *result = NULL;
    Py_CLEAR(coop->yielded);
    PySendResult rc = PyIter_Send(coop->awaiting, value, &result);
    return settle(coop, rc, result);
}

/* A result comes as StopIteration, as from every generator's throw(). */
static PySendResult
result_of_throw(PyObject **value)
{
    if (*value)
        return PYGEN_NEXT;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration))
        return PYGEN_ERROR;
    PyObject *exception = rjpy_take_exception();
    *value = PyObject_GetAttrString(exception, "value");
    Py_DECREF(exception);
    return *value ? PYGEN_RETURN : PYGEN_ERROR;
}

rjpy_arrival
rjpy_coop_throw(rjpy_coop *coop, PyObject *exception)
{
    Py_CLEAR(coop->yielded);
    PyObject *method = PyObject_GetAttrString(coop->awaiting, "throw");
    PyObject *value = NULL;
    if (method) {
        value = PyObject_CallOneArg(method, exception);
        Py_DECREF(method);
    }
    else if (PyErr_ExceptionMatches(PyExc_AttributeError)) { /* a plain iterator: nobody inside wants to know */
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    }
    PySendResult rc = result_of_throw(&value);
    return settle(coop, rc, value);
}

rjpy_arrival
rjpy_coop_await(rjpy_coop *coop, PyObject *obj)
{
    coop->is_iterator = 0;
    coop->awaiting = awaitable_iterator(obj);
    return coop->awaiting ? rjpy_coop_send(coop, Py_None) : RJ_ARRIVAL_FAILED;
}

rjpy_arrival
rjpy_coop_next(rjpy_coop *coop, PyObject *async_iterator)
{
    PyObject *awaitable = async_methods(async_iterator)->am_anext(async_iterator);
    if (!awaitable)
        return RJ_ARRIVAL_FAILED;
    coop->is_iterator = 1;
    coop->awaiting = awaitable_iterator(awaitable);
    Py_DECREF(awaitable);
    return coop->awaiting ? rjpy_coop_send(coop, Py_None) : RJ_ARRIVAL_FAILED;
}

void
rjpy_coop_clear(rjpy_coop *coop)
{
    if (coop->awaiting || coop->yielded || coop->arrived) {
        PyObject *exception = rjpy_take_exception();
        Py_CLEAR(coop->awaiting);
        Py_CLEAR(coop->yielded);
        Py_CLEAR(coop->arrived);
        rjpy_set_exception(exception);
    }
    coop->ended = 0;
    coop->outermost = NULL;
}

int
rjpy_coop_traverse(rjpy_coop *coop, visitproc visit, void *arg)
{
    Py_VISIT(coop->awaiting);
    Py_VISIT(coop->yielded);
    Py_VISIT(coop->arrived);
    return 0;
}

/* ---- when to pause */

static int
is_flush_point(const rjpy_coop *coop, const PyObject *source, int is_async)
{
    switch (coop->flush_point) {
    case RJ_FLUSH_ITEMS:
        return source && source == coop->outermost;
    case RJ_FLUSH_AWAITS:
        return is_async;
    default:
        return 0;
    }
}

rjpy_pause_reason
rjpy_coop_pause_reason(rjpy_coop *coop, PyObject *source, int is_async)
{
    if (coop->outside_task)
        return RJ_PAUSE_TASK;
    if (!coop->is_sync && coop->ran_python && rj__monotonic_ns() >= coop->deadline_ns)
        return RJ_PAUSE_SLICE;
    int flush = !coop->flushed && is_flush_point(coop, source, is_async);
    coop->flushed = flush;
    return flush ? RJ_PAUSE_FLUSH : RJ_PAUSE_NONE;
}

static int
is_array(PyObject *obj)
{
    return PyList_Check(obj) || PyTuple_Check(obj);
}

/* Whether an array is open. Iterators need no look: the first of them is `outermost`, or in a list. */
static int
is_inside_array(const rjpy_encoder *e)
{
    for (size_t i = 0; i < e->frame_count; i++)
        if (is_array(e->frames[i].obj))
            return 1;
    for (int i = 0; i < e->native; i++)
        if (is_array(e->levels[i].obj))
            return 1;
    return 0;
}

void
rjpy_coop_entering(rjpy_encoder *e, PyObject *source)
{
    rjpy_coop *coop = e->coop;
    if (coop->flush_point == RJ_FLUSH_ITEMS && !coop->outermost && !is_inside_array(e))
        coop->outermost = source;
}

void
rjpy_coop_left(rjpy_encoder *e, PyObject *source)
{
    if (e->coop->outermost == source)
        e->coop->outermost = NULL;
}
