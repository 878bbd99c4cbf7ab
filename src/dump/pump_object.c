/* See pump.h. What Python sees of it. */
#include "dump/pump.h"

#include "encode/sources.h"

static int
check_count(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (count >= least && count <= most)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments, not %zd", name, least, most, count);
    return -1;
}

static PyObject *
none_or_error(int rc)
{
    return rc < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
state_or_error(int state)
{
    return state < 0 ? NULL : PyLong_FromLong(state);
}

static PyObject *
piece_or_none(int rc, PyObject *piece)
{
    return rc < 0 ? NULL : piece ? piece : Py_NewRef(Py_None);
}

/* ---- documents */

static PyObject *
size_of_document(const rjpy_pump *self)
{
    return PyLong_FromUnsignedLongLong(rjpy_pump_produced(self) - self->document_start);
}

/* A document's head, from an optional argument. -1 with TypeError. */
static int
head_from(PyObject *arg, PyObject **head)
{
    *head = arg == Py_None ? NULL : arg;
    if (!*head || PyBytes_Check(arg))
        return 0;
    PyErr_Format(PyExc_TypeError, "the head must be bytes or None, not %.200s", Py_TYPE(arg)->tp_name);
    return -1;
}

static PyObject *
pump_begin(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *head = NULL;
    if (check_count("begin", nargs, 1, 3) < 0 || (nargs > 1 && head_from(args[1], &head) < 0))
        return NULL;
    int only = nargs > 2 ? PyObject_IsTrue(args[2]) : 0;
    return only < 0 ? NULL : none_or_error(rjpy_pump_begin((rjpy_pump *)op, args[0], head, only));
}

static PyObject *
pump_begin_raw(PyObject *op, PyObject *args)
{
    PyObject *bytes;
    int piece = RJ_PIECE_APART;
    if (!PyArg_ParseTuple(args, "S|i:begin_raw", &bytes, &piece))
        return NULL;
    if (piece < RJ_PIECE_APART || piece > RJ_PIECE_LAST) {
        PyErr_SetString(PyExc_ValueError, "piece must be one of the PIECE_ constants");
        return NULL;
    }
    return none_or_error(rjpy_pump_begin_raw((rjpy_pump *)op, bytes, (rjpy_piece)piece));
}

static PyObject *
pump_begin_part(PyObject *op, PyObject *args)
{
    PyObject *obj, *head;
    if (!PyArg_ParseTuple(args, "OS:begin_part", &obj, &head))
        return NULL;
    return none_or_error(rjpy_pump_begin_part((rjpy_pump *)op, obj, head));
}

static PyObject *
pump_abandon(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    return rjpy_pump_check_idle(self) < 0 ? NULL : PyLong_FromUnsignedLongLong(rjpy_pump_abandon(self));
}

static PyObject *
pump_take_back(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    return rjpy_pump_check_idle(self) < 0 ? NULL : PyBool_FromLong(rjpy_pump_take_back(self));
}

static PyObject *
pump_begin_all(PyObject *op, PyObject *iterable)
{
    return none_or_error(rjpy_pump_begin_all((rjpy_pump *)op, iterable));
}

/* A descriptor (-1 for none), or an outlet's capsule. -1 with an exception. */
static int
way_from(PyObject *out, rjpy_way *way)
{
    *way = rjpy_no_way;
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

static PyObject *
pump_run(PyObject *op, PyObject *out)
{
    rjpy_way way;
    if (way_from(out, &way) < 0)
        return NULL;
    return state_or_error(rjpy_pump_run_checked((rjpy_pump *)op, &way));
}

static PyObject *
pump_run_outside(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    self->coop.outside_task = 1;
    int state = rjpy_pump_run_checked(self, &rjpy_no_way);
    self->coop.outside_task = 0;
    return state_or_error(state);
}

static PyObject *
pump_send_whole(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (check_count("send_whole", nargs, 2, 2) < 0 || rjpy_pump_check_open(self) < 0)
        return NULL;
    rjpy_way way;
    int last = PyObject_IsTrue(args[1]);
    if (way_from(args[0], &way) < 0 || last < 0)
        return NULL;
    int state = rjpy_pump_go(self, &rjpy_no_way);
    if (state < 0)
        return NULL;
    if (state != RJ_PAUSE_NONE || (way.fd < 0 && !way.outlet) || self->coop.ran_python)
        Py_RETURN_NONE;
    return rjpy_pump_send(self, &way, last) == RJ_SENT_ALL ? size_of_document(self) : Py_NewRef(Py_None);
}

static int
check_pending(const rjpy_pump *self)
{
    if (rjpy_pump_check_open(self) < 0)
        return -1;
    if (self->coop.awaiting)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the document waits for nothing");
    return -1;
}

static PyObject *
pump_resume(PyObject *op, PyObject *value)
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (check_pending(self) < 0)
        return NULL;
    self->busy = 1;
    return state_or_error(rjpy_pump_arrived(self, rjpy_coop_send(&self->coop, value)));
}

static PyObject *
pump_throw(PyObject *op, PyObject *exception)
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (check_pending(self) < 0)
        return NULL;
    if (!PyExceptionInstance_Check(exception)) {
        PyErr_Format(PyExc_TypeError, "throw() wants an exception, not %.200s", Py_TYPE(exception)->tp_name);
        return NULL;
    }
    self->busy = 1;
    return state_or_error(rjpy_pump_arrived(self, rjpy_coop_throw(&self->coop, exception)));
}

