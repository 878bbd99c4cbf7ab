/* rjson._core.Encoder: options bound once, with every way of encoding as a method. */
#ifndef RJSON_DUMP_ENCODER_OBJECT_H
#define RJSON_DUMP_ENCODER_OBJECT_H

#include "encode/encoder.h"

/* An encoding of `root` (borrowed) with an Encoder's options, which must live as long. See rjpy_encoder_acquire. */
rjpy_encoder *rjpy_encoder_object_begin(PyObject *object, PyObject *root, rj_sink *sink);

extern PyType_Spec rjpy_encoder_spec;

#endif
