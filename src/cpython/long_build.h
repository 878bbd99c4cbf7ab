/*
 * New ints of up to 64 bits and a sign: 2 to 3 ns less than the API calls, mostly because neither the sign nor the
 * number of digits decides a branch, which both do there. Layouts as in long_access.h, up to 3.13: since 3.14
 * CPython keeps ints that were freed for the next one. That, anything else, and RJSON_PORTABLE use the public API.
 */
#ifndef RJSON_CPYTHON_LONG_BUILD_H
#define RJSON_CPYTHON_LONG_BUILD_H

#include "cpython/known_objects.h"
#include "cpython/long_access.h"
#include "cpython/object_init.h"

#if defined(RJ_LONG_DIRECT) && PY_VERSION_HEX < 0x030E0000

#define RJ_LONG_DIGIT_MASK (((uint64_t)1 << PYLONG_BITS_IN_DIGIT) - 1)
/* Room for two digits, which is also what CPython's allocator gives for one. */
#define RJ_LONG_ROOM (sizeof(PyLongObject) + sizeof(digit))

RJ__INLINE void
rjpy_long_set_size(PyLongObject *v, size_t digits, int negative)
{
#if PY_VERSION_HEX >= 0x030C0000
    v->long_value.lv_tag = digits << 3 | (size_t)negative << 1;
#else
    Py_SET_SIZE(v, ((Py_ssize_t)digits ^ -(Py_ssize_t)negative) + negative);
#endif
}

/* The int of this magnitude and sign (`negative`: 0 or 1); NULL with an exception. */
RJ__INLINE PyObject *
rjpy_long_build(const rjpy_known_objects *known, uint64_t magnitude, int negative)
{
    uint64_t place = (magnitude ^ -(uint64_t)negative) + (uint64_t)negative - (uint64_t)RJ_SMALL_INT_MIN;
    if (place < RJ_SMALL_INTS)
        return rjpy_known_small_int(known, (size_t)place);
    size_t has_third = magnitude >> (2 * PYLONG_BITS_IN_DIGIT) != 0;
    PyLongObject *v = PyObject_Malloc(RJ_LONG_ROOM + has_third * sizeof(digit));
    if (RJ__UNLIKELY(!v))
        return PyErr_NoMemory();
    rjpy_object_init(v, &PyLong_Type);
    digit *digits = RJ_LONG_DIGITS(v);
    digits[0] = (digit)(magnitude & RJ_LONG_DIGIT_MASK);
    digits[1] = (digit)(magnitude >> PYLONG_BITS_IN_DIGIT & RJ_LONG_DIGIT_MASK);
    if (RJ__UNLIKELY(has_third))
        digits[2] = (digit)(magnitude >> (2 * PYLONG_BITS_IN_DIGIT));
    rjpy_long_set_size(v, 1 + (magnitude >> PYLONG_BITS_IN_DIGIT != 0) + has_third, negative);
    return (PyObject *)v;
}

#else

RJ__INLINE PyObject *
rjpy_long_build(const rjpy_known_objects *known, uint64_t magnitude, int negative)
{
    (void)known;
    if (RJ__LIKELY(!negative))
        return PyLong_FromUnsignedLongLong(magnitude);
    if (RJ__LIKELY(magnitude <= LLONG_MAX))
        return PyLong_FromLongLong(-(long long)magnitude);
    PyObject *positive = PyLong_FromUnsignedLongLong(magnitude), *v = positive ? PyNumber_Negative(positive) : NULL;
    Py_XDECREF(positive);
    return v;
}

#endif
#endif
