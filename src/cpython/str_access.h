/* Strings: what of their layout the encoder uses. Reading goes through public macros; only the adoption of a finished block
 * knows the header, which lost `wstr` and `ready` in 3.12. */
#ifndef RJSON_STR_ACCESS_H
#define RJSON_STR_ACCESS_H

#include "../python.h"

#if PY_VERSION_HEX < 0x030C0000
#define RJ_STR_READY(s) PyUnicode_READY(s)
#else
#define RJ_STR_READY(s) 0
#endif

#if !defined(RJSON_PORTABLE) && PY_VERSION_HEX < 0x030F0000
#define RJ_STR_PREFIX sizeof(PyASCIIObject)

/* Turns a block from PyObject_Malloc (consumed) that holds RJ_STR_PREFIX free bytes, `length` ASCII bytes and a spare byte
 * into a str, without a copy. */
static inline PyObject *
rj_str_adopt(void *block, Py_ssize_t length)
{
    PyASCIIObject *s = block;
    PyObject_Init((PyObject *)s, &PyUnicode_Type);
    s->length = length;
    s->hash = -1;
    memset(&s->state, 0, sizeof s->state);
    s->state.kind = PyUnicode_1BYTE_KIND;
    s->state.compact = 1;
    s->state.ascii = 1;
#if PY_VERSION_HEX < 0x030C0000
    s->state.ready = 1;
    s->wstr = NULL;
#endif
    ((char *)(s + 1))[length] = '\0';
    return (PyObject *)s;
}

#else
#define RJ_STR_PREFIX ((size_t)0)

static inline PyObject *
rj_str_adopt(void *block, Py_ssize_t length)
{
    PyObject *s = PyUnicode_New(length, 127);
    if (s)
        memcpy(PyUnicode_DATA(s), block, (size_t)length);
    PyObject_Free(block);
    return s;
}

#endif
#endif
