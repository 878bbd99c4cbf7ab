/* Decoding options: parsing keywords into a struct that a whole decoding reads. What each means is in
 * python/rjson/_decoder.py. */
#ifndef RJSON_DECODE_OPTIONS_H
#define RJSON_DECODE_OPTIONS_H

#include "py.h"

/* Deeper values are of little use: repr(), ==, copy.deepcopy() and pickle recurse. */
#define RJ_READ_DEPTH_DEFAULT 1000

typedef struct rjpy_decode_options {
    /* Callables, or NULL; borrowed from whoever owns the struct. */
    PyObject *object_hook, *object_pairs_hook, *array_hook, *parse_float, *parse_int, *parse_constant;
    Py_ssize_t max_depth;
    uint8_t allow_nan;
    uint8_t strict;      /* no control characters in strings */
    uint8_t unique_keys; /* a key that comes twice is an error */
} rjpy_decode_options;

extern const rjpy_decode_options rjpy_default_decode_options;

/* Sets the option `name`. -1 as below. */
int rjpy_decode_option_set(rjpy_decode_options *options, const char *function, PyObject *name, PyObject *value);
/* Sets the options named in `kwnames` (a tuple, or NULL) to `values`. -1 with an exception for a bad value, or with
 * a TypeError that names `function` and the keyword for an unknown one. */
int rjpy_decode_options_parse(rjpy_decode_options *options, const char *function, PyObject *const *values,
                              PyObject *kwnames);

#endif
