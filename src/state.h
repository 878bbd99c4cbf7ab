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

/* The module's types: the state's member, its spec, and whether users find it in the module. */
#define RJ_STATE_TYPES(X)                                                                                                   \
    X(raw_type, rj_raw_spec, 1)                                                                                             \
    X(encoder_type, rj_encoder_spec, 1)                                                                                     \
    X(decoder_type, rj_decoder_spec, 1)                                                                                     \
    X(feeder_type, rj_feeder_spec, 1)                                                                                       \
    X(values_type, rj_values_spec, 1)                                                                                       \
    X(pump_type, rj_pump_spec, 1)                                                                                           \
    X(writer_base_type, rj_writer_base_spec, 1)                                                                             \
    X(transcoder_type, rj_transcoder_spec, 1)                                                                               \
    X(array_type, rj_array_spec, 0)

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

typedef struct rj_state {
#define TYPE(member, spec, is_public) PyTypeObject *member;
#define OBJECT(member) PyObject *member;
#define NAME(member, text) PyObject *member;
    RJ_STATE_TYPES(TYPE)
    RJ_STATE_OBJECTS(OBJECT)
    RJ_STATE_NAMES(NAME)
#undef TYPE
#undef OBJECT
#undef NAME
    int64_t fixed_offset; /* of fixed_zone, in microseconds */
    void *datetime_api;   /* the PyDateTime_CAPI; NULL before there was a date */
    rj_encode_fn encode;  /* the walks for the instruction set chosen at import */
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