/* ---- chunks */

static PyObject *
pump_flush(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (check_count("flush", nargs, 1, 2) < 0 || rjpy_pump_check_idle(self) < 0)
        return NULL;
    rjpy_way way;
    int last = nargs > 1 ? PyObject_IsTrue(args[1]) : 0;
    if (way_from(args[0], &way) < 0 || last < 0)
        return NULL;
    PyObject *piece;
    int rc = rjpy_pump_flush(self, &way, last, &piece);
    return piece_or_none(rc, piece);
}

static PyObject *
pump_flush_documents(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (rjpy_pump_check_idle((rjpy_pump *)op) < 0)
        return NULL;
    PyObject *piece;
    int rc = rjpy_pump_flush_documents((rjpy_pump *)op, &piece);
    return piece_or_none(rc, piece);
}

static PyObject *
pump_steal(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (!self->is_shared) {
        PyErr_SetString(PyExc_RuntimeError, "the pump is not shared");
        return NULL;
    }
    PyObject *piece;
    int rc = rjpy_pump_steal(self, &piece);
    return piece_or_none(rc, piece);
}

static PyObject *
pump_steal_documents(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    PyObject *piece;
    int rc = rjpy_pump_steal_documents((rjpy_pump *)op, &piece);
    return piece_or_none(rc, piece);
}

static PyObject *
pump_stop(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    __atomic_store_n(&((rjpy_pump *)op)->stops, 1, __ATOMIC_RELAXED); /* at once: without a turn */
    Py_RETURN_NONE;
}

static PyObject *
pump_refuse(PyObject *op, PyObject *partly)
{
    rjpy_pump *self = (rjpy_pump *)op;
    int may_have_some = PyObject_IsTrue(partly);
    if (may_have_some < 0)
        return NULL;
    rjpy_pump_lose(self, may_have_some);
    Py_RETURN_NONE;
}

static PyObject *
pump_end(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    if (rjpy_pump_check_idle((rjpy_pump *)op) < 0)
        return NULL;
    int fits = rjpy_pump_end((rjpy_pump *)op);
    return fits < 0 ? NULL : PyBool_FromLong(fits);
}

static PyObject *
pump_new_slice(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    self->coop.deadline_ns = rj__monotonic_ns() + self->slice_ns;
    Py_RETURN_NONE;
}

static PyObject *
pump_trim(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (self->out.chunk.length == 0)
        rjpy_bytes_chunk_clear(&self->out.chunk);
    Py_RETURN_NONE;
}

/* ---- the end */

static PyObject *
pump_finish(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (rjpy_pump_check_idle(self) < 0)
        return NULL;
    PyObject *awaiting = Py_NewRef(self->coop.awaiting ? self->coop.awaiting : Py_None);
    PyObject *sources = rjpy_pump_give_up(self);
    PyObject *result = sources ? PyTuple_Pack(2, awaiting, sources) : NULL;
    Py_DECREF(awaiting);
    Py_XDECREF(sources);
    return result;
}

