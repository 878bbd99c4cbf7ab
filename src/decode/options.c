/* See options.h. */
#include "decode/options.h"

#include "encode/options.h"

const rjpy_decode_options rjpy_default_decode_options = {.max_depth = RJ_READ_DEPTH_DEFAULT, .strict = 1};

/* A callable, or None. `same` is a callable that stands for what happens without one (int, float), or NULL. */
static int
set_hook(PyObject **hook, const char *name, PyObject *value, PyTypeObject *same)
{
    if (value != Py_None && !PyCallable_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be callable or None, not %.200s: %R", name, Py_TYPE(value)->tp_name, value);
        return -1;
    }
    *hook = value == Py_None || value == (PyObject *)same ? NULL : value;
    return 0;
}

static int
set_duplicates(rjpy_decode_options *options, PyObject *value)
{
    if (PyUnicode_Check(value)) {
        options->unique_keys = PyUnicode_CompareWithASCIIString(value, "error") == 0;
        if (options->unique_keys || PyUnicode_CompareWithASCIIString(value, "last") == 0)
            return 0;
    }
    PyErr_Format(PyExc_ValueError, "duplicates must be 'last' or 'error', not %R", value);
    return -1;
}

int
rjpy_decode_option_set(rjpy_decode_options *o, const char *function, PyObject *name, PyObject *value)
{
    const struct {
        const char *name;
        PyObject **hook;
        PyTypeObject *same;
    } hooks[] = {
        {"object_hook", &o->object_hook, NULL},          {"object_pairs_hook", &o->object_pairs_hook, NULL},
        {"parse_float", &o->parse_float, &PyFloat_Type}, {"parse_int", &o->parse_int, &PyLong_Type},
        {"parse_constant", &o->parse_constant, NULL},    {"array_hook", &o->array_hook, NULL},
    };
    const char *text = PyUnicode_AsUTF8(name);
    if (!text)
        return -1;
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++)
        if (strcmp(text, hooks[i].name) == 0)
            return set_hook(hooks[i].hook, hooks[i].name, value, hooks[i].same);
    if (strcmp(text, "max_depth") == 0)
        return rjpy_parse_max_depth(&o->max_depth, value);
    if (strcmp(text, "allow_nan") == 0)
        return rjpy_parse_flag(&o->allow_nan, value);
    if (strcmp(text, "strict") == 0)
        return rjpy_parse_flag(&o->strict, value);
    if (strcmp(text, "duplicates") == 0)
        return set_duplicates(o, value);
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
    return -1;
}

int
rjpy_decode_options_parse(rjpy_decode_options *options, const char *function, PyObject *const *values, PyObject *kwnames)
{
    Py_ssize_t count = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (rjpy_decode_option_set(options, function, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0)
            return -1;
    return 0;
}
