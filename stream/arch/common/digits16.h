/* Seventeen decimal digits at once, and a point between them: with SSE2, which every x86-64 has, or in general registers. */
#ifndef RJSON_STREAM_ARCH_COMMON_DIGITS16_H
#define RJSON_STREAM_ARCH_COMMON_DIGITS16_H

#include "number/number.h"

/* What all ways offer:
 *     rj__digits16 d = rj__split_digits16(n)   the digits of n < 10^16
 *     rj__digits16_from9(first8, ninth)        of eight digits and one, zeros behind them
 *     rj__put_pointed17(p, &digits, point)     stores a number's digits (rj__digits17) with a point behind the first `point` of them, from
 *                                              RJ__POINT_FIRST to RJ__POINT_LAST; "0." and zeros come before them where that is not positive.
 *                                              Returns where the last that is not zero ends; one must be. 32 bytes */
#define RJ__POINT_FIRST (-3)
#define RJ__POINT_LAST 16

/* For one place of the point: the digit that each byte is, and what is added to its value. */
typedef struct rj__point_row {
    uint8_t places[32], zeros[32];
} rj__point_row;

RJ__TABLE rj__point_row rj__point_rows[2][RJ__POINT_LAST - RJ__POINT_FIRST + 1]; /* [1]: for digits that are short */

/* How a number in scientific notation ends: "e-07". */
typedef struct rj__exponent_text {
    char text[7];
    uint8_t length;
} rj__exponent_text;

RJ__TABLE rj__exponent_text rj__exponent_texts[];
#define RJ__EXPONENT_FIRST (-324)

#define RJ__E15 1000000000000000u
#define RJ__E16 10000000000000000u

/* ---- sixteen digits */

#if defined(__SSE2__)

#include <emmintrin.h>

typedef struct rj__digits16 {
    __m128i values; /* 0 to 9, the first digit in the lowest byte */
} rj__digits16;

/* Vectors of the factors below. In memory, because compilers build vector constants anew for every number otherwise,
 * and turn multiplications by known factors into longer rows of shifts and additions. */
typedef struct rj__digit_factors {
    uint64_t reciprocal_10000[2], ten_thousand[2];
    uint16_t reciprocal_100[8], hundred[8], reciprocal_10[8], ten[8];
} rj__digit_factors;

RJ__TABLE rj__digit_factors rj__digit_factors16;
RJ__TABLE uint64_t rj__ifma_factors[8];

RJ__INLINE __m128i
rj__load_factor(const void *factor)
{
    return _mm_load_si128((const __m128i *)factor);
}

/* Each step splits every lane in two, dividing by a multiplication with a rounded-up reciprocal that is exact for the lane's
 * range: 8 digits in 64 bits, 4 in 32, 2 in 16, 1 in 8. */
#if defined(RJ__HAS_IFMA)

/* Eight digits at once (after Daniel Lemire and Wojciech Mula, "Converting integers to decimal strings faster with
 * AVX-512"): each lane multiplies n < 10^8 by 2^52 / 10^i, and what it keeps of the product, 52 bits, is n / 10^i
 * behind the point; ten times that is a digit and the rest. n + 1 in place of n makes up for the factors' having
 * been rounded down: their error, below 10^8, is less than what one more adds. */
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

#if !defined(RJ__HAS_SHUFFLE)
#define RJ__POINT_IN_WORDS 1

/* The eight digits before and those behind. */
RJ__INLINE void
rj__digit_words(rj__digits16 d, uint64_t words[2])
{
    _mm_storeu_si128((__m128i *)(void *)words, d.values);
}

#endif

#else
#define RJ__POINT_IN_WORDS 1

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

RJ__INLINE void
rj__digit_words(rj__digits16 d, uint64_t words[2])
{
    words[0] = d.first8;
    words[1] = d.last8;
}

#endif

/* ---- a number's digits */

/* Sixteen of them stay in a register: loading bytes that were stored a moment ago in other pieces would stall. */
typedef struct rj__digits17 {
    rj__digits16 first16;
    unsigned last;
    unsigned is_short; /* the first is a zero that does not count */
} rj__digits17;

/* Of `tens`, of 15 or 16 digits, and one more. No branch: how many it has is a matter of chance. */
RJ__INLINE rj__digits17
rj__split_digits17(uint64_t tens, unsigned last)
{
    return (rj__digits17){rj__split_digits16(tens), last, tens < RJ__E15};
}

RJ__INLINE rj__digits17
rj__digits17_from9(uint32_t first8, uint32_t ninth)
{
    return (rj__digits17){rj__digits16_from9(first8, ninth), 0, 0};
}