static PyObject *
pump_close(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    rjpy_pump *self = (rjpy_pump *)op;
    if (rjpy_pump_check_idle(self) < 0)
        return NULL;
    PyObject *sources = rjpy_pump_give_up(self);
    if (!sources)
        return NULL;
    int rc = rjpy_close_sources(PyType_GetModuleState(Py_TYPE(op)), sources);
    Py_DECREF(sources);
    return none_or_error(rc);
}

/* ---- the type */

static int
framing_from(const char *name, const rj__framing **framing)
{
    int index = rj__framing_find(name, RJ__FRAMING_WRITES);
    if (index >= 0) {
        *framing = &rj__framings[index];
        return 0;
    }
    char names[80];
    rj__framing_list(names, sizeof names, RJ__FRAMING_WRITES);
    PyErr_Format(PyExc_ValueError, "framing must be %s, not '%.100s'", names, name);
    return -1;
}

static int
check_arguments(rjpy_state *state, PyObject *encoder, long long slice_us)
{
    if (!PyObject_TypeCheck(encoder, state->encoder_type)) {
        PyErr_Format(PyExc_TypeError, "encoder must be an Encoder, not %.200s", Py_TYPE(encoder)->tp_name);
        return -1;
    }
    if (slice_us >= 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "slice_us must be at least 1, not %lld", slice_us);
    return -1;
}

static PyObject *
pump_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"encoder",    "chunk_size", "slice_us", "http_chunked", "flush_point", "framing",
                            "event_type", "shared",     NULL};
    PyObject *encoder, *event_type = NULL;
    Py_ssize_t chunk_size;
    long long slice_us;
    int http_chunked, flush_point, is_shared = 0;
    const char *framing_name = "concat";
    const rj__framing *framing;
    size_t size;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OnLpi|sO!p:Pump", names, &encoder, &chunk_size, &slice_us, &http_chunked,
                                     &flush_point, &framing_name, &PyType_Type, &event_type, &is_shared))
        return NULL;
    rjpy_state *state = PyType_GetModuleState(type);
    if (!state || check_arguments(state, encoder, slice_us) < 0 || framing_from(framing_name, &framing) < 0 ||
        rjpy_chunk_size_from(chunk_size, &size) < 0)
        return NULL;
    rjpy_pump *self = (rjpy_pump *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    rjpy_pump_init(self, size, http_chunked);
    self->framing = framing;
    self->slice_ns = (uint64_t)slice_us * 1000;
    self->is_shared = is_shared;
    self->coop.is_sync = slice_us == 0;
    self->coop.flush_point = (rjpy_flush_point)flush_point;
    self->module = Py_NewRef(PyType_GetModule(type));
    self->encoder_object = Py_NewRef(encoder);
    self->event_type = Py_XNewRef(event_type);
    return (PyObject *)self;
}

static int
pump_traverse(PyObject *op, visitproc visit, void *arg)
{
    rjpy_pump *self = (rjpy_pump *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->module);
    Py_VISIT(self->encoder_object);
    Py_VISIT(self->event_type);
    Py_VISIT(self->root);
    Py_VISIT(self->items);
    int rc = rjpy_coop_traverse(&self->coop, visit, arg);
    return rc == 0 && self->encoder ? rjpy_encoder_traverse(self->encoder, visit, arg) : rc;
}

static int
pump_clear(PyObject *op)
{
    rjpy_pump_clear((rjpy_pump *)op);
    return 0;
}

static void
pump_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    pump_clear(op);
    PyObject *module = ((rjpy_pump *)op)->module;
    type->tp_free(op);
    Py_XDECREF(module);
    Py_DECREF(type);
}

static PyObject *
get_slice_seconds(PyObject *op, void *Py_UNUSED(closure))
{
    return PyFloat_FromDouble((double)((rjpy_pump *)op)->slice_ns / 1e9);
}

static PyObject *
get_yielded(PyObject *op, void *Py_UNUSED(closure))
{
    PyObject *yielded = ((rjpy_pump *)op)->coop.yielded;
    return Py_NewRef(yielded ? yielded : Py_None);
}

