/* See transcoder.h. Immutable: every run has a transcoder of its own. */
#include "reformat/transcoder.h"

#include "dump/dump.h"
#include "reformat/reformat.h"

/* Of bytes that are all there so many are read between two looks at signals. */
#define PART ((size_t)1 << 20)
/* So many bytes of the text on each side of a mistake are kept for the message. */
#define EXCERPT 80

typedef struct transcoder_object {
    PyObject_HEAD rj_reformat_options options; /* the texts are those of `texts` */
    PyObject *texts;                           /* a tuple of str or None; owned */
    rjpy_state *state;                         /* of the module, which the type keeps alive */
} transcoder_object;

/* One run. */
typedef struct job {
    const transcoder_object *self;
    rj_reformat *r;
    PyObject *read; /* gives the next part of the text, an empty one at its end; or NULL: */
    int fd;         /* the text is read from here */
    int may_unlock; /* the sink calls nothing of Python's but hooks */
    rjpy_pace *pace;
    const uint8_t *begin, *at, *end; /* of the part: where it was read up to */
} job;

/* ---- failures */

/* Raises what is wrong with the text, as DecodeError. The part that it was found in is still there. */
static void
raise_text(const rj_reformat_failure *failure, const uint8_t *begin, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *from = at - begin > EXCERPT ? at - EXCERPT : begin, *to = end - at > EXCERPT ? at + EXCERPT : end;
    PyObject *module = PyImport_ImportModule("rjson._decode_error");
    PyObject *error = module ? PyObject_CallMethod(module, "at", "sy#y#KKKK", failure->message, (const char *)from,
                                                   (Py_ssize_t)(at - from), (const char *)at, (Py_ssize_t)(to - at),
                                                   (unsigned long long)failure->character, (unsigned long long)failure->line,
                                                   (unsigned long long)failure->column, (unsigned long long)failure->offset)
                             : NULL;
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(module);
}

static int
is_of_text(int status)
{
    return status == RJ_ESYNTAX || status == RJ_EUTF8 || status == RJ_EDEPTH;
}

/* What went wrong, unless an exception is set already. */
static void
raise_failure(const job *j, const rj_sink *sink, PyObject *label)
{
    rj_reformat_failure failure = rj_reformat_error(j->r);
    PyObject *source;
    if (sink && sink->status < 0)
        rjpy_raise_sink(sink, label);
    else if (is_of_text(failure.status))
        raise_text(&failure, j->begin, j->at - j->begin > j->r->back ? j->at - j->r->back : j->begin, j->end);
    else if (failure.status == RJ_EREAD && (source = PyUnicode_FromFormat("fd %d", j->fd))) {
        rjpy_raise_errno(failure.sys_errno, source);
        Py_DECREF(source);
    }
    else if (failure.status == RJ_ETIMEOUT)
        PyErr_Format(PyExc_TimeoutError, "timed out: the source gave %llu bytes and then no more",
                     (unsigned long long)failure.offset);
    else if (failure.status == RJ_ENOMEM)
        PyErr_NoMemory();
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_SystemError, failure.message);
}

/* ---- parts of a text */

static int
report(const job *j)
{
    if (PyErr_CheckSignals() < 0)
        return -1;
    return rjpy_pace_report(j->pace, rj_reformat_offset(j->r));
}

/* A part that is all there. 0, or -1 where it failed. */
static int
feed(job *j, const uint8_t *data, size_t length)
{
    int rc = RJ_OK;
    j->begin = j->at = data;
    j->end = data + length;
    while (rc == RJ_OK && j->at < j->end) {
        size_t used, most = (size_t)(j->end - j->at) < PART ? (size_t)(j->end - j->at) : PART;
        if (j->may_unlock)
            rjpy_pace_unlock(j->pace);
        rc = rj_reformat_feed(j->r, j->at, most, &used);
        if (j->may_unlock)
            rjpy_pace_lock(j->pace);
        j->at += used;
        if (rc == RJ_OK && report(j) < 0)
            return -1;
    }
    return rc == RJ_OK ? 0 : -1;
}

/* What was read, as bytes: a new reference, or NULL with an exception. */
static PyObject *
as_bytes(PyObject *part)
{
    if (PyBytes_CheckExact(part))
        return Py_NewRef(part);
    if (PyUnicode_Check(part))
        return PyUnicode_AsEncodedString(part, "utf-8", "surrogatepass"); /* what UTF-8 has not, the transcoder finds */
    if (part == Py_None) {
        PyErr_SetString(PyExc_BlockingIOError, "reformat() needs a source that blocks");
        return NULL;
    }
    return PyBytes_FromObject(part);
}

/* The next part is fed; `last` (owned) is replaced by it unless it is empty. Its length, or -1. */
static Py_ssize_t
feed_next(job *j, PyObject **last)
{
    PyObject *part = PyObject_CallNoArgs(j->read), *bytes = part ? as_bytes(part) : NULL;
    Py_XDECREF(part);
    if (!bytes)
        return -1;
    Py_ssize_t length = PyBytes_GET_SIZE(bytes);
    if (length == 0) {
        Py_DECREF(bytes);
        return 0;
    }
    Py_XSETREF(*last, bytes);
    return feed(j, (const uint8_t *)PyBytes_AS_STRING(bytes), (size_t)length) < 0 ? -1 : length;
}

