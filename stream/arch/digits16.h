/* Sixteen decimal digits at once, and a point between them: with SSE2, which every x86-64 has, or in general registers. */
#ifndef RJSON_DIGITS16_H
#define RJSON_DIGITS16_H

#include "../number.h"

/* What both ways offer:
 *     rj__digits16 d = rj__split_digits16(n)   the digits of n < 10^16
 *     rj__digits16_from9(first8, ninth)        of eight digits and one, zeros behind them
 *     rj__significant16(d)                     how many there are up to the last that is not zero; there must be one
 *     rj__put_digits16(p, d)                   stores them: 16 bytes
 *     rj__put_pointed16(p, d, point)           stores them with a '.' before digit `point` (1 to 15): 17 bytes */

#if defined(__SSE2__)

#include <emmintrin.h>

typedef struct rj__digits16 {
    __m128i values; /* 0 to 9, the first digit in the lowest byte */
} rj__digits16;

/* Vectors of the factors below. In memory, because compilers build vector constants anew for every number otherwise, and turn
 * multiplications by known factors into longer rows of shifts and additions. */
typedef struct rj__digit_factors {
    uint64_t reciprocal_10000[2], ten_thousand[2];
    uint16_t reciprocal_100[8], hundred[8], reciprocal_10[8], ten[8];
} rj__digit_factors;

extern const rj__digit_factors rj__digit_factors16;
extern const uint64_t rj__ifma_factors[8];
extern const uint8_t rj__point_places[16][16], rj__point_zeros[32];

RJ__INLINE __m128i
rj__load_factor(const void *factor)
{
    return _mm_load_si128((const __m128i *)factor);
}

/* Each step splits every lane in two, dividing by a multiplication with a rounded-up reciprocal that is exact for the lane's
 * range: 8 digits in 64 bits, 4 in 32, 2 in 16, 1 in 8. */
#if defined(RJ__HAS_IFMA)

/* Eight digits at once (after Daniel Lemire and Wojciech Mula, "Converting integers to decimal strings faster with AVX-512"): each
 * lane multiplies n < 10^8 by 2^52 / 10^i, and what it keeps of the product, 52 bits, is n / 10^i behind the point; ten times
 * that is a digit and the rest. n + 1 in place of n makes up for the factors' having been rounded down: their error, below
 * 10^8, is less than what one more adds. */
RJ__INLINE __m512i
rj__digits_of_lanes(uint64_t n)
{
    __m512i factors = _mm512_load_si512((const void *)rj__ifma_factors);
    __m512i behind = _mm512_madd52lo_epu64(factors, _mm512_set1_epi64((long long)n), factors);
    return _mm512_madd52hi_epu64(_mm512_setzero_si512(), behind, _mm512_set1_epi64(10));
}

RJ__INLINE rj__digits16
rj__split_digits16(uint64_t n)
{
    uint64_t high = n / 100000000;
    const __m512i lowest_bytes =
        _mm512_castsi128_si512(_mm_setr_epi8(0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120));
    __m512i digits =
        _mm512_permutex2var_epi8(rj__digits_of_lanes(high), lowest_bytes, rj__digits_of_lanes(n - high * 100000000));
    return (rj__digits16){_mm512_castsi512_si128(digits)};
}

#else

RJ__INLINE rj__digits16
rj__split_digits16(uint64_t n)
{
    const rj__digit_factors *by = &rj__digit_factors16;
    uint64_t high = n / 100000000, low = n - high * 100000000;
    __m128i eights = _mm_set_epi64x((long long)low, (long long)high);
    __m128i q = _mm_srli_epi64(_mm_mul_epu32(eights, rj__load_factor(by->reciprocal_10000)), 45);
    __m128i r = _mm_sub_epi32(eights, _mm_mul_epu32(q, rj__load_factor(by->ten_thousand)));
    __m128i fours = _mm_or_si128(q, _mm_slli_epi64(r, 32));
    q = _mm_srli_epi16(_mm_mulhi_epu16(fours, rj__load_factor(by->reciprocal_100)), 3);
    r = _mm_sub_epi16(fours, _mm_mullo_epi16(q, rj__load_factor(by->hundred)));
    __m128i twos = _mm_or_si128(q, _mm_slli_epi32(r, 16));
    q = _mm_mulhi_epu16(twos, rj__load_factor(by->reciprocal_10));
    r = _mm_sub_epi16(twos, _mm_mullo_epi16(q, rj__load_factor(by->ten)));
    return (rj__digits16){_mm_or_si128(q, _mm_slli_epi16(r, 8))};
}

#endif

