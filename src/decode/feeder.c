/* rjson._core.Feeder: its memory, its errors, and what Python sees of it. See feeder.h; what a text is made of is in
 * framed.c and lines.c. */
#include "decode/feeder.h"

#include "cpython/exceptions.h"

typedef rjpy_feeder feeder;

/* Memory that a large value left behind is given back. */
#define KEPT_CAPACITY ((size_t)1 << 20)

static int
choose_framing(feeder *self, const char *name)
{
    self->framing = rj__framing_find(name, RJ__FRAMING_READS);
    if (self->framing == RJ__FRAMING_SSE) /* its reader makes lines of events */
        self->framing = RJ__FRAMING_LINES;
    if (self->framing >= 0) {
        self->expected = self->framing == RJ__FRAMING_ARRAY ? RJ_EXPECT_ARRAY : RJ_EXPECT_VALUE;
        return 0;
    }
    char names[80];
    rj__framing_list(names, sizeof names, RJ__FRAMING_READS);
    PyErr_Format(PyExc_ValueError, "framing must be %s, not '%.100s'", names, name);
    return -1;
}

static int
set_max_bytes(feeder *self, PyObject *value)
{
    if (!value || value == Py_None)
        return 0;
    Py_ssize_t max = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (max == -1 && PyErr_Occurred())
        return -1;
    if (max < 1) {
        PyErr_Format(PyExc_ValueError, "max_bytes must be at least 1, not %R", value);
        return -1;
    }
    self->max_bytes = max;
    return 0;
}

static int
set_on_error(feeder *self, PyObject *value)
{
    if (!value || (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "raise") == 0))
        return 0;
    int skips = PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "skip") == 0;
    if (!skips && !PyCallable_Check(value)) {
        PyErr_Format(PyExc_ValueError, "on_error must be 'raise', 'skip' or callable, not %R", value);
        return -1;
    }
    if (self->framing != RJ__FRAMING_LINES) {
        PyErr_SetString(PyExc_ValueError,
                        "on_error needs framing='lines' or 'sse': only there it is known where the next value begins");
        return -1;
    }
    self->skips_errors = 1;
    self->on_error = skips ? NULL : Py_NewRef(value);
    return 0;
}

static int
set_checks_end(feeder *self, int checks)
{
    if (checks && (self->framing == RJ__FRAMING_AUTO || self->framing == RJ__FRAMING_ARRAY)) {
        PyErr_SetString(PyExc_ValueError,
                        "end=True needs framing='lines', 'sse', 'seq' or 'concat': an array has an end of its own");
        return -1;
    }
    self->checks_end = checks;
    return 0;
}