/* Where the 17th digit is: the point comes before it. (Not so where digits are short and 16 are before the point;
 * whole numbers as large as that have their own way.) */
RJ__INLINE int
rj__last_place(const rj__digits17 *d, int point)
{
    return (point > 0 ? 17 : 18 - point) - (int)d->is_short;
}

#if defined(RJ__POINT_IN_WORDS)

__extension__ typedef unsigned __int128 rj__text16;

RJ__INLINE void
rj__store16(uint8_t *p, rj__text16 bytes_first_lowest)
{
    rj__store8(p, (uint64_t)bytes_first_lowest);
    rj__store8(p + 8, (uint64_t)(bytes_first_lowest >> 64));
}

/* How many there are up to the last that is not zero. */
RJ__INLINE int
rj__significant16(rj__text16 digits)
{
    uint64_t first8 = (uint64_t)digits, last8 = (uint64_t)(digits >> 64);
    return last8 ? 16 - __builtin_clzll(last8) / 8 : 8 - __builtin_clzll(first8 | 1) / 8;
}

/* Digits behind the point are moved over it, in a general register. */
RJ__INLINE int
rj__put_pointed17(uint8_t *p, const rj__digits17 *d, int point)
{
    uint64_t words[2];
    rj__digit_words(d->first16, words);
    rj__text16 digits = ((rj__text16)words[1] << 64 | words[0]) >> (8 * d->is_short);
    rj__text16 text = digits | ((rj__text16)RJ__ASCII_ZEROS << 64 | RJ__ASCII_ZEROS);
    int place = rj__last_place(d, point), significant = rj__significant16(digits);
    if (point <= 0) {
        memcpy(p, "0.000", 5);
        rj__store16(p + 2 - point, text);
    }
    else if (point < 16) {
        rj__text16 before = ((rj__text16)1 << (8 * point)) - 1;
        rj__store16(p, (text & before) | (rj__text16)'.' << (8 * point) | (text & ~before) << 8);
        p[16] = (uint8_t)(text >> 120);
    }
    else {
        rj__store16(p, text);
        p[16] = '.';
    }
    p[place] = (uint8_t)('0' + d->last);
    if (d->last)
        return place + 1;
    return point > 0 ? significant + (significant > point) : significant + 2 - point;
}

#else

RJ__INLINE const rj__point_row *
rj__row_of(const rj__digits17 *d, int point)
{
    return &rj__point_rows[d->is_short][point - RJ__POINT_FIRST];
}

/* Stores digits with their point, all in one row of bytes. Returns which bytes are digits that are not zero, in bits. */
#if defined(RJ__HAS_IFMA)

RJ__INLINE unsigned
rj__put_row(uint8_t *p, const rj__digits17 *d, int point)
{
    const rj__point_row *row = rj__row_of(d, point);
    __m256i digits = _mm256_inserti128_si256(_mm256_castsi128_si256(d->first16.values), _mm_cvtsi32_si128((int)d->last), 1);
    digits = _mm256_permutexvar_epi8(_mm256_load_si256((const __m256i *)(const void *)row->places), digits);
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm256_add_epi8(digits, _mm256_load_si256((const __m256i *)(const void *)row->zeros)));
    return (unsigned)_mm256_movemask_epi8(_mm256_cmpgt_epi8(digits, _mm256_setzero_si256()));
}

#else

RJ__INLINE unsigned
rj__put_row(uint8_t *p, const rj__digits17 *d, int point)
{
    const rj__point_row *row = rj__row_of(d, point);
    int place = rj__last_place(d, point);
    unsigned nonzero = (unsigned)(d->last != 0) << place;
#if defined(RJ__HAS_AVX2)
    __m256i digits = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(d->first16.values),
                                         _mm256_load_si256((const __m256i *)(const void *)row->places));
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm256_add_epi8(digits, _mm256_load_si256((const __m256i *)(const void *)row->zeros)));
    nonzero |= (unsigned)_mm256_movemask_epi8(_mm256_cmpgt_epi8(digits, _mm256_setzero_si256()));
#else
    for (int i = 0; i < 32; i += 16) {
        __m128i digits = _mm_shuffle_epi8(d->first16.values, rj__load_factor(row->places + i));
        _mm_storeu_si128((__m128i *)(void *)(p + i), _mm_add_epi8(digits, rj__load_factor(row->zeros + i)));
        nonzero |= (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(digits, _mm_setzero_si128())) << i;
    }
#endif
    p[place] = (uint8_t)('0' + d->last);
    return nonzero;
}

#endif

RJ__INLINE int
rj__put_pointed17(uint8_t *p, const rj__digits17 *d, int point)
{
    return 32 - __builtin_clz(rj__put_row(p, d, point));
}

#endif
#endif
