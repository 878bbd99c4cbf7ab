/*
 * Numbers: digits to int and double. A double is the one nearest to the decimal number, ties to even (IEEE 754), as
 * float() has it. Three ways:
 *   1. Both significand and power of ten are exact doubles: one multiplication or division rounds once (W. D. Clinger, "How to read floating
 *      point numbers accurately", PLDI 1990).
 *   2. The significand times a 128-bit approximation of the power of ten, wherever the approximation cannot change how the product is
 *      rounded (after D. Lemire, "Number parsing at a gigabyte per second", 2021).
 *   3. CPython's own algorithm, for what is left: more than 19 digits that matter, numbers halfway between two doubles, subnormal ones, and
 *      those close to the largest.
 */
#ifndef RJSON_DECODE_WALK_DOUBLE_H
#define RJSON_DECODE_WALK_DOUBLE_H

#include "cpython/long_build.h"
#include "decode/decoder.h"
#include "number/digits8.h"
#include "number/shortest.h"

/* Appends digits to *mantissa, which overflows after the 19th. `safe`: where eight bytes can no longer be read. */
RJ__INLINE const uint8_t *
rjpy_scan_digits(const uint8_t *p, const uint8_t *safe, uint64_t *mantissa)
{
    uint64_t v;
    while (p < safe && rj__no_digits8(v = rj__load_digits8(p)) == 0) {
        *mantissa = *mantissa * 100000000 + rj__join_digits8(v);
        p += 8;
    }
    for (; rj__is_digit(*p); p++)
        *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
    return p;
}

/* rjpy_scan_digits behind a point: how many of the first eight there are decides no branch, since that differs from
 * number to number. */
RJ__INLINE const uint8_t *
rjpy_scan_fraction(const uint8_t *p, const uint8_t *safe, uint64_t *mantissa)
{
    if (RJ__UNLIKELY(p >= safe))
        return rjpy_scan_digits(p, safe, mantissa);
    uint64_t v = rj__load_digits8(p), no_digits = rj__no_digits8(v);
    if (no_digits == 0) {
        *mantissa = *mantissa * 100000000 + rj__join_digits8(v);
        return rjpy_scan_digits(p + 8, safe, mantissa);
    }
    unsigned bits = (unsigned)__builtin_ctzll(no_digits) & ~7u;
    *mantissa = *mantissa * rj__appended[bits / 8] + rj__join_digits8(rj__first_digits8(v, bits));
    return p + bits / 8;
}

/* w * 10^power by way 2; 0 if it cannot tell. w is not 0.
 *
 * g is the power of ten in 128 bits, too large by less than one unit of its last place; w, shifted to 64 bits, times
 * g is cut off below 2^64. So the product, in units of 2^64 of the exact one, is less than one unit too low and less
 * than one unit too high, and only where what is behind a double's 53 bits is that close to one half can it round
 * the wrong way. */
RJ__INLINE int
rjpy_scale_decimal(uint64_t w, int power, double *result)
{
    if (power < RJ__POW10_FIRST || power > 308)
        return 0;
    const uint64_t *g = rj__pow10[power - RJ__POW10_FIRST];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    rj__wide product = (rj__wide)w * g[0] + (uint64_t)(((rj__wide)w * g[1]) >> 64);
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    int top = (int)(high >> 63), half = 9 + top; /* the bit behind the 53 */
    if (RJ__UNLIKELY(low + 2 <= 4)) {            /* by wrapping around: within 2 of a multiple of 2^64 */
        uint64_t behind = (high + (low + 2 < 2)) & (((uint64_t)2 << half) - 1);
        if (behind == (uint64_t)1 << half)
            return 0;
    }
    uint64_t bits = (high >> (half + 1)) + (high >> half & 1); /* 2^52 to 2^53 */
    int log2_power = (power * 217706) >> 16;                   /* floor(log2(10^power)) */
    int exponent = log2_power - zeros + half + 1077;           /* as a double keeps it; a carry out of `bits` adds to it */
    if (RJ__UNLIKELY(exponent < 1 || exponent > 2045))
        return 0;
    uint64_t ieee = bits - ((uint64_t)1 << 52) + ((uint64_t)exponent << 52);
    memcpy(result, &ieee, 8);
    return 1;
}

/* Powers of ten that are doubles. */
static const double rjpy_exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                           1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Where the significand could be longer for way 1, way 2 is as fast; and of numbers with as many digits as a double
 * has, 2^53 is in the middle, so that a branch on it would be mispredicted. */
#define RJ_EXACT_BITS 49

RJ__INLINE int
rjpy_decimal_to_double(uint64_t w, int power, double *result)
{
    if (w >> RJ_EXACT_BITS == 0 && power >= -22 && power <= 22) {
        *result = power < 0 ? (double)w / rjpy_exact_powers[-power] : (double)w * rjpy_exact_powers[power];
        return 1;
    }
    return w != 0 && rjpy_scale_decimal(w, power, result);
}

#endif