static PyObject *
feeder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "max_bytes", "on_error", "end", NULL};
    const char *name;
    int checks_end = 0;
    PyObject *decoder, *max_bytes = NULL, *on_error = NULL, *module = PyType_GetModule(type);
    if (!module || !PyArg_ParseTupleAndKeywords(args, kwargs, "O!s|$OOp:Feeder", names, rjpy_state_of(module)->decoder_type,
                                                &decoder, &name, &max_bytes, &on_error, &checks_end))
        return NULL;
    feeder *self = (feeder *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->decoder = (rjpy_decoder_object *)Py_NewRef(decoder);
    if (choose_framing(self, name) < 0 || set_max_bytes(self, max_bytes) < 0 || set_on_error(self, on_error) < 0 ||
        set_checks_end(self, checks_end) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
feeder_traverse(PyObject *op, visitproc visit, void *arg)
{
    feeder *self = (feeder *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->decoder);
    Py_VISIT(self->on_error);
    Py_VISIT(self->error);
    Py_VISIT(self->refused);
    Py_VISIT(self->record);
    return 0;
}

static int
feeder_clear(PyObject *op)
{
    feeder *self = (feeder *)op;
    Py_CLEAR(self->decoder);
    Py_CLEAR(self->on_error);
    Py_CLEAR(self->error);
    Py_CLEAR(self->refused);
    Py_CLEAR(self->record);
    return 0;
}

static void
feeder_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    feeder_clear(op);
    PyMem_Free(((feeder *)op)->text);
    type->tp_free(op);
    Py_DECREF(type);
}

/* ---- errors, whose places are counted from the beginning of the text */

static int
shift_attribute(PyObject *error, const char *name, Py_ssize_t by)
{
    PyObject *value = PyObject_GetAttrString(error, name);
    PyObject *shifted = value ? PyLong_FromSsize_t(PyLong_AsSsize_t(value) + by) : NULL;
    int rc = shifted ? PyObject_SetAttrString(error, name, shifted) : -1;
    Py_XDECREF(value);
    Py_XDECREF(shifted);
    return rc;
}

/* Whether a place that is counted from `begin` is on its first line. */
static int
is_on_first_line(const uint8_t *begin, const uint8_t *at)
{
    return !memchr(begin, '\n', (size_t)(at - begin));
}

void
rjpy_feeder_keep_error(feeder *self, rjpy_decoder *d)
{
    int is_syntax = d->message != NULL;
    rjpy_decode_raise(d);
    self->error = rjpy_take_exception();
    if (!is_syntax)
        return;
    if (shift_attribute(self->error, "pos", self->characters) < 0 ||
        shift_attribute(self->error, "lineno", self->lines) < 0 ||
        (is_on_first_line(d->begin, d->error) && shift_attribute(self->error, "colno", self->column) < 0) ||
        (self->record && PyObject_SetAttrString(self->error, "record", self->record) < 0))
        Py_XSETREF(self->error, rjpy_take_exception());
}

int
rjpy_feeder_report(feeder *self)
{
    PyObject *refused = self->refused;
    self->refused = NULL;
    PyObject *result = PyObject_CallObject(self->on_error, refused);
    Py_DECREF(refused);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static PyObject *
raise_kept(feeder *self)
{
    PyObject *error = self->error;
    self->error = NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return NULL;
}

/* ---- the text */

/* Memory for so much text. */
static int
reserve(feeder *self, size_t size)
{
    size_t needed = size + 1 + RJ_SCAN_MAX, capacity = self->capacity;
    if (needed > capacity)
        capacity = needed + needed / 4;
    else if (capacity > KEPT_CAPACITY && needed < capacity / 4)
        capacity = needed * 2;
    if (capacity == self->capacity)
        return 0;
    uint8_t *text = PyMem_Realloc(self->text, capacity);
    if (!text) {
        PyErr_NoMemory();
        return -1;
    }
    self->text = text;
    self->capacity = capacity;
    return 0;
}

/* Forgets what is counted. */
static void
move_to_front(feeder *self)
{
    size_t gone = self->counted;
    if (gone == 0)
        return;
    self->size -= gone;
    memmove(self->text, self->text + gone, self->size);
    self->offset -= gone;
    self->searched -= gone < self->searched ? gone : self->searched;
    self->counted = 0;
}

static int
append(feeder *self, const char *bytes, size_t size)
{
    move_to_front(self);
    if (reserve(self, self->size + size) < 0)
        return -1;
    memcpy(self->text + self->size, bytes, size);
    self->size += size;
    memset(self->text + self->size, 0, 1 + RJ_SCAN_MAX);
    return 0;
}

void
rjpy_feeder_count(feeder *self, rjpy_decoder *d, const uint8_t *at)
{
    const uint8_t *begin = self->text + self->counted, *line = begin, *newline;
    while ((newline = memchr(line, '\n', (size_t)(at - line)))) {
        self->lines++;
        self->column = 0;
        line = newline + 1;
    }
    self->column += (Py_ssize_t)rj__utf8_count(line, (size_t)(at - line));
    self->characters += (Py_ssize_t)rj__utf8_count(begin, (size_t)(at - begin));
    self->counted = (size_t)(at - self->text);
    d->begin = at;
}

/* What is not complete yet waits for more: how much, so that the tries are few, but no more than may come. */
static void
keep_rest(feeder *self)
{
    size_t left = self->size - self->offset, max = (size_t)self->max_bytes;
    self->retry = self->framing == RJ__FRAMING_LINES ? 0 : max && max < left * 2 ? max + 1 : left * 2;
    if (self->is_last)
        self->is_over = 1;
}

static int
decode_text(feeder *self, rjpy_batch *taken)
{
    rjpy_decoder d;
    const rjpy_decode_options *options = &self->decoder->options;
    const uint8_t *begin = self->text + self->counted;
    if (rjpy_decoder_begin_at(&d, self->decoder->state, options, begin, self->size - self->counted) < 0)
        return -1;
    d.cur = self->text + self->offset;
    int was_collecting = !self->on_error && rjpy_decode_pause_collector(options);
    int more = self->framing == RJ__FRAMING_LINES ? rjpy_feeder_take_lines(self, &d, taken)
                                                  : rjpy_feeder_take_values(self, &d, taken);
    rjpy_decode_resume_collector(was_collecting);
    self->offset = (size_t)(d.cur - self->text);
    if (more < 0) {
        if (!self->error)
            rjpy_feeder_keep_error(self, &d);
        self->is_over = !d.interrupted;
    }
    else if (more == 0) {
        rjpy_feeder_count(self, &d, d.cur);
        keep_rest(self);
    }
    rjpy_decoder_end(&d);
    return 0;
}

/* What was read, as UTF-8: a new reference, or NULL with an exception. */
static PyObject *
as_bytes(PyObject *part)
{
    if (PyBytes_CheckExact(part))
        return Py_NewRef(part);
    if (PyUnicode_Check(part))
        return PyUnicode_AsUTF8String(part);
    if (part == Py_None) {
        PyErr_SetString(PyExc_BlockingIOError, "iterload() needs a file that blocks");
        return NULL;
    }
    return PyBytes_FromObject(part);
}

/* Hooks must not change the text that they are called for. */
static int
refuse_hook(const feeder *self)
{
    if (self->is_busy)
        PyErr_SetString(PyExc_RuntimeError, "a hook takes values from the text that it is called for");
    return self->is_busy ? -1 : 0;
}

int
rjpy_feeder_feed(feeder *self, PyObject *part)
{
    PyObject *bytes = refuse_hook(self) < 0 ? NULL : as_bytes(part);
    if (!bytes)
        return -1;
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    int rc = append(self, PyBytes_AS_STRING(bytes), (size_t)size);
    Py_DECREF(bytes);
    if (rc < 0)
        return -1;
    self->is_last = size == 0;
    return self->is_last;
}

/* Fills the batch: 0, or -1 with an exception. An error waits until the values before it are out. */
static int
fill(feeder *self, rjpy_batch *taken)
{
    if (self->refused && rjpy_feeder_report(self) < 0) {
        self->is_over = 1;
        return -1;
    }
    int is_enough = self->is_last || (self->size > self->offset && self->size - self->offset >= self->retry);
    if (!self->error && !self->is_over && is_enough && decode_text(self, taken) < 0)
        return -1;
    if (self->error && taken->count == 0) {
        raise_kept(self);
        return -1;
    }
    return 0;
}

Py_ssize_t
rjpy_feeder_take(feeder *self, PyObject **values)
{
    rjpy_batch taken = {values, 0};
    if (refuse_hook(self) < 0)
        return -1;
    self->is_busy = 1;
    int rc = fill(self, &taken);
    self->is_busy = 0;
    return rc < 0 ? -1 : (Py_ssize_t)taken.count;
}

static PyObject *
feeder_feed(PyObject *op, PyObject *part)
{
    int is_last = rjpy_feeder_feed((feeder *)op, part);
    return is_last < 0 ? NULL : PyBool_FromLong(is_last);
}

static PyObject *
feeder_take(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    PyObject *values[RJ_BATCH];
    Py_ssize_t count = rjpy_feeder_take((feeder *)op, values);
    PyObject *list = count < 0 ? NULL : PyList_New(count);
    for (Py_ssize_t i = 0; i < count; i++)
        if (list)
            PyList_SET_ITEM(list, i, values[i]);
        else
            Py_DECREF(values[i]);
    return list;
}

PyDoc_STRVAR(feed_doc, "feed($self, part, /)\n--\n\nMore of the text: str, bytes or another buffer; nothing at its end, "
                       "which is what is returned. "
                       "`take` comes next, until it finds nothing.");
PyDoc_STRVAR(take_doc,
             "take($self, /)\n--\n\nA few values that are complete, as a list; none if it takes more of the text.\n\n"
             "Raises:\n    DecodeError: The text is wrong behind the values that were taken.");

static PyObject *
feeder_get_is_over(PyObject *op, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((feeder *)op)->is_over);
}

/* Without the GIL, one at a time. */
RJ_IN_TURN(feeder_feed)
RJ_IN_TURN(feeder_take)
RJ_GET_IN_TURN(feeder_get_is_over)

static PyGetSetDef feeder_properties[] = {
    {"is_over", feeder_get_is_over_in_turn, NULL,
     PyDoc_STR("Whether nothing comes any more: the text has ended, well or not."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef feeder_methods[] = {
    {"feed", feeder_feed_in_turn, METH_O, feed_doc},
    {"take", feeder_take_in_turn, METH_NOARGS, take_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot feeder_slots[] = {
    {Py_tp_new, RJ_SLOT(feeder_new)},
    {Py_tp_traverse, RJ_SLOT(feeder_traverse)},
    {Py_tp_clear, RJ_SLOT(feeder_clear)},
    {Py_tp_dealloc, RJ_SLOT(feeder_dealloc)},
    {Py_tp_methods, feeder_methods},
    {Py_tp_getset, feeder_properties},
    {Py_tp_doc, (void *)(uintptr_t)PyDoc_STR("Feeder(decoder, framing, *, max_bytes=None, on_error='raise', end=False): "
                                             "values from a text that arrives in parts.")},
    {0, NULL},
};

PyType_Spec rjpy_feeder_spec = {
    .name = "rjson._core.Feeder",
    .basicsize = sizeof(feeder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = feeder_slots,
};
