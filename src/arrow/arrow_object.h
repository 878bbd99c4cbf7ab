/* rjson._core.ArrowWriter: the rows of stream/arrow/ between Arrow's capsules and Python's targets. */
#ifndef RJSON_ARROW_ARROW_OBJECT_H
#define RJSON_ARROW_ARROW_OBJECT_H

#include "encode/encoder.h"

extern PyType_Spec rjpy_arrow_writer_spec;

#endif
