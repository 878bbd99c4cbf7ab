/*
 * Arrays of numbers, read from their memory: whatever has the buffer interface (PEP 3118), and numpy's arrays and
 * scalars through its array interface (version 3), so that numpy is never imported or linked. Any number of
 * dimensions, any strides, either byte order.
 */
#ifndef RJSON_ENCODE_TYPES_ARRAY_H
#define RJSON_ENCODE_TYPES_ARRAY_H

#include "py.h" /* first: before it no header of the system may come */

#include "encode/types/texts.h"
#include "number/number.h"
#include "number/shortest.h"

typedef enum rjpy_element {
    RJ_ELEMENT_INT,
    RJ_ELEMENT_UINT,
    RJ_ELEMENT_BOOL,
    RJ_ELEMENT_HALF,
    RJ_ELEMENT_FLOAT,
    RJ_ELEMENT_DOUBLE,
    RJ_ELEMENT_LONG_DOUBLE,
    RJ_ELEMENT_DATETIME,
    RJ_ELEMENT_TIMEDELTA
} rjpy_element;

/* A unit of numpy's times. */
typedef struct rjpy_time_unit {
    int64_t count;   /* as in datetime64[25s] */
    int64_t seconds; /* of one; 0 if it is a part of a second, or of no fixed length */
    int digits;      /* of a part of a second: 3 for ms, and so on */
    char calendar;   /* 'Y' or 'M', or 'D' for the units that are dates; else 0 */
} rjpy_time_unit;

/* What the items are. Passed by value, so that where it is constant what depends on it is decided once. */
typedef struct rjpy_item_kind {
    rjpy_element element;
    int size;
    int is_swapped;
} rjpy_item_kind;

/* A view of an array, and how far the walk has come in it. A Python object, so that a paused walk can hold it. */
typedef struct rjpy_array {
    PyObject_HEAD PyObject *capsule; /* of the array interface, or NULL */
    PyObject *hold;                  /* a weak reference to the owner, or NULL: numpy does not resize what has one */
    Py_buffer buffer;                /* of the buffer interface; obj is NULL without */
    const char *data;
    const Py_ssize_t *shape, *strides; /* the owner's */
    int dimensions;                    /* up to the first that has no items; 0: a scalar */
    int open;                          /* brackets that are open */
    int closing;                       /* how many of them end here */
    int is_begun;                      /* the line break before the next item is the text at hand, or has been written */
    Py_ssize_t rows, row;              /* all dimensions but the last, as one */
    Py_ssize_t columns, column;
    rjpy_item_kind item;
    rjpy_time_unit unit;
} rjpy_array;

extern PyType_Spec rjpy_array_spec;

/* A view of `v`: a new reference. NULL with an exception; or without one, where its items are no numbers. */
rjpy_array *rjpy_array_from_buffer(rjpy_encoder *e, PyObject *v);
rjpy_array *rjpy_array_from_numpy(rjpy_encoder *e, PyObject *v);

/* Before other code may run in the middle of the array: keeps numpy from resizing it, where that is possible (the
 * buffer interface does so by itself). */
void rjpy_array_hold(rjpy_array *a, PyObject *owner);
/* After other code may have run: reads the owner's interface again, because its memory may be another one now. 0, or -1 with
 * a problem or exception: a different shape or kind of items is a RuntimeError. */
int rjpy_array_look_again(rjpy_encoder *e, rjpy_array *a, PyObject *owner);
/* Where the current row's first item is. */
const char *rjpy_array_row(const rjpy_array *a);
/* How many dimensions end with the current row, the row itself included. */
int rjpy_array_ending(const rjpy_array *a);
/* An item that is neither an integer nor a float or double; see rjpy_put_element. */
uint8_t *rjpy_put_rare_element(rjpy_encoder *e, uint8_t *p, const rjpy_array *a, const char *item);
/* The place in the array, as "[1][2]": a new str. */
PyObject *rjpy_array_position(const rjpy_array *a);

/* The item's bits, in its own width. */
RJ__INLINE uint64_t
rjpy_array_load(rjpy_item_kind kind, const char *item)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (kind.size) {
    case 1:
        memcpy(&one, item, 1);
        return one;
    case 2:
        memcpy(&two, item, 2);
        return kind.is_swapped ? __builtin_bswap16(two) : two;
    case 4:
        memcpy(&four, item, 4);
        return kind.is_swapped ? __builtin_bswap32(four) : four;
    default:
        memcpy(&eight, item, 8);
        return kind.is_swapped ? __builtin_bswap64(eight) : eight;
    }
}

/* Of a signed integer of that width. */
RJ__INLINE int64_t
rjpy_array_load_signed(rjpy_item_kind kind, const char *item)
{
    unsigned unused = 64 - 8 * (unsigned)kind.size;
    return (int64_t)(rjpy_array_load(kind, item) << unused) >> unused;
}

/* The text of a float or double that is none: NaN or infinite; NULL when the walk stops. */
uint8_t *rjpy_put_non_finite(rjpy_encoder *e, uint8_t *p, double value);

RJ__INLINE uint8_t *
rjpy_put_integer_element(rjpy_encoder *e, uint8_t *p, rjpy_item_kind kind, const char *item)
{
    int is_signed = kind.element == RJ_ELEMENT_INT;
    int64_t value = rjpy_array_load_signed(kind, item);
    int negative = is_signed && value < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value : is_signed ? (uint64_t)value : rjpy_array_load(kind, item);
    if (RJ__UNLIKELY(rjpy_is_large_integer(e->options, negative, magnitude))) {
        if (!e->options->integers_as_strings)
            return rjpy_fail_large_integer(e);
        *p = '"';
        p = rj__put_signed(p + 1, negative, magnitude);
        *p = '"';
        return p + 1;
    }
    return rj__put_signed(p, negative, magnitude);
}

/* Writes an item at `p`, at most RJ_TYPE_TEXT_MAX + 2 bytes; NULL when the walk stops. `kind`: the array's, apart so
 * that it can be a constant. */
RJ__INLINE uint8_t *
rjpy_put_element(rjpy_encoder *e, uint8_t *p, const rjpy_array *a, const char *item, rjpy_item_kind kind)
{
    switch (kind.element) {
    case RJ_ELEMENT_INT:
    case RJ_ELEMENT_UINT:
        return rjpy_put_integer_element(e, p, kind, item);
    case RJ_ELEMENT_DOUBLE: {
        uint64_t bits = rjpy_array_load(kind, item);
        double value;
        memcpy(&value, &bits, sizeof value);
        return RJ__LIKELY(value - value == 0) ? rj__put_double_inline(p, value) : rjpy_put_non_finite(e, p, value);
    }
    case RJ_ELEMENT_FLOAT: {
        uint32_t bits = (uint32_t)rjpy_array_load(kind, item);
        float value;
        memcpy(&value, &bits, sizeof value);
        return RJ__LIKELY(value - value == 0) ? rj__put_float_inline(p, value) : rjpy_put_non_finite(e, p, (double)value);
    }
    default:
        return rjpy_put_rare_element(e, p, a, item);
    }
}

#endif
