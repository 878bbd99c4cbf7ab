/*
 * rjson/stream.h - write JSON as a stream, in constant memory.
 *
 *     rj_sink *sink;
 *     rj_writer *w;
 *     if (rj_fd_sink_new(&sink, 1, NULL, NULL) != RJ_OK)
 *         return 1;
 *     if (rj_writer_new(&w, sink, NULL) != RJ_OK)
 *         return 1;
 *     rj_writer_begin_object(w);
 *     rj_writer_put_key(w, "id", 2);
 *     rj_writer_put_int64(w, 17);
 *     rj_writer_end_object(w);
 *     if (rj_writer_finish(w) != RJ_OK)                 // errors stick: one check is enough
 *         fprintf(stderr, "%s\n", rj_strerror(rj_writer_error(w).status));
 *     rj_writer_free(w);
 *     rj_sink_free(sink);
 *
 * Data flow: a producer (rj_writer, or rjson's encoder for Python objects) asks a sink to *lend* it
 * a window of memory, fills it, and lets the sink *take* it back. Sinks own the memory; a producer
 * never does. That keeps memory bounded and makes a pause possible at every window.
 *
 * Ownership words used below: "borrowed" (the caller keeps it; valid for the call unless stated),
 * "owned" (the caller releases it), "consumed" (the callee releases it, even on failure).
 *
 * Threads: an object may be used by one thread at a time; different objects are independent. The
 * library has no mutable global state.
 */
#ifndef RJSON_STREAM_H
#define RJSON_STREAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RJ_STATIC: the library is compiled into what uses it, which exports none of it. */
#if defined(__GNUC__) && !defined(RJ_STATIC)
#define RJ_API __attribute__((visibility("default")))
#else
#define RJ_API
#endif

#define RJ_VERSION "0.1.0"

/* ---- status codes --------------------------------------------------------------------------
 * 0 is success, a negative code a failure, a positive one a condition that is not an error.
 * Failures stick: the object that met one answers it to every later call. */
#define RJ_STATUS_MAP(X)                                                                                                    \
    X(0, OK, "success")                                                                                                     \
    X(1, PAUSE, "the sink would block: continue when it has drained")                                                       \
    X(-1, ENOMEM, "out of memory")                                                                                          \
    X(-2, EINVAL, "invalid argument")                                                                                       \
    X(-3, EIO, "the target failed (see the errno)")                                                                         \
    X(-4, ETIMEOUT, "the target accepted nothing within the timeout")                                                       \
    X(-5, ECANCELED, "a callback asked to stop")                                                                            \
    X(-6, ESTATE, "this call is not allowed at this place of the document")                                                 \
    X(-7, EUTF8, "a string is not valid UTF-8")                                                                             \
    X(-8, ENUMBER, "NaN and Infinity are not JSON (RFC 8259, section 6)")                                                   \
    X(-9, EDEPTH, "nested too deeply")                                                                                      \
    X(-10, ESYNTAX, "the text is not JSON (RFC 8259)")                                                                      \
    X(-11, EREAD, "the source failed (see the errno)")                                                                      \
    X(-12, EABORTED, "given up from outside")                                                                               \
    X(-13, EPROCESS, "this was begun in the process that this one was forked from")

typedef enum rj_status {
#define RJ__ENUM(code, name, text) RJ_##name = (code),
    RJ_STATUS_MAP(RJ__ENUM)
#undef RJ__ENUM
} rj_status;

/* Describes a status code. Static string, never NULL. Any thread. */
RJ_API const char *rj_strerror(int status);

/* ---- memory ---------------------------------------------------------------------------------
 * Every allocation of the library goes through one of these. The functions behave as malloc,
 * realloc and free do; `ctx` is handed to each. NULL in place of an allocator means the C library's. */
typedef struct rj_allocator {
    void *(*allocate)(void *ctx, size_t size);
    void *(*reallocate)(void *ctx, void *block, size_t size);
    void (*release)(void *ctx, void *block);
    void *ctx;
} rj_allocator;

/* ---- chunks ---------------------------------------------------------------------------------
 * A chunk is a block of fixed capacity with one owner at a time: the producer through its window,
 * a sink's queue, or the kernel's or event loop's write request until its callback. */
typedef struct rj_chunk {
    struct rj_chunk *next; /* for its owner's lists */
    size_t capacity;       /* bytes at `data` */
    size_t length;         /* bytes that hold output */
    uint8_t *data;
} rj_chunk;

