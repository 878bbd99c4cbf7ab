/* See fanout.h. The thread that sends never runs Python code, so nothing here is called from it. */
#include "uv/fanout.h"

#include "rjson/uv.h"

#include "framing.h"
#include "sinks/fd_io.h"
#include "uv/loop.h"
#include "uv/module.h"

#include <errno.h>

typedef struct fanout_object {
    PyObject_HEAD rjpy_uv_state *state;
    rj_fanout *fanout; /* NULL once it is closed and nobody uses it any more */
    int is_closed;
    int in_message;
    int users; /* messages, waits, watches, and who closes it: the last one frees it */
    int pid;   /* of the process that made it */
    rjpy_waiting_sink waiting;
} fanout_object;

static rj_fanout *
check_open(PyObject *op)
{
    fanout_object *self = (fanout_object *)op;
    if (rjpy_check_process(self->pid) < 0)
        return NULL;
    if (!self->is_closed)
        return self->fanout;
    PyErr_SetString(PyExc_ValueError, "the fan-out is closed");
    return NULL;
}

/* For those that check_open() has let in. */
static void
enter_use(fanout_object *self)
{
    self->users++;
}

/* Keeps the exception that is set. */
static void
leave_use(fanout_object *self)
{
    rj_fanout *f = self->fanout;
    if (--self->users > 0 || !self->is_closed || self->pid != rj__process_id())
        return;
    self->fanout = NULL;
    Py_BEGIN_ALLOW_THREADS rj_fanout_free(f);
    Py_END_ALLOW_THREADS
}

/* NULL with the exception for a status, or None. */
static PyObject *
none_or_error(int status)
{
    switch (status) {
    case RJ_OK:
        Py_RETURN_NONE;
    case RJ_ENOMEM:
        return PyErr_NoMemory();
    case RJ_EIO:
        return PyErr_SetFromErrno(PyExc_OSError);
    case RJ_ETIMEOUT:
        PyErr_SetString(PyExc_TimeoutError, "timed out: the subscribers have not accepted everything");
        return NULL;
    case RJ_ECANCELED: /* by a signal's handler, whose exception is set */
        return NULL;
    case RJ_EABORTED:
        PyErr_SetString(PyExc_ConnectionAbortedError, "the fan-out was aborted");
        return NULL;
    case RJ_EPROCESS:
        rjpy_check_process(0);
        return NULL;
    case RJ_ESTATE:
        PyErr_SetString(PyExc_ValueError, "the fan-out has been finished, or a message is being written to it");
        return NULL;
    default:
        PyErr_SetString(PyExc_ValueError, rj_strerror(status));
        return NULL;
    }
}

/* ---- waiting */

typedef struct gil_hooks {
    PyThreadState *saved;
} gil_hooks;

static void
enter(void *ctx)
{
    ((gil_hooks *)ctx)->saved = PyEval_SaveThread();
}

static int
leave(void *ctx)
{
    PyEval_RestoreThread(((gil_hooks *)ctx)->saved);
    return PyErr_CheckSignals() < 0;
}

static int
wait_for(fanout_object *self, int event, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    enter_use(self);
    int rc = rj_fanout_wait(self->fanout, event, timeout_ms, hooks);
    leave_use(self);
    return rc;
}

static int
wait_for_room(void *ctx, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    return wait_for(ctx, RJ_FANOUT_ROOM, timeout_ms, hooks);
}

static PyObject *
fanout_wait(PyObject *op, PyObject *args)
{
    gil_hooks gil;
    const rj_wait_hooks hooks = {enter, leave, &gil};
    int event;
    long long timeout_ms;
    if (!PyArg_ParseTuple(args, "iL:wait", &event, &timeout_ms) || !check_open(op))
        return NULL;
    return none_or_error(wait_for((fanout_object *)op, event, timeout_ms, &hooks));
}

