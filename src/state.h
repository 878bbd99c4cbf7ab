/* The module's state: one per interpreter, no static objects. */
#ifndef RJSON_STATE_H
#define RJSON_STATE_H

#include "cpython/known_objects.h"
#include "encode/types/plan.h"
#include "decode/shapes.h"

struct rjpy_encoder;
struct rjpy_decoder;
struct rjpy_cached_key;

typedef int (*rjpy_encode_fn)(struct rjpy_encoder *e);
typedef PyObject *(*rjpy_decode_fn)(struct rjpy_decoder *d);

/* So many members are sorted without memory from the heap, and walked natively. */
#define RJ_FEW_MEMBERS 24

/* `sort_keys`: the order of the last dict with these keys. */
typedef struct rjpy_key_order {
    Py_ssize_t count;
    PyObject *keys[RJ_FEW_MEMBERS]; /* in the dict's order; owned, exact str */
    uint8_t order[RJ_FEW_MEMBERS];  /* their places in the dict, sorted */
} rjpy_key_order;

#define RJ_KEY_ORDERS 16

void rjpy_key_order_clear(rjpy_key_order *order);

/* The module's types: the state's member, its spec, and whether users find it in the module. */
#define RJ_STATE_TYPES(X)                                                                                                   \
    X(raw_type, rjpy_raw_spec, 1)                                                                                           \
    X(encoder_type, rjpy_encoder_spec, 1)                                                                                   \
    X(decoder_type, rjpy_decoder_spec, 1)                                                                                   \
    X(feeder_type, rjpy_feeder_spec, 1)                                                                                     \
    X(values_type, rjpy_values_spec, 1)                                                                                     \
    X(pump_type, rjpy_pump_spec, 1)                                                                                         \
    X(writer_base_type, rjpy_writer_base_spec, 1)                                                                           \
    X(transcoder_type, rjpy_transcoder_spec, 1)                                                                             \
    X(array_type, rjpy_array_spec, 0)

/* Other objects that the state owns. */
#define RJ_STATE_OBJECTS(X)                                                                                                 \
    X(encode_error)                                                                                                         \
    X(dict_items)        /* dict.items, to see whether a subclass has its own */                                            \
    X(getswitchinterval) /* sys.getswitchinterval */                                                                        \
    X(digits_of)         /* rjson._digits.digits, or NULL before the first use */                                           \
    X(fixed_zone)        /* a datetime.timezone that was met last, or NULL */

/* Interned names. */
#define RJ_STATE_NAMES(X)                                                                                                   \
    X(str_items, "items")                                                                                                   \
    X(str_path, "path")                                                                                                     \
    X(str_reason, "reason")                                                                                                 \
    X(str_bytes_written, "bytes_written")                                                                                   \
    X(str_add_note, "add_note")                                                                                             \
    X(str_notes, "__notes__")                                                                                               \
    X(str_characters_written, "characters_written")                                                                         \
    X(str_value, "_value_")                                                                                                 \
    X(str_utcoffset, "utcoffset")                                                                                           \
    X(str_total_seconds, "total_seconds")                                                                                   \
    X(str_array_struct, "__array_struct__")                                                                                 \
    X(str_dtype, "dtype")

typedef struct rjpy_state {
#define TYPE(member, spec, is_public) PyTypeObject *member;
#define OBJECT(member) PyObject *member;
#define NAME(member, text) PyObject *member;
    RJ_STATE_TYPES(TYPE)
    RJ_STATE_OBJECTS(OBJECT)
    RJ_STATE_NAMES(NAME)
#undef TYPE
#undef OBJECT
#undef NAME
    int64_t fixed_offset;  /* of fixed_zone, in microseconds */
    void *datetime_api;    /* the PyDateTime_CAPI; NULL before there was a date */
    rjpy_encode_fn encode; /* the walks for the instruction set chosen at import */
    rjpy_encode_fn encode_styled;
    rjpy_decode_fn decode;
    void (*narrow)(const void *units, int width, size_t length, uint8_t *out);
    const char *isa;                     /* its name */
    struct rjpy_encoder *spare;          /* a context kept for the next call, or NULL */
    struct rjpy_cached_key *cached_keys; /* RJ_KEY_CACHE_SIZE, or NULL before the first text */
    unsigned keys_driven_out;            /* of it */
    rjpy_shape shapes[RJ_SHAPES];
    rjpy_known_objects known;
    rjpy_plan_cache plans;
    rjpy_key_order key_orders[RJ_KEY_ORDERS];
    size_t last_size;    /* of the last result of dumps: an estimate for the next */
    int last_width;      /* of a character in the last str, or 0 */
    int last_was_latin1; /* whether that was a str with characters from 0x80 to 0xFF, and none beyond */
} rjpy_state;

extern struct PyModuleDef rjpy_module;

static inline rjpy_state *
rjpy_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