static PyObject *
get_held(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(rjpy_framed_chunk_held(&((rjpy_pump *)op)->out));
}

static PyObject *
get_size(PyObject *op, void *Py_UNUSED(closure))
{
    return size_of_document((rjpy_pump *)op);
}

static PyObject *
get_bytes_written(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(rjpy_pump_bytes_written((rjpy_pump *)op));
}

static PyObject *
get_total(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(((rjpy_pump *)op)->sink.accepted);
}

static PyObject *
get_is_open(PyObject *op, void *Py_UNUSED(closure))
{
    const rjpy_pump *self = (rjpy_pump *)op;
    return PyBool_FromLong(rjpy_pump_has_document(self) || self->items);
}

static PyObject *
get_is_broken(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(rjpy_pump_is_broken((rjpy_pump *)op));
}

static PyObject *
get_state(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((rjpy_pump *)op)->state);
}

static PyObject *
get_produced(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(rjpy_pump_produced((rjpy_pump *)op));
}

static PyObject *
get_is_busy(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((rjpy_pump *)op)->busy);
}

static PyObject *
get_flush_point(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromLong((long)((rjpy_pump *)op)->coop.flush_point);
}

static int
set_flush_point(PyObject *op, PyObject *value, void *Py_UNUSED(closure))
{
    long point = value ? PyLong_AsLong(value) : -1;
    if (point == -1 && PyErr_Occurred())
        return -1;
    if (point < RJ_FLUSH_NEVER || point > RJ_FLUSH_AWAITS || rjpy_pump_check_idle((rjpy_pump *)op) < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "flush_point must be one of the FLUSH_ constants");
        return -1;
    }
    ((rjpy_pump *)op)->coop.flush_point = (rjpy_flush_point)point;
    return 0;
}

static PyObject *
get_documents(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromUnsignedLongLong(((rjpy_pump *)op)->documents);
}

RJ_GET_IN_TURN(get_slice_seconds)
RJ_GET_IN_TURN(get_yielded)
RJ_GET_IN_TURN(get_held)
RJ_GET_IN_TURN(get_size)
RJ_GET_IN_TURN(get_bytes_written)
RJ_GET_IN_TURN(get_state)
RJ_GET_IN_TURN(get_total)
RJ_GET_IN_TURN(get_is_open)
RJ_GET_IN_TURN(get_is_broken)
RJ_GET_IN_TURN(get_produced)
RJ_GET_IN_TURN(get_is_busy)
RJ_GET_IN_TURN(get_flush_point)
RJ_GET_IN_TURN(get_documents)

static int
set_flush_point_in_turn(PyObject *op, PyObject *value, void *closure)
{
    rjpy_section section;
    rjpy_lock(&section, op);
    int rc = set_flush_point(op, value, closure);
    rjpy_unlock(&section);
    return rc;
}