/* A bounded set of chunks, recycled. At most `limit` exist at any time. Embed it; don't touch its fields. */
typedef struct rj_pool {
    rj_allocator alloc;
    size_t chunk_size;
    unsigned limit;
    unsigned live;  /* chunks that exist: idle ones and those acquired */
    rj_chunk *idle; /* ready to be acquired again */
} rj_pool;

/* The smallest chunk, and so the smallest window, that a sink may lend. Smaller requests are raised to it. */
#define RJ_CHUNK_MIN 512
/* The smallest window that a producer must make do with: what a framing sink leaves of the smallest chunk. */
#define RJ_WINDOW_MIN 480
#define RJ_CHUNK_DEFAULT 65536
/* The largest chunk: sizes above it are refused with RJ_EINVAL. */
#define RJ_CHUNK_MAX ((size_t)1 << 30)

/* Prepares a pool; allocates nothing yet. `chunk_size` 0 means RJ_CHUNK_DEFAULT; `limit` must be
 * positive. RJ_EINVAL for a limit of 0 or a chunk size above RJ_CHUNK_MAX. */
RJ_API int rj_pool_init(rj_pool *pool, const rj_allocator *alloc, size_t chunk_size, unsigned limit);
/* Lends an empty chunk in *out (give it back with rj_pool_release). RJ_PAUSE when all `limit` chunks
 * are out, RJ_ENOMEM when a new one cannot be allocated; the pool stays usable after both. */
RJ_API int rj_pool_acquire(rj_pool *pool, rj_chunk **out);
/* Consumes a chunk that this pool lent. */
RJ_API void rj_pool_release(rj_pool *pool, rj_chunk *chunk);
/* Frees the idle chunks. Every acquired chunk must have been released before. */
RJ_API void rj_pool_deinit(rj_pool *pool);

/* ---- sinks ----------------------------------------------------------------------------------*/
/* Memory that a sink lends to a producer: write at `cur`, never at or past `end`. */
typedef struct rj_window {
    uint8_t *cur;
    uint8_t *end;
} rj_window;

typedef struct rj_sink rj_sink;

/* What a sink does. Call these through rj_sink_lend and friends, which keep failures sticky; a table of
 * your own makes a sink of your own (start the struct with an rj_sink, and zero it). */
typedef struct rj_sink_ops {
    /* Lends a window of at least RJ_CHUNK_MIN bytes (RJ_WINDOW_MIN, if it frames another sink's windows). `hint`: how many bytes the producer knows that it
     * will write, 0 if it doesn't; a sink that grows uses it, others ignore it. RJ_PAUSE: nothing can be
     * lent before the target drains; call again then. One window is out at a time. */
    int (*lend)(rj_sink *self, size_t hint, rj_window *out);
    /* Takes the window back with `used` bytes written from its start. Those bytes are the sink's now,
     * even on failure. Never RJ_PAUSE. */
    int (*take)(rj_sink *self, size_t used);
    /* Pushes everything that was taken to the target. RJ_PAUSE: call again when it has drained. */
    int (*flush)(rj_sink *self);
    /* Gives up: nothing more is sent, and `accepted` is final when it returns. NULL where that is so anyway. */
    void (*abort)(rj_sink *self);
    /* Releases what the sink owns, the sink itself included if it is on the heap. Flushes nothing and
     * does not close the target. */
    void (*close)(rj_sink *self);
} rj_sink_ops;

struct rj_sink {
    const rj_sink_ops *ops;
    uint64_t accepted; /* bytes that the target has accepted, and only those */
    int status;        /* RJ_OK, or the failure that sticks */
    int sys_errno;     /* the errno behind RJ_EIO, else 0 */
};

/* The ops with sticky failures. Same results as the ops they call. */
RJ_API int rj_sink_lend(rj_sink *sink, size_t hint, rj_window *out);
RJ_API int rj_sink_take(rj_sink *sink, size_t used);
RJ_API int rj_sink_flush(rj_sink *sink);
/* Gives up on a document that will not be completed: what was taken but not yet accepted is dropped. The sink answers
 * RJ_ECANCELED (or its earlier failure) from then on. */
RJ_API void rj_sink_abort(rj_sink *sink);
/* Consumes the sink (see `close` above). NULL is allowed. */
RJ_API void rj_sink_free(rj_sink *sink);
/* Records a failure, for sinks of your own: the first one stays. Returns the one that is recorded. */
RJ_API int rj_sink_fail(rj_sink *sink, int status, int sys_errno);

