/* See pump.h. */
#include "dump/pump.h"

#include "encode/encoder.h"
#include "dump/encoder_object.h"
#include "dump/framed_chunk.h"

/* Windows are no larger, so that the clock is looked at often enough. */
#define WINDOW_MAX 65536

/* Where full chunks may be sent without the driver: a socket, an outlet, or (-1, NULL) nowhere. */
typedef struct way {
    int fd;
    const rj_outlet *outlet;
} way;

static const way no_way = {-1, NULL};

typedef struct affix {
    uint8_t bytes[RJ_AFFIX_MAX];
    size_t length;
} affix;

typedef struct pump_object {
    PyObject_HEAD rj_sink sink; /* accepted: bytes of output (without HTTP's framing) that left the chunk */
    rj_framed_chunk out;
    const way *way; /* out, while the run lasts */
    int busy;
    uint64_t slice_ns;
    rj_coop coop;
    PyObject *encoder_object; /* owned: where the options live */
    rj_encoder *encoder;      /* NULL between documents */
    PyObject *root;           /* owned; NULL between documents */
    affix prefix, suffix;     /* of the document */
    size_t flushed;           /* bytes of output in what was flushed last */
    int state;                /* what the last run ended with */
    int completed;            /* the last document is complete */
    int lost;                 /* the target did not take what was flushed last */
    int torn;                 /* or perhaps a part of it */
    int last_byte;            /* of the last document, without its suffix; -1 if there was none */
    uint64_t document_start;  /* in bytes of output since the pump was made */
} pump_object;

static pump_object *
pump_of(rj_sink *sink)
{
    return (pump_object *)((char *)sink - offsetof(pump_object, sink));
}

/* Bytes of output since the pump was made. */
static uint64_t
produced(const pump_object *self)
{
    return self->sink.accepted + rj_framed_chunk_held(&self->out);
}

static void
seal(pump_object *self, int last)
{
    if (self->out.sealed)
        return;
    self->flushed = rj_framed_chunk_seal(&self->out, last);
    self->sink.accepted += self->flushed;
}

static int
leads_nowhere(const way *way)
{
    return way->fd < 0 && !way->outlet;
}

/* Seals the chunk and sends it. */
static rj_sent
send_chunk(pump_object *self, const way *way, int last)
{
    seal(self, last);
    if (way->outlet)
        return rj_framed_chunk_send_to(&self->out, way->outlet);
    return rj_framed_chunk_send(&self->out, way->fd) ? RJ_SENT_ALL : RJ_SENT_NOTHING;
}

/* Whether the way may be used in the middle of a run: the document's own code may have used the transport since the driver
 * looked at it. An outlet belongs to the document. */
static int
is_open_way(const pump_object *self)
{
    return self->way->outlet || (self->way->fd >= 0 && !self->coop.ran_python);
}

/* ---- the sink */

static int
pump_lend(rj_sink *sink, size_t hint, rj_window *out)
{
    pump_object *self = pump_of(sink);
    (void)hint;
    Py_ssize_t room = rj_framed_chunk_room(&self->out);
    if (room >= 0 && room < RJ_CHUNK_MIN) {
        if (!is_open_way(self) || send_chunk(self, self->way, 0) == RJ_SENT_NOTHING) {
            self->coop.reason = RJ_PAUSE_FULL;
            return RJ_PAUSE;
        }
        room = rj_framed_chunk_room(&self->out);
    }
    if (room < 0)
        return RJ_ENOMEM;
    out->cur = rj_framed_chunk_end(&self->out);
    out->end = out->cur + (room < WINDOW_MAX ? room : WINDOW_MAX);
    return RJ_OK;
}

static int
pump_take(rj_sink *sink, size_t used)
{
    pump_of(sink)->out.chunk.length += used;
    return RJ_OK;
}

static int
pump_flush_sink(rj_sink *sink)
{
    (void)sink;
    return RJ_OK;
}

static void
pump_close(rj_sink *sink)
{
    rj_bytes_chunk_clear(&pump_of(sink)->out.chunk);
}

