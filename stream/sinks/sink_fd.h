/* The fd sink's private parts, shared by sink_fd.c and overlap.c. */
#ifndef RJSON_STREAM_SINKS_SINK_FD_H
#define RJSON_STREAM_SINKS_SINK_FD_H

#include "sinks/fd_io.h"

#define RJ__FD_MAX_CHUNKS 16

/* Chunks on their way out, oldest first. */
typedef struct rj__queue {
    rj_chunk *ring[RJ__FD_MAX_CHUNKS];
    unsigned head;
    unsigned count;
    size_t sent; /* bytes of the oldest chunk that are out already */
} rj__queue;

void rj__queue_push(rj__queue *q, rj_chunk *chunk);
rj_chunk *rj__queue_pop(rj__queue *q);
/* Describes the first `most` chunks (all if there are fewer); returns how many parts that makes. */
int rj__queue_parts(const rj__queue *q, struct iovec *parts, unsigned most);

/* Writes once, waiting first if the descriptor wants that. *written gets the bytes accepted. RJ_OK, RJ_PAUSE (only with
 * `pause`), or a failure with errno in *sys_errno. `deadline_ns`: see rj__deadline_ns. */
int rj__fd_write_step(rj__fd_io *io, int pause, const struct iovec *parts, int count, uint64_t deadline_ns, size_t *written,
                      int *sys_errno);

/* The second thread of `overlap`: writes chunks while the producer fills the next. */
typedef struct rj__overlap rj__overlap;

/* Starts the thread, on a duplicate of the descriptor. RJ_OK, RJ_ENOMEM, or RJ_EIO with errno when there can be no
 * more threads or descriptors. */
int rj__overlap_start(rj__overlap **out, const rj__fd_io *io, const rj_allocator *alloc);
/* Whether this is a child of the process that started it. There is no thread there, and nobody knows what it was in
 * the middle of: only rj__overlap_free may be called. */
int rj__overlap_is_foreign(const rj__overlap *o);
/* Consumes a full chunk. There is always room: at most RJ__FD_MAX_CHUNKS chunks exist. */
void rj__overlap_push(rj__overlap *o, rj_chunk *chunk);
/* Gives back a chunk that has been written (owned by the caller), or NULL where none is ready. */
rj_chunk *rj__overlap_reclaim(rj__overlap *o);
/* Waits until a chunk can be reclaimed (`all` = 0) or everything is written (`all` = 1), with the hooks around the
 * waiting. RJ_OK, RJ_ECANCELED, RJ_EPROCESS if they have forked, or the thread's failure. */
int rj__overlap_wait(rj__overlap *o, int all, const rj_wait_hooks *hooks);
/* Bytes accepted by the descriptor, the failure (RJ_OK if none) and its errno, so far. */
int rj__overlap_report(rj__overlap *o, uint64_t *accepted, int *sys_errno);
/* Ends the thread: it completes the write that it is in, and writes nothing of what is queued. May be called twice. */
void rj__overlap_stop(rj__overlap *o);
/* Stops, then frees everything; queued chunks come back through `reclaimed` (owned by the caller). Of a foreign one
 * they do not. */
void rj__overlap_free(rj__overlap *o, void (*reclaimed)(void *ctx, rj_chunk *chunk), void *ctx);

#endif
