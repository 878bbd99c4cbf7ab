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
RJ__TABLE uint64_t rj__pow10[][2];
#define RJ__POW10_FIRST (-342)

/* What a number is scaled by: c * 2^q = (c << h) * (g / 16) * 10^k / 2^128, where g belongs to 10^-k and k = floor(log10(2^q)) + 1. Kept for
 * each biased exponent of a double, whose q is 1075 less: a table look-up takes less than two logarithms. */
typedef struct rj__scale {
    int16_t k;
    uint8_t h; /* 1 to 5 */
} rj__scale;

RJ__TABLE rj__scale rj__scales[2047];

/* The same for what the fast way leaves, for every finite number. */
uint8_t *rj__put_rare_double(uint8_t *p, double value);
uint8_t *rj__put_rare_float(uint8_t *p, float value);

__extension__ typedef unsigned __int128 rj__wide;

/* 17 significant digits, zeros at the end. Sixteen of them stay in a register: loading bytes that were stored a moment ago in
 * other pieces would stall. */
typedef struct rj__digit_string {
    rj__digits16 first16;
    unsigned last;
    int point; /* value = 0.DIGITS * 10^point */
} rj__digit_string;

#define RJ__E15 1000000000000000u

/* Of `tens`, of 15 or 16 digits, and one more, in units of 10^exponent. No branch: which it is is a matter of chance. */
RJ__INLINE rj__digit_string
rj__to_digits(uint64_t tens, unsigned last, int exponent)
{
    unsigned is_short = tens < RJ__E15;
    uint64_t all = tens * 10 + last, short_mask = -(uint64_t)is_short;
    tens += (all - tens) & short_mask;
    last &= ~(unsigned)short_mask;
    return (rj__digit_string){rj__split_digits16(tens), last, 17 - (int)is_short + exponent};
}

/* c * 2^q, as a double of this exponent would be, in units of 10^k: `tens`, and a fraction of 2^64. */
typedef struct rj__scaled {
    uint64_t tens, fraction;
    uint64_t half_width; /* of the rounding interval, as a fraction too; at most one half */
    int k;
} rj__scaled;

/* Both factors of g: for significands of up to 53 bits. */
RJ__INLINE rj__scaled
rj__scale_wide(uint64_t c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    const uint64_t *g = rj__pow10[-by.k - RJ__POW10_FIRST];
    uint64_t high = g[0] >> 4, low = g[0] << 60 | g[1] >> 4, shifted = c << by.h;
    uint64_t carried = (uint64_t)(((rj__wide)low * shifted) >> 64);
    rj__wide product = (rj__wide)high * shifted;
    /* Added by halves: as one number of 128 bits, compilers keep it in memory. */
    uint64_t fraction = (uint64_t)product + carried;
    return (rj__scaled){(uint64_t)(product >> 64) + (fraction < carried), fraction, high << (by.h - 1), by.k};
}

/* The higher factor alone: for significands of up to 24 bits. */
RJ__INLINE rj__scaled
rj__scale_narrow(uint64_t c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    uint64_t high = rj__pow10[-by.k - RJ__POW10_FIRST][0] >> 4;
    rj__wide product = (rj__wide)high * (c << by.h);
    return (rj__scaled){(uint64_t)(product >> 64), (uint64_t)product, high << (by.h - 1), by.k};
}

/* How close to a boundary is too close. */
#define RJ__MARGIN_DOUBLE 32
#define RJ__MARGIN_FLOAT ((uint64_t)1 << 30)

/* Chooses the shortest digits: tens * 10 + last. Returns 0 where that is too close to call. `is_power`: c is a power of two, whose lower neighbour
 * is half as far away; then only a result that ends in zero is called, since the others may need one more digit. Whether the last digit is
 * needed is a matter of chance, so nothing here branches on it.
 *
 * Why the margin is enough. In units of the fraction's last place, 2^-64: rj__scale_wide() takes g / 16, which was rounded up by less than 2^-4 of its
 * last place, 2^-128, and is cut off by less than one; c << h (below 2^58) turns that into less than 2^-6 units. Cutting off the low product's
 * low half costs less than one unit, and what the half width lacks, less than one times 2^(h - 1), less than 16. So a distance to the
 * interval's ends is off by less than 18, and ten times the fraction by less than 11: the margins are 32, and 16 times that. rj__scale_narrow() goes
 * without the low factor: g lacks less than 2^-64 of its scale, which c << h (below 2^29) turns into less than 2^29 units, and ten times that is
 * below 2^33: the margins are 2^30 and 2^34. What is farther than that from a boundary is decided as the exact algorithm would decide,
 * and everything else is left to it. */
