/* Sixteen digits at once: with SSE2, which every x86-64 has, or as two halves in general registers. */
#ifndef RJSON_DIGITS16_H
#define RJSON_DIGITS16_H

#include "../number.h"

/* The digit values of n < 10^16, eight in each word, the first digit in the first word's lowest byte. */
typedef struct rj__digits16 {
    uint64_t first8, last8;
} rj__digits16;

#if defined(__SSE2__)

#include <emmintrin.h>

/* Each step splits every lane in two, dividing by a multiplication with a rounded-up reciprocal that is exact for the lane's
 * range: 8 digits in 64 bits, 4 in 32, 2 in 16, 1 in 8. */
RJ__INLINE rj__digits16
rj__split_digits16(uint64_t n)
{
    uint64_t high = n / 100000000, low = n - high * 100000000;
    __m128i eights = _mm_set_epi64x((long long)low, (long long)high);
    __m128i q = _mm_srli_epi64(_mm_mul_epu32(eights, _mm_set1_epi64x(3518437209)), 45); /* / 10^4 */
    __m128i r = _mm_sub_epi32(eights, _mm_mul_epu32(q, _mm_set1_epi64x(10000)));
    __m128i fours = _mm_or_si128(q, _mm_slli_epi64(r, 32));
    q = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)), 3); /* / 100 */
    r = _mm_sub_epi16(fours, _mm_mullo_epi16(q, _mm_set1_epi16(100)));
    __m128i twos = _mm_or_si128(q, _mm_slli_epi32(r, 16));
    q = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554)); /* / 10 */
    r = _mm_sub_epi16(twos, _mm_mullo_epi16(q, _mm_set1_epi16(10)));
    __m128i ones = _mm_or_si128(q, _mm_slli_epi16(r, 8));
    return (rj__digits16){(uint64_t)_mm_cvtsi128_si64(ones), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(ones, ones))};
}

#else

RJ__INLINE rj__digits16
rj__split_digits16(uint64_t n)
{
    return (rj__digits16){rj__digits8((uint32_t)(n / 100000000)), rj__digits8((uint32_t)(n % 100000000))};
}

#endif
#endif