static const rj_sink_ops pump_ops = {pump_lend, pump_take, pump_flush_sink, NULL, pump_close};

static int
pump_on_window(rj_encoder *e)
{
    if (rj__monotonic_ns() < e->coop->deadline_ns)
        return 0;
    e->coop->reason = RJ_PAUSE_SLICE;
    return 1;
}

/* ---- documents */

static int
check_count(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (count >= least && count <= most)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, not %zd", name, least, most, count);
    return -1;
}

static int
check_idle(const pump_object *self)
{
    if (!self->busy)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the writer is used by the document that it is writing");
    return -1;
}

static int
check_open(const pump_object *self)
{
    if (self->encoder)
        return check_idle(self);
    PyErr_SetString(PyExc_RuntimeError, "there is no document");
    return -1;
}

static int
affix_from(PyObject *bytes, affix *out)
{
    if (!PyBytes_Check(bytes) || PyBytes_GET_SIZE(bytes) > RJ_AFFIX_MAX) {
        PyErr_Format(PyExc_ValueError, "an affix must be at most %d bytes, not %R", RJ_AFFIX_MAX, bytes);
        return -1;
    }
    out->length = (size_t)PyBytes_GET_SIZE(bytes);
    memcpy(out->bytes, PyBytes_AS_STRING(bytes), out->length);
    return 0;
}

static void
end_document(pump_object *self)
{
    rj_encoder *e = self->encoder;
    self->encoder = NULL;
    rj_coop_clear(&self->coop);
    if (e)
        rj_encoder_release(e);
    Py_CLEAR(self->root);
}

static uint64_t
bytes_written(const pump_object *self)
{
    return self->sink.accepted > self->document_start ? self->sink.accepted - self->document_start : 0;
}

static PyObject *
pump_begin(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    pump_object *self = (pump_object *)op;
    if (check_count("begin", nargs, 1, 3) < 0 || check_idle(self) < 0)
        return NULL;
    if (self->encoder) {
        PyErr_SetString(PyExc_RuntimeError, "the last document has not been finished");
        return NULL;
    }
    self->prefix.length = self->suffix.length = 0;
    if ((nargs > 1 && affix_from(args[1], &self->prefix) < 0) || (nargs > 2 && affix_from(args[2], &self->suffix) < 0))
        return NULL;
    self->encoder = rj_encoder_object_begin(self->encoder_object, args[0], &self->sink);
    if (!self->encoder)
        return NULL;
    self->root = Py_NewRef(args[0]);
    self->encoder->coop = &self->coop;
    self->encoder->on_window = pump_on_window;
    self->completed = self->lost = self->torn = 0;
    self->coop.flushed = 0;
    self->coop.deadline_ns = rj__monotonic_ns() + self->slice_ns;
    self->document_start = produced(self);
    Py_RETURN_NONE;
}

/* 1 if the prefix is in the chunk, 0 if it does not fit now, -1 with MemoryError. */
static int
put_prefix(pump_object *self)
{
    if (self->prefix.length == 0)
        return 1;
    Py_ssize_t room = rj_framed_chunk_room(&self->out);
    if (room < RJ_CHUNK_MIN)
        return room < 0 ? -1 : 0;
    rj_framed_chunk_append(&self->out, self->prefix.bytes, self->prefix.length);
    self->prefix.length = 0;
    return 1;
}

static void
complete(pump_object *self)
{
    self->last_byte = rj_framed_chunk_end(&self->out)[-1];
    rj_framed_chunk_append(&self->out, self->suffix.bytes, self->suffix.length);
    self->completed = 1;
    end_document(self);
}

