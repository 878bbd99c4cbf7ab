/*
 * A bytes chunk with framing in place around its output:
 *
 *     | head: the size line of an HTTP chunk | output | an affix | CRLF and the last-chunk |
 *
 * (RFC 9112, section 7.1; head and tail are not used for other framings.) Once it is *sealed*, its framing is in
 * place, and it only gets shorter, by what is sent of it.
 */
#ifndef RJSON_DUMP_FRAMED_CHUNK_H
#define RJSON_DUMP_FRAMED_CHUNK_H

#include "dump/bytes_chunk.h"
#include "dump/outlet.h"

/* What is appended to a document is at most this long. */
#define RJ_AFFIX_MAX 16

typedef struct rjpy_framed_chunk {
    rjpy_bytes_chunk chunk;
    size_t head;
    int http_chunked;
    int sealed;
} rjpy_framed_chunk;

/* For zeroed memory; allocates nothing yet. `size`: what the user asked for; the chunk is larger where it has to be. */
void rjpy_framed_chunk_init(rjpy_framed_chunk *f, size_t size, int http_chunked);
/* Bytes of output that wait in the chunk; 0 once it is sealed. */
static inline size_t
rjpy_framed_chunk_held(const rjpy_framed_chunk *f)
{
    return f->chunk.length && !f->sealed ? f->chunk.length - f->head : 0;
}
/* Bytes that documents may still take, an affix behind them not counted. -1 with MemoryError. */
Py_ssize_t rjpy_framed_chunk_room(rjpy_framed_chunk *f);
/* Where the next byte of output goes. */
static inline uint8_t *
rjpy_framed_chunk_end(const rjpy_framed_chunk *f)
{
    return rjpy_bytes_chunk_data(&f->chunk) + f->chunk.length;
}
/* Whether an affix of so many bytes fits. -1 with MemoryError. */
int rjpy_framed_chunk_has_room_for_affix(rjpy_framed_chunk *f, size_t length);
void rjpy_framed_chunk_append(rjpy_framed_chunk *f, const void *data, size_t length);
/* Takes output back, down to `held` bytes. */
void rjpy_framed_chunk_shorten(rjpy_framed_chunk *f, size_t held);
/* Everything in the chunk is to leave now. `last`: the HTTP body ends after it. Returns how much output that is; 0 if it was
 * sealed before. */
size_t rjpy_framed_chunk_seal(rjpy_framed_chunk *f, int last);
/* Sends a sealed chunk to a socket as far as that takes it at once, with the GIL held: no reason to hand the GIL to a busy
 * thread for its switch interval. 1 if all of it went; the chunk is empty then. Whatever the error, the rest is for the
 * transport, which knows what to do about it. */
int rjpy_framed_chunk_send(rjpy_framed_chunk *f, int fd);
/* Has an outlet send a sealed chunk. Unless it sent nothing, the chunk is empty then; if the outlet kept it, the next one is
 * another bytes object. */
rjpy_sent rjpy_framed_chunk_send_to(rjpy_framed_chunk *f, const rjpy_outlet *outlet);
/* A copy of the first `count` bytes of the output, which count as left; the chunk's memory is touched by nothing. Not with HTTP's framing.
 * NULL with MemoryError. */
PyObject *rjpy_framed_chunk_steal(rjpy_framed_chunk *f, size_t count);
/* What is left of a sealed chunk, which is empty afterwards; see rjpy_bytes_chunk_hand_out. */
PyObject *rjpy_framed_chunk_hand_out(rjpy_framed_chunk *f);

#endif
