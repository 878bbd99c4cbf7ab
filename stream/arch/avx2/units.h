/* See arch/sse4/units.h; long runs by blocks of 32 bytes. */
#ifndef RJSON_STREAM_ARCH_AVX2_UNITS_H
#define RJSON_STREAM_ARCH_AVX2_UNITS_H

/* See rj__special_units. */
RJ__INLINE __m256i
rj__avx2_special_units(__m256i v, int width)
{
    if (width == 2) {
        __m256i control = _mm256_cmpeq_epi16(_mm256_min_epu16(v, _mm256_set1_epi16(0x1f)), v);
        __m256i top = _mm256_and_si256(v, _mm256_set1_epi16((short)0xF800));
        __m256i surrogate = _mm256_cmpeq_epi16(top, _mm256_set1_epi16((short)0xD800));
        __m256i quote = _mm256_cmpeq_epi16(v, _mm256_set1_epi16('"'));
        __m256i backslash = _mm256_cmpeq_epi16(v, _mm256_set1_epi16('\\'));
        return _mm256_or_si256(_mm256_or_si256(control, surrogate), _mm256_or_si256(quote, backslash));
    }
    __m256i control = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x20), v);
    __m256i top = _mm256_and_si256(v, _mm256_set1_epi32((int)0xFFFFF800));
    __m256i surrogate = _mm256_cmpeq_epi32(top, _mm256_set1_epi32(0xD800));
    __m256i quote = _mm256_cmpeq_epi32(v, _mm256_set1_epi32('"'));
    __m256i backslash = _mm256_cmpeq_epi32(v, _mm256_set1_epi32('\\'));
    return _mm256_or_si256(_mm256_or_si256(control, surrogate), _mm256_or_si256(quote, backslash));
}

/* Nonzero if one of 32 units of two bytes is special. As bytes, which the others become 0x7f or 0x80, more of them
 * are compared at once. */
RJ__INLINE int
rj__avx2_any_special(__m256i a, __m256i b)
{
    __m256i tops = _mm256_packus_epi16(_mm256_srli_epi16(a, 11), _mm256_srli_epi16(b, 11));
    __m256i surrogate = _mm256_cmpeq_epi8(tops, _mm256_set1_epi8(0xD800 >> 11));
    __m256i special = _mm256_or_si256(surrogate, rj__avx2_special(_mm256_packs_epi16(a, b)));
    return !_mm256_testz_si256(special, special);
}

/* rj__avx2_any_special of 16 bytes. */
RJ__INLINE int
rj__avx2_any_special_of_few(__m256i v)
{
    __m256i special = rj__avx2_special_units(v, 2);
    return !_mm256_testz_si256(special, special);
}

#define RJ__HAS_UNIT_RUN 1

RJ__INLINE int
rj__copy_unit_run(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    src += i * (size_t)from;
    dst += i * (size_t)to;
    __m256i a = rj__avx2_load(src);
    if (from != to) {
        rj__avx2_store(dst, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)));
        rj__avx2_store(dst + 32, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
        return rj__avx2_any_special_of_few(a);
    }
    __m256i b = rj__avx2_load(src + 32);
    rj__avx2_store(dst, a);
    rj__avx2_store(dst + 32, b);
    /* What does not fit into two bytes becomes 0xffff. */
    return to == 2 ? rj__avx2_any_special(a, b) : rj__avx2_any_special_of_few(_mm256_packus_epi32(a, b));
}

/* See arch/sse4/units.h. */
RJ__INLINE uint64_t
rj__mark_units(const uint8_t *src, int width)
{
    uint64_t low = (unsigned)_mm256_movemask_epi8(rj__avx2_special_units(rj__avx2_load(src), width));
    return low | (uint64_t)(unsigned)_mm256_movemask_epi8(rj__avx2_special_units(rj__avx2_load(src + 32), width)) << 32;
}

RJ__INLINE uint64_t
rj__mark_last_units(const uint8_t *src, size_t left, int width)
{
    uint64_t last = (unsigned)_mm256_movemask_epi8(rj__avx2_special_units(rj__avx2_load(src + left - 32), width));
    if (left <= 32)
        return last >> (32 - left);
    return last << (left - 32) | (unsigned)_mm256_movemask_epi8(rj__avx2_special_units(rj__avx2_load(src), width));
}

#define RJ__HAS_WIDEN 1

RJ__INLINE void
rj__widen_bytes(const uint8_t *src, size_t length, void *dst, int to)
{
    for (size_t i = 0; i < length; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(src + i));
        uint8_t *at = (uint8_t *)dst + i * (size_t)to;
        if (to == 2) {
            rj__avx2_store(at, _mm256_cvtepu8_epi16(bytes));
        }
        else {
            rj__avx2_store(at, _mm256_cvtepu8_epi32(bytes));
            rj__avx2_store(at + 32, _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
        }
    }
}

#include "arch/sse4/units.h"

#endif
