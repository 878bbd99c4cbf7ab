/* rjson._core.Values: the iterator that iterload() returns. It reads, and decodes a few values at a time. */
#include "decode/feeder.h"

typedef struct values {
    PyObject_HEAD rjpy_feeder *feeder; /* owned */
    PyObject *read;                    /* reads up to so many bytes or characters; owned, NULL when nothing comes any more */
    PyObject *chunk_size;              /* how many; owned */
    int is_last;                       /* the text is at its end */
    int is_busy;                       /* in the middle of reading or decoding */
    int next, count;                   /* of the batch, what was not given out yet */
    PyObject *batch[RJ_BATCH];         /* owned from `next` on */
} values;

static PyObject *
values_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", NULL};
    PyObject *feeder, *read, *chunk_size, *module = PyType_GetModule(type);
    if (!module || !PyArg_ParseTupleAndKeywords(args, kwargs, "O!OO!:Values", names, rjpy_state_of(module)->feeder_type,
                                                &feeder, &read, &PyLong_Type, &chunk_size))
        return NULL;
    values *self = (values *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->feeder = (rjpy_feeder *)Py_NewRef(feeder);
    self->read = Py_NewRef(read);
    self->chunk_size = Py_NewRef(chunk_size);
    return (PyObject *)self;
}

static int
values_traverse(PyObject *op, visitproc visit, void *arg)
{
    values *self = (values *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->feeder);
    Py_VISIT(self->read);
    for (int i = self->next; i < self->count; i++)
        Py_VISIT(self->batch[i]);
    return 0;
}

static int
values_clear(PyObject *op)
{
    values *self = (values *)op;
    Py_CLEAR(self->feeder);
    Py_CLEAR(self->read);
    while (self->next < self->count)
        Py_DECREF(self->batch[self->next++]);
    return 0;
}

static void
values_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    values_clear(op);
    Py_CLEAR(((values *)op)->chunk_size);
    type->tp_free(op);
    Py_DECREF(type);
}

/* Reads on: 0, or -1 with an exception, after which it can be tried again. */
static int
read_part(values *self)
{
    PyObject *part = PyObject_CallOneArg(self->read, self->chunk_size);
    if (!part)
        return -1;
    int rc = rjpy_feeder_feed(self->feeder, part);
    Py_DECREF(part);
    self->is_last = rc == 1;
    return rc < 0 ? -1 : 0;
}

/* Fills the batch. Nothing is in it after an exception, and at the end. */
static void
fill_batch(values *self)
{
    while (self->read) {
        Py_ssize_t count = rjpy_feeder_take(self->feeder, self->batch);
        if (count < 0) {
            if (self->feeder->is_over)
                Py_CLEAR(self->read);
            return;
        }
        if (count > 0) {
            self->next = 0;
            self->count = (int)count;
            return;
        }
        if (self->is_last)
            Py_CLEAR(self->read);
        else if (read_part(self) < 0)
            return;
    }
}

static PyObject *
values_next(PyObject *op)
{
    values *self = (values *)op;
    if (RJ__UNLIKELY(self->is_busy))
        return PyErr_Format(PyExc_ValueError, "iterload() is reading already");
    if (RJ__UNLIKELY(self->next == self->count)) {
        self->is_busy = 1;
        fill_batch(self);
        self->is_busy = 0;
        if (self->next == self->count)
            return NULL;
    }
    return self->batch[self->next++];
}

/* Without the GIL, one at a time. */
RJ_NEXT_IN_TURN(values_next)

static PyType_Slot values_slots[] = {
    {Py_tp_new, RJ_SLOT(values_new)},
    {Py_tp_traverse, RJ_SLOT(values_traverse)},
    {Py_tp_clear, RJ_SLOT(values_clear)},
    {Py_tp_dealloc, RJ_SLOT(values_dealloc)},
    {Py_tp_iter, RJ_SLOT(PyObject_SelfIter)},
    {Py_tp_iternext, RJ_SLOT(values_next_in_turn)},
    {Py_tp_doc, (void *)(uintptr_t)PyDoc_STR("Values(feeder, read, chunk_size): the values of a text, as they arrive.")},
    {0, NULL},
};

PyType_Spec rjpy_values_spec = {
    .name = "rjson._core.Values",
    .basicsize = sizeof(values),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = values_slots,
};