static PyObject *
fanout_watch(PyObject *op, PyObject *event_number)
{
    long event = PyLong_AsLong(event_number);
    rj_fanout *f = check_open(op);
    if (!f || (event == -1 && PyErr_Occurred()))
        return NULL;
    int fd = rj_fanout_watch(f, (int)event);
    if (fd < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    enter_use((fanout_object *)op);
    return PyLong_FromLong(fd);
}

static PyObject *
fanout_unwatch(PyObject *op, PyObject *fd_number)
{
    long fd = PyLong_AsLong(fd_number);
    if (fd == -1 && PyErr_Occurred())
        return NULL;
    rj_fanout_unwatch(((fanout_object *)op)->fanout, (int)fd); /* which is there: the watch uses it */
    leave_use((fanout_object *)op);
    Py_RETURN_NONE;
}

/* ---- messages */

static PyObject *
fanout_begin(PyObject *op, PyObject *head)
{
    fanout_object *self = (fanout_object *)op;
    rj_fanout *f = check_open(op);
    if (!f)
        return NULL;
    if (!PyBytes_Check(head) || rj_fanout_set_event_head(f, PyBytes_AS_STRING(head), (size_t)PyBytes_GET_SIZE(head)) < 0)
        return PyErr_Format(PyExc_ValueError, "event and id are too long: %d bytes are allowed", RJ_FANOUT_HEAD_MAX);
    PyObject *capsule = PyCapsule_New(&self->waiting, RJ_WAITING_SINK_CAPSULE, NULL);
    if (!capsule)
        return NULL;
    rj_fanout_reset_sink(f);
    self->in_message = 1;
    enter_use(self);
    self->waiting = (rjpy_waiting_sink){rj_fanout_sink(f), wait_for_room, self};
    return capsule;
}

/* For the calls between begin() and end(). */
static rj_fanout *
check_message(PyObject *op)
{
    fanout_object *self = (fanout_object *)op;
    if (rjpy_check_process(self->pid) < 0)
        return NULL;
    if (self->in_message)
        return self->fanout;
    PyErr_SetString(PyExc_RuntimeError, "there is no message");
    return NULL;
}

static PyObject *
fanout_write(PyObject *op, PyObject *args)
{
    Py_buffer piece;
    Py_ssize_t start;
    rj_fanout *f = check_message(op);
    if (!f || !PyArg_ParseTuple(args, "y*n:write", &piece, &start))
        return NULL;
    rj_sink *sink = rj_fanout_sink(f);
    const uint8_t *from = (const uint8_t *)piece.buf + start;
    size_t left = (size_t)(piece.len - start);
    int rc = RJ_OK;
    while (left > 0 && rc == RJ_OK) {
        rj_window w;
        rc = rj_sink_lend(sink, left, &w);
        if (rc != RJ_OK)
            break;
        size_t n = (size_t)(w.end - w.cur) < left ? (size_t)(w.end - w.cur) : left;
        memcpy(w.cur, from, n);
        rc = rj_sink_take(sink, n);
        from += n;
        left -= n;
    }
    Py_ssize_t end = piece.len - (Py_ssize_t)left;
    PyBuffer_Release(&piece);
    return rc < 0 ? none_or_error(rc) : PyLong_FromSsize_t(end);
}

static PyObject *
fanout_flush(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rj_fanout *f = check_message(op);
    if (!f)
        return NULL;
    int rc = rj_sink_flush(rj_fanout_sink(f));
    return rc < 0 ? none_or_error(rc) : PyLong_FromUnsignedLongLong(rj_fanout_sink(f)->accepted);
}

static PyObject *
fanout_end(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    fanout_object *self = (fanout_object *)op;
    if (!self->in_message)
        Py_RETURN_NONE;
    self->in_message = 0;
    if (self->pid == rj__process_id())
        rj_fanout_reset_sink(self->fanout);
    leave_use(self);
    Py_RETURN_NONE;
}

static PyObject *
fanout_send_raw(PyObject *op, PyObject *bytes)
{
    rj_fanout *f = check_open(op);
    if (!f)
        return NULL;
    char *data;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &data, &length) < 0)
        return NULL;
    return none_or_error(rj_fanout_send_raw(f, data, (size_t)length));
}

/* ---- subscribers */

static PyObject *
fanout_add(PyObject *op, PyObject *fd_number)
{
    uint64_t id;
    long fd = PyLong_AsLong(fd_number);
    rj_fanout *f = check_open(op);
    if (!f || (fd == -1 && PyErr_Occurred()))
        return NULL;
    int rc = rj_fanout_add(f, (int)fd, &id);
    if (rc == RJ_EIO && errno == ENOTSOCK)
        return PyErr_Format(PyExc_ValueError, "fd %ld is no stream socket, pipe or terminal", fd);
    return rc < 0 ? none_or_error(rc) : PyLong_FromUnsignedLongLong(id);
}

static PyObject *
fanout_remove(PyObject *op, PyObject *id_number)
{
    unsigned long long id = PyLong_AsUnsignedLongLong(id_number);
    rj_fanout *f = check_open(op);
    if (!f || (id == (unsigned long long)-1 && PyErr_Occurred()))
        return NULL;
    int rc = rj_fanout_remove(f, id);
    if (rc == RJ_EINVAL)
        Py_RETURN_FALSE;
    return rc < 0 ? none_or_error(rc) : PyBool_FromLong(1);
}

