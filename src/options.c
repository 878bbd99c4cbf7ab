/* See options.h. */
#include "options.h"

static int
set_default(rj_options *options, PyObject *value)
{
    if (value != Py_None && !PyCallable_Check(value)) {
        PyErr_Format(PyExc_TypeError, "default must be callable or None, not %.200s: %R", Py_TYPE(value)->tp_name, value);
        return -1;
    }
    options->default_ = value == Py_None ? NULL : value;
    return 0;
}

static int
set_allow_nan(rj_options *options, PyObject *value)
{
    options->allow_nan = PyObject_IsTrue(value);
    return options->allow_nan < 0 ? -1 : 0;
}

static int
set_max_depth(rj_options *options, PyObject *value)
{
    Py_ssize_t n = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 1) {
        PyErr_Format(PyExc_ValueError, "max_depth must be at least 1, not %zd", n);
        return -1;
    }
    options->max_depth = n;
    return 0;
}

int
rj_options_set(rj_options *options, const char *function, PyObject *name, PyObject *value)
{
    static const struct {
        const char *name;
        int (*set)(rj_options *options, PyObject *value);
    } known[] = {{"default", set_default}, {"allow_nan", set_allow_nan}, {"max_depth", set_max_depth}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (PyUnicode_CompareWithASCIIString(name, known[i].name) == 0)
            return known[i].set(options, value);
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
    return -1;
}

int
rj_options_parse(rj_options *options, const char *function, PyObject *const *values, PyObject *kwnames)
{
    Py_ssize_t count = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (rj_options_set(options, function, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0)
            return -1;
    return 0;
}
