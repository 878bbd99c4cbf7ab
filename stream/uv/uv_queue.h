/*
 * The way out to a libuv stream: sends at once while nothing is queued, else hands libuv memory that it may keep until its
 * callback. libuv's rule behind this: uv_try_write sends nothing while anything is queued.
 *
 * All calls and callbacks are on the thread of the stream's loop.
 */
#ifndef RJSON_STREAM_UV_UV_QUEUE_H
#define RJSON_STREAM_UV_UV_QUEUE_H

#include "internal.h"

#include <uv.h>

/* At most this much is sent between two turns of the loop; what comes then waits for its callback, which comes in the next
 * turn, so that one fast reader does not keep the loop to itself. */
#define RJ__UV_BURST ((size_t)1 << 20)

typedef struct rj__uv_queue rj__uv_queue;

/* A write that libuv has been handed. */
typedef struct rj__uv_write {
    uv_write_t request;
    rj__uv_queue *queue;
    struct rj__uv_write *next; /* of the idle ones */
    void *owner;               /* of the memory */
    size_t length;
} rj__uv_write;

struct rj__uv_queue {
    uv_stream_t *stream; /* borrowed */
    rj__uv_write *idle;
    unsigned in_flight;
    size_t in_flight_bytes;
    size_t burst;
    uint64_t accepted; /* bytes that have left for the kernel */
    int frozen;        /* `accepted` is final */
    int uv_error;      /* the first failure, a UV_ code (on Unix an errno with its sign changed), or 0 */
    /* libuv has let go of the memory that `owner` stands for. In the loop's callback. */
    void (*released)(rj__uv_queue *queue, void *owner);
};

/* `writes`: the memory of `count` writes, which bounds how many can be in flight. */
void rj__uv_queue_init(rj__uv_queue *queue, uv_stream_t *stream, rj__uv_write *writes, unsigned count,
                       void (*released)(rj__uv_queue *queue, void *owner));
/* Whether one more write can be put in flight. */
static inline int
rj__uv_queue_has_room(const rj__uv_queue *queue)
{
    return queue->idle != NULL;
}
/* Sends `data`; there must be room. RJ_OK: all of it has left, `owner` is the caller's still. RJ_PAUSE: the rest is
 * in flight, and `released` will be called with `owner`. RJ_EIO: see uv_error; `owner` is the caller's still. */
int rj__uv_queue_send(rj__uv_queue *queue, void *owner, const uint8_t *data, size_t length);
/* Makes `accepted` final: what is in flight and has not left by now does not count any more. (libuv cannot take it back.) */
void rj__uv_queue_freeze(rj__uv_queue *queue);

#endif