static PyObject *
fanout_finish(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rj_fanout *f = check_open(op);
    if (!f)
        return NULL;
    rj_fanout_finish(f);
    Py_RETURN_NONE;
}

typedef struct reports {
    rj_subscriber_report *list;
    size_t count, capacity;
    int failed;
} reports;

/* Under the fan-out's lock, so it makes no Python objects. */
static void
collect(void *ctx, const rj_subscriber_report *report)
{
    reports *r = ctx;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        rj_subscriber_report *list = PyMem_RawRealloc(r->list, capacity * sizeof *list);
        r->failed |= !list;
        if (!list)
            return;
        r->list = list;
        r->capacity = capacity;
    }
    r->list[r->count++] = *report;
}

static PyObject *
tuple_from(const rj_subscriber_report *r)
{
    return Py_BuildValue("(KiKKKKi)", (unsigned long long)r->id, r->state, (unsigned long long)r->messages,
                         (unsigned long long)r->bytes, (unsigned long long)r->skipped, (unsigned long long)r->behind,
                         r->sys_errno);
}

static PyObject *
fanout_report(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    reports r = {NULL, 0, 0, 0};
    rj_fanout *f = check_open(op);
    if (!f)
        return NULL;
    rj_fanout_report(f, collect, &r);
    PyObject *list = r.failed ? PyErr_NoMemory() : PyList_New(0);
    for (size_t i = 0; i < r.count && list; i++) {
        PyObject *tuple = tuple_from(&r.list[i]);
        if (!tuple || PyList_Append(list, tuple) < 0)
            Py_CLEAR(list);
        Py_XDECREF(tuple);
    }
    PyMem_RawFree(r.list);
    return list;
}

static Py_ssize_t
fanout_length(PyObject *op)
{
    fanout_object *self = (fanout_object *)op;
    return !self->is_closed && self->pid == rj__process_id() ? (Py_ssize_t)rj_fanout_count(self->fanout) : 0;
}

/* ---- life */

#define FRAMING_FLAGS (RJ__FRAMING_WRITES | RJ__FRAMING_JOINS)

static PyObject *
fail_framing(const char *name)
{
    char names[80];
    rj__framing_list(names, sizeof names, FRAMING_FLAGS);
    return PyErr_Format(PyExc_ValueError, "framing must be %s, not '%.100s'", names, name);
}

static PyObject *
fanout_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"chunk_size", "max_bytes", "max_ms", "slow", "framing", "http_chunked", NULL};
    rj_fanout_options options = RJ_FANOUT_OPTIONS_INIT;
    Py_ssize_t chunk_size;
    long long max_bytes, max_ms;
    const char *framing;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "$nLLisp:Fanout", names, &chunk_size, &max_bytes, &max_ms, &options.slow,
                                     &framing, &options.http_chunked))
        return NULL;
    options.framing = rj__framing_find(framing, FRAMING_FLAGS);
    if (options.framing < 0)
        return fail_framing(framing);
    if (chunk_size < 1 || (size_t)chunk_size > RJ_CHUNK_MAX)
        return PyErr_Format(PyExc_ValueError, "chunk_size must be between 1 and %zd bytes, not %zd",
                            (Py_ssize_t)RJ_CHUNK_MAX, chunk_size);
    if (max_bytes < 1)
        return PyErr_Format(PyExc_ValueError, "max_bytes must be at least 1, not %lld", max_bytes);
    options.chunk_size = (size_t)chunk_size;
    options.max_bytes = (uint64_t)max_bytes;
    options.max_ms = max_ms;
    rjpy_uv_state *state = rjpy_uv_state_of_type(type);
    fanout_object *self = state ? (fanout_object *)type->tp_alloc(type, 0) : NULL;
    if (!self)
        return NULL;
    self->state = state;
    self->pid = rj__process_id();
    int rc = rj_fanout_new(&self->fanout, &options);
    if (rc < 0) {
        self->is_closed = 1;
        Py_DECREF(self);
        return none_or_error(rc);
    }
    return (PyObject *)self;
}

static PyObject *
fanout_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    fanout_object *self = (fanout_object *)op;
    if (self->is_closed)
        Py_RETURN_NONE;
    if (rjpy_check_process(self->pid) < 0)
        return NULL;
    self->is_closed = 1;
    enter_use(self);
    Py_BEGIN_ALLOW_THREADS rj_fanout_abort(self->fanout);
    Py_END_ALLOW_THREADS leave_use(self);
    Py_RETURN_NONE;
}

