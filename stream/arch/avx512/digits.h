/* Long decimals from 32 bytes, which VBMI permutes; short ones from 16, since fewer of them lie across cache lines.
 * See arch/common/decimal.h. */
#ifndef RJSON_STREAM_ARCH_AVX512_DIGITS_H
#define RJSON_STREAM_ARCH_AVX512_DIGITS_H

#include "arch/sse4/digits_short.h"

/* The last 24 of 32 digits, each as its value: neighbours are joined to pairs, to fours, to eights, to the whole. */
RJ__INLINE uint64_t
rj__join_digits24(__m256i v)
{
    v = _mm256_maddubs_epi16(v, _mm256_set1_epi16(0x010A));
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00010064));
    v = _mm256_packus_epi32(v, v);
    v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00012710));
    uint64_t first = (uint64_t)_mm_cvtsi128_si64(_mm256_castsi256_si128(v)) >> 32;
    uint64_t eights = (uint64_t)_mm_cvtsi128_si64(_mm256_extracti128_si256(v, 1));
    return first * 10000000000000000u + (eights & 0xFFFFFFFF) * 100000000 + (eights >> 32);
}

RJ__INLINE int
rj__read_long_decimal(const uint8_t *p, rj__decimal *n)
{
    __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)p), _mm256_set1_epi8('0'));
    unsigned others = (unsigned)_mm256_movemask_epi8(_mm256_adds_epu8(v, _mm256_set1_epi8(0x80 - 10)));
    if (!rj__find_end(p, others, n))
        return 0;
    unsigned has_point = n->decimals >= 0, digits = n->length - has_point;
    if (RJ__UNLIKELY(digits > RJ__DECIMAL_DIGITS))
        return 0;
    __m256i sources = _mm256_loadu_si256((const __m256i *)(const void *)(rj__sources + n->length));
    if (has_point) /* digits before it move over it */
        sources = _mm256_mask_add_epi8(sources, 0xFFFFFFFFu >> n->decimals, sources, _mm256_set1_epi8(-1));
    n->digits = rj__join_digits24(_mm256_maskz_permutexvar_epi8(~(0xFFFFFFFFu >> digits), sources, v));
    return 1;
}

#endif
