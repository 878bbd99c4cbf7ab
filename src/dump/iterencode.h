/* The iterator that iterencode returns: chunks of JSON as bytes objects. */
#ifndef RJSON_CHUNKS_H
#define RJSON_CHUNKS_H

#include "encode/options.h"
#include "state.h"

/* A new iterator over `obj`'s encoding; NULL with an exception. */
PyObject *rj_chunks_new(rj_state *state, const rj_options *options, PyObject *obj, size_t chunk_size);

extern PyType_Spec rj_chunks_spec;

#endif
