/*
 * Cooperation with an event loop: data that has to be awaited, and stopping by the clock.
 *
 * An encoding that has a rjpy_coop may hold async iterators, `default` may return awaitables, and it pauses
 * (RJ_RUN_PAUSED, with a reason) where its driver has something to do. An awaitable is begun here, in the middle of
 * the walk: one that is ready at once costs no pause. One that is not has yielded something for the event loop,
 * which the driver passes on; what comes back goes in through rjpy_coop_send or rjpy_coop_throw (PEP 492: this is
 * what `await` does, in two halves).
 */
#ifndef RJSON_ENCODE_COOP_H
#define RJSON_ENCODE_COOP_H

#include "py.h"

struct rjpy_encoder;

typedef enum rjpy_pause_reason {
    RJ_PAUSE_NONE,
    RJ_PAUSE_FULL,   /* the chunk is full */
    RJ_PAUSE_SLICE,  /* the encoding has held the event loop for as long as it may */
    RJ_PAUSE_FLUSH,  /* what is encoded is to leave before a source is asked for more */
    RJ_PAUSE_SOURCE, /* an awaitable is not ready */
    RJ_PAUSE_TASK    /* the document's own code is to run, and this is not its task */
} rjpy_pause_reason;

/* Where RJ_PAUSE_FLUSH happens. */
typedef enum rjpy_flush_point {
    RJ_FLUSH_NEVER,
    RJ_FLUSH_ITEMS, /* between the items of an iterator that is in no other array */
    RJ_FLUSH_AWAITS /* before every item of an async iterator */
} rjpy_flush_point;

typedef enum rjpy_arrival {
    RJ_ARRIVAL_FAILED = -1, /* an exception is set */
    RJ_ARRIVAL_READY = 0,   /* `arrived`, or the end of the async iterator */
    RJ_ARRIVAL_PENDING = 1  /* `yielded` is for the event loop */
} rjpy_arrival;

typedef struct rjpy_coop {
    int is_sync; /* there is no event loop: nothing is awaited, and there are no slices; only the flush point counts */
    uint64_t deadline_ns; /* of the slice */
    int outside_task;     /* run by somebody else than the driver's task, whose context that code may rely on */
    int ran_python;       /* the document's own code ran since the driver last had the chance to look around */
    rjpy_pause_reason reason;
    rjpy_flush_point flush_point;
    int flushed;         /* the flush at this place has happened */
    PyObject *outermost; /* the iterator whose items are RJ_FLUSH_ITEMS; borrowed, it is open */
    int is_iterator;     /* the awaitable is an async iterator's: StopAsyncIteration is its end */
    int ended;           /* that end arrived, and the walk has not seen it yet */
    PyObject *awaiting;  /* the iterator of the awaitable at hand, or NULL; owned */
    PyObject *yielded;   /* what it yielded last, or NULL; owned */
    PyObject *arrived;   /* its result, which the walk has not taken yet, or NULL; owned */
} rjpy_coop;

/* What yields the items of whatever has __anext__ or __aiter__: a new reference, or NULL with an exception. */
PyObject *rjpy_async_iterator(PyObject *obj);
int rjpy_is_async_iterable(PyObject *obj);
int rjpy_has_anext(PyObject *obj);
int rjpy_is_awaitable(PyObject *obj);
/* Whether an encoding with this (or NULL) may await. */
static inline int
rjpy_coop_awaits(const rjpy_coop *coop)
{
    return coop && !coop->is_sync;
}
/* Begins to await `obj`, or an async iterator's next item. No other awaitable may be at hand. */
rjpy_arrival rjpy_coop_await(rjpy_coop *coop, PyObject *obj);
rjpy_arrival rjpy_coop_next(rjpy_coop *coop, PyObject *async_iterator);
/* Goes on with a pending awaitable: hands it what the event loop answered. */
rjpy_arrival rjpy_coop_send(rjpy_coop *coop, PyObject *value);
rjpy_arrival rjpy_coop_throw(rjpy_coop *coop, PyObject *exception);
/* Whether something arrived that the walk has not seen. */
static inline int
rjpy_coop_has_arrival(const rjpy_coop *coop)
{
    return coop->arrived || coop->ended;
}
/* Drops what is at hand. Keeps an exception that is set. */
void rjpy_coop_clear(rjpy_coop *coop);
int rjpy_coop_traverse(rjpy_coop *coop, visitproc visit, void *arg);

/* Why the walk should pause before it asks `source` for its next item (NULL: before `default`), or RJ_PAUSE_NONE.
 * Every second answer at one place is NONE, so that each run gets on. */
rjpy_pause_reason rjpy_coop_pause_reason(rjpy_coop *coop, PyObject *source, int is_async);
/* An iterator `source` is about to be entered, or has been left: keeps `outermost` right. */
void rjpy_coop_entering(struct rjpy_encoder *e, PyObject *source);
void rjpy_coop_left(struct rjpy_encoder *e, PyObject *source);

#endif