/* Encodes on. The reason of the pause, RJ_PAUSE_NONE for a complete document, or -1 with an exception. */
static int
run(pump_object *self, const way *way)
{
    rj_encoder *e = self->encoder;
    self->coop.ran_python = 0;
    int ready = put_prefix(self);
    if (ready <= 0)
        return ready < 0 ? -1 : (self->state = RJ_PAUSE_FULL);
    self->way = way;
    self->busy = 1;
    rj_run result = rj_encoder_run(e);
    self->busy = 0;
    self->way = &no_way;
    if (result == RJ_RUN_PAUSED)
        return self->state = (int)self->coop.reason;
    if (result == RJ_RUN_FAILED) {
        rj_encoder_raise(e, NULL, bytes_written(self));
        return -1;
    }
    complete(self);
    return self->state = RJ_PAUSE_NONE;
}

static PyObject *
state_or_error(int state)
{
    return state < 0 ? NULL : PyLong_FromLong(state);
}

/* A descriptor (-1 for none), or an outlet's capsule. -1 with an exception. */
static int
way_from(PyObject *out, way *way)
{
    *way = no_way;
    if (PyCapsule_CheckExact(out)) {
        way->outlet = PyCapsule_GetPointer(out, RJ_OUTLET_CAPSULE);
        return way->outlet ? 0 : -1;
    }
    long fd = PyLong_AsLong(out);
    if (fd == -1 && PyErr_Occurred())
        return -1;
    way->fd = fd < 0 || fd > INT_MAX ? -1 : (int)fd;
    return 0;
}

static int
check_runnable(const pump_object *self)
{
    if (check_open(self) < 0)
        return -1;
    if (!self->coop.awaiting)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the document waits for a source");
    return -1;
}

static PyObject *
pump_run(PyObject *op, PyObject *out)
{
    pump_object *self = (pump_object *)op;
    way way;
    if (way_from(out, &way) < 0 || check_runnable(self) < 0)
        return NULL;
    return state_or_error(run(self, &way));
}

int
rj_pump_run(PyObject *op, const rj_outlet *outlet, uint64_t deadline_ns)
{
    pump_object *self = (pump_object *)op;
    const way way = {-1, outlet};
    if (check_runnable(self) < 0)
        return -1;
    self->coop.deadline_ns = deadline_ns;
    self->coop.outside_task = 1;
    int state = run(self, &way);
    self->coop.outside_task = 0;
    return state;
}

static PyObject *
size_of_document(const pump_object *self)
{
    return PyLong_FromUnsignedLongLong(produced(self) - self->document_start);
}

static PyObject *
pump_send_whole(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    pump_object *self = (pump_object *)op;
    if (check_count("send_whole", nargs, 2, 2) < 0 || check_open(self) < 0)
        return NULL;
    way way;
    int last = PyObject_IsTrue(args[1]);
    if (way_from(args[0], &way) < 0 || last < 0)
        return NULL;
    int state = run(self, &no_way);
    if (state < 0)
        return NULL;
    if (state != RJ_PAUSE_NONE || leads_nowhere(&way) || self->coop.ran_python)
        Py_RETURN_NONE;
    if (send_chunk(self, &way, last) != RJ_SENT_ALL)
        Py_RETURN_NONE;
    return size_of_document(self);
}

/* After what the event loop answered has gone to the pending awaitable. */
static PyObject *
arrived(pump_object *self, rj_arrival arrival)
{
    self->busy = 0;
    if (arrival == RJ_ARRIVAL_PENDING)
        return state_or_error(RJ_PAUSE_SOURCE);
    if (arrival == RJ_ARRIVAL_FAILED) {
        rj_encoder_raise(self->encoder, NULL, bytes_written(self));
        return NULL;
    }
    return state_or_error(run(self, &no_way));
}

static int
check_pending(pump_object *self)
{
    if (check_open(self) < 0)
        return -1;
    if (self->coop.awaiting)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the document waits for nothing");
    return -1;
}

static PyObject *
pump_resume(PyObject *op, PyObject *value)
{
    pump_object *self = (pump_object *)op;
    if (check_pending(self) < 0)
        return NULL;
    self->busy = 1;
    return arrived(self, rj_coop_send(&self->coop, value));
}

