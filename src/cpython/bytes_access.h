/* Bytes objects as output memory. */
#ifndef RJSON_CPYTHON_BYTES_ACCESS_H
#define RJSON_CPYTHON_BYTES_ACCESS_H

#include "py.h"

#define RJ_BYTES_PREFIX offsetof(PyBytesObject, ob_sval)

/* Forgets a cached hash. The field is deprecated, not gone; there is no other way. */
static inline void
rjpy_bytes_forget_hash(PyObject *bytes)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    ((PyBytesObject *)bytes)->ob_shash = -1;
#pragma GCC diagnostic pop
}

/* Sets the length of a bytes object that nobody else refers to, within what was allocated for it. */
static inline void
rjpy_bytes_set_length(PyObject *bytes, Py_ssize_t length)
{
    Py_SET_SIZE(bytes, length);
    ((PyBytesObject *)bytes)->ob_sval[length] = '\0';
    rjpy_bytes_forget_hash(bytes);
}

/* Whether anybody but the caller, who has one reference, may refer to a bytes object, or has just ceased to read it. */
static inline int
rjpy_bytes_is_shared(PyObject *bytes)
{
#if defined(Py_GIL_DISABLED)
    /* A reference that another thread has dropped may be counted in either of the two counts. */
    if (!_Py_IsOwnedByCurrentThread(bytes) || __atomic_load_n(&bytes->ob_ref_shared, __ATOMIC_ACQUIRE) != 0)
        return 1;
    return __atomic_load_n(&bytes->ob_ref_local, __ATOMIC_RELAXED) != 1;
#else
    return Py_REFCNT(bytes) > 1;
#endif
}

/* Turns a block from PyObject_Malloc (consumed) that holds RJ_BYTES_PREFIX free bytes, `length` bytes and a spare
 * byte into a bytes object, without a copy. */
static inline PyObject *
rjpy_bytes_adopt(void *block, Py_ssize_t length)
{
    PyObject *bytes = (PyObject *)PyObject_InitVar(block, &PyBytes_Type, length);
    rjpy_bytes_set_length(bytes, length);
    return bytes;
}

#endif
