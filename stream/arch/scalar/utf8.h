/* UTF-8 to characters without vectors: one by one. */
#ifndef RJSON_STREAM_ARCH_SCALAR_UTF8_H
#define RJSON_STREAM_ARCH_SCALAR_UTF8_H

#include "text/utf8_extent.h"

#define RJ__EXTENT_LANES 16
/* So many blocks can be counted in a byte. */
#define RJ__EXTENT_RUN 255

/* Sums and maxima by lanes, which compilers turn into vectors. */
RJ__INLINE size_t
rj__utf8_measure_blocks(const uint8_t *s, size_t blocks, uint8_t *highest)
{
    uint8_t begins[RJ__EXTENT_LANES] = {0};
    size_t count = 0;
    for (size_t i = 0; i < blocks; i++)
        for (size_t j = 0; j < RJ__EXTENT_LANES; j++) {
            uint8_t c = s[i * RJ__EXTENT_LANES + j];
            begins[j] = (uint8_t)(begins[j] + ((int8_t)c > -65));
            highest[j] = c > highest[j] ? c : highest[j];
        }
    for (size_t j = 0; j < RJ__EXTENT_LANES; j++)
        count += begins[j];
    return count;
}

RJ__INLINE rj__utf8_extent
rj__utf8_measure(const uint8_t *s, size_t length, int beyond)
{
    (void)beyond;
    rj__utf8_extent extent = {0, 0, 0};
    uint8_t highest[RJ__EXTENT_LANES] = {0};
    size_t i = 0, blocks;
    for (; (blocks = (length - i) / RJ__EXTENT_LANES) > 0; i += blocks * RJ__EXTENT_LANES) {
        blocks = blocks < RJ__EXTENT_RUN ? blocks : RJ__EXTENT_RUN;
        extent.characters += rj__utf8_measure_blocks(s + i, blocks, highest);
    }
    for (size_t j = 0; j < RJ__EXTENT_LANES; j++)
        extent.highest = highest[j] > extent.highest ? highest[j] : extent.highest;
    for (; i < length; i++) {
        extent.characters += (int8_t)s[i] > -65;
        extent.highest = s[i] > extent.highest ? s[i] : extent.highest;
    }
    return extent;
}

/* Characters of `length` bytes (at least one), as many as one block has, to `out`, where there are `room` bytes;
 * each has `width` bytes (1, 2 or 4), which is known to be enough for them. Returns how many bytes they were, and in
 * *characters their number; 0 where vectors are of no help: what comes next may be malformed. `beyond`: whether 19
 * bytes may be read from any of these on. `surrogates`: whether they are welcome. */
RJ__INLINE size_t
rj__utf8_block(const uint8_t *s, size_t length, int beyond, const rj__utf8_extent *extent, void *out, size_t room, int width,
               int surrogates, size_t *characters)
{
    (void)s, (void)length, (void)beyond, (void)extent, (void)out, (void)room, (void)width, (void)surrogates,
        (void)characters;
    return 0;
}

#endif
