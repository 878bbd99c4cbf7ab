/* See units_generic.h; by blocks of 16 bytes, for SSE4.2 and AVX2. 16 bytes before the units must be readable, as a str's header is. */
#ifndef RJSON_UNITS_SSE_H
#define RJSON_UNITS_SSE_H

/* Which units of `width` bytes must be escaped or are surrogates: all bits of each. */
RJ__INLINE __m128i
rj__special_units(__m128i v, int width)
{
    if (width == 2) {
        __m128i control = _mm_cmpeq_epi16(_mm_min_epu16(v, _mm_set1_epi16(0x1f)), v);
        __m128i surrogate = _mm_cmpeq_epi16(_mm_and_si128(v, _mm_set1_epi16((short)0xF800)), _mm_set1_epi16((short)0xD800));
        __m128i sign = _mm_or_si128(_mm_cmpeq_epi16(v, _mm_set1_epi16('"')), _mm_cmpeq_epi16(v, _mm_set1_epi16('\\')));
        return _mm_or_si128(_mm_or_si128(control, surrogate), sign);
    }
    __m128i control = _mm_cmplt_epi32(v, _mm_set1_epi32(0x20));
    __m128i surrogate = _mm_cmpeq_epi32(_mm_and_si128(v, _mm_set1_epi32((int)0xFFFFF800)), _mm_set1_epi32(0xD800));
    __m128i sign = _mm_or_si128(_mm_cmpeq_epi32(v, _mm_set1_epi32('"')), _mm_cmpeq_epi32(v, _mm_set1_epi32('\\')));
    return _mm_or_si128(_mm_or_si128(control, surrogate), sign);
}

/* A block of the target's units, from as many of the source's. */
RJ__INLINE __m128i
rj__load_units(const uint8_t *src, int from, int to)
{
    if (from == to)
        return _mm_loadu_si128((const __m128i *)(const void *)src);
    return _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)src));
}

/* Copies a block from the i-th unit on; returns what is special. */
RJ__INLINE __m128i
rj__copy_unit_block(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    __m128i v = rj__load_units(src + i * (size_t)from, from, to);
    _mm_storeu_si128((__m128i *)(void *)(dst + i * (size_t)to), v);
    return rj__special_units(v, to);
}

#define RJ__FEW_UNITS(to) (32 / (to))

/* The last `size` bytes before `end`, at most 16, moved to the front: one load that ends where they end. */
RJ__INLINE __m128i
rj__load_before(const uint8_t *end, size_t size)
{
    return rj__shift_to_front(_mm_loadu_si128((const __m128i *)(const void *)(end - 16)), size);
}

RJ__INLINE void
rj__store_units(uint8_t *dst, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)dst, v);
}

/* Up to two blocks, without a branch on their length: each from a load that ends where it ends. */
RJ__INLINE int
rj__copy_few_units(const void *source, int from, size_t length, void *target, int to)
{
    const uint8_t *src = source;
    uint8_t *dst = target;
    size_t size = length * (size_t)from, first = size < 16 ? size : 16;
    __m128i a = rj__load_before(src + first, first), b;
    if (from == to) {
        b = rj__load_before(src + size, size - first);
    }
    else {
        b = _mm_cvtepu16_epi32(_mm_srli_si128(a, 8));
        a = _mm_cvtepu16_epi32(a);
    }
    rj__store_units(dst, a);
    rj__store_units(dst + 16, b);
    size = length * (size_t)to;
    unsigned special =
        (unsigned)_mm_movemask_epi8(rj__special_units(a, to)) | (unsigned)_mm_movemask_epi8(rj__special_units(b, to)) << 16;
    return (special & (((uint64_t)1 << size) - 1)) != 0;
}

#if !defined(RJ__HAS_UNIT_RUN)
/* 64 bytes of the target's units; nonzero if one is special. */
RJ__INLINE int
rj__copy_unit_run(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    size_t block = 16 / (size_t)to;
    __m128i special = _mm_setzero_si128();
    for (size_t j = i; j < i + 4 * block; j += block)
        special = _mm_or_si128(special, rj__copy_unit_block(src, from, j, dst, to));
    return !_mm_testz_si128(special, special);
}
#endif

/* Of so many units blocks are stored where blocks should begin; see steps_lanes.h. */
#define RJ__ALIGNED_UNITS 1024

RJ__INLINE size_t
rj__first_special(__m128i special, int to)
{
    return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special)) / (size_t)to;
}

RJ__INLINE size_t
rj__copy_clean_units(const void *source, int from, size_t length, void *target, int to)
{
    const uint8_t *src = source;
    uint8_t *dst = target;
    size_t block = 16 / (size_t)to, i = 0;
    if (length < block) {
        size_t size = length * (size_t)from;
        __m128i v = rj__load_before(src + size, size);
        if (from != to)
            v = _mm_cvtepu16_epi32(v);
        rj__store_units(dst, v);
        unsigned special = (unsigned)_mm_movemask_epi8(rj__special_units(v, to)) | 1u << length * (size_t)to;
        return (size_t)__builtin_ctz(special) / (size_t)to;
    }
    if (length >= RJ__ALIGNED_UNITS && RJ__LIKELY(!rj__copy_unit_run(src, from, 0, dst, to)))
        i = -(uintptr_t)dst % 32 / (size_t)to;
    while (i + 4 * block <= length && RJ__LIKELY(!rj__copy_unit_run(src, from, i, dst, to)))
        i += 4 * block;
    while (i < length) {
        size_t at = length - i < block ? length - block : i; /* the last one overlaps the last but one */
        __m128i special = rj__copy_unit_block(src, from, at, dst, to);
        if (RJ__UNLIKELY(!_mm_testz_si128(special, special)))
            return at + rj__first_special(special, to);
        i = at + block;
    }
    return length;
}

#include "widen_generic.h"

#endif
