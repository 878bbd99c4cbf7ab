/*
 * Objects that an interpreter has once, and that are recognised by their addresses, without a look at them: True,
 * False, None; and the ints from -5 to 256, which lie side by side (since 3.11 as parts of one table; in 3.10 as
 * they were allocated one after another, which is found out). Their JSON texts come from tables, so that there is no
 * branch on which one it is. Where the ints lie otherwise, and with RJSON_PORTABLE, none is known.
 */
#ifndef RJSON_CPYTHON_KNOWN_OBJECTS_H
#define RJSON_CPYTHON_KNOWN_OBJECTS_H

#include "cpython/literal_places.h"
#include "number/number.h"
#include "py.h"

#define RJ_SMALL_INT_MIN (-5)
#define RJ_SMALL_INTS 262

/* Up to seven bytes of text, a comma at the end, and how many these are. */
typedef struct rjpy_known_text {
    uint8_t bytes[7], length;
} rjpy_known_text;

typedef struct rjpy_known_objects {
    uintptr_t small_ints; /* where -5 is; 0: not known */
    uint64_t factor;      /* gives each of the literals a place of its own */
    rjpy_known_text small_int_texts[RJ_SMALL_INTS];
    struct {
        PyObject *object; /* borrowed, lives as long as the interpreter */
        rjpy_known_text text;
    } literals[1 << RJ_LITERAL_BITS];
} rjpy_known_objects;

RJ__INLINE size_t
rjpy_literal_place(uint64_t factor, const PyObject *v)
{
    return rjpy_place_of_address(factor, (uintptr_t)v);
}

/* Finds them, and makes their texts. -1 with an exception. */
int rjpy_known_objects_init(rjpy_known_objects *known);

RJ__INLINE uint8_t *
rjpy_put_known_text(uint8_t *cur, const rjpy_known_text *text)
{
    memcpy(cur, text, sizeof *text);
    return cur + text->length;
}

/* An int that is one of them, and a comma; stores 8 bytes. NULL for anything else. */
RJ__INLINE uint8_t *
rjpy_put_small_int(const rjpy_known_objects *known, uint8_t *cur, PyObject *v)
{
    size_t offset = (uintptr_t)v - known->small_ints;
    if (offset >= RJ_SMALL_INTS * sizeof(PyLongObject))
        return NULL;
    return rjpy_put_known_text(cur, &known->small_int_texts[offset / sizeof(PyLongObject)]);
}

/* The int RJ_SMALL_INT_MIN + place: a new reference, or NULL with an exception. */
RJ__INLINE PyObject *
rjpy_known_small_int(const rjpy_known_objects *known, size_t place)
{
    if (RJ__UNLIKELY(known->small_ints == 0))
        return PyLong_FromLong(RJ_SMALL_INT_MIN + (long)place);
    return Py_NewRef((PyObject *)(known->small_ints + place * sizeof(PyLongObject)));
}

/* True, False or None, and a comma, likewise. */
RJ__INLINE uint8_t *
rjpy_put_literal(const rjpy_known_objects *known, uint8_t *cur, PyObject *v)
{
    size_t place = rjpy_literal_place(known->factor, v);
    return RJ__LIKELY(known->literals[place].object == v) ? rjpy_put_known_text(cur, &known->literals[place].text) : NULL;
}

#endif
