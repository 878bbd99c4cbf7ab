/*
 * The shapes of objects that were decoded: sets of keys, in their order. Documents repeat a few, and a dict is
 * copied from one with the same keys in half the time that it takes to insert them.
 *
 * Keys are told apart by their addresses: those that repeat come from the cache of keys.
 */
#ifndef RJSON_DECODE_SHAPES_H
#define RJSON_DECODE_SHAPES_H

#include "py.h"

#define RJ_SHAPES 1024
/* Members. One alone is inserted sooner than a dict is copied. */
#define RJ_SHAPE_MIN 2
#define RJ_SHAPE_MAX 128

typedef struct rjpy_shape {
    size_t mark;       /* of the keys that were seen here last */
    PyObject *pattern; /* a dict with those keys if they were seen twice; owned, or NULL */
} rjpy_shape;

/* The dict of these members, keys and values in turn, which it consumes; of equal keys the last counts. NULL with an
 * exception. */
PyObject *rjpy_shapes_dict(rjpy_shape *shapes, PyObject **members, size_t count);
void rjpy_shapes_clear(rjpy_shape *shapes);

#endif
