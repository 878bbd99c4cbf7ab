/*
 * Shortest decimal digits of doubles and floats: the Schubfach algorithm (Raffaele Giulietti, "The Schubfach way to render
 * doubles", 2020), in a form that decides almost every number from one product without branches, and the spelling of
 * Python's repr for its result. Inline, so that every instruction set compiles its own. What is too close to call goes to the
 * exact algorithm in number.c.
 */
#ifndef RJSON_SHORTEST_H
#define RJSON_SHORTEST_H

#include "arch/digits16.h"

/* g = 10^e in 128 bits, from e = RJ__POW10_FIRST on; see gen/pow10.py. */
extern const uint64_t rj__pow10[][2];
#define RJ__POW10_FIRST (-342)

/* What a number is scaled by: c * 2^q = (c << h) * g * 10^k / 2^128, where g belongs to 10^-k and k = floor(log10(2^q)). Kept for
 * each biased exponent of a double, whose q is 1075 less: a table look-up takes less than two logarithms. */
typedef struct rj__scale {
    int16_t k;
    uint8_t h; /* 1 to 5 */
} rj__scale;

extern const rj__scale rj__scales[2047];

/* The same by the exact algorithm, for every finite number. */
uint8_t *rj__put_double_exactly(uint8_t *p, double value);
uint8_t *rj__put_float_exactly(uint8_t *p, float value);

__extension__ typedef unsigned __int128 rj__wide;

/* 17 significant digits, zeros at the end. Sixteen of them stay in a register: loading bytes that were stored a moment ago in
 * other pieces would stall. */
typedef struct rj__digit_string {
    rj__digits16 first16;
    uint8_t last;    /* ASCII */
    int significant; /* without trailing zeros; at least 1 */
    int point;       /* value = 0.DIGITS * 10^point */
} rj__digit_string;

#define RJ__E15 1000000000000000u

/* Of a number with 16 digits and one more behind them. */
RJ__INLINE rj__digit_string
rj__to_digits(uint64_t n16, unsigned last, int exponent)
{
    rj__digits16 d = rj__split_digits16(n16);
    int significant = rj__significant16(d) & -(last == 0);
    return (rj__digit_string){
        .first16 = d,
        .last = (uint8_t)('0' + last),
        .significant = significant | (17 & -(last != 0)),
        .point = 17 + exponent,
    };
}

/* c * 2^q, as a double of this exponent would be, in units of 10^k: `tens`, and between 0 and 10 of the units as `ones` and a fraction of 2^64. */
typedef struct rj__scaled {
    uint64_t tens, ones, fraction;
    uint64_t half_width; /* of the rounding interval, in 2^-60 units; cut off by less than one of these */
    int k;
} rj__scaled;

/* Both factors of g: for significands of up to 53 bits. */
RJ__INLINE rj__scaled
rj__scale_wide(uint64_t c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    const uint64_t *g = rj__pow10[-by.k - RJ__POW10_FIRST];
    uint64_t shifted = c << by.h;
    uint64_t carried = (uint64_t)(((rj__wide)g[1] * shifted) >> 64);
    rj__wide product = (rj__wide)g[0] * shifted;
    /* Added by halves: as one number of 128 bits, compilers keep it in memory. */
    uint64_t fraction = (uint64_t)product + carried;
    uint64_t whole = (uint64_t)(product >> 64) + (fraction < carried), tens = whole / 10;
    return (rj__scaled){tens, whole - tens * 10, fraction, g[0] >> (5 - by.h), by.k};
}

/* The higher factor alone: for significands of up to 24 bits. */
RJ__INLINE rj__scaled
rj__scale_narrow(uint64_t c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    uint64_t g = rj__pow10[-by.k - RJ__POW10_FIRST][0];
    rj__wide product = (rj__wide)g * (c << by.h);
    uint64_t whole = (uint64_t)(product >> 64), tens = whole / 10;
    return (rj__scaled){tens, whole - tens * 10, (uint64_t)product, g >> (5 - by.h), by.k};
}