static int
finish(job *j)
{
    if (j->may_unlock)
        rjpy_pace_unlock(j->pace);
    int rc = rj_reformat_finish(j->r);
    if (j->may_unlock)
        rjpy_pace_lock(j->pace);
    return rc == RJ_OK ? 0 : -1;
}

static int
feed_from_read(job *j, const rjpy_target *target)
{
    PyObject *last = NULL;
    Py_ssize_t length;
    j->begin = j->at = j->end = (const uint8_t *)"";
    while ((length = feed_next(j, &last)) > 0)
        ;
    int rc = length < 0 ? -1 : finish(j);
    if (rc < 0 && !PyErr_Occurred())
        raise_failure(j, j->r->sink, target ? target->label : NULL); /* while the part is there */
    Py_XDECREF(last);
    return rc;
}

static int
feed_from_fd(job *j, int64_t timeout_ms)
{
    rjpy_pace *pace = j->pace;
    rj_wait_hooks hooks = rjpy_pace_hooks(pace);
    int unlock = j->may_unlock || !j->r->sink;
    pace->position = &j->r->offset;
    if (unlock)
        rjpy_pace_unlock(pace);
    int rc = rj_reformat_run_fd(j->r, j->fd, timeout_ms, &hooks);
    if (unlock)
        rjpy_pace_lock(pace);
    j->begin = j->r->read;
    j->at = j->r->read + j->r->read_from;
    j->end = j->r->read + j->r->read_to;
    return rc == RJ_OK ? 0 : -1;
}

/* The text from its beginning to its end, to `sink` (NULL: it is checked). 0, or -1 with an exception. */
static int
run_job(job *j, rj_sink *sink, const rjpy_target *target)
{
    const rjpy_state *state = j->self->state;
    if (rj_reformat_new(&j->r, sink, &j->self->options, NULL) != RJ_OK) {
        PyErr_NoMemory();
        return -1;
    }
    j->r->arch = rj__reformat_arch_named(state->isa);
    int rc = j->read ? feed_from_read(j, target) : feed_from_fd(j, target ? target->timeout_ms : -1);
    if (rc == 0)
        rc = report(j);
    if (rc < 0) {
        if (!PyErr_Occurred())
            raise_failure(j, sink, target ? target->label : NULL);
        if (sink)
            rjpy_filler_failed(state, sink);
    }
    rj_reformat_free(j->r);
    return rc;
}

/* ---- targets */

static int
run_filler(void *ctx, const rjpy_target *target, rj_sink *sink, rjpy_pace *pace)
{
    job *j = ctx;
    j->pace = pace;
    return run_job(j, sink, target);
}

/* A source is a descriptor, or a callable that reads. */
static int
begin_job(job *j, PyObject *op, PyObject *source)
{
    *j = (job){.self = (const transcoder_object *)op, .fd = -1};
    if (!PyLong_Check(source)) {
        j->read = source;
        return 0;
    }
    long fd = PyLong_AsLong(source);
    if (fd < 0 || fd > INT_MAX) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "source must be a descriptor, not %ld", fd);
        return -1;
    }
    j->fd = (int)fd;
    return 0;
}

/* Both ends are duplicates: the source is one already (rjson._reformat). So the GIL is released meanwhile. */
static PyObject *
transcoder_dump_fd(PyObject *op, PyObject *args, PyObject *kwargs)
{
    rjpy_fd_call call;
    job j;
    if (rjpy_fd_call_parse(&call, args, kwargs) < 0 || begin_job(&j, op, call.obj) < 0)
        return NULL;
    j.may_unlock = 1;
    return rjpy_fill_duplicate(&(rjpy_filler){run_filler, &j, j.self->state, "strict"}, &call);
}

static PyObject *
transcoder_dump_write(PyObject *op, PyObject *args, PyObject *kwargs)
{
    rjpy_write_call call;
    job j;
    if (rjpy_write_call_parse(&call, args, kwargs) < 0 || begin_job(&j, op, call.obj) < 0)
        return NULL;
    return rjpy_fill_write(&(rjpy_filler){run_filler, &j, j.self->state, "strict"}, &call);
}

static PyObject *
transcoder_check(PyObject *op, PyObject *args)
{
    PyObject *source, *progress = Py_None;
    job j;
    if (!PyArg_ParseTuple(args, "O|O:check", &source, &progress) || begin_job(&j, op, source) < 0)
        return NULL;
    rjpy_pace pace = {.progress = progress == Py_None ? NULL : progress};
    j.pace = &pace;
    if (run_job(&j, NULL, NULL) < 0)
        return NULL;
    Py_RETURN_NONE;
}

