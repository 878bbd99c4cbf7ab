/*
 * Number bodies: digits of integers and doubles, written by rj_writer and by the Python encoder alike.
 * Each function writes at `p`, may use up to RJ__NUMBER_ROOM bytes there, and returns the end of the number.
 */
#ifndef RJSON_STREAM_NUMBER_NUMBER_H
#define RJSON_STREAM_NUMBER_NUMBER_H

#include "internal.h"

/* -1.2345678901234567e-300 takes 24 bytes; vectors of 32 are stored behind the sign. */
#define RJ__NUMBER_ROOM 40

/* "000" to "999", and in the fourth byte how many of the three are leading zeros (at most two). */
RJ__TABLE uint8_t rj__digits3[1001][4];

/* Finite doubles only. Shortest digits that read back as the same double, spelled as Python's repr. */
uint8_t *rj__put_double(uint8_t *p, double value);
/* rj__put_double for narrower formats: the shortest digits that read back as the same float, or as the same IEEE 754
 * binary16. */
uint8_t *rj__put_float(uint8_t *p, float value);
uint8_t *rj__put_half(uint8_t *p, uint16_t bits);

RJ__INLINE void
rj__store8(uint8_t *p, uint64_t bytes_first_lowest)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes_first_lowest = __builtin_bswap64(bytes_first_lowest);
#endif
    memcpy(p, &bytes_first_lowest, 8);
}

/* The eight digits of n < 10^8, one a byte (values 0 to 9), the first in the lowest byte. Divides pairs of digit groups
 * side by side: multiplications by rounded-up reciprocals, exact for these ranges. */
RJ__INLINE uint64_t
rj__digits8(uint32_t n)
{
    uint64_t fours = (n / 10000) | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007f;
    uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000f;
    return tens | (twos - tens * 10) << 8;
}

#define RJ__ASCII_ZEROS 0x3030303030303030u

/* Exactly eight digits. */
RJ__INLINE uint8_t *
rj__put_8digits(uint8_t *p, uint32_t n)
{
    rj__store8(p, rj__digits8(n) | RJ__ASCII_ZEROS);
    return p + 8;
}

/* Three digits of n < 1000, with leading zeros; stores four bytes. */
RJ__INLINE uint8_t *
rj__put_3digits(uint8_t *p, uint32_t n)
{
    memcpy(p, rj__digits3[n], 4);
    return p + 3;
}

/* n < 1000 without leading zeros. */
RJ__INLINE uint8_t *
rj__put_below_1e3(uint8_t *p, uint32_t n)
{
    const uint8_t *d = rj__digits3[n];
    memcpy(p, d + d[3], 4);
    return p + 3 - d[3];
}

/* n < 10^9 without leading zeros, by threes: the divisions do not wait for each other. */
RJ__INLINE uint8_t *
rj__put_below_1e9(uint8_t *p, uint32_t n)
{
    uint32_t thousands = n / 1000;
    if (RJ__LIKELY(n < 1000))
        return rj__put_below_1e3(p, n);
    if (n < 1000000)
        return rj__put_3digits(rj__put_below_1e3(p, thousands), n - thousands * 1000);
    uint32_t millions = n / 1000000;
    p = rj__put_below_1e3(p, millions);
    p = rj__put_3digits(p, thousands - millions * 1000);
    return rj__put_3digits(p, n - thousands * 1000);
}

RJ__INLINE uint8_t *
rj__put_u64(uint8_t *p, uint64_t n)
{
    if (RJ__LIKELY(n < 1000000000))
        return rj__put_below_1e9(p, (uint32_t)n);
    if (n < 100000000000000000u) {
        p = rj__put_below_1e9(p, (uint32_t)(n / 100000000));
        return rj__put_8digits(p, (uint32_t)(n % 100000000));
    }
    uint64_t low = n % 10000000000000000u;
    p = rj__put_below_1e9(p, (uint32_t)(n / 10000000000000000u));
    p = rj__put_8digits(p, (uint32_t)(low / 100000000));
    return rj__put_8digits(p, (uint32_t)(low % 100000000));
}

/* A sign and a magnitude, as Python's integers store them. */
RJ__INLINE uint8_t *
rj__put_signed(uint8_t *p, int negative, uint64_t magnitude)
{
    *p = '-';
    return rj__put_u64(p + (negative != 0), magnitude);
}

RJ__INLINE uint8_t *
rj__put_i64(uint8_t *p, int64_t n)
{
    uint64_t magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    return rj__put_signed(p, n < 0, magnitude);
}

#endif
