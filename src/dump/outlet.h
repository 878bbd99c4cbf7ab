/*
 * Where chunks leave without Python's help: a socket's descriptor, or what another extension module offers in a
 * capsule. These structs are all that rjson._core and rjson._uv know of each other; both come from one build.
 */
#ifndef RJSON_DUMP_OUTLET_H
#define RJSON_DUMP_OUTLET_H

#include "py.h"

typedef enum rjpy_sent {
    RJ_SENT_NOTHING, /* or a part: the rest is for the driver */
    RJ_SENT_ALL,     /* the memory is free again */
    RJ_SENT_KEPT     /* a reference to the bytes object is kept until everything has left */
} rjpy_sent;

/* Takes chunks that a pump has sealed. The capsule's owner keeps it alive while the pump may use it. */
typedef struct rjpy_outlet {
    /* `data`, `length`: the part of `bytes` that is to leave. Never runs Python code, sets no exception. */
    rjpy_sent (*send)(void *ctx, PyObject *bytes, const uint8_t *data, size_t length);
    void *ctx;
} rjpy_outlet;

#define RJ_OUTLET_CAPSULE "rjson._core.outlet"

/* A sink that pauses, and how to wait until it may go on. */
typedef struct rjpy_waiting_sink {
    rj_sink *sink;
    /* Waits for progress, for `timeout_ms` at most (negative: no limit), with the hooks around each wait. RJ_OK,
     * RJ_ETIMEOUT, or RJ_ECANCELED when the hooks asked to stop. */
    int (*wait)(void *ctx, int64_t timeout_ms, const rj_wait_hooks *hooks);
    void *ctx;
} rjpy_waiting_sink;

#define RJ_WAITING_SINK_CAPSULE "rjson._core.waiting_sink"

/* What rjson._uv calls. */
typedef struct rjpy_core_api {
    /* Runs a pump that paused because its outlet took no more, with `outlet`, outside its task: until the outlet
     * takes no more again (PUMP_FULL), at most until `deadline_ns` (PUMP_SLICE), or until the driver has to do
     * something (any other state).
     * -1 with an exception. */
    int (*pump_run)(PyObject *pump, const rjpy_outlet *outlet, uint64_t deadline_ns);
    /* See rjpy_raise_errno in encode/encoder.h. */
    void (*raise_errno)(int sys_errno, PyObject *label);
} rjpy_core_api;

#define RJ_CORE_API_CAPSULE "rjson._core._api"

#endif
