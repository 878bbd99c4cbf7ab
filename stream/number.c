/*
 * Shortest decimal digits of doubles: the Schubfach algorithm (Raffaele Giulietti, "The Schubfach way to render
 * doubles", 2020), and the spelling of Python's repr for its result.
 */
#include "number.h"
#include "arch/digits16.h"
#include "pow10_table.h"

#define D1(h, t, u)                                                                                                         \
    {                                                                                                                       \
        '0' + h, '0' + t, '0' + u, h ? 0 : t ? 1 : 2                                                                        \
    }
#define D10(h, t)                                                                                                           \
    D1(h, t, 0), D1(h, t, 1), D1(h, t, 2), D1(h, t, 3), D1(h, t, 4), D1(h, t, 5), D1(h, t, 6), D1(h, t, 7), D1(h, t, 8),    \
        D1(h, t, 9)
#define D100(h) D10(h, 0), D10(h, 1), D10(h, 2), D10(h, 3), D10(h, 4), D10(h, 5), D10(h, 6), D10(h, 7), D10(h, 8), D10(h, 9)

/* One entry more than is indexed: reading three bytes from an entry's last digit stays inside. */
const uint8_t rj__digits3[1001][4] = {D100(0), D100(1), D100(2), D100(3), D100(4),
                                      D100(5), D100(6), D100(7), D100(8), D100(9)};

__extension__ typedef unsigned __int128 rj__wide;

#define FRACTION_BITS 52
#define EXPONENT_MASK 0x7ff
#define EXPONENT_BIAS 1075 /* of the significand taken as an integer */

typedef struct decimal {
    uint64_t digits;
    int exponent; /* value = digits * 10^exponent */
} decimal;

/* floor(log10(2^q)), and floor(log10(3/4 * 2^q)) for the uneven interval below a power of two; floor(log2(10^e)).
 * Fixed-point products, exact for every exponent of a double (Giulietti, section 9.1.). */
static int
floor_log10_pow2(int q)
{
    return (int)(((int64_t)q * 1262611) >> 22);
}

static int
floor_log10_three_quarters_pow2(int q)
{
    return (int)(((int64_t)q * 1262611 - 524031) >> 22);
}

static int
floor_log2_pow10(int e)
{
    return (int)(((int64_t)e * 1741647) >> 19);
}

/* The product's integer part, with its lowest bit set if anything was cut off ("round to odd"): exact enough to compare
 * with the ends of the rounding interval. */
