/* See encoder_object.h. Immutable, so it may be used by any number of encodings at once. */
#include "dump/encoder_object.h"

#include "dump/bytes_chunk.h"
#include "dump/dump.h"

#include <math.h>
#include <structmember.h>

typedef struct encoder_object {
    PyObject_HEAD rjpy_options options; /* default_ and default_key are owned */
    PyObject *keywords;                 /* the options as they were given, a dict; owned */
    rjpy_state *state;                  /* of the module, which the type keeps alive */
} encoder_object;

static int
set_keyword_options(rjpy_options *options, PyObject *kwargs)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (kwargs && PyDict_Next(kwargs, &pos, &name, &value))
        if (rjpy_options_set(options, "Encoder", name, value) < 0)
            return -1;
    rjpy_options_finish(options);
    return 0;
}

/* The state of the module whose type this is, or is derived from. */
static rjpy_state *
state_of_type(PyTypeObject *type)
{
    for (PyTypeObject *t = type; t; t = t->tp_base) {
        PyObject *module = PyType_HasFeature(t, Py_TPFLAGS_HEAPTYPE) ? ((PyHeapTypeObject *)t)->ht_module : NULL;
        if (module && PyModule_GetDef(module) == &rjpy_module)
            return rjpy_state_of(module);
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_SystemError, "Encoder without its module");
    return NULL;
}

static PyObject *
encoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    rjpy_options options = rjpy_default_options;
    if (PyTuple_GET_SIZE(args) > 0) {
        PyErr_SetString(PyExc_TypeError, "Encoder() takes keyword arguments only");
        return NULL;
    }
    rjpy_state *state = state_of_type(type);
    if (!state || set_keyword_options(&options, kwargs) < 0)
        return NULL;
    PyObject *keywords = kwargs ? PyDict_Copy(kwargs) : PyDict_New();
    encoder_object *self = keywords ? (encoder_object *)type->tp_alloc(type, 0) : NULL;
    if (!self) {
        Py_XDECREF(keywords);
        return NULL;
    }
    self->keywords = keywords;
    Py_XINCREF(options.default_);
    Py_XINCREF(options.default_key);
    self->options = options;
    self->state = state;
    return (PyObject *)self;
}

static int
encoder_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((encoder_object *)op)->options.default_);
    Py_VISIT(((encoder_object *)op)->options.default_key);
    Py_VISIT(((encoder_object *)op)->keywords);
    return 0;
}

static int
encoder_clear(PyObject *op)
{
    Py_CLEAR(((encoder_object *)op)->options.default_);
    Py_CLEAR(((encoder_object *)op)->options.default_key);
    Py_CLEAR(((encoder_object *)op)->keywords);
    return 0;
}

static void
encoder_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    encoder_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

rjpy_encoder *
rjpy_encoder_object_begin(PyObject *object, PyObject *root, rj_sink *sink)
{
    encoder_object *self = (encoder_object *)object;
    return rjpy_encoder_acquire(self->state, &self->options, root, sink);
}

static PyObject *
encoder_dumps(PyObject *op, PyObject *obj)
{
    encoder_object *self = (encoder_object *)op;
    return rjpy_dumps(self->state, &self->options, obj, 1);
}

static PyObject *
encoder_dumps_bytes(PyObject *op, PyObject *obj)
{
    encoder_object *self = (encoder_object *)op;
    return rjpy_dumps(self->state, &self->options, obj, 0);
}

/* Seconds (or None: no limit) to milliseconds, rounded up. -1 with an exception. */
static int
timeout_from(PyObject *timeout, int64_t *ms)
{
    *ms = -1;
    if (timeout == Py_None)
        return 0;
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1 && PyErr_Occurred())
        return -1;
    if (!(seconds >= 0)) {
        PyErr_Format(PyExc_ValueError, "timeout must be None or a number of seconds from 0 on, not %R", timeout);
        return -1;
    }
    double wanted = ceil(seconds * 1000);
    *ms = wanted < 1e12 ? (int64_t)wanted : -1; /* 30 years are no limit */
    return 0;
}

static PyObject *
none_to_null(PyObject *value)
{
    return value == Py_None ? NULL : value;
}

