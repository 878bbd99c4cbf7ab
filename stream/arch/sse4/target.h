/*
 * SSE4.2: 16 bytes at a time. Everything after this header is compiled for SSE4.2 and POPCNT, so it is included
 * last. The choice at run time is in dispatch.c.
 */
#ifndef RJSON_STREAM_ARCH_SSE4_TARGET_H
#define RJSON_STREAM_ARCH_SSE4_TARGET_H

#include "arch/common/scalar_block.h"
#include "arch/common/set.h"

#include <immintrin.h>

#if defined(__clang__)
#define RJ__ENDS_ATTRIBUTE 1
#pragma clang attribute push(__attribute__((target("sse4.2,popcnt"))), apply_to = function)
#else
#pragma GCC target("sse4.2,popcnt")
#endif

#define RJ__SET sse4
#define RJ__BLOCK 16

#include "arch/sse4/block.h"
#include "arch/sse4/lanes.h"

/* See block.h. */
RJ__INLINE size_t
rj__copy_clean_blocks(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    const uint8_t *begin = src, *last = src + length - 16;
    uint8_t *last_dst = dst + length - 16;
    for (; src < last; src += 16, dst += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)src);
        _mm_storeu_si128((__m128i *)(void *)dst, v);
        __m128i special = rj__special_ascii16(v, printable_only);
        if (RJ__UNLIKELY(!_mm_testz_si128(special, special)))
            return 1 + (size_t)(src - begin);
    }
    return rj__sse_copy_clean_to_16(last, 16, last_dst, printable_only) ? 1 + (size_t)(src - begin) : 0;
}

/* See arch/avx2/block.h. */
RJ__INLINE int
rj__copy_plain_block(const uint8_t *src, uint8_t *dst, int ascii_only, int printable_only)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)src);
    _mm_storeu_si128((__m128i *)(void *)dst, v);
    __m128i special = ascii_only ? rj__special_ascii16(v, printable_only) : rj__special16(v);
    if (ascii_only)
        special = _mm_or_si128(special, v); /* by the high bits */
    return _mm_movemask_epi8(special) == 0;
}

#endif
