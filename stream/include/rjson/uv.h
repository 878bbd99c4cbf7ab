/*
 * rjson/uv.h - write JSON to libuv streams. Link with librjson-uv (pkg-config rjson-uv).
 *
 *     static int produce(void *ctx)                     // called again whenever there is room
 *     {
 *         client *c = ctx;
 *         int rc = rj_writer_resume(c->writer);         // what was paused in the middle
 *         while (rc == RJ_OK && c->next < c->count)
 *             rc = rj_writer_put_uint64(c->writer, c->next++);
 *         return rc;
 *     }
 *     ...
 *     rj_uv_sink_new(&c->sink, (uv_stream_t *)&c->tcp, NULL, NULL);
 *     rj_writer_new(&c->writer, c->sink, NULL);
 *     rj_uv_sink_run(c->sink, produce, done, c);        // done(c, RJ_OK) when everything has left
 *
 * Threads: libuv's rule. Everything happens on the thread of the stream's loop.
 *
 * SIGPIPE: libuv's writes may raise it when the peer is gone, so ignore it (signal(SIGPIPE, SIG_IGN)), as libuv's manual says.
 */
#ifndef RJSON_UV_H
#define RJSON_UV_H

#include <rjson/stream.h>

#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rj_uv_options {
    size_t chunk_size;   /* bytes; 0: RJ_CHUNK_DEFAULT */
    unsigned max_chunks; /* the memory bound, from 1 to RJ_UV_MAX_CHUNKS; 0: 2, one to fill while the other is on its way */
} rj_uv_options;

#define RJ_UV_MAX_CHUNKS 64

/* Makes a heap sink on `stream` (TCP, pipe, TTY; borrowed: it is neither read from nor closed). Chunks leave at once while the
 * kernel takes them and nothing is queued on the stream, else by uv_write, without a copy; when all are out, the sink pauses.
 * It sends about 1 MiB per turn of the loop at most.
 *
 * A failure is RJ_EIO with the UV_ code, its sign changed, as errno: ECANCELED when the stream was closed meanwhile, EPIPE
 * and ECONNRESET for a peer that is gone. `accepted` then is a lower bound: libuv does not tell how much of a failed write left.
 *
 * Free with rj_sink_free at any time, in the stream's close callback at the latest: chunks that libuv still holds are
 * released by their callbacks, for which the loop must run. rj_sink_abort drops what has not been handed to libuv; the rest is
 * dropped by closing the stream. `options` may be NULL. RJ_EINVAL, RJ_ENOMEM. */
RJ_API int rj_uv_sink_new(rj_sink **out, uv_stream_t *stream, const rj_uv_options *options, const rj_allocator *alloc);

/* A producer: writes on, to the sink or through what is on top of it, from where it stopped. RJ_OK: the document is complete.
 * RJ_PAUSE: it was paused by the sink, or waits for data of its own. A negative status: it failed. */
typedef int (*rj_produce_fn)(void *ctx);
/* The end of a run. `status`: RJ_OK when everything has left for the kernel, else what failed, the sink or the producer. */
typedef void (*rj_done_fn)(void *ctx, int status);

/* Has `produce` called now, and whenever there is room after a pause, until it is complete; then flushes, and calls `done`, once.
 * Both run inside this call or in a callback of the loop. `done` may begin the next run, and free the sink.
 * RJ_ESTATE while a run is going on, RJ_EINVAL for another kind of sink. */
RJ_API int rj_uv_sink_run(rj_sink *sink, rj_produce_fn produce, rj_done_fn done, void *ctx);
/* Tells that a producer that had paused by itself has data again. Harmless at any time. */
RJ_API void rj_uv_sink_wake(rj_sink *sink);

