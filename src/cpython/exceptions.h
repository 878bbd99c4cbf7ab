/* An exception as one object, taken off and set again: CPython 3.12 brought it, and here it is for every version. */
#ifndef RJSON_CPYTHON_EXCEPTIONS_H
#define RJSON_CPYTHON_EXCEPTIONS_H

#include "py.h"

/* Takes the exception that is set off: a new reference, with its traceback; NULL if none is set. */
static inline PyObject *
rjpy_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *exception, *traceback;
    PyErr_Fetch(&type, &exception, &traceback);
    PyErr_NormalizeException(&type, &exception, &traceback);
    if (traceback)
        PyException_SetTraceback(exception, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return exception;
#endif
}

/* Sets it, in place of any other. `exception`: consumed; NULL sets none. */
static inline void
rjpy_set_exception(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    if (exception)
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
    else
        PyErr_Clear();
#endif
}

#endif
