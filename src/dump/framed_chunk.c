/* See framed_chunk.h. */
#include "dump/framed_chunk.h"

#include "sinks/fd_io.h"
#include "sinks/http_chunk.h"

#define HTTP_TAIL (2 + sizeof RJ__HTTP_LAST_CHUNK - 1) /* the CRLF after the data comes before it */

static size_t
head_room(const rjpy_framed_chunk *f)
{
    return f->http_chunked ? RJ__HTTP_SIZE_LINE_MAX : 0;
}

void
rjpy_framed_chunk_init(rjpy_framed_chunk *f, size_t size, int http_chunked)
{
    f->http_chunked = http_chunked;
    f->head = head_room(f);
    size_t least = f->head + RJ_CHUNK_MIN + RJ_AFFIX_MAX + HTTP_TAIL;
    f->chunk.capacity = size < least ? least : size;
}

/* Bytes between the output and the HTTP tail, where there is a chunk already or memory for one. -1 with MemoryError. */
static Py_ssize_t
space(rjpy_framed_chunk *f)
{
    if (f->sealed)
        return 0;
    if (f->chunk.length == 0) {
        if (rjpy_bytes_chunk_prepare(&f->chunk) < 0)
            return -1;
        f->chunk.start = f->chunk.length = f->head;
    }
    return (Py_ssize_t)(f->chunk.capacity - HTTP_TAIL - f->chunk.length);
}

Py_ssize_t
rjpy_framed_chunk_room(rjpy_framed_chunk *f)
{
    Py_ssize_t free_bytes = space(f);
    return free_bytes > RJ_AFFIX_MAX ? free_bytes - RJ_AFFIX_MAX : free_bytes < 0 ? -1 : 0;
}

int
rjpy_framed_chunk_has_room_for_affix(rjpy_framed_chunk *f, size_t length)
{
    Py_ssize_t free_bytes = space(f);
    return free_bytes < 0 ? -1 : (size_t)free_bytes >= length;
}

void
rjpy_framed_chunk_append(rjpy_framed_chunk *f, const void *data, size_t length)
{
    memcpy(rjpy_framed_chunk_end(f), data, length);
    f->chunk.length += length;
}

static void
empty(rjpy_framed_chunk *f)
{
    rjpy_bytes_chunk_reset(&f->chunk);
    f->head = head_room(f);
    f->sealed = 0;
}

void
rjpy_framed_chunk_shorten(rjpy_framed_chunk *f, size_t held)
{
    f->chunk.length = f->head + held;
    if (held == 0)
        empty(f);
}

/* Writes the size line right before the output. */
static void
put_size_line(rjpy_framed_chunk *f, size_t size)
{
    uint8_t *data = rjpy_bytes_chunk_data(&f->chunk);
    f->chunk.start = (size_t)(rj__http_put_size_line(data + f->head, size) - data);
}

size_t
rjpy_framed_chunk_seal(rjpy_framed_chunk *f, int last)
{
    if (f->sealed)
        return 0;
    size_t output = rjpy_framed_chunk_held(f);
    if (f->http_chunked && output) {
        put_size_line(f, output);
        rjpy_framed_chunk_append(f, RJ__HTTP_CRLF, 2);
    }
    if (f->http_chunked && last)
        rjpy_framed_chunk_append(f, RJ__HTTP_LAST_CHUNK, sizeof RJ__HTTP_LAST_CHUNK - 1);
    f->sealed = 1;
    return output;
}

int
rjpy_framed_chunk_send(rjpy_framed_chunk *f, int fd)
{
    rjpy_bytes_chunk *chunk = &f->chunk;
    while (chunk->start < chunk->length) {
        ssize_t n = rj__send_now(fd, rjpy_bytes_chunk_data(chunk) + chunk->start, chunk->length - chunk->start);
        if (n < 0)
            return 0;
        chunk->start += (size_t)n;
    }
    empty(f);
    return 1;
}

rjpy_sent
rjpy_framed_chunk_send_to(rjpy_framed_chunk *f, const rjpy_outlet *outlet)
{
    rjpy_bytes_chunk *chunk = &f->chunk;
    const uint8_t *data = rjpy_bytes_chunk_data(chunk) + chunk->start;
    rjpy_sent sent = outlet->send(outlet->ctx, chunk->bytes, data, chunk->length - chunk->start);
    if (sent != RJ_SENT_NOTHING)
        empty(f);
    return sent;
}

PyObject *
rjpy_framed_chunk_steal(rjpy_framed_chunk *f, size_t count)
{
    rjpy_bytes_chunk *chunk = &f->chunk;
    const char *data = (const char *)rjpy_bytes_chunk_data(chunk);
    PyObject *copy = PyBytes_FromStringAndSize(data + f->head, (Py_ssize_t)count);
    if (copy)
        f->head = chunk->start = f->head + count;
    return copy;
}

PyObject *
rjpy_framed_chunk_hand_out(rjpy_framed_chunk *f)
{
    f->sealed = 0;
    f->head = head_room(f);
    return rjpy_bytes_chunk_hand_out(&f->chunk);
}
