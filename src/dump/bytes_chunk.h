/*
 * A chunk that is a bytes object, so that it can be handed to Python without a copy. It is written to again only if nobody
 * kept a reference to it.
 */
#ifndef RJSON_DUMP_BYTES_CHUNK_H
#define RJSON_DUMP_BYTES_CHUNK_H

#include "py.h"

typedef struct rjpy_bytes_chunk {
    PyObject *bytes; /* owned, or NULL */
    size_t capacity; /* of every bytes object that is made */
    size_t start;    /* where the output begins */
    size_t length;   /* where it ends; 0: the chunk is empty */
} rjpy_bytes_chunk;

/* Makes the chunk writable: drops a bytes object that was handed out and kept. -1 with MemoryError. */
int rjpy_bytes_chunk_prepare(rjpy_bytes_chunk *chunk);
static inline uint8_t *
rjpy_bytes_chunk_data(const rjpy_bytes_chunk *chunk)
{
    return (uint8_t *)PyBytes_AS_STRING(chunk->bytes);
}
/* The output as a bytes object: a new reference to the chunk's own, or a copy where most of it would be waste. (If
 * it does not begin at 0, a memoryview of the chunk's own.) The chunk is empty afterwards. NULL with MemoryError. */
PyObject *rjpy_bytes_chunk_hand_out(rjpy_bytes_chunk *chunk);
/* Empties the chunk; its memory stays. */
void rjpy_bytes_chunk_reset(rjpy_bytes_chunk *chunk);
void rjpy_bytes_chunk_clear(rjpy_bytes_chunk *chunk);

/* The chunk size to use for what the user asked for: at least RJ_CHUNK_MIN. -1 with ValueError for less than 1 or
 * too much. */
int rjpy_chunk_size_from(Py_ssize_t wanted, size_t *size);

#endif
