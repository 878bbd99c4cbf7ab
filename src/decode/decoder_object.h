/* rjson._core.Decoder: decoding options bound once. */
#ifndef RJSON_DECODE_DECODER_OBJECT_H
#define RJSON_DECODE_DECODER_OBJECT_H

#include "decode/decoder.h"

typedef struct rjpy_decoder_object {
    PyObject_HEAD rjpy_decode_options options; /* its callables are owned */
    rjpy_state *state;                         /* of the module, which the type keeps alive */
} rjpy_decoder_object;

/* The value that `text` is; NULL with an exception. */
PyObject *rjpy_loads(rjpy_state *state, const rjpy_decode_options *options, PyObject *text);

extern PyType_Spec rjpy_decoder_spec;

#endif