static uint64_t
multiply_round_to_odd(const uint64_t g[2], uint64_t c)
{
    rj__wide low = (rj__wide)g[1] * c;
    rj__wide high = (rj__wide)g[0] * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The shortest decimal in the rounding interval of c * 2^q, the closest if there are several. `uneven`: c is a power
 * of two whose lower neighbour is half as far away. */
static decimal
shortest(uint64_t c, int q, int uneven)
{
    int odd = (int)(c & 1); /* the interval's ends belong to even significands only */
    int k = uneven ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    const uint64_t *g = rj__pow10[-k - RJ__POW10_FIRST];
    uint64_t lower = multiply_round_to_odd(g, (4 * c - 2 + (uint64_t)uneven) << h) + (uint64_t)odd;
    uint64_t value = multiply_round_to_odd(g, (4 * c) << h);
    uint64_t upper = multiply_round_to_odd(g, (4 * c + 2) << h) - (uint64_t)odd;
    uint64_t s = value >> 2;

    if (s >= 10) { /* one digit less, if exactly one such number is inside */
        uint64_t tens = s / 10;
        int down = lower <= 40 * tens;
        int up = 40 * tens + 40 <= upper;
        if (down != up)
            return (decimal){tens + (uint64_t)up, k + 1};
    }
    int down = lower <= 4 * s;
    int up = 4 * s + 4 <= upper;
    if (down != up)
        return (decimal){s + (uint64_t)up, k};
    uint64_t middle = 4 * s + 2;
    int round_up = value > middle || (value == middle && (s & 1));
    return (decimal){s + (uint64_t)round_up, k};
}

/* 17 significant digits, zeros at the end. Sixteen of them stay in a register: loading bytes that were stored a moment ago in
 * other pieces would stall. */
typedef struct digit_string {
    rj__digits16 first16;
    uint8_t last;    /* ASCII */
    int significant; /* without trailing zeros; at least 1 */
    int point;       /* value = 0.DIGITS * 10^point */
} digit_string;

#define E15 1000000000000000u
#define E16 10000000000000000u

/* Of a number with 16 digits and one more behind them. */
RJ__INLINE digit_string
to_digits(uint64_t n16, unsigned last, int exponent)
{
    rj__digits16 d = rj__split_digits16(n16);
    return (digit_string){
        .first16 = d,
        .last = (uint8_t)('0' + last),
        .significant = last ? 17 : rj__significant16(d),
        .point = 17 + exponent,
    };
}

/* A result of any number of digits, brought to 17. */
static RJ__NOINLINE digit_string
to_digits_slow(decimal d)
{
    while (d.digits < E16) {
        d.digits *= 10;
        d.exponent--;
    }
    return to_digits(d.digits / 10, (unsigned)(d.digits % 10), d.exponent);
}

/* The same for almost every double, from one product: c * 2^q in units of 10^k, of which `tens` are the leading digits and the
 * rest lies between 0 and 10. Returns 0 where the answer is too close to call.
 *
 * All distances are in units of 2^-60. The product's error: g is rounded up by less than 2^-128 of its scale, which c << h
 * (below 2^57) turns into less than 2^-7 units of 2^-64; cutting off the low product's low half costs less than one such
 * unit; cutting `fraction` to 60 bits less than one unit of 2^-60. The half width is cut off by less than one unit. So what is
 * closer than MARGIN, 8 units, to a boundary is left to the exact algorithm, and everything else is decided as it would
 * decide. */
#define MARGIN 8

RJ__INLINE int
shortest_fast(uint64_t c, int q, digit_string *out)
{
    int k = floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    const uint64_t *g = rj__pow10[-k - RJ__POW10_FIRST];
    uint64_t scaled = c << h;
    rj__wide product = (rj__wide)g[0] * scaled + (uint64_t)(((rj__wide)g[1] * scaled) >> 64);
    uint64_t whole = (uint64_t)(product >> 64), fraction = (uint64_t)product;
    uint64_t tens = whole / 10, ones = whole - tens * 10;
    uint64_t above = ones << 60 | fraction >> 4; /* distance from tens * 10 */
    uint64_t below = ((uint64_t)10 << 60) - above;
    uint64_t half_width = g[0] >> (5 - h); /* of the rounding interval */
    if (RJ__UNLIKELY((above - half_width + MARGIN < 2 * MARGIN) | (below - half_width + MARGIN < 2 * MARGIN)))
        return 0;
    uint64_t half = (uint64_t)1 << 63;
    unsigned last = (unsigned)ones + (fraction >= half);
    if (above < half_width || below < half_width) { /* a number that ends in zero is inside: one digit less */
        tens += below < half_width;
        last = 0;
    }
    else if (RJ__UNLIKELY(fraction - half + 16 * MARGIN < 32 * MARGIN)) {
        return 0;
    }
    if (tens < E15) { /* c * 2^q / 10^k lies between 2^52 and 10 * 2^53: 16 or 17 digits */
        tens = tens * 10 + last;
        last = 0;
        k--;
    }
    *out = to_digits(tens, last, k);
    return 1;
}

/* 1.5e-07, 1e+16: at least two digits of exponent, and its sign. */
static uint8_t *
put_scientific(uint8_t *p, const digit_string *d)
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
static uint8_t *
put_fraction(uint8_t *p, const digit_string *d)
{
    memcpy(p, "0.000", 5);
    p += 2 - d->point;
    rj__put_digits16(p, d->first16);
    p[16] = d->last;
    return p + d->significant;
}

/* 1500.0, 15.25 */
RJ__INLINE uint8_t *
put_fixed(uint8_t *p, const digit_string *d)
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
put_digits(uint8_t *p, const digit_string *d)
{
    if (d->point > 0 && d->point <= 16)
        return put_fixed(p, d);
    return d->point <= 0 && d->point > -4 ? put_fraction(p, d) : put_scientific(p, d);
}

uint8_t *
rj__put_double(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    int exponent = (int)(bits >> FRACTION_BITS) & EXPONENT_MASK;
    *p = '-';
    p += bits >> 63;
    if (fraction == 0 && exponent == 0) {
        memcpy(p, "0.0", 3);
        return p + 3;
    }
    uint64_t c = exponent ? fraction | (uint64_t)1 << FRACTION_BITS : fraction;
    int q = (exponent ? exponent : 1) - EXPONENT_BIAS;
    digit_string digits;
    /* Powers of two have uneven intervals, subnormals fewer digits than the fast way expects. */
    if (RJ__UNLIKELY(fraction == 0 || exponent == 0) || RJ__UNLIKELY(!shortest_fast(c, q, &digits)))
        digits = to_digits_slow(shortest(c, q, fraction == 0 && exponent > 1));
    return put_digits(p, &digits);
}

/* A format with fewer bits: `fraction_bits` of them behind the point, and an exponent that is not all ones. The tables are made
 * for doubles, whose numbers these all are, with smaller significands and so wider intervals. */
static uint8_t *
put_narrow(uint8_t *p, uint32_t bits, int fraction_bits, int exponent_bits)
{
    uint32_t fraction = bits & ((1u << fraction_bits) - 1);
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1 + fraction_bits;
    *p = '-';
    p += bits >> (fraction_bits + exponent_bits) & 1;
    if (fraction == 0 && exponent == 0) {
        memcpy(p, "0.0", 3);
        return p + 3;
    }
    uint32_t c = exponent ? fraction | 1u << fraction_bits : fraction;
    int q = (exponent ? exponent : 1) - bias;
    digit_string digits = to_digits_slow(shortest(c, q, fraction == 0 && exponent > 1));
    return put_digits(p, &digits);
}

uint8_t *
rj__put_float(uint8_t *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_narrow(p, bits, 23, 8);
}

uint8_t *
rj__put_half(uint8_t *p, uint16_t bits)
{
    return put_narrow(p, bits, 10, 5);
}
