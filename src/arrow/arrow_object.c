/* See arrow_object.h. Immutable: every run has its own rj_arrow. What the capsules hold is moved out of them, and released once,
 * also when something fails. Producers are called without the GIL, for their threads may want it. */
#include "arrow/arrow_object.h"

#include "arrow/arrow.h"
#include "dump/dump.h"

#include <errno.h>

/* So many rows are written between two looks at signals. */
#define ROWS 16384

typedef struct arrow_writer {
    PyObject_HEAD rj_arrow_options options; /* its texts are those of `columns` */
    const char **names;                     /* owned; NULL: all columns */
    PyObject *columns, *zones;              /* a tuple of str or None; a callable from a name to bytes of rj_arrow_shift */
    rjpy_state *state;                      /* of the module, which the type keeps alive */
} arrow_writer;

/* One run. */
typedef struct job {
    const arrow_writer *self;
    struct ArrowArrayStream stream; /* or, if it has no release: */
    struct ArrowSchema schema;
    struct ArrowArray array;
    PyObject *kept; /* a list of the bytes that zones gave */
    rj_arrow *a;
    rjpy_pace *pace;
    int may_unlock; /* the sink calls nothing of Python's but hooks */
} job;

/* ---- what capsules hold */

#define TAKE(type, name)                                                                                                    \
    static int take_##name(PyObject *capsule, struct type *out)                                                             \
    {                                                                                                                       \
        struct type *held = PyCapsule_GetPointer(capsule, "arrow_" #name);                                                  \
        if (!held)                                                                                                          \
            return -1;                                                                                                      \
        if (!held->release) {                                                                                               \
            PyErr_SetString(PyExc_ValueError, "an Arrow capsule whose data was taken already");                             \
            return -1;                                                                                                      \
        }                                                                                                                   \
        *out = *held;                                                                                                       \
        held->release = NULL;                                                                                               \
        return 0;                                                                                                           \
    }
TAKE(ArrowArrayStream, array_stream)
TAKE(ArrowSchema, schema)
TAKE(ArrowArray, array)

static void
end_job(job *j)
{
    PyThreadState *saved = PyEval_SaveThread();
    if (j->array.release)
        j->array.release(&j->array);
    if (j->schema.release)
        j->schema.release(&j->schema);
    if (j->stream.release)
        j->stream.release(&j->stream);
    PyEval_RestoreThread(saved);
    Py_XDECREF(j->kept);
}

static int
begin_job(job *j, PyObject *op, PyObject *capsules)
{
    *j = (job){.self = (const arrow_writer *)op, .kept = PyList_New(0)};
    int rc = -1;
    if (j->kept && PyTuple_CheckExact(capsules) && PyTuple_GET_SIZE(capsules) == 2)
        rc = take_schema(PyTuple_GET_ITEM(capsules, 0), &j->schema) < 0
                 ? -1
                 : take_array(PyTuple_GET_ITEM(capsules, 1), &j->array);
    else if (j->kept)
        rc = take_array_stream(capsules, &j->stream);
    if (rc < 0)
        end_job(j);
    return rc;
}

/* ---- failures */

static int
raise_stream(job *j, int code)
{
    const char *why = j->stream.get_last_error ? j->stream.get_last_error(&j->stream) : NULL;
    if (!PyErr_Occurred())
        PyErr_Format(code == ENOMEM ? PyExc_MemoryError : PyExc_OSError, "the Arrow stream failed: %s",
                     why ? why : "it does not say why");
    return -1;
}

static int
raise_failure(const job *j, const rj_sink *sink, PyObject *label)
{
    rj_arrow_failure failure = rj_arrow_error(j->a);
    if (PyErr_Occurred())
        return -1;
    if (sink->status < 0)
        rjpy_raise_sink(sink, label);
    else if (failure.status == RJ_ENOMEM)
        PyErr_NoMemory();
    else
        PyErr_Format(j->self->state->encode_error, "%s (row %llu)", failure.message, (unsigned long long)failure.row);
    return -1;
}

/* ---- a run */

static int
find_zone(void *ctx, const char *name, const rj_arrow_shift **shifts, size_t *count)
{
    job *j = ctx;
    PyObject *bytes = PyObject_CallFunction(j->self->zones, "s", name);
    int rc = bytes && PyBytes_Check(bytes) && PyList_Append(j->kept, bytes) == 0 ? RJ_OK : RJ_EINVAL;
    if (rc == RJ_OK) {
        *shifts = (const rj_arrow_shift *)(const void *)PyBytes_AS_STRING(bytes);
        *count = (size_t)PyBytes_GET_SIZE(bytes) / sizeof **shifts;
    }
    Py_XDECREF(bytes);
    return rc;
}

static int
plan(job *j, rj_sink *sink)
{
    if (j->stream.release) {
        PyThreadState *saved = PyEval_SaveThread();
        int code = j->stream.get_schema(&j->stream, &j->schema);
        PyEval_RestoreThread(saved);
        if (code)
            return raise_stream(j, code);
    }
    rj_arrow_options options = j->self->options;
    options.columns = j->self->names;
    options.zone = find_zone;
    options.zone_ctx = j;
    int rc = rj_arrow_new(&j->a, sink, &j->schema, &options, NULL);
    if (rc == RJ_ENOMEM)
        PyErr_NoMemory();
    else if (rc != RJ_OK && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, rj_arrow_error(j->a).message);
    if (rc != RJ_OK)
        return -1;
    j->a->arch = rj__arch_named(j->self->state->isa);
    return 0;
}

static int
put_batch(job *j, const rj_sink *sink)
{
    int rc = rj__arrow_bind(j->a, &j->array);
    for (int64_t first = 0; rc == RJ_OK && first < j->array.length; first += ROWS) {
        int64_t count = j->array.length - first < ROWS ? j->array.length - first : ROWS;
        if (j->may_unlock)
            rjpy_pace_unlock(j->pace);
        rc = rj__arrow_put_rows(j->a, first, count);
        if (j->may_unlock)
            rjpy_pace_lock(j->pace);
        if (rc == RJ_OK && (PyErr_CheckSignals() < 0 || rjpy_pace_report(j->pace, sink->accepted) < 0))
            return -1;
    }
    return rc == RJ_OK ? 0 : -1;
}

/* The next batch: 1, 0 at the end, -1 with an exception. */
static int
next_batch(job *j)
{
    PyThreadState *saved = PyEval_SaveThread();
    if (j->array.release)
        j->array.release(&j->array);
    j->array.release = NULL;
    int code = j->stream.get_next(&j->stream, &j->array);
    PyEval_RestoreThread(saved);
    if (code) {
        j->array.release = NULL;
        return raise_stream(j, code);
    }
    return j->array.release != NULL;
}

static int
put_all(job *j, rj_sink *sink)
{
    int more = 1;
    if (plan(j, sink) < 0)
        return -1;
    if (!j->stream.release && put_batch(j, sink) < 0)
        return -1;
    while (j->stream.release && (more = next_batch(j)) > 0)
        if (put_batch(j, sink) < 0)
            return -1;
    if (more < 0)
        return -1;
    if (j->may_unlock)
        rjpy_pace_unlock(j->pace);
    int rc = rj_arrow_finish(j->a);
    if (j->may_unlock)
        rjpy_pace_lock(j->pace);
    return rc == RJ_OK && !PyErr_Occurred() ? rjpy_pace_report(j->pace, sink->accepted) : -1;
}

static int
run_filler(void *ctx, const rjpy_target *target, rj_sink *sink, rjpy_pace *pace)
{
    job *j = ctx;
    j->pace = pace;
    int rc = put_all(j, sink);
    if (rc < 0 && j->a)
        raise_failure(j, sink, target->label);
    rj_arrow_free(j->a);
    if (rc < 0)
        rjpy_filler_failed(j->self->state, sink);
    return rc;
}

/* A duplicate is written to, so the GIL is released meanwhile. */
static PyObject *
arrow_dump_fd(PyObject *op, PyObject *args, PyObject *kwargs)
{
    rjpy_fd_call call;
    job j;
    if (rjpy_fd_call_parse(&call, args, kwargs) < 0 || begin_job(&j, op, call.obj) < 0)
        return NULL;
    j.may_unlock = 1;
    PyObject *result = rjpy_fill_duplicate(&(rjpy_filler){run_filler, &j, j.self->state, "strict"}, &call);
    end_job(&j);
    return result;
}

static PyObject *
arrow_dump_write(PyObject *op, PyObject *args, PyObject *kwargs)
{
    rjpy_write_call call;
    job j;
    if (rjpy_write_call_parse(&call, args, kwargs) < 0 || begin_job(&j, op, call.obj) < 0)
        return NULL;
    PyObject *result = rjpy_fill_write(&(rjpy_filler){run_filler, &j, j.self->state, "strict"}, &call);
    end_job(&j);
    return result;
}

/* ---- the object */

/* The names of the columns, as C has them; the tuple keeps them. */
static int
set_columns(arrow_writer *self)
{
    if (self->columns == Py_None)
        return 0;
    Py_ssize_t count = PyTuple_GET_SIZE(self->columns);
    self->names = PyMem_Calloc((size_t)count + 1, sizeof *self->names);
    if (!self->names) {
        PyErr_NoMemory();
        return -1;
    }
    self->options.column_count = (size_t)count;
    for (Py_ssize_t k = 0; k < count; k++)
        if (!(self->names[k] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(self->columns, k))))
            return -1;
    return 0;
}

