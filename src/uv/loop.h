/* rjson._uv.Loop: a libuv loop of ours, driven from outside; and connections, libuv's handles on it. */
#ifndef RJSON_UV_LOOP_H
#define RJSON_UV_LOOP_H

#include "dump/outlet.h"
#include "uv/uv_handle.h"
#include "uv/uv_queue.h"

/* Chunks that a connection has in flight at most; the document fills one more meanwhile. */
#define RJ_UV_IN_FLIGHT 2

struct rjpy_connection;

typedef struct rjpy_loop_object {
    PyObject_HEAD uv_loop_t *loop; /* owned, in one block with `wakeup`; NULL if it could not be made */
    uv_async_t *wakeup;            /* for a thread that waits for the loop */
    struct rjpy_connection *ready, **ready_end;
    int is_running;
    int pid; /* of the process that made it */
} rjpy_loop_object;

/* A libuv handle and what is queued on it. Lives until libuv has closed the handle; belongs to a Stream until then,
 * or to nobody. Everything about it happens with the GIL held. */
typedef struct rjpy_connection {
    rj__uv_handle handle;
    rj__uv_queue queue; /* of bytes objects, owned */
    rj__uv_write writes[RJ_UV_IN_FLIGHT];
    rjpy_loop_object *loop; /* borrowed: it closes its handles before it goes */
    PyObject *stream;       /* borrowed, NULL once it has been left alone */
    struct rjpy_connection *next_ready;
    int is_ready;
} rjpy_connection;

/* Gets on with a stream whose connection is ready, until `deadline_ns` at most. In stream.c. */
void rjpy_stream_work(PyObject *stream, uint64_t deadline_ns);

/* Opens `fd` (consumed if that works) on the loop. NULL with an exception. */
rjpy_connection *rjpy_connection_open(rjpy_loop_object *loop, PyObject *stream, int fd);
/* Closes the handle and its descriptor. What is in flight is dropped. */
void rjpy_connection_close(rjpy_connection *connection);
/* Puts the connection's stream in the queue of those that have something to do. */
void rjpy_connection_make_ready(rjpy_connection *connection);
/* Sets a RuntimeError, -1, in a process that was forked from the one with this id. */
int rjpy_check_process(int pid);

extern PyType_Spec rjpy_loop_spec;

#endif