static PyObject *
pump_throw(PyObject *op, PyObject *exception)
{
    pump_object *self = (pump_object *)op;
    if (check_pending(self) < 0)
        return NULL;
    if (!PyExceptionInstance_Check(exception)) {
        PyErr_Format(PyExc_TypeError, "throw() wants an exception, not %.200s", Py_TYPE(exception)->tp_name);
        return NULL;
    }
    self->busy = 1;
    return arrived(self, rj_coop_throw(&self->coop, exception));
}

static PyObject *
pump_flush(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    pump_object *self = (pump_object *)op;
    if (check_count("flush", nargs, 1, 2) < 0 || check_idle(self) < 0)
        return NULL;
    way way;
    int last = nargs > 1 ? PyObject_IsTrue(args[1]) : 0;
    if (way_from(args[0], &way) < 0 || last < 0)
        return NULL;
    last = last && self->out.http_chunked;
    if (!last && !self->out.sealed && rj_framed_chunk_held(&self->out) == 0)
        Py_RETURN_NONE;
    if (rj_framed_chunk_room(&self->out) < 0)
        return NULL;
    if (!leads_nowhere(&way) && send_chunk(self, &way, last) != RJ_SENT_NOTHING)
        Py_RETURN_NONE;
    seal(self, last);
    return rj_framed_chunk_hand_out(&self->out);
}

static PyObject *
pump_refuse(PyObject *op, PyObject *partly)
{
    pump_object *self = (pump_object *)op;
    int may_have_some = PyObject_IsTrue(partly);
    if (may_have_some < 0)
        return NULL;
    self->sink.accepted -= self->flushed;
    self->flushed = 0;
    self->torn = may_have_some;
    self->lost = 1;
    Py_RETURN_NONE;
}

static PyObject *
pump_append(PyObject *op, PyObject *bytes)
{
    pump_object *self = (pump_object *)op;
    affix data;
    if (check_idle(self) < 0 || affix_from(bytes, &data) < 0)
        return NULL;
    int fits = rj_framed_chunk_has_room_for_affix(&self->out, data.length);
    if (fits < 0)
        return NULL;
    if (!fits)
        Py_RETURN_FALSE;
    rj_framed_chunk_append(&self->out, data.bytes, data.length);
    Py_RETURN_TRUE;
}

static PyObject *
pump_new_slice(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pump_object *self = (pump_object *)op;
    self->coop.deadline_ns = rj__monotonic_ns() + self->slice_ns;
    Py_RETURN_NONE;
}

static PyObject *
pump_trim(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pump_object *self = (pump_object *)op;
    if (self->out.chunk.length == 0)
        rj_bytes_chunk_clear(&self->out.chunk);
    Py_RETURN_NONE;
}

/* What was encoded of a document that nothing was sent of is taken back. */
static void
roll_back(pump_object *self)
{
    if (!self->out.sealed && self->out.chunk.length && self->sink.accepted <= self->document_start)
        rj_framed_chunk_shorten(&self->out, (size_t)(self->document_start - self->sink.accepted));
}

static PyObject *
pump_finish(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    pump_object *self = (pump_object *)op;
    if (check_idle(self) < 0)
        return NULL;
    PyObject *sources = self->encoder ? rj_encoder_open_sources(self->encoder) : PyList_New(0);
    if (!sources)
        return NULL;
    PyObject *awaiting = self->coop.awaiting ? self->coop.awaiting : Py_None;
    PyObject *result = PyTuple_Pack(2, awaiting, sources);
    Py_DECREF(sources);
    if (result && self->encoder) {
        roll_back(self);
        end_document(self);
    }
    return result;
}

/* ---- the type */

