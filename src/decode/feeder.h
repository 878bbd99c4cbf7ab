/* Values from a text that arrives in parts: what rjson._core.Feeder does, from C. */
#ifndef RJSON_FEEDER_H
#define RJSON_FEEDER_H

#include "decode/decoder_object.h"

/* So many values are decoded at a time: few enough for the processor's caches. */
#define RJ_BATCH 16

typedef struct rj_feeder rj_feeder;

/* More of the text (borrowed): str, bytes or another buffer. 1 if it is empty, which the text's end is; 0 if not; -1 with an exception (a BlockingIOError
 * for None, which files that don't block return). */
int rj_feeder_feed(rj_feeder *self, PyObject *part);
/* Moves values that are complete to `values`, which has room for RJ_BATCH: how many; 0 if it takes more of the text; -1 with an exception. The
 * references are the caller's. */
Py_ssize_t rj_feeder_take(rj_feeder *self, PyObject **values);

extern PyType_Spec rj_feeder_spec, rj_values_spec;

#endif
