/* The module's state: one per interpreter, no static objects. */
#ifndef RJSON_STATE_H
#define RJSON_STATE_H

#include "plan.h"

struct rj_encoder;

typedef int (*rj_encode_fn)(struct rj_encoder *e);

typedef struct rj_state {
    PyTypeObject *raw_type;
    PyTypeObject *encoder_type;
    PyTypeObject *chunks_type;
    PyTypeObject *pump_type;
    PyTypeObject *array_type;
    PyObject *encode_error;
    PyObject *dict_items;        /* dict.items, to see whether a subclass has its own */
    PyObject *getswitchinterval; /* sys.getswitchinterval */
    PyObject *fixed_zone;        /* a datetime.timezone that was met last, owned, and its offset in seconds */
    int fixed_offset;
    void *datetime_api;  /* the PyDateTime_CAPI; NULL before there was a date */
    PyObject *str_items; /* interned names */
    PyObject *str_path;
    PyObject *str_reason;
    PyObject *str_bytes_written;
    PyObject *str_add_note;
    PyObject *str_notes;
    PyObject *str_characters_written;
    PyObject *str_value;
    PyObject *str_utcoffset;
    PyObject *str_astimezone;
    PyObject *str_total_seconds;
    PyObject *str_array_struct;
    PyObject *str_dtype;
    rj_encode_fn encode; /* the walks for the instruction set chosen at import */
    rj_encode_fn encode_styled;
    const char *isa;          /* its name */
    struct rj_encoder *spare; /* a context kept for the next call, or NULL */
    rj_plan_cache plans;
    size_t last_size; /* bytes of the last result of dumps: an estimate for the next */
} rj_state;

extern struct PyModuleDef rj_module;

static inline rj_state *
rj_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
