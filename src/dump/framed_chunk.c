/* See framed_chunk.h. */
#include "dump/framed_chunk.h"

#include "sinks/fd_io.h"
#include "sinks/http_chunk.h"

#define HTTP_TAIL (2 + sizeof RJ__HTTP_LAST_CHUNK - 1) /* the CRLF after the data comes before it */

static size_t
head_room(const rj_framed_chunk *f)
{
    return f->http_chunked ? RJ__HTTP_SIZE_LINE_MAX : 0;
}

void
rj_framed_chunk_init(rj_framed_chunk *f, size_t size, int http_chunked)
{
    f->http_chunked = http_chunked;
    f->head = head_room(f);
    size_t least = f->head + RJ_CHUNK_MIN + RJ_AFFIX_MAX + HTTP_TAIL;
    f->chunk.capacity = size < least ? least : size;
}

size_t
rj_framed_chunk_held(const rj_framed_chunk *f)
{
    return f->chunk.length && !f->sealed ? f->chunk.length - f->head : 0;
}

/* Bytes between the output and the HTTP tail, where there is a chunk already or memory for one. -1 with MemoryError. */
static Py_ssize_t
space(rj_framed_chunk *f)
{
    if (f->sealed)
        return 0;
    if (f->chunk.length == 0) {
        if (rj_bytes_chunk_prepare(&f->chunk) < 0)
            return -1;
        f->chunk.start = f->chunk.length = f->head;
    }
    return (Py_ssize_t)(f->chunk.capacity - HTTP_TAIL - f->chunk.length);
}

Py_ssize_t
rj_framed_chunk_room(rj_framed_chunk *f)
{
    Py_ssize_t free_bytes = space(f);
    return free_bytes > RJ_AFFIX_MAX ? free_bytes - RJ_AFFIX_MAX : free_bytes < 0 ? -1 : 0;
}

int
rj_framed_chunk_has_room_for_affix(rj_framed_chunk *f, size_t length)
{
    Py_ssize_t free_bytes = space(f);
    return free_bytes < 0 ? -1 : (size_t)free_bytes >= length;
}

uint8_t *
rj_framed_chunk_end(const rj_framed_chunk *f)
{
    return rj_bytes_chunk_data(&f->chunk) + f->chunk.length;
}

void
rj_framed_chunk_append(rj_framed_chunk *f, const void *data, size_t length)
{
    memcpy(rj_framed_chunk_end(f), data, length);
    f->chunk.length += length;
}

static void
empty(rj_framed_chunk *f)
{
    rj_bytes_chunk_reset(&f->chunk);
    f->head = head_room(f);
    f->sealed = 0;
}

void
rj_framed_chunk_shorten(rj_framed_chunk *f, size_t held)
{
    f->chunk.length = f->head + held;
    if (held == 0)
        empty(f);
}

/* Writes the size line right before the output. */
static void
put_size_line(rj_framed_chunk *f, size_t size)
{
    uint8_t *data = rj_bytes_chunk_data(&f->chunk);
    f->chunk.start = (size_t)(rj__http_put_size_line(data + f->head, size) - data);
}

size_t
rj_framed_chunk_seal(rj_framed_chunk *f, int last)
{
    if (f->sealed)
        return 0;
    size_t output = rj_framed_chunk_held(f);
    if (f->http_chunked && output) {
        put_size_line(f, output);
        rj_framed_chunk_append(f, RJ__HTTP_CRLF, 2);
    }
    if (f->http_chunked && last)
        rj_framed_chunk_append(f, RJ__HTTP_LAST_CHUNK, sizeof RJ__HTTP_LAST_CHUNK - 1);
    f->sealed = 1;
    return output;
}

int
rj_framed_chunk_send(rj_framed_chunk *f, int fd)
{
    rj_bytes_chunk *chunk = &f->chunk;
    while (chunk->start < chunk->length) {
        ssize_t n = rj__send_now(fd, rj_bytes_chunk_data(chunk) + chunk->start, chunk->length - chunk->start);
        if (n < 0)
            return 0;
        chunk->start += (size_t)n;
    }
    empty(f);
    return 1;
}

rj_sent
rj_framed_chunk_send_to(rj_framed_chunk *f, const rj_outlet *outlet)
{
    rj_bytes_chunk *chunk = &f->chunk;
    const uint8_t *data = rj_bytes_chunk_data(chunk) + chunk->start;
    rj_sent sent = outlet->send(outlet->ctx, chunk->bytes, data, chunk->length - chunk->start);
    if (sent != RJ_SENT_NOTHING)
        empty(f);
    return sent;
}

PyObject *
rj_framed_chunk_steal(rj_framed_chunk *f)
{
    rj_bytes_chunk *chunk = &f->chunk;
    const char *data = (const char *)rj_bytes_chunk_data(chunk);
    PyObject *copy = PyBytes_FromStringAndSize(data + f->head, (Py_ssize_t)(chunk->length - f->head));
    if (copy)
        f->head = chunk->start = chunk->length;
    return copy;
}

PyObject *
rj_framed_chunk_hand_out(rj_framed_chunk *f)
{
    f->sealed = 0;
    f->head = head_room(f);
    return rj_bytes_chunk_hand_out(&f->chunk);
}