/* -- memory: one block that grows in place, so that the result needs no copy at the end */
typedef struct rj_memory_sink {
    rj_sink base;
    rj_allocator alloc;
    uint8_t *block;  /* prefix bytes, then the output, then at least one spare byte */
    size_t capacity; /* bytes for output */
    size_t prefix;
    size_t length; /* bytes of output */
    int borrowed;  /* the block is the caller's scratch memory */
} rj_memory_sink;

/* Prepares a sink in the caller's memory. `prefix` bytes are left free before the output (for a header of
 * the caller's). `scratch` (borrowed until the sink is closed; NULL for none) holds the output while it fits
 * in `scratch_size` bytes, prefix and spare byte included. Without scratch the first block has room for
 * `size_hint` bytes. Allocates nothing yet. Close with rj_sink_free(&s->base). */
RJ_API void rj_memory_sink_init(rj_memory_sink *s, const rj_allocator *alloc, size_t prefix, size_t size_hint, void *scratch,
                                size_t scratch_size);
/* The output so far: `*length` bytes, borrowed until the next call on the sink. NULL if there is none. */
RJ_API const uint8_t *rj_memory_sink_data(const rj_memory_sink *s, size_t *length);
/* Gives the block away: prefix, `s->length` bytes of output, one spare byte. The caller owns it and releases it
 * with the allocator. NULL when the output is in the scratch memory still (or there is none): copy it then. */
RJ_API void *rj_memory_sink_detach(rj_memory_sink *s);

/* -- callback: a function of the caller's takes the bytes */
/* Takes up to `length` bytes at `data` (borrowed) and returns how many it took; 0 means that it would block now,
 * a negative number is an errno with its sign changed. */
typedef ptrdiff_t (*rj_write_fn)(void *ctx, const uint8_t *data, size_t length);
/* Makes a heap sink that collects chunks of `chunk_size` bytes and hands each to `write`. The sink pauses when
 * `write` returns 0. RJ_EINVAL, RJ_ENOMEM. Free with rj_sink_free. */
RJ_API int rj_callback_sink_new(rj_sink **out, rj_write_fn write, void *ctx, size_t chunk_size, const rj_allocator *alloc);

/* -- file descriptors: files, pipes, terminals, stream sockets; blocking or not */
/* Called around every operation that may block, on the thread that drives the sink. An interpreter releases its lock
 * in `enter` and takes it again in `leave`. A `leave` that returns nonzero stops the sink with RJ_ECANCELED; it runs
 * after interrupted system calls as well, so signals can be handled there. */
typedef struct rj_wait_hooks {
    void (*enter)(void *ctx);
    int (*leave)(void *ctx);
    void *ctx;
} rj_wait_hooks;

/* AUTO is on where it measured faster: for regular files, on more than one processor. */
typedef enum rj_overlap { RJ_OVERLAP_OFF, RJ_OVERLAP_ON, RJ_OVERLAP_AUTO } rj_overlap;

typedef struct rj_fd_options {
    size_t chunk_size;   /* bytes; 0: RJ_CHUNK_DEFAULT */
    unsigned max_chunks; /* memory bound in chunks; 0: what measured best for the kind of descriptor */
    int64_t timeout_ms;  /* the longest wait without progress; negative: no limit, 0: don't wait at all */
    int pause;           /* nonzero: answer RJ_PAUSE where the descriptor would block, never wait */
    int overlap;         /* rj_overlap: whether a second thread writes chunks while the next is produced */
    rj_wait_hooks hooks; /* zero: none */
} rj_fd_options;

/* Defaults of everything: 64 KiB chunks, wait without limit, no second thread, no hooks. */
#define RJ_FD_OPTIONS_INIT                                                                                                  \
    {                                                                                                                       \
        0, 0, -1, 0, RJ_OVERLAP_OFF,                                                                                        \
        {                                                                                                                   \
            NULL, NULL, NULL                                                                                                \
        }                                                                                                                   \
    }

/* Makes a heap sink that writes to `fd` (borrowed: it must stay open and is not closed; its flags are not changed).
 * Short writes and EINTR are continued, EAGAIN waits with poll(2) up to the timeout. A closed peer is RJ_EIO with
 * EPIPE and raises no SIGPIPE. `options` may be NULL. The second thread starts when the first chunks are full; it is not used
 * where a blocked write could not be called off (blocking pipes and terminals), nor with `pause`. A terminal in blocking mode
 * is the one kind of descriptor that may block beyond `timeout_ms`, and in spite of `pause`.
 * RJ_EINVAL, RJ_ENOMEM, or RJ_EIO with errno set for a bad descriptor. Free with rj_sink_free. */
