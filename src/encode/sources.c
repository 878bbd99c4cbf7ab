/* See sources.h. */
#include "encode/sources.h"

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

/* The exception that is set, as an object; the indicator is clear afterwards. New, or NULL. */
static PyObject *
take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (!type)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback && value)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* `first` (consumed): the exception that there was; returns the one to go on with. */
static PyObject *
add(rj_state *state, PyObject *first, PyObject *source)
{
    PyObject *second = take_exception();
    if (!first || !second)
        return first ? first : second;
    PyObject *note = PyUnicode_FromFormat("and while closing %.200R: %.500R", source, second);
    if (note)
        rj_add_note(state, first, note);
    PyErr_Clear();
    Py_XDECREF(note);
    Py_DECREF(second);
    return first;
}

int
rj_close_sources(rj_state *state, PyObject *sources)
{
    PyObject *exception = take_exception();
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
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
    return had_one ? 0 : -1;
}

int
rj_encoder_close_sources(rj_encoder *e)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *sources = rj_encoder_open_sources(e);
    PyErr_Clear(); /* no memory: they are closed when nobody holds them any more */
    PyErr_Restore(type, value, traceback);
    if (!sources || PyList_GET_SIZE(sources) == 0) {
        Py_XDECREF(sources);
        return 0;
    }
    int rc = rj_close_sources(e->state, sources);
    Py_DECREF(sources);
    return rc;
}
