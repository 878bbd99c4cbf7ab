/* Values from a text that arrives in parts: what rjson._core.Feeder does, from C. */
#ifndef RJSON_FEEDER_H
#define RJSON_FEEDER_H

#include "decoder_object.h"

/* So many values are decoded at a time: few enough for the processor's caches. */
#define RJ_BATCH 16

typedef struct rj_feeder rj_feeder;

/* More of the text, as bytes (borrowed). Nothing comes behind it if `is_last`. 0, or -1 with an exception. */
int rj_feeder_feed(rj_feeder *self, PyObject *part, int is_last);
/* Moves values that are complete to `values`, which has room for RJ_BATCH: how many; 0 if it takes more of the text; -1 with an exception. The
 * references are the caller's. */
Py_ssize_t rj_feeder_take(rj_feeder *self, PyObject **values);

extern PyType_Spec rj_feeder_spec, rj_values_spec;

#endif
