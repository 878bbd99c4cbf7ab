/*
 * The shapes of objects that were decoded: sets of keys, in their order. Documents repeat a few, and a dict is copied from one with the same keys in
 * half the time that it takes to insert them.
 *
 * Keys are told apart by their addresses: those that repeat come from the cache of keys.
 */
#ifndef RJSON_DECODE_SHAPES_H
#define RJSON_DECODE_SHAPES_H

#include "py.h"

#define RJ_SHAPES 1024
#define RJ_SHAPE_MAX 128 /* members */

typedef struct rj_shape {
    size_t mark;       /* of the keys that were seen here last */
    PyObject *pattern; /* a dict with those keys if they were seen twice; owned, or NULL */
} rj_shape;

/* The dict of these members, keys and values in turn, which it consumes; of equal keys the last counts. NULL with an exception. */
PyObject *rj_shapes_dict(rj_shape *shapes, PyObject **members, size_t count);
void rj_shapes_clear(rj_shape *shapes);

#endif
