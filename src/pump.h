/* rjson._core.Pump: one document after the other into a recycled chunk, for a driver on an event loop (rjson.aio). */
#ifndef RJSON_PUMP_H
#define RJSON_PUMP_H

#include "python.h"

extern PyType_Spec rj_pump_spec;

#endif
