/* See loop.h. libuv's callbacks run no Python code: they note what is ready, and the loop's owner sees to it afterwards. */
#include "uv/loop.h"
#include "uv/module.h"

#include "sinks/fd_io.h"

/* How long one call of run() may hold the event loop that it is embedded in. */
#define RUN_NS 1000000u

/* ---- connections */

static void
unlink_ready(rjpy_connection *connection)
{
    rjpy_loop_object *loop = connection->loop;
    if (!connection->is_ready)
        return;
    rjpy_connection **link = &loop->ready;
    while (*link != connection)
        link = &(*link)->next_ready;
    *link = connection->next_ready;
    if (loop->ready_end == &connection->next_ready)
        loop->ready_end = link;
    connection->is_ready = 0;
}

void
rjpy_connection_make_ready(rjpy_connection *connection)
{
    rjpy_loop_object *loop = connection->loop;
    if (connection->is_ready || !connection->stream)
        return;
    connection->is_ready = 1;
    connection->next_ready = NULL;
    *loop->ready_end = connection;
    loop->ready_end = &connection->next_ready;
}

static void
on_released(rj__uv_queue *queue, void *bytes)
{
    rjpy_connection *connection = (rjpy_connection *)((char *)queue - offsetof(rjpy_connection, queue));
    Py_DECREF((PyObject *)bytes);
    rjpy_connection_make_ready(connection);
}

static void
on_closed(uv_handle_t *handle)
{
    PyMem_Free(handle); /* the connection: the handle is its first member */
}

rjpy_connection *
rjpy_connection_open(rjpy_loop_object *loop, PyObject *stream, int fd)
{
    rjpy_connection *connection = PyMem_Calloc(1, sizeof *connection);
    if (!connection) {
        PyErr_NoMemory();
        return NULL;
    }
    int rc = rj__uv_open(loop->loop, &connection->handle, fd, on_closed);
    if (rc < 0) {
        if (!uv_is_closing(&connection->handle.handle))
            PyMem_Free(connection);
        PyErr_Format(PyExc_OSError, "libuv cannot open descriptor %d: %s", fd, uv_strerror(rc));
        return NULL;
    }
    rj__uv_queue_init(&connection->queue, &connection->handle.stream, connection->writes, RJ_UV_IN_FLIGHT, on_released);
    connection->loop = loop;
    connection->stream = stream;
    return connection;
}

void
rjpy_connection_close(rjpy_connection *connection)
{
    unlink_ready(connection);
    connection->stream = NULL;
    uv_close(&connection->handle.handle, on_closed);
}

/* ---- the loop */

int
rjpy_check_process(int pid)
{
    if (pid == rj__process_id())
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "this object of rjson.uv belongs to the process that this one was forked from");
    return -1;
}

typedef struct loop_block {
    uv_loop_t loop;
    uv_async_t wakeup;
} loop_block;

static void
on_wakeup(uv_async_t *wakeup)
{
    (void)wakeup; /* whoever waits looks around */
}

/* 0 or a UV_ code. */
static int
init_loop(rjpy_loop_object *self)
{
    loop_block *block = PyMem_Malloc(sizeof *block);
    int rc = block ? uv_loop_init(&block->loop) : UV_ENOMEM;
    if (rc == 0 && (rc = uv_async_init(&block->loop, &block->wakeup, on_wakeup)) < 0)
        uv_loop_close(&block->loop);
    if (rc < 0) {
        PyMem_Free(block);
        return rc;
    }
    uv_unref((uv_handle_t *)&block->wakeup);
    self->loop = &block->loop;
    self->wakeup = &block->wakeup;
    return 0;
}

static PyObject *
loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":Loop", names))
        return NULL;
    rjpy_loop_object *self = (rjpy_loop_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->ready_end = &self->ready;
    self->pid = rj__process_id();
    int rc = init_loop(self);
    if (rc < 0) {
        Py_DECREF(self);
        if (rc == UV_ENOMEM)
            return PyErr_NoMemory();
        return PyErr_Format(PyExc_OSError, "libuv cannot make a loop: %s", uv_strerror(rc));
    }
    return (PyObject *)self;
}

static int
loop_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

/* Streams keep their loop alive, so no connection is left but those that are closing. */
static void
loop_dealloc(PyObject *op)
{
    rjpy_loop_object *self = (rjpy_loop_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->loop) {
        if (self->pid != rj__process_id())
            uv_loop_fork(self->loop); /* else it would take the handles out of the parent's loop */
        uv_close((uv_handle_t *)self->wakeup, NULL);
        while (uv_run(self->loop, UV_RUN_NOWAIT) != 0) {
        }
        uv_loop_close(self->loop);
        PyMem_Free(self->loop);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
loop_fileno(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(uv_backend_fd(((rjpy_loop_object *)op)->loop));
}

static void
serve_ready(rjpy_loop_object *self)
{
    uint64_t deadline_ns = rj__monotonic_ns() + RUN_NS;
    while (self->ready) {
        rjpy_connection *connection = self->ready;
        unlink_ready(connection);
        PyObject *stream = Py_NewRef(connection->stream);
        rjpy_stream_work(stream, deadline_ns);
        Py_DECREF(stream);
        if (rj__monotonic_ns() >= deadline_ns)
            return;
    }
}

static PyObject *
loop_run(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_loop_object *self = (rjpy_loop_object *)op;
    if (rjpy_check_process(self->pid) < 0)
        return NULL;
    if (self->is_running) /* by code that a waiter runs; the outer call goes on */
        Py_RETURN_FALSE;
    self->is_running = 1;
    rj__uv_turn(self->loop);
    serve_ready(self);
    rj__uv_turn(self->loop); /* makes the backend see what was begun */
    self->is_running = 0;
    /* A write that finished at once has its callback in the next turn, and nothing shows in the backend. */
    return PyBool_FromLong(self->ready || uv_backend_timeout(self->loop) == 0);
}

PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\nA descriptor that is readable when run() should be called.");
PyDoc_STRVAR(run_doc,
             "run($self, /)\n--\n\n"
             "Do what is ready, for about a millisecond at most. True: call it again soon, whatever fileno() says.");

#define LOCK_OF(op) rjpy_uv_lock_of(PyType_GetModuleState(Py_TYPE(op)), op)
RJ_IN_TURN_OF(loop_run, LOCK_OF(op))

static PyMethodDef loop_methods[] = {
    {"fileno", loop_fileno, METH_NOARGS, fileno_doc},
    {"run", loop_run_in_turn, METH_NOARGS, run_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(loop_doc, "Loop()\n--\n\nA libuv loop, to be embedded in another event loop.");

static PyType_Slot loop_slots[] = {
    {Py_tp_doc, (void *)loop_doc},          {Py_tp_new, RJ_SLOT(loop_new)},
    {Py_tp_dealloc, RJ_SLOT(loop_dealloc)}, {Py_tp_traverse, RJ_SLOT(loop_traverse)},
    {Py_tp_methods, loop_methods},          {0, NULL},
};

PyType_Spec rjpy_loop_spec = {
    "rjson._uv.Loop", sizeof(rjpy_loop_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    loop_slots,
};
