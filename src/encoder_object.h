/* rjson._core.Encoder: options bound once, with every way of encoding as a method. */
#ifndef RJSON_ENCODER_OBJECT_H
#define RJSON_ENCODER_OBJECT_H

#include "python.h"

extern PyType_Spec rj_encoder_spec;

#endif
