/*
 * rjson._core.Feeder: values from a text that arrives in parts. What is complete is decoded; the rest waits for the next part. So at any time
 * there is one part, and the value that is not complete yet.
 */
#include "decode/feeder.h"

#include "framing.h"

/* A value that failed to decode so close to the end of what has arrived may be whole with more: no token but strings and numbers, which tell how
 * far they were read, is longer. */
#define RJ_TOKEN_MAX 16

/* What is expected next. */
typedef enum expected {
    EXPECT_VALUE,
    EXPECT_ARRAY,     /* '[' */
    EXPECT_FIRST,     /* a value or ']' */
    EXPECT_SEPARATOR, /* ',' or ']' */
    EXPECT_NEWLINE,   /* after a value of RJ__FRAMING_LINES */
    EXPECT_NOTHING    /* after the array */
} expected;

struct rj_feeder {
    PyObject_HEAD rj_decoder_object *decoder; /* owned */
    int framing;                              /* RJ__FRAMING_ */
    expected expected;
    PyObject *parts;  /* what waits, a list of bytes; owned */
    Py_ssize_t size;  /* its bytes in all */
    Py_ssize_t retry; /* with fewer there is no point in trying again: each try begins with the value's first byte */
    PyObject *text;   /* what is being decoded, from `offset` on: bytes, owned, or NULL */
    Py_ssize_t offset;
    int is_last;     /* nothing comes behind it */
    int is_busy;     /* hooks run */
    PyObject *error; /* to be raised when the values before it are out; owned, or NULL */
    /* Of what was consumed. */
    Py_ssize_t characters, lines, column;
};

typedef struct rj_feeder feeder;

/* Values that were taken; owned. */
typedef struct batch {
    PyObject **values;
    size_t count;
} batch;

static int
choose_framing(feeder *self, const char *name)
{
    self->framing = rj__framing_find(name, RJ__FRAMING_READS);
    if (self->framing >= 0) {
        self->expected = self->framing == RJ__FRAMING_ARRAY ? EXPECT_ARRAY : EXPECT_VALUE;
        return 0;
    }
    char names[80];
    rj__framing_list(names, sizeof names, RJ__FRAMING_READS);
    PyErr_Format(PyExc_ValueError, "framing must be %s, not '%.100s'", names, name);
    return -1;
}

