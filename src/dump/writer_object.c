/* See writer_object.h. The rest of the writer is Python (rjson/_writer.py): targets, failures, the end. */
#include "dump/writer_object.h"

#include "cpython/exceptions.h"
#include "dump/pump.h"
#include "dump/reentrant_lock.h"

#include <structmember.h>

typedef struct writer_object {
    PyObject_HEAD PyObject *pump; /* owned; NULL before _attach() */
    rjpy_reentrant_lock lock;
    char is_plain; /* nothing keeps a document from going straight into the chunk */
} writer_object;

/* ---- the lock */

static PyObject *
writer_acquire(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    return rjpy_reentrant_lock_acquire(&((writer_object *)op)->lock) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
writer_release(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    writer_object *self = (writer_object *)op;
    if (!rjpy_reentrant_lock_is_mine(&self->lock)) {
        PyErr_SetString(PyExc_RuntimeError, "the lock is another thread's");
        return NULL;
    }
    rjpy_reentrant_lock_release(&self->lock);
    Py_RETURN_NONE;
}

/* ---- write */

/* After a document failed: the Python half sees to what that means, and to the exception. NULL. */
static PyObject *
fail(writer_object *self)
{
    PyObject *exception = rjpy_take_exception();
    PyObject *result = exception ? PyObject_CallMethod((PyObject *)self, "_note", "O", exception) : NULL;
    if (result)
        rjpy_set_exception(exception);
    else
        Py_XDECREF(exception);
    Py_XDECREF(result);
    return NULL;
}

/* With the lock. */
static PyObject *
write_plainly(writer_object *self, PyObject *obj)
{
    rjpy_pump *pump = (rjpy_pump *)self->pump;
    rjpy_section section;
    rjpy_lock(&section, self->pump);
    int state = rjpy_pump_begin(pump, obj, NULL, 0) < 0 ? -1 : rjpy_pump_go(pump, &rjpy_no_way);
    rjpy_unlock(&section);
    if (state < 0)
        return fail(self);
    if (state != RJ_PAUSE_NONE)
        return PyObject_CallMethod((PyObject *)self, "_finish_document", NULL);
    return PyLong_FromUnsignedLongLong(rjpy_pump_produced(pump) - pump->document_start);
}

static PyObject *
writer_write(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    writer_object *self = (writer_object *)op;
    PyObject *result = NULL;
    if (rjpy_reentrant_lock_acquire(&self->lock) < 0)
        return NULL;
    /* A document that is there still has failed without memory to note it: Python sees to that. */
    if (nargs == 1 && !kwnames && self->is_plain && !rjpy_pump_has_document((rjpy_pump *)self->pump)) {
        result = write_plainly(self, args[0]);
    }
    else {
        PyObject *method = PyObject_GetAttrString(op, "_write");
        if (method)
            result = PyObject_Vectorcall(method, args, (size_t)nargs, kwnames);
        Py_XDECREF(method);
    }
    rjpy_reentrant_lock_release(&self->lock);
    return result;
}

/* ---- the type */

static PyObject *
writer_attach(PyObject *op, PyObject *pump)
{
    writer_object *self = (writer_object *)op;
    if (self->pump || strcmp(Py_TYPE(pump)->tp_name, rjpy_pump_spec.name) != 0) {
        PyErr_SetString(PyExc_TypeError, "a writer takes one Pump");
        return NULL;
    }
    self->pump = Py_NewRef(pump);
    self->is_plain = 1;
    Py_RETURN_NONE;
}

static PyObject *
writer_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    writer_object *self = (writer_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    if (rjpy_reentrant_lock_init(&self->lock) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
writer_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((writer_object *)op)->pump);
    return 0;
}

static int
writer_clear(PyObject *op)
{
    ((writer_object *)op)->is_plain = 0;
    Py_CLEAR(((writer_object *)op)->pump);
    return 0;
}

static void
writer_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    writer_clear(op);
    rjpy_reentrant_lock_clear(&((writer_object *)op)->lock);
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(
    write_doc,
    "write($self, obj, /, *, event=None, id=None, retry=None, comment=None)\n--\n\n"
    "Write one document; or inside of `object()` and `array()`, one value.\n\n"
    "Args:\n"
    "    obj: What `rjson.dumps` takes.\n"
    "    event, id, retry, comment: With framing \"sse\": see `rjson.Event`.\n\n"
    "Returns:\n"
    "    How many bytes it has, with its framing.\n\n"
    "Raises:\n"
    "    EncodeError: Something in it cannot be encoded. The writer goes on as if it had not been, unless a part of it is\n"
    "        in a pipe or connection already.\n"
    "    OSError, TimeoutError: The target failed. Every later call raises ConnectionAbortedError from it.\n"
    "    ValueError: The writer is closed; or it has another framing, and an event's fields are given.");

static PyMethodDef writer_methods[] = {
    {"write", (PyCFunction)(void (*)(void))writer_write, METH_FASTCALL | METH_KEYWORDS, write_doc},
    {"_attach", writer_attach, METH_O, PyDoc_STR("Once: the Pump that documents go to.")},
    {"_acquire", writer_acquire, METH_NOARGS, PyDoc_STR("Take the lock; again, if this thread has it.")},
    {"_release", writer_release, METH_NOARGS, PyDoc_STR("Give the lock back, as often as it was taken.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef writer_members[] = {
    {"_is_plain", T_BOOL, offsetof(writer_object, is_plain), 0,
     PyDoc_STR("Whether nothing keeps a document from going straight into the chunk.")},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("The half of rjson.Writer that is in C.")},
    {Py_tp_new, RJ_SLOT(writer_new)},
    {Py_tp_dealloc, RJ_SLOT(writer_dealloc)},
    {Py_tp_traverse, RJ_SLOT(writer_traverse)},
    {Py_tp_clear, RJ_SLOT(writer_clear)},
    {Py_tp_methods, writer_methods},
    {Py_tp_members, writer_members},
    {0, NULL},
};

PyType_Spec rjpy_writer_base_spec = {
    "rjson._core.WriterBase",
    sizeof(writer_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    writer_slots,
};
