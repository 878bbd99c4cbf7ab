/* rjson._core.Encoder: options bound once, with every way of encoding as a method. */
#ifndef RJSON_DUMP_ENCODER_OBJECT_H
#define RJSON_DUMP_ENCODER_OBJECT_H

#include "encode/encoder.h"

/* An encoding of `root` (borrowed) with an Encoder's options, which must live as long. See rj_encoder_acquire. */
rj_encoder *rj_encoder_object_begin(PyObject *object, PyObject *root, rj_sink *sink);

extern PyType_Spec rj_encoder_spec;

#endif
