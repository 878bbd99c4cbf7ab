/* See sources.h. */
#include "encode/sources.h"
#include "cpython/exceptions.h"

static int
has(PyObject *obj, const char *name)
{
    PyObject *attribute = PyObject_GetAttrString(obj, name);
    PyErr_Clear();
    Py_XDECREF(attribute);
    return attribute != NULL;
}

static int
is_generator(PyObject *obj)
{
    return PyGen_CheckExact(obj) || (has(obj, "send") && has(obj, "throw") && has(obj, "close"));
}

/* `first` (consumed): the exception that there was; returns the one to go on with. */
static PyObject *
add(rjpy_state *state, PyObject *first, PyObject *source)
{
    PyObject *second = rjpy_take_exception();
    if (!first || !second)
        return first ? first : second;
    PyObject *note = PyUnicode_FromFormat("and while closing %.200R: %.500R", source, second);
    if (note)
        rjpy_add_note(state, first, note);
    PyErr_Clear();
    Py_XDECREF(note);
    Py_DECREF(second);
    return first;
}

int
rjpy_close_sources(rjpy_state *state, PyObject *sources)
{
    PyObject *exception = rjpy_take_exception();
    int had_one = exception != NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(sources); i++) {
        PyObject *source = PyList_GET_ITEM(sources, i);
        PyObject *result = is_generator(source) ? PyObject_CallMethod(source, "close", NULL) : Py_NewRef(Py_None);
        Py_XDECREF(result);
        if (!result)
            exception = add(state, exception, source);
    }
    if (!exception)
        return 0;
    rjpy_set_exception(exception);
    return had_one ? 0 : -1;
}

int
rjpy_encoder_close_sources(rjpy_encoder *e)
{
    PyObject *exception = rjpy_take_exception(), *sources = rjpy_encoder_open_sources(e);
    rjpy_set_exception(exception); /* in place of a MemoryError: sources are closed when nobody holds them any more then */
    if (!sources || PyList_GET_SIZE(sources) == 0) {
        Py_XDECREF(sources);
        return 0;
    }
    int rc = rjpy_close_sources(e->state, sources);
    Py_DECREF(sources);
    return rc;
}
