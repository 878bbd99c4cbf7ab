/* Long decimals from 32 bytes, which VBMI permutes; short ones from 16, since fewer of them lie across cache lines. See decimal.h. */
#ifndef RJSON_DIGITS_AVX512_H
#define RJSON_DIGITS_AVX512_H

#include "digits_short_sse.h"

/* From `n` on: the place from which each of 32 places gets its character, if the last of n comes last. */
static const int8_t rj__sources[64] = {-32, -31, -30, -29, -28, -27, -26, -25, -24, -23, -22, -21, -20, -19, -18, -17,
                                       -16, -15, -14, -13, -12, -11, -10, -9,  -8,  -7,  -6,  -5,  -4,  -3,  -2,  -1,
                                       0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,
                                       16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  31};

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
    if (RJ__UNLIKELY(others == 0))
        return 0;
    unsigned point = (unsigned)__builtin_ctz(others), end = point, digits = point;
    __mmask32 before = 0;
    n->decimals = -1;
    if (p[point] == '.') {
        others &= others - 1;
        if (RJ__UNLIKELY(others == 0))
            return 0;
        end = (unsigned)__builtin_ctz(others);
        digits = end - 1;
        n->decimals = (int)(digits - point);
        before = 0xFFFFFFFFu >> n->decimals; /* these digits move over the point */
    }
    if (RJ__UNLIKELY(digits > RJ__DECIMAL_DIGITS))
        return 0;
    __m256i sources = _mm256_loadu_si256((const __m256i *)(const void *)(rj__sources + end));
    sources = _mm256_mask_add_epi8(sources, before, sources, _mm256_set1_epi8(-1));
    n->length = end;
    n->digits = rj__join_digits24(_mm256_maskz_permutexvar_epi8(~(0xFFFFFFFFu >> digits), sources, v));
    return 1;
}

#endif
