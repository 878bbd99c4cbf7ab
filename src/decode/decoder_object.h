/* rjson._core.Decoder: decoding options bound once. */
#ifndef RJSON_DECODE_DECODER_OBJECT_H
#define RJSON_DECODE_DECODER_OBJECT_H

#include "decode/decoder.h"

typedef struct rj_decoder_object {
    PyObject_HEAD rj_decode_options options; /* its callables are owned */
    rj_state *state;                         /* of the module, which the type keeps alive */
} rj_decoder_object;

/* The value that `text` is; NULL with an exception. */
PyObject *rj_loads(rj_state *state, const rj_decode_options *options, PyObject *text);

extern PyType_Spec rj_decoder_spec;

#endif