/* Chooses the shortest digits: tens * 10 + last. Returns 0 where that is too close to call, within `margin` units of 2^-60.
 * Whether the last digit is needed is a matter of chance, so nothing here branches on it.
 *
 * Why the margin is enough. rj__scale_wide(): g is rounded up by less than 2^-128 of its rj__scale, which c << h (below 2^57) turns into less
 * than 2^-7 units of 2^-64; cutting off the low product's low half costs less than one such unit; cutting `fraction` to 60 bits
 * less than one unit of 2^-60; and the half width less than one. That is below 8, the margin of doubles. rj__scale_narrow(): without
 * the low factor, g lacks less than 2^-64 of its rj__scale, which c << h (below 2^28) turns into less than 2^28 units of 2^-64, or
 * 2^24 of 2^-60: the margin of floats is twice that. What is farther than that from a boundary is decided as the exact
 * algorithm would decide, and everything else is left to it. */
RJ__INLINE int
rj__choose_digits(rj__scaled *s, unsigned *last, uint64_t margin)
{
    uint64_t half = (uint64_t)1 << 63;
    uint64_t above = s->ones << 60 | s->fraction >> 4; /* distance from tens * 10 */
    uint64_t below = ((uint64_t)10 << 60) - above;
    uint64_t is_up = (uint64_t)0 - (below < above);
    uint64_t distance = above ^ ((above ^ below) & is_up); /* from the nearest number that ends in zero */
    unsigned is_inside = distance < s->half_width;
    unsigned keep = is_inside - 1; /* all ones, or 0 */
    int is_close =
        (distance - s->half_width + margin < 2 * margin) | (keep & (s->fraction - half + 16 * margin < 32 * margin));
    *last = ((unsigned)s->ones + (s->fraction >= half)) & keep;
    s->tens += is_inside & is_up;
    return !is_close;
}

#define RJ__MARGIN_DOUBLE 8
#define RJ__MARGIN_FLOAT ((uint64_t)1 << 25)

/* The shortest digits of almost every double; 0 where that is too close to call. */
RJ__INLINE int
rj__shortest_fast(uint64_t c, unsigned exponent, rj__digit_string *out)
{
    unsigned last;
    rj__scaled s = rj__scale_wide(c, exponent);
    int is_sure = rj__choose_digits(&s, &last, RJ__MARGIN_DOUBLE);
    uint64_t is_short =
        (uint64_t)0 - (s.tens < RJ__E15); /* c * 2^q / 10^k lies between 2^52 and 10 * 2^53: 16 or 17 digits */
    uint64_t n16 = s.tens + ((s.tens * 9 + last) & is_short);
    last &= ~(unsigned)is_short;
    *out = rj__to_digits(n16, last, s.k + (int)is_short);
    return is_sure;
}

/* And for almost every float: 7 to 9 digits. */
RJ__INLINE int
rj__shortest_fast_narrow(uint64_t c, unsigned exponent, rj__digit_string *out)
{
    static const uint32_t powers[] = {1, 10, 100};
    unsigned last;
    rj__scaled s = rj__scale_narrow(c, exponent);
    int is_sure = rj__choose_digits(&s, &last, RJ__MARGIN_FLOAT);
    uint32_t n = (uint32_t)s.tens * 10 + last;
    int missing = (n < 100000000) + (n < 10000000);
    n *= powers[missing];
    rj__digits16 d = rj__digits16_from9(n / 10, n % 10);
    *out = (rj__digit_string){.first16 = d, .last = '0', .significant = rj__significant16(d), .point = 9 - missing + s.k};
    return is_sure;
}

/* 1.5e-07, 1e+16: at least two digits of exponent, and its sign. */
RJ__INLINE uint8_t *
rj__put_scientific(uint8_t *p, const rj__digit_string *d)
{
    int exponent = d->point - 1;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    rj__put_pointed16(p, d->first16, 1);
    p[17] = d->last;
    p += d->significant > 1 ? d->significant + 1 : 1;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    unsigned skip = magnitude < 100; /* the first of three digits */
    memcpy(p, rj__digits3[magnitude] + skip, 3);
    return p + 3 - skip;
}

/* 0.00015 */
RJ__INLINE uint8_t *
rj__put_fraction(uint8_t *p, const rj__digit_string *d)
{
    memcpy(p, "0.000", 5);
    p += 2 - d->point;
    rj__put_digits16(p, d->first16);
    p[16] = d->last;
    return p + d->significant;
}

/* 1500.0, 15.25 */
RJ__INLINE uint8_t *
rj__put_fixed(uint8_t *p, const rj__digit_string *d)
{
    if (RJ__UNLIKELY(d->point == 16)) {
        rj__put_digits16(p, d->first16);
        p[16] = '.';
        p[17] = d->last;
        return p + 18;
    }
    rj__put_pointed16(p, d->first16, d->point);
    p[17] = d->last;
    return p + 1 + (d->significant > d->point ? d->significant : d->point + 1);
}

