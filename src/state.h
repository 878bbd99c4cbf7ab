/* The module's state: one per interpreter, no static objects. */
#ifndef RJSON_STATE_H
#define RJSON_STATE_H

#include "cpython/known_objects.h"
#include "encode/types/plan.h"
#include "decode/shapes.h"

struct rj_encoder;
struct rj_decoder;
struct rj_cached_key;

typedef int (*rj_encode_fn)(struct rj_encoder *e);
typedef PyObject *(*rj_decode_fn)(struct rj_decoder *d);

/* So many members are sorted without memory from the heap, and walked natively. */
#define RJ_FEW_MEMBERS 24

/* `sort_keys`: the order of the last dict with these keys. */
typedef struct rj_key_order {
    Py_ssize_t count;
    PyObject *keys[RJ_FEW_MEMBERS]; /* in the dict's order; owned, exact str */
    uint8_t order[RJ_FEW_MEMBERS];  /* their places in the dict, sorted */
} rj_key_order;

#define RJ_KEY_ORDERS 16

void rj_key_order_clear(rj_key_order *order);

typedef struct rj_state {
    PyTypeObject *raw_type;
    PyTypeObject *encoder_type;
    PyTypeObject *decoder_type;
    PyTypeObject *feeder_type;
    PyTypeObject *values_type;
    PyTypeObject *pump_type;
    PyTypeObject *transcoder_type;
    PyTypeObject *array_type;
    PyObject *encode_error;
    PyObject *dict_items;        /* dict.items, to see whether a subclass has its own */
    PyObject *getswitchinterval; /* sys.getswitchinterval */
    PyObject *fixed_zone;        /* a datetime.timezone that was met last, owned, and its offset in microseconds */
    int64_t fixed_offset;
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
    PyObject *str_total_seconds;
    PyObject *str_array_struct;
    PyObject *str_dtype;
    rj_encode_fn encode; /* the walks for the instruction set chosen at import */
    rj_encode_fn encode_styled;
    rj_decode_fn decode;
    void (*narrow)(const void *units, int width, size_t length, uint8_t *out);
    const char *isa;                   /* its name */
    struct rj_encoder *spare;          /* a context kept for the next call, or NULL */
    struct rj_cached_key *cached_keys; /* RJ_KEY_CACHE_SIZE, or NULL before the first text */
    unsigned keys_driven_out;          /* of it */
    rj_shape shapes[RJ_SHAPES];
    rj_known_objects known;
    rj_plan_cache plans;
    rj_key_order key_orders[RJ_KEY_ORDERS];
    size_t last_size;    /* of the last result of dumps: an estimate for the next */
    int last_width;      /* of a character in the last str, or 0 */
    int last_was_latin1; /* whether that was a str with characters from 0x80 to 0xFF, and none beyond */
} rj_state;

extern struct PyModuleDef rj_module;

static inline rj_state *
rj_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