static PyObject *
feeder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", NULL};
    const char *name;
    PyObject *decoder, *module = PyType_GetModule(type);
    if (!module ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "O!s:Feeder", names, rj_state_of(module)->decoder_type, &decoder, &name))
        return NULL;
    feeder *self = (feeder *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->decoder = (rj_decoder_object *)Py_NewRef(decoder);
    self->parts = PyList_New(0);
    if (!self->parts || choose_framing(self, name) < 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
feeder_traverse(PyObject *op, visitproc visit, void *arg)
{
    feeder *self = (feeder *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->decoder);
    Py_VISIT(self->parts);
    Py_VISIT(self->text);
    Py_VISIT(self->error);
    return 0;
}

static int
feeder_clear(PyObject *op)
{
    feeder *self = (feeder *)op;
    Py_CLEAR(self->decoder);
    Py_CLEAR(self->parts);
    Py_CLEAR(self->text);
    Py_CLEAR(self->error);
    return 0;
}

static void
feeder_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    feeder_clear(op);
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

/* Takes the exception that is set. */
static PyObject *
take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Keeps the error of the decoder for later. */
static void
keep_error(feeder *self, rj_decoder *d)
{
    int is_syntax = d->message != NULL;
    rj_decode_raise(d);
    self->error = take_exception();
    if (!is_syntax)
        return;
    if (shift_attribute(self->error, "pos", self->characters) < 0 ||
        shift_attribute(self->error, "lineno", self->lines) < 0 ||
        (is_on_first_line(d->begin, d->error) && shift_attribute(self->error, "colno", self->column) < 0))
        Py_XSETREF(self->error, take_exception());
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

/* All that waits, as one bytes object; NULL with an exception. */
static PyObject *
take_parts(feeder *self)
{
    PyObject *text;
    if (PyList_GET_SIZE(self->parts) == 1) {
        text = Py_NewRef(PyList_GET_ITEM(self->parts, 0));
    }
    else {
        PyObject *empty = PyBytes_FromStringAndSize(NULL, 0);
        text = empty ? PyObject_CallMethod(empty, "join", "O", self->parts) : NULL;
        Py_XDECREF(empty);
    }
    if (text && PyList_SetSlice(self->parts, 0, PY_SSIZE_T_MAX, NULL) < 0)
        Py_CLEAR(text);
    return text;
}

/* Counts what is done with: the text up to d->cur. */
static void
count_consumed(feeder *self, const rj_decoder *d)
{
    const uint8_t *line = d->begin, *newline;
    while ((newline = memchr(line, '\n', (size_t)(d->cur - line)))) {
        self->lines++;
        self->column = 0;
        line = newline + 1;
    }
    self->column += (Py_ssize_t)rj__utf8_count(line, (size_t)(d->cur - line));
    self->characters += rj_decode_position(d, d->cur);
}

/* What is not complete yet waits for more. */
static int
keep_rest(feeder *self)
{
    PyObject *text = self->text;
    self->text = NULL;
    self->size = PyBytes_GET_SIZE(text) - self->offset;
    self->retry = self->size * 2;
    PyObject *rest = self->size > 0 ? PyBytes_FromStringAndSize(PyBytes_AS_STRING(text) + self->offset, self->size) : NULL;
    int rc = self->size == 0 ? 0 : rest ? PyList_Append(self->parts, rest) : -1;
    Py_XDECREF(rest);
    Py_DECREF(text);
    return rc;
}

static uint8_t
record_separator(void)
{
    return rj__framings[RJ__FRAMING_SEQ].first.bytes[0];
}

static const uint8_t *
skip_separators(const feeder *self, const uint8_t *p)
{
    int lines = self->expected == EXPECT_NEWLINE, seq = self->framing == RJ__FRAMING_SEQ;
    while (*p == ' ' || *p == '\r' || *p == '\t' || (*p == '\n' && !lines) || (seq && *p == record_separator()))
        p++;
    return p;
}

/* RFC 7464 begins with a record separator. */
static void
guess_framing(feeder *self, const rj_decoder *d)
{
    if (self->framing != RJ__FRAMING_AUTO || d->cur == d->end)
        return;
    self->framing = *d->cur == record_separator() ? RJ__FRAMING_SEQ
                    : *d->cur == '['              ? RJ__FRAMING_ARRAY
                                                  : RJ__FRAMING_CONCAT;
    self->expected = self->framing == RJ__FRAMING_ARRAY ? EXPECT_ARRAY : EXPECT_VALUE;
}

/* Takes what stands between values, at d->cur: 1 where a value is to come, 0 where something else was taken, -1 with a message. */
static int
take_framing(feeder *self, rj_decoder *d)
{
    uint8_t c = *d->cur;
    switch (self->expected) {
    case EXPECT_ARRAY:
        if (c != '[')
            return rj_decode_fail(d, "Expecting an array", d->cur), -1;
        self->expected = EXPECT_FIRST;
        break;
    case EXPECT_FIRST:
        if (c != ']')
            return 1;
        self->expected = EXPECT_NOTHING;
        break;
    case EXPECT_SEPARATOR:
        if (c != ',' && c != ']')
            return rj_decode_fail(d, "Expecting ',' delimiter", d->cur), -1;
        self->expected = c == ',' ? EXPECT_VALUE : EXPECT_NOTHING;
        break;
    case EXPECT_NEWLINE:
        if (c != '\n')
            return rj_decode_fail(d, "Expecting a newline between values", d->cur), -1;
        self->expected = EXPECT_VALUE;
        break;
    case EXPECT_NOTHING:
        return rj_decode_fail(d, "Extra data", d->cur), -1;
    default:
        return 1;
    }
    d->cur++;
    return 0;
}

/* A number or literal that ends where the text does might go on. */
static int
may_go_on(const rj_decoder *d)
{
    return d->cur == d->end && !strchr("]}\"", d->cur[-1]);
}

/* Whether the text may be cut off in the value that just failed: more of it could mend that. */
static int
is_cut_off(const feeder *self, const rj_decoder *d)
{
    return d->message && !self->is_last && d->end - d->stop <= RJ_TOKEN_MAX;
}

/* Whether all of the value at d->cur has arrived. Only then is it decoded with hooks, which are to see each object once. */
static int
is_whole(const feeder *self, rj_decoder *d)
{
    const uint8_t *begin = d->cur;
    const rj_decode_options *options = d->options;
    rj_decode_options plain = {.max_depth = options->max_depth, .strict = options->strict, .allow_nan = 1};
    d->options = &plain;
    PyObject *value = rj_decode_value(d);
    int whole = value ? !may_go_on(d) : !is_cut_off(self, d);
    Py_XDECREF(value);
    PyErr_Clear(); /* what is wrong, the hooks shall find: they may take what int() does not */
    rj_decoder_reset(d);
    d->options = options;
    d->cur = begin;
    return whole;
}

/* Takes one value: 1, or 0 if there is not all of it, or -1 with a message or an exception. */
static int
take_value(feeder *self, rj_decoder *d, batch *taken)
{
    const uint8_t *begin = d->cur;
    if (!self->is_last && rj_decode_runs_code(d->options) && !is_whole(self, d))
        return 0;
    PyObject *value = rj_decode_value(d);
    if (value && !self->is_last && may_go_on(d)) {
        Py_DECREF(value);
        d->cur = begin;
        return 0;
    }
    if (!value) {
        d->cur = begin;
        return is_cut_off(self, d) ? 0 : -1;
    }
    taken->values[taken->count++] = value;
    self->expected = self->framing == RJ__FRAMING_ARRAY   ? EXPECT_SEPARATOR
                     : self->framing == RJ__FRAMING_LINES ? EXPECT_NEWLINE
                                                          : EXPECT_VALUE;
    return 1;
}

/* Whether the text may end here; -1 with a message if not. */
static int
check_end(const feeder *self, rj_decoder *d)
{
    if (self->framing != RJ__FRAMING_ARRAY || self->expected == EXPECT_NOTHING)
        return 0;
    rj_decode_fail(d, self->expected == EXPECT_SEPARATOR ? "Expecting ',' delimiter" : "Expecting value", d->cur);
    return -1;
}

/* Takes complete values at d->cur: 1 when these are enough for a time, 0 when there are no more, -1 with a message or an
 * exception. */
static int
take_values(feeder *self, rj_decoder *d, batch *taken)
{
    if (self->characters == 0 && d->cur == d->begin)
        rj_decode_skip_mark(d);
    while (taken->count < RJ_BATCH) {
        d->cur = skip_separators(self, d->cur);
        guess_framing(self, d);
        d->cur = skip_separators(self, d->cur);
        if (d->cur == d->end)
            return self->is_last ? check_end(self, d) : 0;
        int rc = take_framing(self, d);
        if (rc < 0)
            return -1;
        if (rc > 0 && (rc = take_value(self, d, taken)) <= 0)
            return rc;
    }
    return 1;
}

static int
decode_text(feeder *self, batch *taken)
{
    rj_decoder d;
    const rj_decode_options *options = &self->decoder->options;
    int rc = rj_decoder_begin(&d, self->decoder->state, options, self->text);
    if (rc == 0) {
        d.cur += self->offset;
        int was_collecting = rj_decode_pause_collector(options);
        int more = take_values(self, &d, taken);
        rj_decode_resume_collector(was_collecting);
        self->offset = d.cur - d.begin;
        if (more < 0)
            keep_error(self, &d);
        if (more <= 0) {
            count_consumed(self, &d);
            rc = keep_rest(self);
        }
    }
    rj_decoder_end(&d);
    return rc;
}

static int
begin_text(feeder *self)
{
    if (self->text || PyList_GET_SIZE(self->parts) == 0 || (!self->is_last && self->size < self->retry))
        return 0;
    self->text = take_parts(self);
    self->offset = 0;
    return self->text ? 0 : -1;
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

int
rj_feeder_feed(feeder *self, PyObject *part)
{
    PyObject *bytes = as_bytes(part);
    if (!bytes)
        return -1;
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    int rc = PyList_Append(self->parts, bytes);
    Py_DECREF(bytes);
    if (rc < 0)
        return -1;
    self->size += size;
    self->is_last = size == 0;
    return self->is_last;
}

Py_ssize_t
rj_feeder_take(feeder *self, PyObject **values)
{
    batch taken = {values, 0};
    if (self->error) {
        raise_kept(self);
        return -1;
    }
    if (self->is_busy) {
        PyErr_SetString(PyExc_RuntimeError, "a hook takes values from the text that it is called for");
        return -1;
    }
    self->is_busy = 1;
    int rc = begin_text(self);
    if (rc == 0 && self->text)
        rc = decode_text(self, &taken);
    self->is_busy = 0;
    if (rc == 0 && taken.count == 0 && self->error) {
        raise_kept(self);
        return -1;
    }
    while (rc < 0 && taken.count > 0)
        Py_DECREF(values[--taken.count]);
    return rc < 0 ? -1 : (Py_ssize_t)taken.count;
}

static PyObject *
feeder_feed(PyObject *op, PyObject *part)
{
    int is_last = rj_feeder_feed((feeder *)op, part);
    return is_last < 0 ? NULL : PyBool_FromLong(is_last);
}

static PyObject *
feeder_take(PyObject *op, PyObject *Py_UNUSED(ignored))
{
    PyObject *values[RJ_BATCH];
    Py_ssize_t count = rj_feeder_take((feeder *)op, values);
    PyObject *list = count < 0 ? NULL : PyList_New(count);
    for (Py_ssize_t i = 0; i < count; i++)
        if (list)
            PyList_SET_ITEM(list, i, values[i]);
        else
            Py_DECREF(values[i]);
    return list;
}

PyDoc_STRVAR(
    feed_doc,
    "feed(part, /)\n--\n\nMore of the text: str, bytes or another buffer; nothing at its end, which is what is returned. "
    "`take` comes next, until it finds nothing.");
PyDoc_STRVAR(take_doc, "take()\n--\n\nA few values that are complete, as a list; none if it takes more of the text.\n\n"
                       "Raises:\n    DecodeError: The text is wrong behind the values that were taken.");

static PyMethodDef feeder_methods[] = {
    {"feed", feeder_feed, METH_O, feed_doc},
    {"take", feeder_take, METH_NOARGS, take_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot feeder_slots[] = {
    {Py_tp_new, RJ_SLOT(feeder_new)},
    {Py_tp_traverse, RJ_SLOT(feeder_traverse)},
    {Py_tp_clear, RJ_SLOT(feeder_clear)},
    {Py_tp_dealloc, RJ_SLOT(feeder_dealloc)},
    {Py_tp_methods, feeder_methods},
    {Py_tp_doc, (void *)(uintptr_t)PyDoc_STR("Feeder(decoder, framing): values from a text that arrives in parts.")},
    {0, NULL},
};

PyType_Spec rj_feeder_spec = {
    .name = "rjson._core.Feeder",
    .basicsize = sizeof(feeder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = feeder_slots,
};
