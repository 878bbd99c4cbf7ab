/* The state of rjson._uv: one per interpreter. */
#ifndef RJSON_UV_MODULE_H
#define RJSON_UV_MODULE_H

#include "cpython/locks.h"
#include "dump/outlet.h"

typedef struct rjpy_uv_state {
    const rjpy_core_api *api;
    PyTypeObject *loop_type;
    PyTypeObject *stream_type;
    PyTypeObject *fanout_type;
    PyTypeObject *pump_type; /* of rjson._core */
    PyObject *core;          /* rjson._core, which the api is a part of */
    PyObject *str_set_result;
    PyObject *str_set_exception;
    int pump_full, pump_slice; /* PUMP_FULL, PUMP_SLICE */
} rjpy_uv_state;

/* The state of the module whose type this is, or is derived from. NULL with an exception. */
rjpy_uv_state *rjpy_uv_state_of_type(PyTypeObject *type);

/* What all methods of this module's types lock where there is no GIL: libuv's loops are for one thread at a time, and an
 * outlet is used from rjson._core. `op`: such an object. */
static inline PyObject *
rjpy_uv_lock_of(const rjpy_uv_state *state, PyObject *op)
{
    return state && state->core ? state->core : op; /* there is none any more when the interpreter ends */
}

#endif
