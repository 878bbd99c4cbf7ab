/*
 * The magnitude of an int, read from its digits: 6-8 ns less than the API call. Layouts: 3.10 and 3.11 keep sign and digit
 * count in ob_size, 3.12 to 3.14 in lv_tag. Anything else, and RJSON_PORTABLE, uses the public API.
 */
#ifndef RJSON_CPYTHON_LONG_ACCESS_H
#define RJSON_CPYTHON_LONG_ACCESS_H

#include "py.h"

#if defined(RJ_KNOWS_PYTHON) && PYLONG_BITS_IN_DIGIT == 30
#define RJ_LONG_DIRECT 1

#if PY_VERSION_HEX >= 0x030C0000
#define RJ_LONG_DIGITS(v) (((PyLongObject *)(v))->long_value.ob_digit)
RJ__INLINE size_t
rjpy_long_digit_count(PyObject *v, int *negative)
{
    uintptr_t tag = ((PyLongObject *)v)->long_value.lv_tag;
    *negative = (tag & 3) == 2;
    return tag >> 3;
}
#else
#define RJ_LONG_DIGITS(v) (((PyLongObject *)(v))->ob_digit)
RJ__INLINE size_t
rjpy_long_digit_count(PyObject *v, int *negative)
{
    Py_ssize_t size = Py_SIZE(v);
    *negative = size < 0;
    return (size_t)(size < 0 ? -size : size);
}
#endif

/* 1 and the value's sign and magnitude if that is below 2^64, else 0. Runs no Python code. */
RJ__INLINE int
rjpy_long_magnitude(PyObject *v, int *negative, uint64_t *magnitude)
{
    size_t count = rjpy_long_digit_count(v, negative);
    const digit *d = RJ_LONG_DIGITS(v);
    if (RJ__LIKELY(count <= 1)) {
        *magnitude = count ? d[0] : 0;
        return 1;
    }
    uint64_t low = d[0] | (uint64_t)d[1] << 30;
    if (count == 2) {
        *magnitude = low;
        return 1;
    }
    if (count > 3 || d[2] > 15)
        return 0;
    *magnitude = low | (uint64_t)d[2] << 60;
    return 1;
}

#else

RJ__INLINE int
rjpy_long_magnitude(PyObject *v, int *negative, uint64_t *magnitude)
{
    int overflow;
    long long n = PyLong_AsLongLongAndOverflow(v, &overflow);
    *negative = n < 0;
    *magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    return !overflow;
}

#endif

/* Whether int.__repr__ may refuse an int, or take time that grows with the square of its length: more than 600
 * digits, about. Python limits nothing below 640 (sys.int_info.str_digits_check_threshold). */
static inline int
rjpy_long_is_huge(PyObject *v)
{
#if defined(RJ_LONG_DIRECT)
    int negative;
    return rjpy_long_digit_count(v, &negative) > 2000 / PyLong_SHIFT;
#else
    int overflow;
    PyObject *plain = PyLong_Type.tp_as_number->nb_positive(v);
    PyObject *bits = plain ? PyObject_CallMethod(plain, "bit_length", NULL) : NULL;
    long count = bits ? PyLong_AsLongAndOverflow(bits, &overflow) : 0;
    Py_XDECREF(plain);
    Py_XDECREF(bits);
    PyErr_Clear();
    return count > 2000 || count < 0;
#endif
}

/* 0 and the number as four words, the highest first; -1 with an exception if it is no int from 0 to 2^128 - 1. */
static inline int
rjpy_long_to_128_bits(PyObject *v, uint32_t words[4])
{
#if defined(RJ_LONG_DIRECT)
    int negative = 0;
    if (PyLong_Check(v)) {
        size_t count = rjpy_long_digit_count(v, &negative);
        const digit *d = RJ_LONG_DIGITS(v);
        if (!negative && count <= 5 && (count < 5 || d[4] < 256)) {
            uint32_t a[5];
            for (size_t i = 0; i < 5; i++)
                a[i] = i < count ? d[i] : 0;
            words[3] = a[0] | a[1] << 30;
            words[2] = a[1] >> 2 | a[2] << 28;
            words[1] = a[2] >> 4 | a[3] << 26;
            words[0] = a[3] >> 6 | a[4] << 24;
            return 0;
        }
    }
#else
    PyObject *width = PyLong_FromLong(64);
    PyObject *high = width && PyLong_Check(v) ? PyNumber_Rshift(v, width) : NULL;
    Py_XDECREF(width);
    uint64_t low = high ? PyLong_AsUnsignedLongLongMask(v) : 0;
    uint64_t top = high ? PyLong_AsUnsignedLongLong(high) : 0;
    Py_XDECREF(high);
    if (high && !PyErr_Occurred()) {
        words[0] = (uint32_t)(top >> 32);
        words[1] = (uint32_t)top;
        words[2] = (uint32_t)(low >> 32);
        words[3] = (uint32_t)low;
        return 0;
    }
    PyErr_Clear();
#endif
    PyErr_Format(PyExc_TypeError, "not a number of 128 bits: %R", v);
    return -1;
}
#endif