/* ---- fan-out -----------------------------------------------------------------------------------
 * One message to many subscribers: written once, every part shared by reference, sent by a thread of its own with a loop of its
 * own, to each subscriber at its own pace.
 *
 *     rj_fanout *f;
 *     rj_fanout_options options = RJ_FANOUT_OPTIONS_INIT;
 *     options.framing = RJ_FRAMING_SSE;
 *     rj_fanout_new(&f, &options);
 *     rj_fanout_add(f, fd, &id);                        // any time, any thread
 *     rj_writer_new(&w, rj_fanout_sink(f), NULL);       // one message at a time: lend, take ..., flush
 *     ... rj_writer_put_...; while (rj_writer_finish(w) == RJ_PAUSE) rj_fanout_wait(f, RJ_FANOUT_ROOM, -1, NULL);
 *
 * Threads: add, remove, finish, abort, report and wait may be called from any thread; the sink is for one at a time. A fan-out does
 * not survive fork(2): in the child, waits and the sink answer RJ_EPROCESS, and nothing else may be called. */
typedef struct rj_fanout rj_fanout;

/* What happens to a subscriber that is more than `max_bytes` behind, or that has accepted nothing for `max_ms`. A message is never
 * sent in part: whoever cannot be sent the rest of one is reset. */
typedef enum rj_slow {
    RJ_SLOW_WAIT, /* the producer waits for it, at most `max_ms`; then it is dropped */
    RJ_SLOW_SKIP, /* it misses whole messages, and goes on with the newest */
    RJ_SLOW_DROP  /* it is dropped */
} rj_slow;

/* What stands around a message. */
typedef enum rj_framing {
    RJ_FRAMING_NONE,  /* nothing, but a space after a message that ends with no bracket and no quote */
    RJ_FRAMING_LINES, /* a newline after it (NDJSON); newlines in it become spaces, which mean the same in JSON */
    RJ_FRAMING_SSE, /* an event of a text/event-stream (HTML, section 9.2) with the message as its data; newlines as above */
    RJ_FRAMING_SEQ  /* a record separator before it and a newline after it (JSON text sequences, RFC 7464) */
} rj_framing;

typedef struct rj_fanout_options {
    size_t chunk_size;  /* of the parts of a long message, in bytes; 0: RJ_CHUNK_DEFAULT */
    uint64_t max_bytes; /* see rj_slow, in bytes of messages; also what is kept in memory, about */
    int64_t max_ms;     /* see rj_slow; negative: no limit */
    int slow;           /* rj_slow */
    int framing;        /* rj_framing */
    int http_chunked;   /* nonzero: parts are chunks of an HTTP/1.1 body, which rj_fanout_finish and _remove end */
} rj_fanout_options;

#define RJ_FANOUT_OPTIONS_INIT                                                                                              \
    {                                                                                                                       \
        0, 1 << 20, -1, RJ_SLOW_WAIT, RJ_FRAMING_LINES, 0                                                                   \
    }

/* Makes a fan-out, and starts its thread, which has every signal blocked. RJ_EINVAL, RJ_ENOMEM, RJ_EIO with errno. */
RJ_API int rj_fanout_new(rj_fanout **out, const rj_fanout_options *options);
/* Stops the thread, whatever is on its way. Subscribers in the middle of a message are reset. Who waits, and the sink, get RJ_EABORTED.
 * May be called twice. rj_fanout_free is still to come, when nobody uses the fan-out any more. */
RJ_API void rj_fanout_abort(rj_fanout *f);
/* The same, and frees everything. No other call may be going on. NULL is allowed. */
RJ_API void rj_fanout_free(rj_fanout *f);

/* Adds a stream socket, pipe or terminal; it gets the messages that begin after this call. `fd` is borrowed: a copy of it is used, and
 * closed when the subscriber has left. *id names it from then on. RJ_ESTATE after rj_fanout_finish, RJ_EIO with errno, RJ_ENOMEM. */
RJ_API int rj_fanout_add(rj_fanout *f, int fd, uint64_t *id);
/* Lets a subscriber go when it has got what was published before this call. It holds up nobody: where the sink pauses because of it,
 * and it accepts nothing for a second, it is dropped. RJ_EINVAL if there is none of that name. */
