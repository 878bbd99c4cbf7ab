/* Encoding options: parsing keywords into a struct that a whole encoding reads. */
#ifndef RJSON_OPTIONS_H
#define RJSON_OPTIONS_H

#include "python.h"

#define RJ_MAX_DEPTH_DEFAULT 100000

typedef struct rj_options {
    PyObject *default_; /* callable, or NULL; borrowed from whoever owns the struct */
    Py_ssize_t max_depth;
    int allow_nan;
} rj_options;

#define RJ_OPTIONS_INIT                                                                                                     \
    {                                                                                                                       \
        NULL, RJ_MAX_DEPTH_DEFAULT, 0                                                                                       \
    }

/* Sets the option `name`. -1 with an exception for a bad value, or with a TypeError that names `function` and the keyword for
 * an unknown one. */
int rj_options_set(rj_options *options, const char *function, PyObject *name, PyObject *value);
/* Sets the options named in `kwnames` (a tuple, or NULL) to `values`. -1 as above. */
int rj_options_parse(rj_options *options, const char *function, PyObject *const *values, PyObject *kwnames);

#endif
