/*
 * See stream.h. A Stream has a descriptor of its own, and opens a libuv handle on it where it is used: on a loop of
 * its own for dump_to, on one that is embedded in an event loop for rjson.aio. It moves between loops when nothing
 * is in flight.
 */
#include "uv/stream.h"
#include "cpython/exceptions.h"

#include "rjson/uv.h"

#include "sinks/fd_io.h"
#include "uv/loop.h"
#include "uv/module.h"

#include <errno.h>

/* What the waiter waits for. */
typedef enum wait_kind {
    WAIT_NOTHING,
    WAIT_ROOM,    /* until a write can be put in flight */
    WAIT_DRAINED, /* until nothing is in flight */
    WAIT_PUMP     /* until a pump wants its driver: the chunks in between are sent from here */
} wait_kind;

typedef struct stream_object {
    PyObject_HEAD rjpy_uv_state *state;
    int fd;                      /* owned, by the connection if there is one; -1: closed */
    int was_nonblocking;         /* the description, when it was adopted */
    int pid;                     /* of the process that made it */
    rjpy_loop_object *loop;      /* owned; of the connection */
    rjpy_connection *connection; /* NULL before the first use */
    rjpy_outlet outlet;
    wait_kind waits_for;
    PyObject *future, *pump; /* owned, while somebody waits */
    PyObject *own_loop;      /* a Loop for dump_to, or NULL; owned */
    rj_sink *sink;           /* while dump_to uses it */
    rjpy_waiting_sink waiting;
} stream_object;

/* ---- state */

static int
check_open(const stream_object *self)
{
    if (rjpy_check_process(self->pid) < 0)
        return -1;
    if (self->fd >= 0)
        return 0;
    PyErr_SetString(PyExc_ValueError, "the stream is closed");
    return -1;
}

static int
is_busy(const stream_object *self)
{
    return self->sink || self->waits_for != WAIT_NOTHING || (self->connection && self->connection->queue.in_flight > 0);
}

static int
check_usable(const stream_object *self)
{
    if (check_open(self) < 0)
        return -1;
    if (!is_busy(self))
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "another document is being written to the stream");
    return -1;
}

/* libuv writes to a non-blocking description, which others may share, so it is that only while there is something to
 * write. */
static void
set_nonblocking(const stream_object *self, int on)
{
    if (!self->was_nonblocking)
        rj__fd_set_nonblocking(self->fd, on);
}

/* Gives up the connection, with whatever is in flight, and keeps the descriptor. -1 with an exception. */
static int
disconnect(stream_object *self)
{
    if (!self->connection)
        return 0;
    int fd = rj__fd_duplicate(self->fd);
    if (fd < 0) {
        self->state->api->raise_errno(errno, (PyObject *)self);
        return -1;
    }
    rjpy_connection_close(self->connection);
    self->connection = NULL;
    self->fd = fd;
    set_nonblocking(self, 0);
    Py_CLEAR(self->loop);
    return 0;
}

/* Sees to it that there is a connection on `loop`. -1 with an exception. */
static int
connect_on(stream_object *self, rjpy_loop_object *loop)
{
    if (self->connection && self->loop == loop && !self->connection->queue.uv_error)
        return 0;
    if (disconnect(self) < 0)
        return -1;
    self->connection = rjpy_connection_open(loop, (PyObject *)self, self->fd);
    if (!self->connection)
        return -1;
    Py_INCREF(loop);
    self->loop = loop;
    uv_os_fd_t used;
    if (uv_fileno(&self->connection->handle.handle, &used) == 0 && used != self->fd) {
        self->fd = used; /* a terminal that libuv has opened anew: the description is ours alone */
        self->was_nonblocking = 1;
    }
    set_nonblocking(self, 0); /* libuv has just changed it */
    return 0;
}

/* ---- rjson.aio: chunks of a pump */

static rjpy_sent
send_bytes(void *ctx, PyObject *bytes, const uint8_t *data, size_t length)
{
    stream_object *self = ctx;
    if (!self->connection || !rj__uv_queue_has_room(&self->connection->queue))
        return RJ_SENT_NOTHING;
    set_nonblocking(self, 1);
    int rc = rj__uv_queue_send(&self->connection->queue, bytes, data, length);
    if (rc == RJ_PAUSE) {
        Py_INCREF(bytes); /* until it is released */
        return RJ_SENT_KEPT;
    }
    if (self->connection->queue.in_flight == 0)
        set_nonblocking(self, 0);
    return rc == RJ_OK ? RJ_SENT_ALL : RJ_SENT_NOTHING;
}

