/* See decoder_object.h. A Decoder is immutable, so it may be used by any number of decodings at once. */
#include "decode/decoder_object.h"

PyObject *
rjpy_loads(rjpy_state *state, const rjpy_decode_options *options, PyObject *text)
{
    rjpy_decoder d;
    PyObject *value = NULL;
    if (rjpy_decoder_begin(&d, state, options, text) == 0) {
        int was_collecting = rjpy_decode_pause_collector(options);
        value = rjpy_decode_document(&d);
        rjpy_decode_resume_collector(was_collecting);
    }
    rjpy_decoder_end(&d);
    return value;
}

/* The callables among the options. */
#define HOOKS(o)                                                                                                            \
    {                                                                                                                       \
        &(o)->object_hook, &(o)->object_pairs_hook, &(o)->array_hook, &(o)->parse_float, &(o)->parse_int,                   \
            &(o)->parse_constant                                                                                            \
    }
#define HOOK_COUNT 6

static int
set_keyword_options(rjpy_decode_options *options, PyObject *kwargs)
{
    PyObject *name, *value;
    Py_ssize_t pos = 0;
    while (kwargs && PyDict_Next(kwargs, &pos, &name, &value))
        if (rjpy_decode_option_set(options, "Decoder", name, value) < 0)
            return -1;
    return 0;
}

static PyObject *
decoder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    rjpy_decode_options options = rjpy_default_decode_options;
    if (PyTuple_GET_SIZE(args) > 0) {
        PyErr_SetString(PyExc_TypeError, "Decoder() takes keyword arguments only");
        return NULL;
    }
    PyObject *module = PyType_GetModule(type);
    if (!module || set_keyword_options(&options, kwargs) < 0)
        return NULL;
    rjpy_decoder_object *self = (rjpy_decoder_object *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->options = options;
    self->state = rjpy_state_of(module);
    PyObject **const hooks[HOOK_COUNT] = HOOKS(&self->options);
    for (int i = 0; i < HOOK_COUNT; i++)
        Py_XINCREF(*hooks[i]);
    return (PyObject *)self;
}

static int
decoder_traverse(PyObject *op, visitproc visit, void *arg)
{
    PyObject **const hooks[HOOK_COUNT] = HOOKS(&((rjpy_decoder_object *)op)->options);
    Py_VISIT(Py_TYPE(op));
    for (int i = 0; i < HOOK_COUNT; i++)
        Py_VISIT(*hooks[i]);
    return 0;
}

static int
decoder_clear(PyObject *op)
{
    PyObject **const hooks[HOOK_COUNT] = HOOKS(&((rjpy_decoder_object *)op)->options);
    for (int i = 0; i < HOOK_COUNT; i++)
        Py_CLEAR(*hooks[i]);
    return 0;
}

static void
decoder_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    decoder_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
decoder_loads(PyObject *op, PyObject *text)
{
    rjpy_decoder_object *self = (rjpy_decoder_object *)op;
    return rjpy_loads(self->state, &self->options, text);
}

PyDoc_STRVAR(decoder_loads_doc, "loads($self, s, /)\n--\n\nThe value that the JSON text `s` is; see rjson.loads.");

static PyMethodDef decoder_methods[] = {
    {"loads", decoder_loads, METH_O, decoder_loads_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot decoder_slots[] = {
    {Py_tp_new, RJ_SLOT(decoder_new)},
    {Py_tp_traverse, RJ_SLOT(decoder_traverse)},
    {Py_tp_clear, RJ_SLOT(decoder_clear)},
    {Py_tp_dealloc, RJ_SLOT(decoder_dealloc)},
    {Py_tp_methods, decoder_methods},
    {Py_tp_doc, (void *)(uintptr_t)PyDoc_STR("Decoding with options that were set once. Immutable; for any thread.")},
    {0, NULL},
};

PyType_Spec rjpy_decoder_spec = {
    .name = "rjson._core.Decoder",
    .basicsize = sizeof(rjpy_decoder_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = decoder_slots,
};