RJ__INLINE int
rj__choose_digits(rj__scaled *s, unsigned *last, uint64_t margin, int is_power)
{
    const uint64_t half = (uint64_t)1 << 63;
    uint64_t above = s->fraction + s->half_width, below = s->fraction - (s->half_width >> is_power);
    unsigned is_up = above<s->fraction, is_down = below> s->fraction, is_inside = is_up | is_down;
    rj__wide tenfold = (rj__wide)s->fraction * 10;
    uint64_t rounded = (uint64_t)tenfold + half;
    *last = (unsigned)(tenfold >> 64) + (rounded < half);
    *last &= is_inside - 1;
    s->tens += is_up;
    uint64_t nearest = above + margin < below + margin ? above + margin : below + margin;
    unsigned is_close = (nearest < 2 * margin) | (rounded + 16 * margin < 32 * margin);
    return is_power ? is_inside && !is_close : !is_close;
}

/* The shortest digits of almost every double; 0 where that is too close to call. */
RJ__INLINE int
rj__shortest_fast(uint64_t c, unsigned exponent, int is_power, rj__digit_string *out)
{
    unsigned last;
    rj__scaled s = rj__scale_wide(c, exponent);
    if (RJ__UNLIKELY(!rj__choose_digits(&s, &last, RJ__MARGIN_DOUBLE, is_power)))
        return 0;
    *out = rj__to_digits(s.tens, last, s.k - 1);
    return 1;
}

/* And for almost every float: 7 to 9 digits. */
RJ__INLINE int
rj__shortest_fast_narrow(uint64_t c, unsigned exponent, rj__digit_string *out)
{
    static const uint32_t powers[] = {1, 10, 100};
    unsigned last;
    rj__scaled s = rj__scale_narrow(c, exponent);
    if (RJ__UNLIKELY(!rj__choose_digits(&s, &last, RJ__MARGIN_FLOAT, 0)))
        return 0;
    uint32_t n = (uint32_t)s.tens * 10 + last;
    int missing = (n < 100000000) + (n < 10000000);
    n *= powers[missing];
    *out = (rj__digit_string){rj__digits16_from9(n / 10, n % 10), 0, 8 - missing + s.k};
    return 1;
}

/* 1.5e-07, 1e+16: at least two digits of exponent, and its sign. */
RJ__INLINE uint8_t *
rj__put_scientific(uint8_t *p, const rj__digit_string *d)
{
    int exponent = d->point - 1, significant = rj__significant17(d->first16, d->last);
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    rj__put_pointed17(p, d->first16, d->last, 1);
    p += significant > 1 ? significant + 1 : 1;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    unsigned skip = magnitude < 100; /* the first of three digits */
    memcpy(p, rj__digits3[magnitude] + skip, 3);
    return p + 3 - skip;
}

/* 1500.0, 15.25, 0.00015 */
RJ__INLINE uint8_t *
rj__put_fixed(uint8_t *p, const rj__digit_string *d)
{
    int significant = rj__significant17(d->first16, d->last), point = d->point;
    rj__put_pointed17(p, d->first16, d->last, point);
    return p + (significant > point ? significant : point + 1) + (point > 0 ? 1 : 2 - point);
}

RJ__INLINE uint8_t *
rj__put_digits(uint8_t *p, const rj__digit_string *d)
{
    int is_fixed = d->point >= RJ__POINT_FIRST && d->point <= RJ__POINT_LAST;
    return is_fixed ? rj__put_fixed(p, d) : rj__put_scientific(p, d);
}

/* A double that is finite. Whole numbers below 2^53 have digits of their own; powers of two have uneven intervals, and subnormals fewer digits than
 * the fast way expects. */
RJ__INLINE uint8_t *
rj__put_double_inline(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1), c = fraction | (uint64_t)1 << 52;
    unsigned exponent = (unsigned)(bits >> 52) & 0x7ff, whole_bits = exponent - 1023;
    if (whole_bits <= 52 && fraction << 12 << whole_bits == 0) {
        p = rj__put_signed(p, (int)(bits >> 63), c >> (52 - whole_bits));
        memcpy(p, ".0", 2);
        return p + 2;
    }
    rj__digit_string digits;
    if (RJ__UNLIKELY(exponent - 1 >= 0x7fe) || RJ__UNLIKELY(fraction == 0) ||
        RJ__UNLIKELY(!rj__shortest_fast(c, exponent, 0, &digits)))
        return rj__put_rare_double(p, value);
    *p = '-';
    return rj__put_digits(p + (bits >> 63), &digits);
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
        return rj__put_rare_float(p, value);
    return rj__put_digits(p + (bits >> 31), &digits);
}

#endif