static PyObject *
pump_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"encoder", "chunk_size", "slice_us", "http_chunked", "flush_point", NULL};
    PyObject *encoder;
    Py_ssize_t chunk_size;
    long long slice_us;
    int http_chunked, flush_point;
    size_t size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OnLpi:Pump", names, &encoder, &chunk_size, &slice_us, &http_chunked,
                                     &flush_point))
        return NULL;
    rj_state *state = PyType_GetModuleState(type);
    if (!state)
        return NULL;
    if (!PyObject_TypeCheck(encoder, state->encoder_type)) {
        PyErr_Format(PyExc_TypeError, "encoder must be an Encoder, not %.200s", Py_TYPE(encoder)->tp_name);
        return NULL;
    }
    if (slice_us < 1) {
        PyErr_Format(PyExc_ValueError, "slice_us must be at least 1, not %lld", slice_us);
        return NULL;
    }
    if (rj_chunk_size_from(chunk_size, &size) < 0)
        return NULL;
    pump_object *self = (pump_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    rj_framed_chunk_init(&self->out, size, http_chunked);
    self->sink.ops = &pump_ops;
    self->slice_ns = (uint64_t)slice_us * 1000;
    self->coop.flush_point = (rj_flush_point)flush_point;
    self->encoder_object = Py_NewRef(encoder);
    self->way = &no_way;
    self->last_byte = -1;
    return (PyObject *)self;
}

static int
pump_traverse(PyObject *op, visitproc visit, void *arg)
{
    pump_object *self = (pump_object *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->encoder_object);
    Py_VISIT(self->root);
    int rc = rj_coop_traverse(&self->coop, visit, arg);
    return rc == 0 && self->encoder ? rj_encoder_traverse(self->encoder, visit, arg) : rc;
}

static int
pump_clear(PyObject *op)
{
    pump_object *self = (pump_object *)op;
    end_document(self);
    rj_sink_free(&self->sink);
    Py_CLEAR(self->encoder_object);
    return 0;
}

static void
pump_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    pump_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
get_slice_seconds(PyObject *op, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble((double)((pump_object *)op)->slice_ns / 1e9);
}

static PyObject *
get_yielded(PyObject *op, void *Py_UNUSED(closure))
{
    PyObject *yielded = ((pump_object *)op)->coop.yielded;
    return Py_NewRef(yielded ? yielded : Py_None);
}

static PyObject *
get_held(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(rj_framed_chunk_held(&((pump_object *)op)->out));
}

static PyObject *
get_size(PyObject *op, void *Py_UNUSED(closure))
{
    return size_of_document((pump_object *)op);
}

static PyObject *
get_bytes_written(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(bytes_written((pump_object *)op));
}

static PyObject *
get_total(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(((pump_object *)op)->sink.accepted);
}

static PyObject *
get_is_broken(PyObject *op, void *Py_UNUSED(closure))
{
    pump_object *self = (pump_object *)op;
    int is_out = self->completed && rj_framed_chunk_held(&self->out) == 0 && !self->lost;
    return PyBool_FromLong(self->torn || (bytes_written(self) > 0 && !is_out));
}

static PyObject *
get_state(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((pump_object *)op)->state);
}

static PyObject *
get_last_byte(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((pump_object *)op)->last_byte);
}