static PyGetSetDef pump_getset[] = {
    {"slice_seconds", get_slice_seconds_in_turn, NULL, PyDoc_STR("The slice, in seconds."), NULL},
    {"yielded", get_yielded_in_turn, NULL, PyDoc_STR("What the pending source has for the event loop."), NULL},
    {"held", get_held_in_turn, NULL, PyDoc_STR("Bytes of output in the chunk."), NULL},
    {"size", get_size_in_turn, NULL, PyDoc_STR("Bytes that the document has so far, with its prefix and suffix."), NULL},
    {"bytes_written", get_bytes_written_in_turn, NULL, PyDoc_STR("How many of those have left the chunk."), NULL},
    {"state", get_state_in_turn, NULL, PyDoc_STR("What run() returned last."), NULL},
    {"total", get_total_in_turn, NULL, PyDoc_STR("How many bytes have left the chunk since the pump was made."), NULL},
    {"is_open", get_is_open_in_turn, NULL,
     PyDoc_STR("Whether a document has begun and has neither been completed nor given up."), NULL},
    {"is_broken", get_is_broken_in_turn, NULL, PyDoc_STR("Whether a part of the document may be out, and not all of it."),
     NULL},
    {"produced", get_produced_in_turn, NULL, PyDoc_STR("Bytes of output since the pump was made."), NULL},
    {"is_busy", get_is_busy_in_turn, NULL, PyDoc_STR("Whether it runs, and this is code of its document's own."), NULL},
    {"flush_point", get_flush_point_in_turn, set_flush_point_in_turn, PyDoc_STR("Between documents it may be set."), NULL},
    {"documents", get_documents_in_turn, NULL, PyDoc_STR("How many documents are complete."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(begin_doc, "begin($self, obj, head=None, only=False, /)\n--\n\n"
                        "Begin a document. A new slice begins.\n\n"
                        "`head`: bytes before it, the fields of an event. `only`: the framing ends with it.");
PyDoc_STRVAR(begin_raw_doc,
             "begin_raw($self, data, piece=0, /)\n--\n\n"
             "As begin(), for bytes that are no document. `piece`: 1, 2 and 3 for the first, inner and last bytes of one\n"
             "that is built piece by piece.");
PyDoc_STRVAR(begin_part_doc, "begin_part($self, obj, head, /)\n--\n\n"
                             "As begin(), for a value of a document that is built piece by piece, after `head`.");
PyDoc_STRVAR(abandon_doc,
             "abandon($self, /)\n--\n\n"
             "Forget a document that failed, or what was built of one. How many bytes of it had left the chunk.");
PyDoc_STRVAR(take_back_doc, "take_back($self, /)\n--\n\n"
                            "Take back what was built of a document; False if a part of it has left the chunk.");
PyDoc_STRVAR(begin_all_doc, "begin_all($self, documents, /)\n--\n\n"
                            "As begin(), for all documents of an iterable; without slices it must be synchronous.");
PyDoc_STRVAR(
    run_doc,
    "run($self, out, /)\n--\n\n"
    "Encode until the document is complete or something is to be done: one of the PUMP_ constants.\n\n"
    "`out`: a socket's descriptor, that full chunks are sent to as long as it takes them at once and no code of the\n"
    "document's own runs; or an outlet of rjson.uv; or -1.");
PyDoc_STRVAR(run_outside_doc, "run_outside($self, /)\n--\n\n"
                              "As run(-1), in another task than that of the document's own code: before that is to run, it\n"
                              "pauses with PUMP_TASK.");
PyDoc_STRVAR(send_whole_doc, "send_whole($self, out, last, /)\n--\n\n"
                             "Run a new document; if that is all of it, and `out` takes it at once, return its size.\n\n"
                             "None: go on from `state`, with flush() where that is PUMP_DONE.");
PyDoc_STRVAR(resume_doc, "resume($self, value, /)\n--\n\n"
                         "After PUMP_SOURCE: give the pending awaitable what the event loop answered, and run on.");
PyDoc_STRVAR(throw_doc, "throw($self, exception, /)\n--\n\nAs resume(), with an exception.");
PyDoc_STRVAR(flush_doc, "flush($self, out, last=False, /)\n--\n\n"
                        "Empty the chunk: send it if `out` is not -1; return what is left of it (bytes-like), or None.\n\n"
                        "`last`: the end of an HTTP chunked body comes after it.");
PyDoc_STRVAR(flush_documents_doc,
             "flush_documents($self, /)\n--\n\n"
             "As flush(-1), of documents that are complete; None if there are none. What there is of the next one stays.");
PyDoc_STRVAR(refuse_doc,
             "refuse($self, partly, /)\n--\n\n"
             "The target did not take what flush() returned (`partly`: or a part of it): it does not count as written.");
PyDoc_STRVAR(steal_doc, "steal($self, /)\n--\n\n"
                        "What has been encoded, or None; while another thread runs a shared pump. It counts as flushed.");
PyDoc_STRVAR(steal_documents_doc,
             "steal_documents($self, /)\n--\n\n"
             "The documents that are complete, or None; while another thread runs any pump that is no chunked body.");
PyDoc_STRVAR(stop_doc, "stop($self, /)\n--\n\nHave the run of a shared pump end at the next item, with PUMP_FLUSH.");
PyDoc_STRVAR(end_doc, "end($self, /)\n--\n\n"
                      "Put the end of the framing behind the last document. False if there is no room: flush first.");
PyDoc_STRVAR(new_slice_doc, "new_slice($self, /)\n--\n\nThe event loop had its turn: begin a new slice.");
PyDoc_STRVAR(trim_doc, "trim($self, /)\n--\n\nFree the chunk, if it is empty, for as long as nothing is encoded.");
PyDoc_STRVAR(finish_doc,
             "finish($self, /)\n--\n\n"
             "Give the document up if it is not complete. Return the iterator of the awaitable that it waits for, or\n"
             "None, and a list of its open iterators, innermost first.\n\n"
             "If nothing of it has left the chunk, nothing of it will.");

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\n"
                        "Give the document up if it is not complete, and close its open generators, innermost first.");

/* Without the GIL, one at a time. */
RJ_FAST_IN_TURN(pump_begin)
RJ_IN_TURN(pump_begin_raw)
RJ_IN_TURN(pump_begin_part)
RJ_IN_TURN(pump_abandon)
RJ_IN_TURN(pump_take_back)
RJ_IN_TURN(pump_begin_all)
RJ_IN_TURN(pump_run)
RJ_IN_TURN(pump_run_outside)
RJ_FAST_IN_TURN(pump_send_whole)
RJ_IN_TURN(pump_resume)
RJ_IN_TURN(pump_throw)
RJ_FAST_IN_TURN(pump_flush)
RJ_IN_TURN(pump_flush_documents)
RJ_IN_TURN(pump_refuse)
RJ_IN_TURN(pump_steal)
RJ_IN_TURN(pump_steal_documents)
RJ_IN_TURN(pump_end)
RJ_IN_TURN(pump_new_slice)
RJ_IN_TURN(pump_trim)
RJ_IN_TURN(pump_finish)
RJ_IN_TURN(pump_close)

static PyMethodDef pump_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))pump_begin_in_turn, METH_FASTCALL, begin_doc},
    {"begin_raw", pump_begin_raw_in_turn, METH_VARARGS, begin_raw_doc},
    {"begin_part", pump_begin_part_in_turn, METH_VARARGS, begin_part_doc},
    {"abandon", pump_abandon_in_turn, METH_NOARGS, abandon_doc},
    {"take_back", pump_take_back_in_turn, METH_NOARGS, take_back_doc},
    {"begin_all", pump_begin_all_in_turn, METH_O, begin_all_doc},
    {"run", pump_run_in_turn, METH_O, run_doc},
    {"run_outside", pump_run_outside_in_turn, METH_NOARGS, run_outside_doc},
    {"send_whole", (PyCFunction)(void (*)(void))pump_send_whole_in_turn, METH_FASTCALL, send_whole_doc},
    {"resume", pump_resume_in_turn, METH_O, resume_doc},
    {"throw", pump_throw_in_turn, METH_O, throw_doc},
    {"flush", (PyCFunction)(void (*)(void))pump_flush_in_turn, METH_FASTCALL, flush_doc},
    {"flush_documents", pump_flush_documents_in_turn, METH_NOARGS, flush_documents_doc},
    {"refuse", pump_refuse_in_turn, METH_O, refuse_doc},
    {"steal", pump_steal_in_turn, METH_NOARGS, steal_doc},
    {"steal_documents", pump_steal_documents_in_turn, METH_NOARGS, steal_documents_doc},
    {"stop", pump_stop, METH_NOARGS, stop_doc},
    {"end", pump_end_in_turn, METH_NOARGS, end_doc},
    {"new_slice", pump_new_slice_in_turn, METH_NOARGS, new_slice_doc},
    {"trim", pump_trim_in_turn, METH_NOARGS, trim_doc},
    {"finish", pump_finish_in_turn, METH_NOARGS, finish_doc},
    {"close", pump_close_in_turn, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(
    pump_doc,
    "Pump(encoder, chunk_size, slice_us, http_chunked, flush_point, framing='concat', event_type=..., shared=False)\n--\n\n"
    "Encodes one document after the other into a recycled chunk.\n\n"
    "`slice_us`: 0 where there is no event loop. `event_type`: of items that have fields of their own (`head`, `data`).\n"
    "`shared`: another thread may steal() what there is before each item that a run asks for (with FLUSH_ITEMS).");

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

PyType_Spec rjpy_pump_spec = {
    "rjson._core.Pump", sizeof(rjpy_pump), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, pump_slots,
};