/* Ends the wait. `result`: consumed; NULL: the exception that is set is the result. */
static void
wake(stream_object *self, PyObject *result)
{
    PyObject *future = self->future, *exception = result ? NULL : rjpy_take_exception();
    self->future = NULL;
    self->waits_for = WAIT_NOTHING;
    Py_CLEAR(self->pump);
    PyObject *answer = PyObject_CallMethodOneArg(
        future, result ? self->state->str_set_result : self->state->str_set_exception, result ? result : exception);
    if (!answer) /* its event loop is closed, say: there is nobody to tell */
        PyErr_WriteUnraisable(future);
    Py_XDECREF(answer);
    Py_XDECREF(result);
    Py_XDECREF(exception);
    Py_DECREF(future);
}

static void
wake_with_failure(stream_object *self)
{
    self->state->api->raise_errno(-self->connection->queue.uv_error, (PyObject *)self);
    wake(self, NULL);
}

/* Has the pump send on. Its document's containers are walked here; what needs the document's own code is left to its
 * task. */
static void
drive_pump(stream_object *self, uint64_t deadline_ns)
{
    PyObject *pump = Py_NewRef(self->pump);
    int state = self->state->api->pump_run(pump, &self->outlet, deadline_ns);
    Py_DECREF(pump);
    if (self->waits_for != WAIT_PUMP) /* closed meanwhile */
        PyErr_Clear();
    else if (state < 0)
        wake(self, NULL);
    else if (self->connection->queue.uv_error)
        wake_with_failure(self);
    else if (state == self->state->pump_slice)
        rjpy_connection_make_ready(self->connection);
    else if (state != self->state->pump_full)
        wake(self, PyLong_FromLong(state));
}

void
rjpy_stream_work(PyObject *op, uint64_t deadline_ns)
{
    stream_object *self = (stream_object *)op;
    const rj__uv_queue *queue = &self->connection->queue;
    if (queue->in_flight == 0)
        set_nonblocking(self, 0);
    if (self->waits_for == WAIT_NOTHING)
        return;
    if (queue->uv_error)
        wake_with_failure(self);
    else if (self->waits_for == WAIT_PUMP && rj__uv_queue_has_room(queue))
        drive_pump(self, deadline_ns);
    else if (self->waits_for == WAIT_ROOM && rj__uv_queue_has_room(queue))
        wake(self, Py_NewRef(Py_None));
    else if (self->waits_for == WAIT_DRAINED && queue->in_flight == 0)
        wake(self, Py_NewRef(Py_None));
}

static PyObject *
stream_attach(PyObject *op, PyObject *loop)
{
    stream_object *self = (stream_object *)op;
    if (!PyObject_TypeCheck(loop, self->state->loop_type)) {
        PyErr_Format(PyExc_TypeError, "loop must be a Loop, not %.200s", Py_TYPE(loop)->tp_name);
        return NULL;
    }
    if (check_open(self) < 0)
        return NULL;
    if (self->connection && (PyObject *)self->loop == loop) {
        /* in use, perhaps; whoever uses it knows */
    }
    else if (check_usable(self) < 0 || connect_on(self, (rjpy_loop_object *)loop) < 0) {
        return NULL;
    }
    return PyCapsule_New(&self->outlet, RJ_OUTLET_CAPSULE, NULL);
}

/* Begins a wait; the loop's next run() sees to it. */
static PyObject *
begin_wait(stream_object *self, wait_kind kind, PyObject *future, PyObject *pump)
{
    if (check_open(self) < 0)
        return NULL;
    if (!self->connection || self->sink || self->waits_for != WAIT_NOTHING) {
        PyErr_SetString(PyExc_RuntimeError, "another document is being written to the stream");
        return NULL;
    }
    self->waits_for = kind;
    self->future = Py_NewRef(future);
    self->pump = Py_XNewRef(pump);
    rjpy_connection_make_ready(self->connection);
    Py_RETURN_NONE;
}

static PyObject *
stream_wait_room(PyObject *op, PyObject *future)
{
    return begin_wait((stream_object *)op, WAIT_ROOM, future, NULL);
}