/* None: where it is faster. -1 with an exception. */
static int
overlap_from(PyObject *value, rj_overlap *overlap)
{
    int on = PyObject_IsTrue(value);
    *overlap = value == Py_None ? RJ_OVERLAP_AUTO : on ? RJ_OVERLAP_ON : RJ_OVERLAP_OFF;
    return on < 0 ? -1 : 0;
}

/* `how`: see rjson._targets.Request.how. */
static int
target_from(rjpy_target *target, PyObject *obj, PyObject *label, PyObject *how, PyObject *fileno)
{
    PyObject *timeout, *progress, *overlap;
    Py_ssize_t chunk_size;
    if (!PyArg_ParseTuple(how, "nOOOp:how", &chunk_size, &timeout, &progress, &overlap, &target->verbatim))
        return -1;
    if (rjpy_chunk_size_from(chunk_size, &target->chunk_size) < 0 || timeout_from(timeout, &target->timeout_ms) < 0 ||
        overlap_from(overlap, &target->overlap) < 0)
        return -1;
    if (target->verbatim && !PyBytes_Check(obj)) {
        PyErr_Format(PyExc_TypeError, "what is verbatim must be bytes, not %.200s", Py_TYPE(obj)->tp_name);
        return -1;
    }
    if (progress != Py_None && !PyCallable_Check(progress)) {
        PyErr_Format(PyExc_TypeError, "progress must be callable, True or None, not %.200s", Py_TYPE(progress)->tp_name);
        return -1;
    }
    target->label = label;
    target->progress = none_to_null(progress);
    target->fileno = none_to_null(fileno);
    target->would_block = PyExc_BlockingIOError;
    return 0;
}

int
rjpy_fd_call_parse(rjpy_fd_call *call, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "fd", "label", "how", "fileno", "characters", NULL};
    PyObject *label, *how, *fileno;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OiOOOp:_dump_fd", names, &call->obj, &call->fd, &label, &how, &fileno,
                                     &call->characters))
        return -1;
    return target_from(&call->target, call->obj, label, how, fileno);
}

static PyObject *
encoder_dump_fd(PyObject *op, PyObject *args, PyObject *kwargs)
{
    encoder_object *self = (encoder_object *)op;
    rjpy_fd_call call;
    if (rjpy_fd_call_parse(&call, args, kwargs) < 0)
        return NULL;
    return rjpy_dump_fd(self->state, &self->options, call.obj, &call.target, call.fd, call.characters);
}

/* Which of `names`, up to a NULL, an argument is; -1 with ValueError. */
static int
choice_from(const char *argument, const char *name, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    PyErr_Format(PyExc_ValueError, "%s cannot be '%s'", argument, name);
    return -1;
}

int
rjpy_write_call_parse(rjpy_write_call *call, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "write", "label", "how", "fileno", "mode", "answers", "characters", "would_block", NULL};
    static const char *const modes[] = {"bytes", "text", "either", NULL};       /* in the order of rjpy_write_mode */
    static const char *const all_answers[] = {"count", "raw", "ignored", NULL}; /* in the order of rjpy_write_answers */
    PyObject *label, *how, *fileno, *would_block;
    const char *mode_name, *answers_name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOOsspO:_dump_write", names, &call->obj, &call->write, &label, &how,
                                     &fileno, &mode_name, &answers_name, &call->characters, &would_block))
        return -1;
    int mode = choice_from("mode", mode_name, modes), answers = choice_from("answers", answers_name, all_answers);
    if (mode < 0 || answers < 0 || target_from(&call->target, call->obj, label, how, fileno) < 0)
        return -1;
    call->target.would_block = would_block;
    call->mode = (rjpy_write_mode)mode;
    call->answers = (rjpy_write_answers)answers;
    return 0;
}

static PyObject *
encoder_dump_write(PyObject *op, PyObject *args, PyObject *kwargs)
{
    encoder_object *self = (encoder_object *)op;
    rjpy_write_call call;
    if (rjpy_write_call_parse(&call, args, kwargs) < 0)
        return NULL;
    return rjpy_dump_write(self->state, &self->options, &call);
}