static PyObject *
arrow_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"as_array", "omit_nulls", "nan_as_null", "utc_z", "columns", "zones", NULL};
    PyObject *columns, *zones, *module = PyType_GetModule(PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) ? type : NULL);
    rj_arrow_options o = {0};
    if (!module || !PyArg_ParseTupleAndKeywords(args, kwargs, "ppppOO:ArrowWriter", names, &o.as_array, &o.omit_nulls,
                                                &o.nan_as_null, &o.utc_z, &columns, &zones))
        return NULL;
    if (columns != Py_None && !PyTuple_CheckExact(columns)) {
        PyErr_SetString(PyExc_TypeError, "columns must be a tuple of str, or None");
        return NULL;
    }
    arrow_writer *self = (arrow_writer *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->options = o;
    self->state = rjpy_state_of(module);
    self->columns = Py_NewRef(columns);
    self->zones = Py_NewRef(zones);
    if (set_columns(self) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
arrow_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((arrow_writer *)op)->columns);
    Py_VISIT(((arrow_writer *)op)->zones);
    return 0;
}

static void
arrow_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(((arrow_writer *)op)->columns);
    Py_XDECREF(((arrow_writer *)op)->zones);
    PyMem_Free((void *)((arrow_writer *)op)->names);
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(dump_fd_doc, "Write rows to a file descriptor. All arguments are required; see rjson._targets.");
PyDoc_STRVAR(dump_write_doc, "Write rows through a callable. All arguments are required; see rjson._targets.");

#define KEYWORDS(f) ((PyCFunction)(void (*)(void))(f))

static PyMethodDef arrow_methods[] = {
    {"_dump_fd", KEYWORDS(arrow_dump_fd), METH_VARARGS | METH_KEYWORDS, dump_fd_doc},
    {"_dump_write", KEYWORDS(arrow_dump_write), METH_VARARGS | METH_KEYWORDS, dump_write_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(arrow_doc, "ArrowWriter(as_array, omit_nulls, nan_as_null, utc_z, columns, zones)\n--\n\n"
                        "Options of rjson.integrations.arrow, bound once. All arguments are required.");

static PyType_Slot arrow_slots[] = {
    {Py_tp_doc, (void *)arrow_doc},          {Py_tp_new, RJ_SLOT(arrow_new)},
    {Py_tp_dealloc, RJ_SLOT(arrow_dealloc)}, {Py_tp_traverse, RJ_SLOT(arrow_traverse)},
    {Py_tp_methods, arrow_methods},          {0, NULL},
};

PyType_Spec rjpy_arrow_writer_spec = {"rjson._core.ArrowWriter", sizeof(arrow_writer), 0,
                                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, arrow_slots};
