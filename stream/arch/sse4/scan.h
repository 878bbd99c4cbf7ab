/* Sixteen bytes in an SSE register. See arch/scalar/scan.h. */
#ifndef RJSON_STREAM_ARCH_SSE4_SCAN_H
#define RJSON_STREAM_ARCH_SSE4_SCAN_H

#define RJ__SCAN_BLOCK 16
#define RJ__SCAN_SHIFT 0

RJ__INLINE uint64_t
rj__scan_special(const uint8_t *p, uint64_t *high)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    *high = (unsigned)_mm_movemask_epi8(v);
    return (unsigned)_mm_movemask_epi8(rj__special16(v));
}

/* The four are told apart by their low halves, so one shuffle says which byte could be white space there. */
RJ__INLINE uint64_t
rj__scan_solid(const uint8_t *p)
{
    const __m128i spaces = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i space = _mm_cmpeq_epi8(_mm_shuffle_epi8(spaces, v), v);
    return (unsigned)_mm_movemask_epi8(space) ^ 0xFFFFu;
}

#include "arch/scalar/scan_long.h"

#endif
