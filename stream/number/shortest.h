/*
 * Shortest decimal digits of doubles and floats: the Schubfach algorithm (Raffaele Giulietti, "The Schubfach way to
 * render doubles", 2020), in a form that decides almost every number from one product without branches, and the
 * spelling of Python's repr for its result. Inline, so that every instruction set compiles its own. What is too
 * close to call goes to the exact algorithm in number.c.
 */
#ifndef RJSON_STREAM_NUMBER_SHORTEST_H
#define RJSON_STREAM_NUMBER_SHORTEST_H

#include "arch/common/digits16.h"

/* g = 10^e in 128 bits, from e = RJ__POW10_FIRST on; see gen/pow10.py. */
RJ__TABLE uint64_t rj__pow10[][2];
#define RJ__POW10_FIRST (-342)

/* What a number is scaled by: c * 2^q = (2 * c << h) * (g / 16) * 10^k / 2^128, where g belongs to 10^-k and k =
 * floor(log10(2^q)) + 1. Kept for each biased exponent of a double, whose q is 1075 less: a table look-up takes less
 * than two logarithms. */
typedef struct rj__scale {
    uint16_t row; /* of rj__sixteenths: -k - RJ__SIXTEENTHS_FIRST */
    uint8_t h;    /* 0 to 4 */
} rj__scale;

RJ__TABLE rj__scale rj__scales[2047];

/* g / 16, cut off, from 10^RJ__SIXTEENTHS_FIRST on. */
RJ__TABLE uint64_t rj__sixteenths[][2];
#define RJ__SIXTEENTHS_FIRST (-293)

/* The shortest digits of what the fast path leaves, for every finite number. */
uint8_t *rj__put_rare_double(uint8_t *p, double value);
uint8_t *rj__put_rare_float(uint8_t *p, float value);

__extension__ typedef unsigned __int128 rj__wide;

typedef struct rj__digit_string {
    rj__digits17 digits;
    int point; /* value = 0.DIGITS * 10^point */
} rj__digit_string;

/* Of `tens`, of 15 or 16 digits, and one more, in units of 10^exponent. */
RJ__INLINE rj__digit_string
rj__to_digits(uint64_t tens, unsigned last, int exponent)
{
    rj__digits17 digits = rj__split_digits17(tens, last);
    return (rj__digit_string){digits, 17 - (int)digits.is_short + exponent};
}

/* c * 2^q, as a double of this exponent would be, in units of 10^k: `tens`, and a fraction of 2^64. */
typedef struct rj__scaled {
    uint64_t tens, fraction;
    uint64_t half_width; /* of the rounding interval, as a fraction too; at most one half */
    int k;
} rj__scaled;

/* Both factors of g: for significands of up to 53 bits, doubled. */
RJ__INLINE rj__scaled
rj__scale_wide(uint64_t twice_c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    const uint64_t *g = rj__sixteenths[by.row];
    uint64_t shifted = twice_c << by.h;
    uint64_t carried = (uint64_t)(((rj__wide)g[1] * shifted) >> 64);
    rj__wide product = (rj__wide)g[0] * shifted;
    /* Added by halves: as one number of 128 bits, compilers keep it in memory. */
    uint64_t fraction = (uint64_t)product + carried;
    return (rj__scaled){(uint64_t)(product >> 64) + (fraction < carried), fraction, g[0] << by.h,
                        -RJ__SIXTEENTHS_FIRST - by.row};
}

/* The higher factor alone: for significands of up to 24 bits. */
RJ__INLINE rj__scaled
rj__scale_narrow(uint64_t twice_c, unsigned exponent)
{
    rj__scale by = rj__scales[exponent];
    uint64_t high = rj__sixteenths[by.row][0];
    rj__wide product = (rj__wide)high * (twice_c << by.h);
    return (rj__scaled){(uint64_t)(product >> 64), (uint64_t)product, high << by.h, -RJ__SIXTEENTHS_FIRST - by.row};
}

/* How close to a boundary is too close. */
#define RJ__MARGIN_DOUBLE 32
#define RJ__MARGIN_FLOAT ((uint64_t)1 << 30)

/* Chooses the shortest digits: tens * 10 + last. Returns 0 where that is too close to call. `is_power`: c is a power
 * of two, whose lower neighbour is half as far away; then only a result that ends in zero is called, since the
 * others may need one more digit. Whether the last digit is needed is a matter of chance, so nothing here branches
 * on it.
 *
 * Why the margin is enough. In units of the fraction's last place, 2^-64: rj__scale_wide() takes g / 16, which was
 * rounded up by less than 2^-4 of its last place, 2^-128, and is cut off by less than one; 2 * c << h (below 2^58)
 * turns that into less than 2^-6 units. Cutting off the low product's low half costs less than one unit, and what
 * the half width lacks, less than one times 2^h, less than 16. So a distance to the interval's ends is off by less
 * than 18, and ten times the fraction by less than 11, and 8 more, by which ten twentieths lack a half: the margins
 * are 32, and 16 times that. rj__scale_narrow() goes without the low factor: g lacks less than 2^-64 of its scale,
 * which 2 * c << h (below 2^29) turns into less than 2^29 units, and ten times that is below 2^33: the margins are
 * 2^30 and 2^34. What is farther than that from a boundary is decided as the exact algorithm would decide, and
 * everything else is left to it. */