RJ__INLINE rj__digits16
rj__digits16_from9(uint32_t first8, uint32_t ninth)
{
    return (rj__digits16){_mm_set_epi64x(ninth, (long long)rj__digits8(first8))};
}

RJ__INLINE int
rj__significant16(rj__digits16 d)
{
    unsigned nonzero = (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(d.values, _mm_setzero_si128()));
    return 32 - __builtin_clz(nonzero);
}

RJ__INLINE __m128i
rj__ascii16(rj__digits16 d)
{
    return _mm_or_si128(d.values, _mm_set1_epi8('0'));
}

RJ__INLINE void
rj__put_digits16(uint8_t *p, rj__digits16 d)
{
    _mm_storeu_si128((__m128i *)(void *)p, rj__ascii16(d));
}

#if defined(RJ__HAS_SHUFFLE)

/* One shuffle makes room for the point. The first mask is a row of a table that holds, for each point, the digits' places; the
 * second, a window on a row of zeros with a point in the middle, makes characters of them. */
RJ__INLINE void
rj__put_pointed16(uint8_t *p, rj__digits16 d, int point)
{
    __m128i places = _mm_load_si128((const __m128i *)(const void *)rj__point_places[point]);
    __m128i zeros = _mm_loadu_si128((const __m128i *)(const void *)(rj__point_zeros + 15 - point));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_add_epi8(_mm_shuffle_epi8(d.values, places), zeros));
    p[16] = (uint8_t)('0' + (_mm_extract_epi16(d.values, 7) >> 8));
}

#else

/* The digits before the point come from the text as it is, those behind it from the text moved up by one byte. The masks are
 * windows on one row of bytes: ones, the point's place, zeros. */
RJ__INLINE void
rj__put_pointed16(uint8_t *p, rj__digits16 d, int point)
{
#define X15(c) c, c, c, c, c, c, c, c, c, c, c, c, c, c, c
    static const uint8_t before[31] = {X15(0xff), X15(0), 0}, after[31] = {X15(0), 0, X15(0xff)};
    static const uint8_t dot[31] = {X15(0), '.', X15(0)};
#undef X15
    __m128i text = rj__ascii16(d), moved = _mm_slli_si128(text, 1);
    __m128i out = _mm_and_si128(text, _mm_loadu_si128((const __m128i *)(const void *)(before + 15 - point)));
    out = _mm_or_si128(out, _mm_and_si128(moved, _mm_loadu_si128((const __m128i *)(const void *)(after + 15 - point))));
    out = _mm_or_si128(out, _mm_loadu_si128((const __m128i *)(const void *)(dot + 15 - point)));
    _mm_storeu_si128((__m128i *)(void *)p, out);
    p[16] = (uint8_t)(_mm_extract_epi16(text, 7) >> 8);
}

#endif

#else

__extension__ typedef unsigned __int128 rj__text16;

typedef struct rj__digits16 {
    uint64_t first8, last8; /* values 0 to 9, the first digit in the lowest byte */
} rj__digits16;

RJ__INLINE rj__digits16
rj__split_digits16(uint64_t n)
{
    return (rj__digits16){rj__digits8((uint32_t)(n / 100000000)), rj__digits8((uint32_t)(n % 100000000))};
}

RJ__INLINE rj__digits16
rj__digits16_from9(uint32_t first8, uint32_t ninth)
{
    return (rj__digits16){rj__digits8(first8), ninth};
}

RJ__INLINE int
rj__significant8(uint64_t digits)
{
    return 8 - __builtin_clzll(digits) / 8;
}

RJ__INLINE int
rj__significant16(rj__digits16 d)
{
    return d.last8 ? 8 + rj__significant8(d.last8) : rj__significant8(d.first8);
}

RJ__INLINE void
rj__put_digits16(uint8_t *p, rj__digits16 d)
{
    rj__store8(p, d.first8 | RJ__ASCII_ZEROS);
    rj__store8(p + 8, d.last8 | RJ__ASCII_ZEROS);
}

RJ__INLINE void
rj__put_pointed16(uint8_t *p, rj__digits16 d, int point)
{
    rj__text16 text = (rj__text16)(d.last8 | RJ__ASCII_ZEROS) << 64 | (d.first8 | RJ__ASCII_ZEROS);
    rj__text16 before = ((rj__text16)1 << (8 * point)) - 1;
    rj__text16 out = (text & before) | (rj__text16)'.' << (8 * point) | (text & ~before) << 8;
    rj__store8(p, (uint64_t)out);
    rj__store8(p + 8, (uint64_t)(out >> 64));
    p[16] = (uint8_t)(text >> 120);
}

#endif
#endif