int
rjpy_check_text(const rjpy_state *state, const uint8_t *text, size_t length)
{
    rj_reformat_options options = {.in = RJ_FRAMING_DOCUMENT};
    rj_reformat *r;
    size_t used = 0;
    if (rj_reformat_new(&r, NULL, &options, NULL) != RJ_OK) {
        PyErr_NoMemory();
        return -1;
    }
    r->arch = rj__reformat_arch_named(state->isa);
    r->has_begun = 1; /* no byte order mark: the text is part of another */
    int rc = rj_reformat_feed(r, text, length, &used);
    if (rc == RJ_OK)
        rc = rj_reformat_finish(r);
    rj_reformat_failure failure = rj_reformat_error(r);
    if (is_of_text(failure.status))
        raise_text(&failure, text, text + used - r->back, text + length);
    else if (rc < 0)
        PyErr_NoMemory();
    rj_reformat_free(r);
    return rc < 0 ? -1 : 0;
}

/* ---- the object */

static int
framing_from(const char *name, rj_framing *framing)
{
    static const char *const names[] = {"auto", "document", "lines", "array", "seq", "concat"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *framing = (rj_framing)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "a framing must be 'auto', 'document', 'lines', 'array', 'seq' or 'concat', not '%s'",
                 name);
    return -1;
}

static int
set_text(const char **text, PyObject *value)
{
    return value == Py_None || (*text = PyUnicode_AsUTF8(value)) ? 0 : -1;
}

static PyObject *
transcoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"indent", "item", "key", "ascii", "framing_in", "framing_out", "max_depth", NULL};
    PyObject *indent, *item, *key, *module = PyType_GetModule(PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ? type : NULL);
    const char *in, *out;
    Py_ssize_t max_depth;
    rj_reformat_options o = {0};
    if (!module || !PyArg_ParseTupleAndKeywords(args, kwargs, "OOOpssn:Transcoder", names, &indent, &item, &key, &o.ascii,
                                                &in, &out, &max_depth))
        return NULL;
    if (set_text(&o.indent, indent) < 0 || set_text(&o.item_separator, item) < 0 || set_text(&o.key_separator, key) < 0 ||
        framing_from(in, &o.in) < 0 || framing_from(out, &o.out) < 0)
        return NULL;
    o.max_depth = (size_t)max_depth;
    rj_reformat *trial;
    int rc = max_depth < 1 ? RJ_EINVAL : rj_reformat_new(&trial, NULL, &o, NULL);
    if (rc != RJ_OK) {
        if (rc == RJ_ENOMEM)
            return PyErr_NoMemory();
        PyErr_SetString(
            PyExc_ValueError,
            o.out == RJ_FRAMING_LINES && (o.indent || (o.item_separator && strchr(o.item_separator, '\n')) ||
                                          (o.key_separator && strchr(o.key_separator, '\n')))
                ? "framing_out='lines' is for documents of one line: neither indent nor line breaks in separators"
            : max_depth < 1 ? "max_depth must be at least 1"
                            : "indent must be spaces and tabs, separators a comma and a colon with white space around them, "
                              "of at most 15 characters each: anything else would not be JSON");
        return NULL;
    }
    rj_reformat_free(trial);
    transcoder_object *self = (transcoder_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->options = o;
    self->state = rjpy_state_of(module);
    self->texts = PyTuple_Pack(3, indent, item, key);
    if (!self->texts)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
transcoder_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((transcoder_object *)op)->texts);
    return 0;
}

static void
transcoder_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(((transcoder_object *)op)->texts);
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(dump_fd_doc, "Transcode to a file descriptor. All arguments are required; see rjson._targets.");
PyDoc_STRVAR(dump_write_doc, "Transcode through a callable. All arguments are required; see rjson._targets.");
PyDoc_STRVAR(check_doc, "check($self, source, progress=None, /)\n--\n\nRead a text to its end and write nothing.");

#define KEYWORDS(f) ((PyCFunction)(void (*)(void))(f))

static PyMethodDef transcoder_methods[] = {
    {"_dump_fd", KEYWORDS(transcoder_dump_fd), METH_VARARGS | METH_KEYWORDS, dump_fd_doc},
    {"_dump_write", KEYWORDS(transcoder_dump_write), METH_VARARGS | METH_KEYWORDS, dump_write_doc},
    {"check", transcoder_check, METH_VARARGS, check_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(transcoder_doc, "Transcoder(indent, item, key, ascii, framing_in, framing_out, max_depth)\n--\n\n"
                             "Options of rjson.reformat, bound once. All arguments are required.");

static PyType_Slot transcoder_slots[] = {
    {Py_tp_doc, (void *)transcoder_doc},          {Py_tp_new, RJ_SLOT(transcoder_new)},
    {Py_tp_dealloc, RJ_SLOT(transcoder_dealloc)}, {Py_tp_traverse, RJ_SLOT(transcoder_traverse)},
    {Py_tp_methods, transcoder_methods},          {0, NULL},
};

PyType_Spec rjpy_transcoder_spec = {"rjson._core.Transcoder", sizeof(transcoder_object), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, transcoder_slots};
