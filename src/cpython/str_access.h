/*
 * Strings: what of their layout the encoder uses. Where characters lie, and the UTF-8 that a str may keep, is read
 * from the headers; the adoption of a finished block writes them (they lost `wstr` and `ready` in 3.12). With
 * RJSON_PORTABLE all of it goes through public macros and functions. rjpy_check_layouts, at import, tries it.
 */
#ifndef RJSON_CPYTHON_STR_ACCESS_H
#define RJSON_CPYTHON_STR_ACCESS_H

#include "cpython/object_init.h"

/* RJ_STR_READY: 0, or -1 with an exception; strings of C code from before PEP 393 may have no canonical form yet. */
#if PY_VERSION_HEX < 0x030C0000
#define RJ_STR_READY(s) PyUnicode_READY(s)
#else
#define RJ_STR_READY(s) 0
#endif

/* A compact str has its characters right behind a header, whose bytes may be read with them: of ASCII, and of any other. */
#define RJ_STR_HEADER sizeof(PyASCIIObject)
#define RJ_WIDE_HEADER sizeof(PyCompactUnicodeObject)

#if defined(RJ_KNOWS_PYTHON)
#define RJ_READS_STR 1

/* The length of an exact str, whether it is compact or not. */
RJ__INLINE size_t
rjpy_str_length(PyObject *str)
{
    return (size_t)((PyASCIIObject *)str)->length;
}

/* The characters of a compact str of ASCII. */
RJ__INLINE const uint8_t *
rjpy_str_ascii(PyObject *str)
{
    return (const uint8_t *)((PyASCIIObject *)str + 1);
}

/* The characters of a compact str that is not ASCII. */
RJ__INLINE const void *
rjpy_str_wide(PyObject *str)
{
    return (PyCompactUnicodeObject *)str + 1;
}

/* The UTF-8 that a str which is not ASCII keeps because somebody asked for it, and its length; else NULL and 0.
 * Makes none. */
RJ__INLINE const uint8_t *
rjpy_str_kept_utf8(PyObject *str, size_t *length)
{
    /* In this order: without the GIL another thread may be storing it, the length first. */
    const uint8_t *utf8 = (const uint8_t *)__atomic_load_n(&((PyCompactUnicodeObject *)str)->utf8, __ATOMIC_ACQUIRE);
    *length = (size_t)((PyCompactUnicodeObject *)str)->utf8_length;
    return utf8;
}

/* What comes before the characters: of a str of ASCII, and of any other. */
#define RJ_STR_PREFIX RJ_STR_HEADER
#define RJ_WIDE_PREFIX RJ_WIDE_HEADER

/* What a str that is not ASCII has beside the header of one that is. */
static inline void
rjpy_str_init_wide(PyCompactUnicodeObject *s, Py_ssize_t length, int width)
{
    s->utf8 = NULL;
    s->utf8_length = 0;
#if PY_VERSION_HEX < 0x030C0000
    int is_shared = width == (int)sizeof(wchar_t);
    s->wstr_length = is_shared ? length : 0;
    s->_base.wstr = is_shared ? (wchar_t *)(void *)(s + 1) : NULL;
#else
    (void)length;
    (void)width;
#endif
}

/* Turns a block from PyObject_Malloc (consumed) into a str without a copy. It holds a prefix (RJ_STR_PREFIX if
 * `is_ascii`, else RJ_WIDE_PREFIX) of free bytes, `length` characters of `width` bytes, and room for one more. The
 * width is the least that its characters allow. */
static inline PyObject *
rjpy_str_adopt(void *block, Py_ssize_t length, int width, int is_ascii)
{
    PyASCIIObject *s = block;
    rjpy_object_init(s, &PyUnicode_Type);
    s->length = length;
    s->hash = -1;
    memset(&s->state, 0, sizeof s->state);
    s->state.kind = (unsigned)width & 7;
    s->state.compact = 1;
    s->state.ascii = is_ascii ? 1 : 0;
#if PY_VERSION_HEX < 0x030C0000
    s->state.ready = 1;
    s->wstr = NULL;
#endif
    if (!is_ascii)
        rjpy_str_init_wide(block, length, width);
    memset((char *)block + (is_ascii ? RJ_STR_PREFIX : RJ_WIDE_PREFIX) + length * width, 0, (size_t)width);
    return (PyObject *)s;
}

#else
RJ__INLINE size_t
rjpy_str_length(PyObject *str)
{
    return (size_t)PyUnicode_GET_LENGTH(str);
}

RJ__INLINE const uint8_t *
rjpy_str_ascii(PyObject *str)
{
    return PyUnicode_DATA(str);
}

RJ__INLINE const void *
rjpy_str_wide(PyObject *str)
{
    return PyUnicode_DATA(str);
}

RJ__INLINE const uint8_t *
rjpy_str_kept_utf8(PyObject *str, size_t *length)
{
    (void)str;
    *length = 0;
    return NULL;
}

#define RJ_STR_PREFIX ((size_t)0)
#define RJ_WIDE_PREFIX ((size_t)0)

static inline PyObject *
rjpy_str_adopt(void *block, Py_ssize_t length, int width, int is_ascii)
{
    (void)is_ascii;
    PyObject *s = PyUnicode_FromKindAndData(width, block, length);
    PyObject_Free(block);
    return s;
}

#endif
#endif
