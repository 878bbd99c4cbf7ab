/* HTTP/1.1's chunked coding (RFC 9112, section 7.1), written in place around output. */
#ifndef RJSON_STREAM_SINKS_HTTP_CHUNK_H
#define RJSON_STREAM_SINKS_HTTP_CHUNK_H

#include "internal.h"

#define RJ__HTTP_CRLF "\r\n"
#define RJ__HTTP_LAST_CHUNK "0\r\n\r\n"
/* A size line of any size_t. */
#define RJ__HTTP_SIZE_LINE_MAX (2 * sizeof(size_t) + 2)

/* Writes the size line of a chunk of `size` bytes so that it ends at `end`. Returns where it begins. */
static inline uint8_t *
rj__http_put_size_line(uint8_t *end, size_t size)
{
    uint8_t *p = end - 2;
    memcpy(p, RJ__HTTP_CRLF, 2);
    do {
        *--p = (uint8_t) "0123456789ABCDEF"[size & 15];
        size >>= 4;
    } while (size);
    return p;
}

#endif