RJ_API int rj_fanout_remove(rj_fanout *f, uint64_t id);
/* How many subscribers there are. */
RJ_API size_t rj_fanout_count(rj_fanout *f);
/* No more messages: every subscriber leaves when it has got those that there are. */
RJ_API void rj_fanout_finish(rj_fanout *f);

/* The sink that messages are written to. rj_sink_flush ends a message, and the next begins with the next lend. It pauses while
 * more than `max_bytes` are kept for subscribers that may not be skipped or dropped. rj_sink_abort gives the message up: where
 * parts of it are out already, every subscriber that got one is reset; rj_fanout_reset_sink makes it usable again. */
RJ_API rj_sink *rj_fanout_sink(rj_fanout *f);
/* Forgets the message at hand and the sink's failure. */
RJ_API void rj_fanout_reset_sink(rj_fanout *f);
/* For SSE: the lines before the data of the next messages, "event: price\nid: 17\n", say; copied. RJ_EINVAL for more than
 * RJ_FANOUT_HEAD_MAX bytes, or while a message is being written. */
RJ_API int rj_fanout_set_event_head(rj_fanout *f, const char *lines, size_t length);
#define RJ_FANOUT_HEAD_MAX 255
/* Has every subscriber sent `length` bytes as they are (copied): a comment that keeps connections alive, say. Not between the parts of
 * a message: RJ_ESTATE. RJ_ENOMEM. */
RJ_API int rj_fanout_send_raw(rj_fanout *f, const char *bytes, size_t length);

typedef enum rj_fanout_event {
    RJ_FANOUT_ROOM,    /* the sink does not pause */
    RJ_FANOUT_DRAINED, /* everything published has been sent to everybody who is to get it */
    RJ_FANOUT_EMPTY    /* there are no subscribers */
} rj_fanout_event;

/* Waits for an event, at most `timeout_ms` (negative: no limit), with the hooks (may be NULL) around each wait. RJ_OK, RJ_ETIMEOUT,
 * RJ_ECANCELED when the hooks asked to stop, RJ_EABORTED, RJ_EPROCESS, RJ_EIO with errno. */
RJ_API int rj_fanout_wait(rj_fanout *f, int event, int64_t timeout_ms, const rj_wait_hooks *hooks);
/* The same for an event loop: a descriptor (owned: end with rj_fanout_unwatch) that becomes readable when the event has come, or
 * when the fan-out is freed, after which it is closed with close(2). -1 with errno. */
RJ_API int rj_fanout_watch(rj_fanout *f, int event);
RJ_API void rj_fanout_unwatch(rj_fanout *f, int descriptor);

typedef enum rj_subscriber_state {
    RJ_SUBSCRIBER_OPEN,
    RJ_SUBSCRIBER_LEFT,    /* its peer has closed the connection, or its end of it, and has got everything */
    RJ_SUBSCRIBER_REMOVED, /* by rj_fanout_remove or rj_fanout_finish, after it got everything */
    RJ_SUBSCRIBER_DROPPED, /* it was too slow */
    RJ_SUBSCRIBER_FAILED   /* see sys_errno; ECANCELED: a message was given up, or the fan-out freed, in the middle */
} rj_subscriber_state;

typedef struct rj_subscriber_report {
    uint64_t id;
    uint64_t messages; /* that it got whole */
    uint64_t bytes;    /* that left for it, framing included */
    uint64_t skipped;  /* messages that it missed */
    uint64_t behind;   /* bytes that have been published and have not left for it; 0 unless it is open */
    int state;         /* rj_subscriber_state */
    int sys_errno;
} rj_subscriber_report;

/* Calls `each` for every subscriber, and for those that have left since the last report (the last 10,000 of them), which are forgotten
 * then. `each` must not call functions of the fan-out. */
RJ_API void rj_fanout_report(rj_fanout *f, void (*each)(void *ctx, const rj_subscriber_report *report), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
