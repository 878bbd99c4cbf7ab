/*
 * iterencode: the encoder pauses at every full chunk, and __next__ hands it over. A chunk's memory is used again if the caller
 * dropped it before asking for the next.
 */
#include "dump/iterencode.h"

#include "dump/bytes_chunk.h"
#include "encode/encoder.h"
#include "dump/pace.h"

/* A sink whose only place for bytes is one chunk, waiting to be picked up. */
typedef struct pickup_sink {
    rj_sink base;
    rj_bytes_chunk chunk;
} pickup_sink;

typedef struct chunks_object {
    PyObject_HEAD rj_encoder *encoder; /* NULL when the iteration is over */
    PyObject *root;                    /* owned */
    rj_options options;                /* default_ is owned */
    pickup_sink sink;
    int busy;
} chunks_object;

static int
pickup_lend(rj_sink *base, size_t hint, rj_window *out)
{
    rj_bytes_chunk *chunk = &((pickup_sink *)base)->chunk;
    (void)hint;
    if (chunk->capacity - chunk->length < RJ_CHUNK_MIN)
        return RJ_PAUSE;
    if (rj_bytes_chunk_prepare(chunk) < 0)
        return RJ_ENOMEM;
    uint8_t *data = rj_bytes_chunk_data(chunk);
    out->cur = data + chunk->length;
    out->end = data + chunk->capacity;
    return RJ_OK;
}

static int
pickup_take(rj_sink *base, size_t used)
{
    ((pickup_sink *)base)->chunk.length += used;
    return RJ_OK;
}

static int
pickup_flush(rj_sink *base)
{
    (void)base;
    return RJ_OK;
}

static void
pickup_close(rj_sink *base)
{
    rj_bytes_chunk_clear(&((pickup_sink *)base)->chunk);
}

static const rj_sink_ops pickup_ops = {pickup_lend, pickup_take, pickup_flush, NULL, pickup_close};

/* Ends the iteration: nothing is kept longer than needed. */
static void
finish(chunks_object *self)
{
    rj_encoder *e = self->encoder;
    self->encoder = NULL;
    if (e)
        rj_encoder_release(e);
    rj_sink_free(&self->sink.base);
    Py_CLEAR(self->root);
    Py_CLEAR(self->options.default_);
}

PyObject *
rj_chunks_new(rj_state *state, const rj_options *options, PyObject *obj, size_t chunk_size)
{
    chunks_object *self = PyObject_GC_New(chunks_object, state->chunks_type);
    if (!self)
        return NULL;
    self->busy = 0;
    self->root = Py_NewRef(obj);
    self->options = *options;
    Py_XINCREF(self->options.default_);
    self->sink = (pickup_sink){{&pickup_ops, 0, RJ_OK, 0}, {.capacity = chunk_size}};
    self->encoder = rj_encoder_acquire(state, &self->options, obj, &self->sink.base);
    PyObject_GC_Track(self);
    if (!self->encoder) {
        Py_DECREF(self);
        return NULL;
    }
    self->encoder->on_window = rj_pace_signals;
    return (PyObject *)self;
}

/* The chunk that is ready. */
static PyObject *
pick_up(chunks_object *self)
{
    self->sink.base.accepted += self->sink.chunk.length;
    return rj_bytes_chunk_hand_out(&self->sink.chunk);
}

static PyObject *
chunks_next(PyObject *op)
{
    chunks_object *self = (chunks_object *)op;
    if (self->busy) {
        PyErr_SetString(PyExc_ValueError, "iterencode() is already running");
        return NULL;
    }
    if (!self->encoder)
        return NULL;
    self->busy = 1;
    rj_run run = rj_encoder_run(self->encoder);
    self->busy = 0;
    if (run == RJ_RUN_FAILED) {
        rj_encoder_raise(self->encoder, NULL, self->sink.base.accepted);
        finish(self);
        return NULL;
    }
    PyObject *chunk = pick_up(self);
    if (run == RJ_RUN_DONE || !chunk)
        finish(self);
    return chunk;
}

static PyObject *
chunks_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    chunks_object *self = (chunks_object *)op;
    if (self->busy) {
        PyErr_SetString(PyExc_ValueError, "iterencode() is already running");
        return NULL;
    }
    finish(self);
    Py_RETURN_NONE;
}

static int
chunks_traverse(PyObject *op, visitproc visit, void *arg)
{
    chunks_object *self = (chunks_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->root);
    Py_VISIT(self->options.default_);
    return self->encoder ? rj_encoder_traverse(self->encoder, visit, arg) : 0;
}

static int
chunks_clear(PyObject *op)
{
    finish((chunks_object *)op);
    return 0;
}

static void
chunks_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    chunks_clear(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(chunks_doc, "The chunks of one encoding, as bytes; made by iterencode().");

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd the iteration, and let go of the document. WSGI servers call it.");

static PyMethodDef chunks_methods[] = {
    {"close", chunks_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot chunks_slots[] = {
    {Py_tp_methods, chunks_methods},
    {Py_tp_doc, (void *)chunks_doc},
    {Py_tp_iter, RJ_SLOT(PyObject_SelfIter)},
    {Py_tp_iternext, RJ_SLOT(chunks_next)},
    {Py_tp_traverse, RJ_SLOT(chunks_traverse)},
    {Py_tp_clear, RJ_SLOT(chunks_clear)},
    {Py_tp_dealloc, RJ_SLOT(chunks_dealloc)},
    {0, NULL},
};

PyType_Spec rj_chunks_spec = {
    "rjson._core.Chunks",
    sizeof(chunks_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    chunks_slots,
};