static int
fanout_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static void
fanout_dealloc(PyObject *op)
{
    fanout_object *self = (fanout_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    /* After a fork there is no thread to stop, and nobody knows what it was in the middle of. */
    if (self->fanout && self->pid == rj__process_id())
        rj_fanout_free(self->fanout);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
get_closed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((fanout_object *)op)->is_closed);
}

PyDoc_STRVAR(wait_doc, "wait($self, event, timeout_ms, /)\n--\n\nWait for an event, without the GIL.");
PyDoc_STRVAR(watch_doc, "watch($self, event, /)\n--\n\nA descriptor that is readable when the event has come.");
PyDoc_STRVAR(unwatch_doc, "unwatch($self, fd, /)\n--\n\nClose such a descriptor.");
PyDoc_STRVAR(begin_doc,
             "begin($self, event_head, /)\n--\n\n"
             "Begin a message: a sink, in a capsule, for the encoder; or use write() and flush(). end() must follow.");
PyDoc_STRVAR(write_doc,
             "write($self, piece, start, /)\n--\n\nTake piece[start:], or as much as there is room for; return where\n"
             "the rest begins.");
PyDoc_STRVAR(flush_doc, "flush($self, /)\n--\n\nComplete the message; return its size.");
PyDoc_STRVAR(end_doc, "end($self, /)\n--\n\nGive up the message if it is not complete.");
PyDoc_STRVAR(send_raw_doc, "send_raw($self, data, /)\n--\n\nSend bytes to everybody as they are.");
PyDoc_STRVAR(add_doc, "add($self, fd, /)\n--\n\nAdd a subscriber; return its id.");
PyDoc_STRVAR(remove_doc,
             "remove($self, id, /)\n--\n\n"
             "Let a subscriber go when it has got what has been published so far. False if it had left already, and\n"
             "a report has told so.");
PyDoc_STRVAR(finish_doc, "finish($self, /)\n--\n\nNo more messages.");
PyDoc_STRVAR(report_doc, "report($self, /)\n--\n\nA tuple for each subscriber.");
PyDoc_STRVAR(close_doc, "abort($self, /)\n--\n\n"
                        "Close at once. Subscribers that are in the middle of a message are reset; who publishes or waits\n"
                        "gets a ConnectionAbortedError.");

#define LOCK_OF(op) rjpy_uv_lock_of(((fanout_object *)(op))->state, op)
RJ_IN_TURN_OF(fanout_wait, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_watch, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_unwatch, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_begin, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_write, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_flush, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_end, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_send_raw, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_add, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_remove, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_finish, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_report, LOCK_OF(op))
RJ_IN_TURN_OF(fanout_close, LOCK_OF(op))

static PyMethodDef fanout_methods[] = {
    {"wait", fanout_wait_in_turn, METH_VARARGS, wait_doc},
    {"watch", fanout_watch_in_turn, METH_O, watch_doc},
    {"unwatch", fanout_unwatch_in_turn, METH_O, unwatch_doc},
    {"begin", fanout_begin_in_turn, METH_O, begin_doc},
    {"write", fanout_write_in_turn, METH_VARARGS, write_doc},
    {"flush", fanout_flush_in_turn, METH_NOARGS, flush_doc},
    {"end", fanout_end_in_turn, METH_NOARGS, end_doc},
    {"send_raw", fanout_send_raw_in_turn, METH_O, send_raw_doc},
    {"add", fanout_add_in_turn, METH_O, add_doc},
    {"remove", fanout_remove_in_turn, METH_O, remove_doc},
    {"finish", fanout_finish_in_turn, METH_NOARGS, finish_doc},
    {"report", fanout_report_in_turn, METH_NOARGS, report_doc},
    {"abort", fanout_close_in_turn, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef fanout_getset[] = {
    {"closed", get_closed, NULL, PyDoc_STR("Whether it is closed."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(fanout_doc,
             "Fanout(*, chunk_size, max_bytes, max_ms, slow, framing, http_chunked)\n--\n\nSee rjson.uv.Fanout.");

static PyType_Slot fanout_slots[] = {
    {Py_tp_doc, (void *)fanout_doc},          {Py_tp_new, RJ_SLOT(fanout_new)},
    {Py_tp_dealloc, RJ_SLOT(fanout_dealloc)}, {Py_tp_traverse, RJ_SLOT(fanout_traverse)},
    {Py_tp_methods, fanout_methods},          {Py_tp_getset, fanout_getset},
    {Py_sq_length, RJ_SLOT(fanout_length)},   {0, NULL},
};

PyType_Spec rjpy_fanout_spec = {
    "rjson._uv.Fanout",
    sizeof(fanout_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    fanout_slots,
};