static PyObject *
encoder_dump_sink(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "sink", "label", "how", NULL};
    encoder_object *self = (encoder_object *)op;
    PyObject *obj, *capsule, *label, *how;
    rjpy_target target;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO:_dump_sink", names, &obj, &capsule, &label, &how))
        return NULL;
    const rjpy_waiting_sink *waiting = PyCapsule_GetPointer(capsule, RJ_WAITING_SINK_CAPSULE);
    if (!waiting || target_from(&target, obj, label, how, Py_None) < 0)
        return NULL;
    rjpy_section section;
    rjpy_lock(&section, self->state->module);
    return rjpy_unlocked(&section, rjpy_dump_waiting(self->state, &self->options, obj, &target, waiting));
}

#define KEYWORDS(f) ((PyCFunction)(void (*)(void))(f))

PyDoc_STRVAR(dumps_doc, "dumps($self, obj, /)\n--\n\nEncode `obj` to a JSON str.");
PyDoc_STRVAR(dumps_bytes_doc, "dumps_bytes($self, obj, /)\n--\n\nEncode `obj` to JSON bytes, UTF-8.");
PyDoc_STRVAR(dump_fd_doc, "Encode to a file descriptor. All arguments are required; see rjson._targets.");
PyDoc_STRVAR(dump_sink_doc, "Encode to a sink of rjson.uv's, in a capsule. All arguments are required.");
PyDoc_STRVAR(dump_write_doc, "Encode through a callable. All arguments are required; see rjson._targets.");

static PyMethodDef encoder_methods[] = {
    {"dumps", encoder_dumps, METH_O, dumps_doc},
    {"dumps_bytes", encoder_dumps_bytes, METH_O, dumps_bytes_doc},
    {"_dump_fd", KEYWORDS(encoder_dump_fd), METH_VARARGS | METH_KEYWORDS, dump_fd_doc},
    {"_dump_sink", KEYWORDS(encoder_dump_sink), METH_VARARGS | METH_KEYWORDS, dump_sink_doc},
    {"_dump_write", KEYWORDS(encoder_dump_write), METH_VARARGS | METH_KEYWORDS, dump_write_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef encoder_members[] = {
    {"default", T_OBJECT, offsetof(encoder_object, options.default_), READONLY, PyDoc_STR("The `default` option.")},
    {"max_depth", T_PYSSIZET, offsetof(encoder_object, options.max_depth), READONLY, PyDoc_STR("The `max_depth` option.")},
    {"_breaks_lines", T_BOOL, offsetof(encoder_object, options.breaks_lines), READONLY,
     PyDoc_STR("Whether a document may take several lines.")},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *
encoder_get_options(PyObject *op, void *Py_UNUSED(closure))
{
    return PyDictProxy_New(((encoder_object *)op)->keywords);
}

static PyGetSetDef encoder_getset[] = {
    {"options", encoder_get_options, NULL, PyDoc_STR("The options that were given, a read-only mapping."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Encoder(indent=2, sort_keys=True) */
static PyObject *
encoder_repr(PyObject *op)
{
    PyObject *name, *value, *text = PyUnicode_FromString("Encoder(");
    Py_ssize_t pos = 0, count = 0;
    while (text && PyDict_Next(((encoder_object *)op)->keywords, &pos, &name, &value))
        PyUnicode_AppendAndDel(&text, PyUnicode_FromFormat("%s%U=%R", count++ ? ", " : "", name, value));
    if (text)
        PyUnicode_AppendAndDel(&text, PyUnicode_FromString(")"));
    return text;
}

PyDoc_STRVAR(encoder_doc, "Encoder(**options)\n--\n\n"
                          "Encoding options, bound once. Immutable, and safe to use from several threads.");

static PyType_Slot encoder_slots[] = {
    {Py_tp_doc, (void *)encoder_doc},
    {Py_tp_new, RJ_SLOT(encoder_new)},
    {Py_tp_dealloc, RJ_SLOT(encoder_dealloc)},
    {Py_tp_traverse, RJ_SLOT(encoder_traverse)},
    {Py_tp_clear, RJ_SLOT(encoder_clear)},
    {Py_tp_repr, RJ_SLOT(encoder_repr)},
    {Py_tp_methods, encoder_methods},
    {Py_tp_members, encoder_members},
    {Py_tp_getset, encoder_getset},
    {0, NULL},
};

PyType_Spec rjpy_encoder_spec = {
    "rjson._core.Encoder",
    sizeof(encoder_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    encoder_slots,
};
