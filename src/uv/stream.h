/* rjson._uv.Stream: a connection that Python documents are written to, by dump_to and by rjson.aio. */
#ifndef RJSON_UV_STREAM_H
#define RJSON_UV_STREAM_H

#include "py.h"

extern PyType_Spec rjpy_stream_spec;

#endif
