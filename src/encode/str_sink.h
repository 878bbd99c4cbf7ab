/*
 * The sink of dumps: a str in the making. Its windows take Latin-1. As long as every character fits into one byte
 * they are pieces of the block that becomes the str; from the first wider string on they are scratch memory, what
 * they hold is widened when they come back, and wide strings are written right behind (encode/walk/wide_strings.h).
 */
#ifndef RJSON_ENCODE_STR_SINK_H
#define RJSON_ENCODE_STR_SINK_H

#include "cpython/str_access.h"

/* Signals and other threads have their turn whenever the str has grown by so much (as a power of two). */
#define RJ_PACE_BITS 20

typedef struct rjpy_str_sink {
    rj_sink base;
    rj_memory_sink narrow;   /* while width is 1 */
    int width;               /* bytes of a character: 1, 2 or 4 */
    int was_narrowed;        /* a surrogate has become something else: the str may be narrower than its strings were */
    uint8_t *block;          /* while width is not 1: RJ_WIDE_PREFIX free bytes, then characters; owned */
    size_t length, capacity; /* of the block, in characters, without the spare one at the end */
    size_t limit;            /* up to this length short strings can be written without a look at anything else */
    size_t hint;
    uint8_t *scratch;
    size_t scratch_size;
} rjpy_str_sink;

/* `hint`: the expected length. `non_ascii`: the str is expected to hold characters from 0x80 to 0xFF. `scratch`:
 * borrowed, of at least RJ_CHUNK_MIN + 128 bytes; `starts_there`: the first window lies in it, because the result is
 * expected to be small. */
void rjpy_str_sink_init(rjpy_str_sink *s, size_t hint, int non_ascii, uint8_t *scratch, size_t scratch_size,
                        int starts_there);
/* Changes to characters of `width` bytes. No window is out. 0, or -1 with MemoryError. */
int rjpy_str_sink_widen(rjpy_str_sink *s, int width);
/* Room for so many more characters; 0, or -1 with MemoryError. Only where width is not 1. */
int rjpy_str_sink_reserve(rjpy_str_sink *s, size_t count);
/* Appends the characters of a ready str whose width is at most the sink's, and that is not 1. No window is out. */
int rjpy_str_sink_append(rjpy_str_sink *s, PyObject *str);
/* To be called when the length has passed the limit. */
void rjpy_str_sink_set_limit(rjpy_str_sink *s);
/* The str, new, after the last window was taken; NULL with an exception. `non_ascii`: one of its characters is no ASCII. */
PyObject *rjpy_str_sink_finish(rjpy_str_sink *s, int non_ascii);

/* Where the next character goes; `width` is the sink's, and not 1. */
RJ__INLINE uint8_t *
rjpy_str_sink_place(const rjpy_str_sink *s, int width)
{
    return s->block + RJ_WIDE_PREFIX + s->length * (size_t)width;
}

RJ__INLINE void *
rjpy_str_sink_end(const rjpy_str_sink *s)
{
    return rjpy_str_sink_place(s, s->width);
}

#endif