RJ__INLINE uint8_t *
rj__put_digits(uint8_t *p, const rj__digit_string *d)
{
    if (d->point > 0 && d->point <= 16)
        return rj__put_fixed(p, d);
    return d->point <= 0 && d->point > -4 ? rj__put_fraction(p, d) : rj__put_scientific(p, d);
}

/* A double given by its bits. NULL for one of the few that take the exact way, or are not finite; then with nothing written but
 * at `p`. Powers of two have uneven intervals, and subnormals fewer digits than the fast way expects. */
RJ__INLINE uint8_t *
rj__put_double_bits(uint8_t *p, uint64_t bits)
{
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    unsigned exponent = (unsigned)(bits >> 52) & 0x7ff;
    rj__digit_string digits;
    int is_special = (exponent - 1 >= 0x7fe) | (fraction == 0);
    *p = '-';
    if (RJ__UNLIKELY(is_special) || RJ__UNLIKELY(!rj__shortest_fast(fraction | (uint64_t)1 << 52, exponent, &digits)))
        return NULL;
    return rj__put_digits(p + (bits >> 63), &digits);
}

/* n / 10^4. */
RJ__INLINE uint8_t *
rj__put_ten_thousandths(uint8_t *p, int negative, uint64_t n)
{
    uint64_t whole = n / 10000;
    uint32_t rest = (uint32_t)(n - whole * 10000), thousandths = rest / 10, last = rest - thousandths * 10;
    p = rj__put_signed(p, negative, whole);
    *p++ = '.';
    rj__put_3digits(p, thousandths);
    p[3] = (uint8_t)('0' + last);
    /* At least one digit stays. */
    unsigned nonzero = (p[1] != '0') << 1 | (p[2] != '0') << 2 | (last != 0) << 3 | 1;
    return p + (32 - __builtin_clz(nonzero));
}

/* The doubles of these exponents are at least 2^-14, less than 10^-4, and below 2^36. */
#define RJ__DECIMAL_FIRST (1023 - 14)
#define RJ__DECIMAL_EXPONENTS 50

/* Numbers of up to four decimals: prices, percentages, whole numbers. NULL for any other.
 *
 * n has at most 15 digits, and different decimals of that many digits are different doubles, so where n / 10^4 (a division of
 * exact numbers, correctly rounded) is the number, no other decimal as short is. */
RJ__INLINE uint8_t *
rj__put_short_decimal(uint8_t *p, uint64_t bits)
{
    if ((unsigned)(bits >> 52 & 0x7ff) - RJ__DECIMAL_FIRST >= RJ__DECIMAL_EXPONENTS)
        return NULL;
    double magnitude;
    uint64_t positive = bits & ~((uint64_t)1 << 63);
    memcpy(&magnitude, &positive, sizeof magnitude);
    int64_t whole = (int64_t)magnitude;
    if ((double)whole == magnitude) {
        p = rj__put_signed(p, (int)(bits >> 63), (uint64_t)whole);
        memcpy(p, ".0", 2);
        return p + 2;
    }
    int64_t n = (int64_t)(magnitude * 1e4 + 0.5);
    if ((double)n / 1e4 != magnitude)
        return NULL;
    return rj__put_ten_thousandths(p, (int)(bits >> 63), (uint64_t)n);
}

/* A double that is finite. */
RJ__INLINE uint8_t *
rj__put_double_inline(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t *end = rj__put_short_decimal(p, bits);
    if (end)
        return end;
    end = rj__put_double_bits(p, bits);
    return RJ__LIKELY(end != NULL) ? end : rj__put_double_exactly(p, value);
}

/* A float that is finite. */
RJ__INLINE uint8_t *
rj__put_float_inline(uint8_t *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = bits & ((1u << 23) - 1);
    int exponent = (int)(bits >> 23) & 0xff;
    rj__digit_string digits;
    *p = '-';
    if (RJ__UNLIKELY(fraction == 0) || RJ__UNLIKELY(exponent == 0) ||
        RJ__UNLIKELY(!rj__shortest_fast_narrow(fraction | 1u << 23, (unsigned)exponent + (1075 - 150), &digits)))
        return rj__put_float_exactly(p, value);
    return rj__put_digits(p + (bits >> 31), &digits);
}

#endif
