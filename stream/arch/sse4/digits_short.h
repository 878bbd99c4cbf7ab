/* Reading decimals of up to 15 characters from 16 bytes (SSE4.1). See arch/common/decimal.h. */
#ifndef RJSON_STREAM_ARCH_SSE4_DIGITS_SHORT_H
#define RJSON_STREAM_ARCH_SSE4_DIGITS_SHORT_H

#include "number/digits8.h"
#include "arch/common/decimal.h"

/* Sixteen characters as the values of digits, and a bit for each that is none. */
RJ__INLINE __m128i
rj__load_digits16(const uint8_t *p, unsigned *others)
{
    __m128i v = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    *others = (unsigned)_mm_movemask_epi8(_mm_adds_epu8(v, _mm_set1_epi8(0x80 - 10)));
    return v;
}

/* From `n` on: the place from which each of 32 places gets its character, if the last of n comes last; below 0 where
 * there is none. */
static const int8_t rj__sources[64] = {-32, -31, -30, -29, -28, -27, -26, -25, -24, -23, -22, -21, -20, -19, -18, -17,
                                       -16, -15, -14, -13, -12, -11, -10, -9,  -8,  -7,  -6,  -5,  -4,  -3,  -2,  -1,
                                       0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,
                                       16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  31};

/* For 16 places: how to shuffle as many bytes so that the first n come last, zeros before them. */
RJ__INLINE __m128i
rj__move_right16(unsigned n)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(rj__sources + 16 + n));
}

/* Sixteen digits, each as its value, neighbours joined to pairs, to fours, to eights, to the whole. */
RJ__INLINE uint64_t
rj__join_digits16(__m128i v)
{
    v = _mm_maddubs_epi16(v, _mm_set1_epi16(0x010A));
    v = _mm_madd_epi16(v, _mm_set1_epi32(0x00010064));
    v = _mm_packus_epi32(v, v);
    v = _mm_madd_epi16(v, _mm_set1_epi32(0x00012710));
    uint64_t eights = (uint64_t)_mm_cvtsi128_si64(v);
    return (eights & 0xFFFFFFFF) * 100000000 + (eights >> 32);
}

RJ__INLINE int
rj__read_decimal(const uint8_t *p, rj__decimal *n)
{
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    unsigned others;
    __m128i v = rj__load_digits16(p, &others);
    if (!rj__find_end(p, others, n))
        return 0;
    __m128i order = rj__move_right16(n->length);
    if (n->decimals >= 0) /* digits before the point move over it */
        order = _mm_add_epi8(order, _mm_cmpgt_epi8(_mm_set1_epi8((char)(16 - n->decimals)), places));
    n->digits = rj__join_digits16(_mm_shuffle_epi8(v, order));
    return 1;
}

#endif
