/* See wide_sse.h; eight units of two bytes in 32-bit lanes of one register. */
#ifndef RJSON_WIDE_AVX2_H
#define RJSON_WIDE_AVX2_H

#define RJ__HAS_WIDE_EIGHT 1

RJ__INLINE uint8_t *rj__put_packed(__m128i lanes, unsigned ones, unsigned twos, uint8_t *dst);

RJ__INLINE void
rj__put_eight_threes(__m128i v, uint8_t *dst)
{
    const __m256i squeeze = _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6, 8, 9,
                                             10, 12, 13, 14, -1, -1, -1, -1);
    __m256i c = _mm256_cvtepu16_epi32(v);
    __m256i middle = _mm256_and_si256(_mm256_slli_epi32(c, 2), _mm256_set1_epi32(0x3f00));
    __m256i last = _mm256_and_si256(_mm256_slli_epi32(c, 16), _mm256_set1_epi32(0x3f0000));
    __m256i bytes = _mm256_or_si256(_mm256_or_si256(_mm256_srli_epi32(c, 12), middle),
                                    _mm256_or_si256(last, _mm256_set1_epi32(0x8080E0)));
    bytes = _mm256_shuffle_epi8(bytes, squeeze);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)(dst + 12), _mm256_extracti128_si256(bytes, 1));
}

/* See rj__put_four: none of these needs four bytes. */
RJ__INLINE uint8_t *
rj__put_eight_any(__m128i v, uint8_t *dst)
{
    __m256i c = _mm256_cvtepu16_epi32(v);
    __m256i two = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7f)), three = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7ff));
    __m256i first = _mm256_and_si256(_mm256_srli_epi32(c, 4), _mm256_set1_epi32(0x3f00));
    __m256i last_two = _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi32(c, 10), _mm256_set1_epi32(0x3f0000)),
                                       _mm256_and_si256(_mm256_slli_epi32(c, 24), _mm256_set1_epi32(0x3f000000)));
    __m256i marks = _mm256_blendv_epi8(_mm256_set1_epi32((int)0x80C00000), _mm256_set1_epi32((int)0x8080E000), three);
    __m256i lanes = _mm256_or_si256(_mm256_or_si256(first, last_two), marks);
    lanes = _mm256_blendv_epi8(_mm256_slli_epi32(c, 24), lanes, two);
    unsigned ones = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_xor_si256(two, three)));
    unsigned twos = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(three));
    dst = rj__put_packed(_mm256_castsi256_si128(lanes), ones & 15, twos & 15, dst);
    return rj__put_packed(_mm256_extracti128_si256(lanes, 1), ones >> 4, twos >> 4, dst);
}

#include "wide_sse.h"

#endif
