/* rjson._uv.Fanout: stream/'s fan-out, for Python. */
#ifndef RJSON_UV_FANOUT_H
#define RJSON_UV_FANOUT_H

#include "py.h"

extern PyType_Spec rjpy_fanout_spec;

#endif