static PyObject *
stream_wait_drained(PyObject *op, PyObject *future)
{
    return begin_wait((stream_object *)op, WAIT_DRAINED, future, NULL);
}

static PyObject *
stream_drive(PyObject *op, PyObject *args)
{
    stream_object *self = (stream_object *)op;
    PyObject *pump, *future;
    if (!PyArg_ParseTuple(args, "O!O:_drive", self->state->pump_type, &pump, &future))
        return NULL;
    return begin_wait(self, WAIT_PUMP, future, pump);
}

static PyObject *
stream_cancel_wait(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    stream_object *self = (stream_object *)op;
    self->waits_for = WAIT_NOTHING;
    Py_CLEAR(self->future);
    Py_CLEAR(self->pump);
    Py_RETURN_NONE;
}

static PyObject *
stream_send(PyObject *op, PyObject *piece)
{
    stream_object *self = (stream_object *)op;
    PyObject *bytes = PyMemoryView_Check(piece) ? PyMemoryView_GET_BASE(piece) : piece;
    Py_buffer view;
    if (check_open(self) < 0)
        return NULL;
    if (!bytes || !PyBytes_Check(bytes)) {
        PyErr_Format(PyExc_TypeError, "piece must be bytes, or a memoryview of bytes, not %.200s", Py_TYPE(piece)->tp_name);
        return NULL;
    }
    if (PyObject_GetBuffer(piece, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    rjpy_sent sent = send_bytes(self, bytes, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    if (sent != RJ_SENT_NOTHING)
        Py_RETURN_NONE;
    if (self->connection && self->connection->queue.uv_error)
        self->state->api->raise_errno(-self->connection->queue.uv_error, op);
    else
        PyErr_SetString(PyExc_RuntimeError, "the stream has no room");
    return NULL;
}

/* ---- dump_to */

/* Until something has left, or can leave. What happens then shows itself in the sink. */
static int
wait_for_progress(void *ctx, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    stream_object *self = ctx;
    uv_stream_t *stream = &self->connection->handle.stream;
    uint64_t deadline_ns = rj__deadline_ns(timeout_ms);
    size_t before = uv_stream_get_write_queue_size(stream);
    if (rjpy_check_process(self->pid) < 0) /* the document has forked */
        return RJ_ECANCELED;
    do {
        int rc = rj__uv_wait(self->loop->loop, deadline_ns, hooks);
        if (rc < 0)
            return rc;
        if (self->fd < 0) { /* the hooks let other threads run */
            PyErr_SetString(PyExc_ValueError, "the stream was closed while it was written to");
            return RJ_ECANCELED;
        }
    } while (before > 0 && uv_stream_get_write_queue_size(stream) == before);
    return RJ_OK;
}

static PyObject *
stream_begin(PyObject *op, PyObject *chunk_size_number)
{
    stream_object *self = (stream_object *)op;
    rj_uv_options options = {0, 0};
    Py_ssize_t chunk_size = PyNumber_AsSsize_t(chunk_size_number, PyExc_OverflowError);
    if ((chunk_size == -1 && PyErr_Occurred()) || check_usable(self) < 0)
        return NULL;
    if (chunk_size < 1 || (size_t)chunk_size > RJ_CHUNK_MAX)
        return PyErr_Format(PyExc_ValueError, "chunk_size must be between 1 and %zd bytes, not %zd",
                            (Py_ssize_t)RJ_CHUNK_MAX, chunk_size);
    options.chunk_size = (size_t)chunk_size;
    if (!self->own_loop && !(self->own_loop = PyObject_CallNoArgs((PyObject *)self->state->loop_type)))
        return NULL;
    if (connect_on(self, (rjpy_loop_object *)self->own_loop) < 0)
        return NULL;
    if (rj_uv_sink_new(&self->sink, &self->connection->handle.stream, &options, NULL) < 0)
        return PyErr_NoMemory();
    set_nonblocking(self, 1);
    self->waiting = (rjpy_waiting_sink){self->sink, wait_for_progress, self};
    return PyCapsule_New(&self->waiting, RJ_WAITING_SINK_CAPSULE, NULL);
}

static PyObject *
stream_end(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    stream_object *self = (stream_object *)op;
    if (!self->sink)
        Py_RETURN_NONE;
    int failed = self->sink->status < 0;
    rj_sink_free(self->sink);
    self->sink = NULL;
    if (self->fd < 0 || self->pid != rj__process_id()) /* the description's mode is the parent's business */
        Py_RETURN_NONE;
    set_nonblocking(self, 0);
    /* What libuv still holds of a document that failed must not leave: the exception has said what did. */
    if (failed && disconnect(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- life */

static PyObject *
stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"fd", NULL};
    int fd;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i:Stream", names, &fd))
        return NULL;
    rjpy_uv_state *state = rjpy_uv_state_of_type(type);
    if (!state)
        return NULL;
    int nonblocking = rj__fd_is_nonblocking(fd);
    if (nonblocking >= 0 && !rj__uv_can_open(fd))
        return PyErr_Format(PyExc_ValueError, "fd %d is no stream socket, pipe or terminal", fd);
    int copy = nonblocking >= 0 ? rj__fd_duplicate(fd) : -1;
    if (copy < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    stream_object *self = (stream_object *)type->tp_alloc(type, 0);
    if (!self) {
        rj__fd_close(copy);
        return NULL;
    }
    self->state = state;
    self->fd = copy;
    self->was_nonblocking = nonblocking;
    self->pid = rj__process_id();
    self->outlet = (rjpy_outlet){send_bytes, self};
    return (PyObject *)self;
}

/* Runs no Python code. */
static void
close_stream(stream_object *self)
{
    int fd = self->fd;
    if (fd < 0)
        return;
    if (self->pid == rj__process_id())
        set_nonblocking(self, 0);
    else if (self->loop)
        uv_loop_fork(self->loop->loop); /* else closing would take the handle out of the parent's loop */
    self->fd = -1;
    if (self->connection) {
        rjpy_connection_close(self->connection); /* closes the descriptor */
        uv_async_send(self->loop->wakeup);       /* another thread may be waiting in dump_to */
    }
    else {
        rj__fd_close(fd);
    }
    self->connection = NULL;
}

static void
fail_waiter(stream_object *self)
{
    if (self->waits_for == WAIT_NOTHING)
        return;
    PyErr_SetString(PyExc_ConnectionAbortedError, "the stream was closed while it was written to");
    wake(self, NULL);
}

static PyObject *
stream_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    stream_object *self = (stream_object *)op;
    close_stream(self);
    fail_waiter(self);
    Py_RETURN_NONE;
}

static PyObject *
stream_abort(PyObject *op, PyObject *ignored)
{
    stream_object *self = (stream_object *)op;
    if (self->fd >= 0 && self->pid == rj__process_id())
        rj__fd_reset_connection(self->fd);
    return stream_close(op, ignored);
}

static int
stream_traverse(PyObject *op, visitproc visit, void *arg)
{
    stream_object *self = (stream_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->future);
    Py_VISIT(self->pump);
    Py_VISIT(self->loop);
    Py_VISIT(self->own_loop);
    return 0;
}

static int
stream_clear(PyObject *op)
{
    stream_object *self = (stream_object *)op;
    self->waits_for = WAIT_NOTHING;
    Py_CLEAR(self->future);
    Py_CLEAR(self->pump);
    return 0;
}

static void
stream_dealloc(PyObject *op)
{
    stream_object *self = (stream_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    stream_clear(op);
    rjpy_section section;
    rjpy_lock(&section, rjpy_uv_lock_of(self->state, (PyObject *)type));
    rj_sink_free(self->sink);
    close_stream(self);
    rjpy_unlock(&section);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->own_loop);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- attributes */

static PyObject *
stream_fileno(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(((stream_object *)op)->fd);
}

static PyObject *
get_closed(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((stream_object *)op)->fd < 0);
}

/* For watching progress: it only ever grows while a connection lasts. */
static PyObject *
get_sent(PyObject *op, void *Py_UNUSED(closure))
{
    const rjpy_connection *connection = ((stream_object *)op)->connection;
    if (!connection)
        return PyLong_FromLong(0);
    size_t waiting = uv_stream_get_write_queue_size(&connection->handle.stream);
    return PyLong_FromUnsignedLongLong(connection->queue.accepted + connection->queue.in_flight_bytes - waiting);
}

PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\nThe stream's own descriptor; -1 once it is closed.");
PyDoc_STRVAR(close_doc,
             "close($self, /)\n--\n\n"
             "Close the stream's descriptor, and drop what is on its way. The socket or descriptor that the stream\n"
             "was made of stays open. Closing twice does nothing.");
PyDoc_STRVAR(abort_doc, "abort($self, /)\n--\n\n"
                        "Close, and reset a TCP connection, so that the peer does not take what it got for all there is.");
PyDoc_STRVAR(attach_doc, "For rjson.aio: open the stream on a Loop; return its outlet.");
PyDoc_STRVAR(wait_room_doc, "For rjson.aio: set a future when the stream can take a piece.");
PyDoc_STRVAR(wait_drained_doc, "For rjson.aio: set a future when everything has left.");
PyDoc_STRVAR(drive_doc, "For rjson.aio: run a pump on, and set a future to its state when it needs its driver.");
PyDoc_STRVAR(cancel_wait_doc, "For rjson.aio: forget the future.");
PyDoc_STRVAR(send_doc, "For rjson.aio: take a piece; there must be room.");
PyDoc_STRVAR(begin_doc, "For dump_to: a sink, in a capsule, with chunks of that size; _end() must follow.");
PyDoc_STRVAR(end_doc, "For dump_to: the sink is not used any more.");

#define LOCK_OF(op) rjpy_uv_lock_of(((stream_object *)(op))->state, op)
RJ_IN_TURN_OF(stream_close, LOCK_OF(op))
RJ_IN_TURN_OF(stream_abort, LOCK_OF(op))
RJ_IN_TURN_OF(stream_attach, LOCK_OF(op))
RJ_IN_TURN_OF(stream_wait_room, LOCK_OF(op))
RJ_IN_TURN_OF(stream_wait_drained, LOCK_OF(op))
RJ_IN_TURN_OF(stream_drive, LOCK_OF(op))
RJ_IN_TURN_OF(stream_cancel_wait, LOCK_OF(op))
RJ_IN_TURN_OF(stream_send, LOCK_OF(op))
RJ_IN_TURN_OF(stream_begin, LOCK_OF(op))
RJ_IN_TURN_OF(stream_end, LOCK_OF(op))

static PyMethodDef stream_methods[] = {
    {"fileno", stream_fileno, METH_NOARGS, fileno_doc},
    {"close", stream_close_in_turn, METH_NOARGS, close_doc},
    {"abort", stream_abort_in_turn, METH_NOARGS, abort_doc},
    {"_attach", stream_attach_in_turn, METH_O, attach_doc},
    {"_wait_room", stream_wait_room_in_turn, METH_O, wait_room_doc},
    {"_wait_drained", stream_wait_drained_in_turn, METH_O, wait_drained_doc},
    {"_drive", stream_drive_in_turn, METH_VARARGS, drive_doc},
    {"_cancel_wait", stream_cancel_wait_in_turn, METH_NOARGS, cancel_wait_doc},
    {"_send", stream_send_in_turn, METH_O, send_doc},
    {"_begin", stream_begin_in_turn, METH_O, begin_doc},
    {"_end", stream_end_in_turn, METH_NOARGS, end_doc},
    {NULL, NULL, 0, NULL},
};

static PyObject *
get_sent_in_turn(PyObject *op, void *closure)
{
    rjpy_section section;
    rjpy_lock(&section, LOCK_OF(op));
    return rjpy_unlocked(&section, get_sent(op, closure));
}

static PyGetSetDef stream_getset[] = {
    {"closed", get_closed, NULL, PyDoc_STR("Whether close() or abort() was called."), NULL},
    {"_sent", get_sent_in_turn, NULL, PyDoc_STR("Bytes that have left for the kernel."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(stream_doc, "Stream(fd)\n--\n\nA libuv stream on a copy of a descriptor; see rjson.uv.");

static PyType_Slot stream_slots[] = {
    {Py_tp_doc, (void *)stream_doc},
    {Py_tp_new, RJ_SLOT(stream_new)},
    {Py_tp_dealloc, RJ_SLOT(stream_dealloc)},
    {Py_tp_traverse, RJ_SLOT(stream_traverse)},
    {Py_tp_clear, RJ_SLOT(stream_clear)},
    {Py_tp_methods, stream_methods},
    {Py_tp_getset, stream_getset},
    {0, NULL},
};

PyType_Spec rjpy_stream_spec = {
    "rjson._uv.Stream",
    sizeof(stream_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    stream_slots,
};
