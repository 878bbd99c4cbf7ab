/* rjson.Raw: JSON that is encoded already. */
#ifndef RJSON_ENCODE_TYPES_RAW_H
#define RJSON_ENCODE_TYPES_RAW_H

#include "py.h"

/* What a Raw holds: a bytes object, not empty, valid UTF-8; borrowed. */
PyObject *rjpy_raw_bytes(PyObject *raw);
int rjpy_raw_is_non_ascii(PyObject *raw);

extern PyType_Spec rjpy_raw_spec;

#endif