static PyGetSetDef pump_getset[] = {
    {"slice_seconds", get_slice_seconds, NULL, PyDoc_STR("The slice, in seconds."), NULL},
    {"yielded", get_yielded, NULL, PyDoc_STR("What the pending source has for the event loop."), NULL},
    {"held", get_held, NULL, PyDoc_STR("Bytes of output in the chunk."), NULL},
    {"size", get_size, NULL, PyDoc_STR("Bytes that the document has so far, with its prefix and suffix."), NULL},
    {"bytes_written", get_bytes_written, NULL, PyDoc_STR("How many of those have left the chunk."), NULL},
    {"state", get_state, NULL, PyDoc_STR("What run() returned last."), NULL},
    {"total", get_total, NULL, PyDoc_STR("How many bytes have left the chunk since the pump was made."), NULL},
    {"is_broken", get_is_broken, NULL, PyDoc_STR("Whether a part of the document may be out, and not all of it."), NULL},
    {"last_byte", get_last_byte, NULL, PyDoc_STR("The last byte of the last complete document, before its suffix; or -1."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(begin_doc, "begin($self, obj, prefix=b'', suffix=b'', /)\n--\n\n"
                        "Begin a document, between a prefix and a suffix of at most 16 bytes. A new slice begins.");
PyDoc_STRVAR(
    run_doc,
    "run($self, out, /)\n--\n\n"
    "Encode until the document is complete or something is to be done: one of the PUMP_ constants.\n\n"
    "`out`: a socket's descriptor, that full chunks are sent to as long as it takes them at once and no code of the\n"
    "document's own runs; or an outlet of rjson.uv; or -1.");
PyDoc_STRVAR(send_whole_doc, "send_whole($self, out, last, /)\n--\n\n"
                             "Run a new document; if that is all of it, and `out` takes it at once, return its size.\n\n"
                             "None: go on from `state`, with flush() where that is PUMP_DONE.");
PyDoc_STRVAR(resume_doc, "resume($self, value, /)\n--\n\n"
                         "After PUMP_SOURCE: give the pending awaitable what the event loop answered, and run on.");
PyDoc_STRVAR(throw_doc, "throw($self, exception, /)\n--\n\nAs resume(), with an exception.");
PyDoc_STRVAR(flush_doc, "flush($self, out, last=False, /)\n--\n\n"
                        "Empty the chunk: send it if `out` is not -1; return what is left of it (bytes-like), or None.\n\n"
                        "`last`: the end of an HTTP chunked body comes after it.");
PyDoc_STRVAR(refuse_doc,
             "refuse($self, partly, /)\n--\n\n"
             "The target did not take what flush() returned (`partly`: or a part of it): it does not count as written.");
PyDoc_STRVAR(append_doc, "append($self, data, /)\n--\n\n"
                         "Put up to 16 bytes of framing behind the output. False if there is no room: flush first.");
PyDoc_STRVAR(new_slice_doc, "new_slice($self, /)\n--\n\nThe event loop had its turn: begin a new slice.");
PyDoc_STRVAR(trim_doc, "trim($self, /)\n--\n\nFree the chunk, if it is empty, for as long as nothing is encoded.");
PyDoc_STRVAR(finish_doc,
             "finish($self, /)\n--\n\n"
             "Give the document up if it is not complete. Return the iterator of the awaitable that it waits for, or\n"
             "None, and a list of its open iterators, innermost first.\n\n"
             "If nothing of it has left the chunk, nothing of it will.");

static PyMethodDef pump_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))pump_begin, METH_FASTCALL, begin_doc},
    {"run", pump_run, METH_O, run_doc},
    {"send_whole", (PyCFunction)(void (*)(void))pump_send_whole, METH_FASTCALL, send_whole_doc},
    {"resume", pump_resume, METH_O, resume_doc},
    {"throw", pump_throw, METH_O, throw_doc},
    {"flush", (PyCFunction)(void (*)(void))pump_flush, METH_FASTCALL, flush_doc},
    {"refuse", pump_refuse, METH_O, refuse_doc},
    {"append", pump_append, METH_O, append_doc},
    {"new_slice", pump_new_slice, METH_NOARGS, new_slice_doc},
    {"trim", pump_trim, METH_NOARGS, trim_doc},
    {"finish", pump_finish, METH_NOARGS, finish_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(pump_doc, "Pump(encoder, chunk_size, slice_us, http_chunked, flush_point)\n--\n\n"
                       "Encodes one document after the other into a recycled chunk; see rjson.aio.");

static PyType_Slot pump_slots[] = {
    {Py_tp_doc, (void *)pump_doc},
    {Py_tp_new, RJ_SLOT(pump_new)},
    {Py_tp_dealloc, RJ_SLOT(pump_dealloc)},
    {Py_tp_traverse, RJ_SLOT(pump_traverse)},
    {Py_tp_clear, RJ_SLOT(pump_clear)},
    {Py_tp_methods, pump_methods},
    {Py_tp_getset, pump_getset},
    {0, NULL},
};

PyType_Spec rj_pump_spec = {
    "rjson._core.Pump", sizeof(pump_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    pump_slots,
};
