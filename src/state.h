/* The module's state: one per interpreter, no static objects. */
#ifndef RJSON_STATE_H
#define RJSON_STATE_H

#include "cpython/known_objects.h"
#include "encode/cache.h"
#include "spares.h"

struct rjpy_encoder;
struct rjpy_decoder;

typedef int (*rjpy_encode_fn)(struct rjpy_encoder *e);
typedef PyObject *(*rjpy_decode_fn)(struct rjpy_decoder *d);

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
    X(arrow_writer_type, rjpy_arrow_writer_spec, 1)                                                                         \
    X(array_type, rjpy_array_spec, 0)                                                                                       \
    X(plan_type, rjpy_plan_spec, 0)

/* Other objects that the state owns. */
#define RJ_STATE_OBJECTS(X)                                                                                                 \
    X(encode_error)                                                                                                         \
    X(dict_items)        /* dict.items, to see whether a subclass has its own */                                            \
    X(getswitchinterval) /* sys.getswitchinterval */

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
    PyObject *module;      /* whose state this is; borrowed. Its lock is that of rjson._uv, and of what is sent there */
    void *datetime_api;    /* the PyDateTime_CAPI; NULL before there was a date */
    rjpy_encode_fn encode; /* the walks for the instruction set chosen at import */
    rjpy_encode_fn encode_styled;
    rjpy_decode_fn decode;
    void (*narrow)(const void *units, int width, size_t length, uint8_t *out);
    const char *isa;            /* its name */
    rjpy_spares encoders;       /* contexts, struct rjpy_encoder */
    rjpy_spares decode_caches;  /* rjpy_decode_cache; with the GIL all calls share one, which stays here */
    rjpy_encode_cache encoding; /* of all contexts with the GIL; without it each has its own, and this is not used */
    rjpy_known_objects known;
} rjpy_state;

extern struct PyModuleDef rjpy_module;

static inline rjpy_state *
rjpy_state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

#endif
