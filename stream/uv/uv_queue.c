/* See uv_queue.h. */
#define _GNU_SOURCE /* for uv.h */
#include "uv/uv_queue.h"

#include "sinks/sigpipe.h"

void
rj__uv_queue_init(rj__uv_queue *queue, uv_stream_t *stream, rj__uv_write *writes, unsigned count,
                  void (*released)(rj__uv_queue *queue, void *owner))
{
    *queue = (rj__uv_queue){.stream = stream, .released = released};
    while (count-- > 0) {
        writes[count].queue = queue;
        writes[count].next = queue->idle;
        queue->idle = &writes[count];
    }
}

static int
fail(rj__uv_queue *queue, int uv_error)
{
    if (queue->uv_error == 0)
        queue->uv_error = uv_error;
    return RJ_EIO;
}

static void
on_written(uv_write_t *request, int status)
{
    rj__uv_write *write = (rj__uv_write *)request;
    rj__uv_queue *queue = write->queue;
    queue->in_flight--;
    queue->in_flight_bytes -= write->length;
    queue->burst = 0;
    write->next = queue->idle;
    queue->idle = write;
    if (status < 0)
        fail(queue, status);
    else if (!queue->frozen)
        queue->accepted += write->length;
    queue->released(queue, write->owner);
}

/* Sends what the kernel takes at once, where that does not overtake anything. */
static int
try_now(rj__uv_queue *queue, uv_buf_t *rest)
{
    if (queue->in_flight > 0 || queue->burst >= RJ__UV_BURST)
        return RJ_OK;
    int n = uv_try_write(queue->stream, rest, 1);
    if (n == UV_EAGAIN) /* the kernel takes nothing, or somebody else's write is queued */
        return RJ_OK;
    if (n < 0)
        return fail(queue, n);
    rest->base += n;
    rest->len -= (size_t)n;
    queue->burst += (size_t)n;
    queue->accepted += (uint64_t)n;
    return RJ_OK;
}

/* Hands libuv the rest. It writes by itself, once, if nothing is queued. */
static int
put_in_flight(rj__uv_queue *queue, void *owner, const uv_buf_t *rest)
{
    rj__uv_write *write = queue->idle;
    int rc = uv_write(&write->request, queue->stream, rest, 1, on_written);
    if (rc < 0)
        return fail(queue, rc);
    queue->idle = write->next;
    write->owner = owner;
    write->length = rest->len;
    queue->in_flight++;
    queue->in_flight_bytes += rest->len;
    return RJ_PAUSE;
}

int
rj__uv_queue_send(rj__uv_queue *queue, void *owner, const uint8_t *data, size_t length)
{
    if (queue->uv_error)
        return RJ_EIO;
    if (uv_is_closing((uv_handle_t *)queue->stream))
        return fail(queue, UV_ECANCELED);
    rj__sigpipe guard = {0};
    if (!rj__sigpipe_is_ignored())
        rj__sigpipe_block(&guard);
    uv_buf_t rest = uv_buf_init((char *)(uintptr_t)data, (unsigned)length);
    int rc = try_now(queue, &rest);
    if (rc == RJ_OK && rest.len > 0)
        rc = put_in_flight(queue, owner, &rest);
    if (guard.blocked)
        rj__sigpipe_unblock(&guard);
    return rc;
}

void
rj__uv_queue_freeze(rj__uv_queue *queue)
{
    if (queue->frozen)
        return;
    queue->frozen = 1;
    if (queue->in_flight == 0)
        return;
    size_t waiting = uv_stream_get_write_queue_size(queue->stream);
    if (waiting < queue->in_flight_bytes)
        queue->accepted += queue->in_flight_bytes - waiting;
}
