/* What UTF-8 becomes as a string of characters of one width. */
#ifndef RJSON_STREAM_TEXT_UTF8_EXTENT_H
#define RJSON_STREAM_TEXT_UTF8_EXTENT_H

#include <stddef.h>
#include <stdint.h>

typedef struct rj__utf8_extent {
    size_t characters; /* bytes that begin one: all but those that continue one */
    uint8_t highest;   /* byte, or another of its class: below 0xC4, 0xE0, 0xF0, or beyond */
    int is_sound;      /* it is known to be well-formed, without surrogates; 0 tells nothing */
} rj__utf8_extent;

#endif