RJ_API int rj_fd_sink_new(rj_sink **out, int fd, const rj_fd_options *options, const rj_allocator *alloc);

/* -- HTTP/1.1's chunked coding (RFC 9112, section 7.1), around whatever another sink takes */
/* Makes a heap sink that frames each window of `inner` (borrowed: it must live as long) as a chunk of a body, in place. What
 * it shows as `accepted` is the inner sink's, framing included. Several bodies can follow each other. RJ_ENOMEM. Free with
 * rj_sink_free, which leaves the inner sink alone. */
RJ_API int rj_http_chunked_sink_new(rj_sink **out, rj_sink *inner, const rj_allocator *alloc);
/* Ends the body with the last-chunk, and flushes. Nothing can be written to `sink` (which rj_http_chunked_sink_new made) then:
 * RJ_ESTATE. After RJ_PAUSE call it again. */
RJ_API int rj_http_chunked_sink_finish(rj_sink *sink);
/* After rj_http_chunked_sink_finish: begins the next body. */
RJ_API void rj_http_chunked_sink_reset(rj_sink *sink);

/* ---- writer ----------------------------------------------------------------------------------
 * Writes one JSON document (RFC 8259) item by item and refuses every sequence that is not one with RJ_ESTATE.
 *
 * When a call answers RJ_PAUSE its item is accepted but not yet complete: call rj_writer_resume when the sink has
 * drained, until it answers RJ_OK; bytes handed to put_key, put_string and put_raw must stay valid until then. Any
 * other call meanwhile is RJ_ESTATE. Brackets are never closed on an error: a broken document stays broken. */
typedef struct rj_writer rj_writer;

typedef struct rj_writer_failure {
    int status;      /* RJ_OK if there is none */
    int sys_errno;   /* with RJ_EIO */
    uint64_t offset; /* bytes that the sink's target has accepted */
} rj_writer_failure;

/* Containers nest at most this deeply; deeper is RJ_EDEPTH. */
#define RJ_WRITER_MAX_DEPTH 100000

/* Makes a writer on `sink` (borrowed until rj_writer_free). RJ_ENOMEM. */
RJ_API int rj_writer_new(rj_writer **out, rj_sink *sink, const rj_allocator *alloc);
/* Consumes the writer, not its sink; NULL is allowed. */
RJ_API void rj_writer_free(rj_writer *w);

RJ_API int rj_writer_begin_object(rj_writer *w);
RJ_API int rj_writer_end_object(rj_writer *w);
RJ_API int rj_writer_begin_array(rj_writer *w);
RJ_API int rj_writer_end_array(rj_writer *w);
/* A member's name, `length` bytes of UTF-8. A value must follow. Duplicates are not looked for. RJ_EUTF8. */
RJ_API int rj_writer_put_key(rj_writer *w, const char *utf8, size_t length);
RJ_API int rj_writer_put_string(rj_writer *w, const char *utf8, size_t length);
RJ_API int rj_writer_put_int64(rj_writer *w, int64_t value);
RJ_API int rj_writer_put_uint64(rj_writer *w, uint64_t value);
/* The shortest digits that read back as the same double. RJ_ENUMBER for NaN and infinities. */
RJ_API int rj_writer_put_double(rj_writer *w, double value);
RJ_API int rj_writer_put_bool(rj_writer *w, int value);
RJ_API int rj_writer_put_null(rj_writer *w);
/* One value that is JSON already; copied as it is. RJ_EINVAL for an empty one, RJ_EUTF8; not parsed. */
RJ_API int rj_writer_put_raw(rj_writer *w, const char *json, size_t length);
/* Continues the item that answered RJ_PAUSE. RJ_OK when there is none. */
RJ_API int rj_writer_resume(rj_writer *w);
/* Completes the document and flushes the sink. RJ_ESTATE if it is not complete. After RJ_PAUSE call it again. */
RJ_API int rj_writer_finish(rj_writer *w);
/* Forgets the finished or failed document, to write the next one to the same sink. A failure of the sink stays. Inside a callback of
 * the sink nothing is forgotten, and the document fails with RJ_ESTATE, as it does there with every other call that writes. */
RJ_API void rj_writer_reset(rj_writer *w);
RJ_API rj_writer_failure rj_writer_error(const rj_writer *w);

#ifdef __cplusplus
}
#endif

#endif
