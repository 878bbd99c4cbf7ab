/* rjson._core.Pump: one document after the other into a recycled chunk, for a driver on an event loop (rjson.aio). */
#ifndef RJSON_PUMP_H
#define RJSON_PUMP_H

#include "dump/outlet.h"

/* See rj_core_api. */
int rj_pump_run(PyObject *pump, const rj_outlet *outlet, uint64_t deadline_ns);

extern PyType_Spec rj_pump_spec;

#endif
