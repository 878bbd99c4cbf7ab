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

#ifdef __cplusplus
}
#endif

#endif
