/* See units_sse.h; long runs by blocks of 32 bytes. */
#ifndef RJSON_UNITS_AVX2_H
#define RJSON_UNITS_AVX2_H

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

#define RJ__HAS_UNIT_RUN 1

RJ__INLINE int
rj__copy_unit_run(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    size_t block = 32 / (size_t)to;
    __m256i special = _mm256_setzero_si256();
    for (size_t j = i; j < i + 2 * block; j += block) {
        const uint8_t *units = src + j * (size_t)from;
        __m256i v =
            from == to ? rj__avx2_load(units) : _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)units));
        rj__avx2_store(dst + j * (size_t)to, v);
        special = _mm256_or_si256(special, rj__avx2_special_units(v, to));
    }
    return !_mm256_testz_si256(special, special);
}

/* See units_sse.h. */
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

#include "units_sse.h"

#endif