RJ__INLINE int
rj__choose_digits(rj__scaled *s, unsigned *last, uint64_t margin, int is_power)
{
    const uint64_t twentieth = ((uint64_t)1 << 63) / 10;
    uint64_t above = s->fraction + s->half_width, below = s->fraction - (s->half_width >> is_power);
    unsigned is_up = above<s->fraction, is_down = below> s->fraction, is_inside = is_up | is_down;
    /* Rounded to nearest. A fraction that the twentieth carries over is up: a half width is no less. */
    rj__wide tenfold = (rj__wide)(s->fraction + twentieth) * 10;
    *last = (unsigned)(tenfold >> 64) & (is_inside - 1);
    s->tens += is_up;
    if (RJ__UNLIKELY(above + margin < 2 * margin) || RJ__UNLIKELY(below + margin < 2 * margin) ||
        RJ__UNLIKELY((uint64_t)tenfold + 16 * margin < 32 * margin))
        return 0;
    return !is_power || is_inside;
}

/* The shortest digits of almost every double; 0 where that is too close to call. */
RJ__INLINE int
rj__shortest_fast(uint64_t twice_c, unsigned exponent, int is_power, rj__digit_string *out)
{
    unsigned last;
    rj__scaled s = rj__scale_wide(twice_c, exponent);
    if (RJ__UNLIKELY(!rj__choose_digits(&s, &last, RJ__MARGIN_DOUBLE, is_power)))
        return 0;
    *out = rj__to_digits(s.tens, last, s.k - 1);
    return 1;
}

/* And for almost every float: 7 to 9 digits. */
RJ__INLINE int
rj__shortest_fast_narrow(uint64_t twice_c, unsigned exponent, rj__digit_string *out)
{
    static const uint32_t powers[] = {1, 10, 100};
    unsigned last;
    rj__scaled s = rj__scale_narrow(twice_c, exponent);
    if (RJ__UNLIKELY(!rj__choose_digits(&s, &last, RJ__MARGIN_FLOAT, 0)))
        return 0;
    uint32_t n = (uint32_t)s.tens * 10 + last;
    int missing = (n < 100000000) + (n < 10000000);
    n *= powers[missing];
    *out = (rj__digit_string){rj__digits17_from9(n / 10, n % 10), 8 - missing + s.k};
    return 1;
}

/* 1500.0, 15.25, 0.00015; or 1.5e-07, 1e+16: at least two digits of exponent, and its sign. */
RJ__INLINE uint8_t *
rj__put_digits(uint8_t *p, const rj__digit_string *d)
{
    if (RJ__LIKELY(d->point >= RJ__POINT_FIRST && d->point <= RJ__POINT_LAST)) {
        int length = rj__put_pointed17(p, &d->digits, d->point);
        return p + (length > d->point + 2 ? length : d->point + 2);
    }
    const rj__exponent_text *exponent = &rj__exponent_texts[d->point - 1 - RJ__EXPONENT_FIRST];
    p += rj__put_pointed17(p, &d->digits, 1);
    memcpy(p, exponent->text, sizeof exponent->text);
    return p + exponent->length;
}

/* A double that is finite. Whole numbers below 10^16 have digits of their own (the interval of one above 2^53 has no
 * multiple of ten in it but the number, being two wide and open at odd ends); powers of two have uneven intervals,
 * and subnormals fewer digits than the fast way expects. */
RJ__INLINE uint8_t *
rj__put_double_inline(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits << 12, twice_c = fraction >> 11 | (uint64_t)1 << 53;
    unsigned exponent = (unsigned)(bits >> 52) & 0x7ff, whole_bits = exponent - 1023;
    if (whole_bits <= 53 && fraction << whole_bits == 0) {
        uint64_t whole = twice_c >> (53 - whole_bits);
        if (RJ__LIKELY(whole < RJ__E16)) {
            p = rj__put_signed(p, (int)(bits >> 63), whole);
            memcpy(p, ".0", 2);
            return p + 2;
        }
    }
    rj__digit_string digits;
    if (RJ__UNLIKELY(exponent - 1 >= 0x7fe) || RJ__UNLIKELY(fraction == 0) ||
        RJ__UNLIKELY(!rj__shortest_fast(twice_c, exponent, 0, &digits)))
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
        RJ__UNLIKELY(!rj__shortest_fast_narrow((fraction | 1u << 23) << 1, (unsigned)exponent + (1075 - 150), &digits)))
        return rj__put_rare_float(p, value);
    return rj__put_digits(p + (bits >> 31), &digits);
}

#endif
