/*
 * Shortest decimal digits of doubles: the Schubfach algorithm (Raffaele Giulietti, "The Schubfach way to render
 * doubles", 2020), and the spelling of Python's repr for its result.
 */
#include "number.h"
#include "pow10_table.h"

#define D1(h, t, u) {'0' + h, '0' + t, '0' + u, h ? 0 : t ? 1 : 2}
#define D10(h, t)                                                                                  \
    D1(h, t, 0), D1(h, t, 1), D1(h, t, 2), D1(h, t, 3), D1(h, t, 4), D1(h, t, 5), D1(h, t, 6),     \
        D1(h, t, 7), D1(h, t, 8), D1(h, t, 9)
#define D100(h)                                                                                    \
    D10(h, 0), D10(h, 1), D10(h, 2), D10(h, 3), D10(h, 4), D10(h, 5), D10(h, 6), D10(h, 7),        \
        D10(h, 8), D10(h, 9)

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

/* 17 significant digits as text, zeros at the end, and where the decimal point belongs. */
typedef struct digit_string {
    uint8_t text[24];
    int significant; /* without trailing zeros; at least 1 */
    int point;       /* value = 0.DIGITS * 10^point */
} digit_string;

static const uint64_t integer_pow10[] = {
    1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u, 10000000000u,
    100000000000u, 1000000000000u, 10000000000000u, 100000000000000u, 1000000000000000u, 10000000000000000u,
    100000000000000000u,
};

static unsigned
decimal_length(uint64_t n)
{
    /* 1233 / 4096 is just above log10(2). */
    unsigned guess = (unsigned)(64 - __builtin_clzll(n)) * 1233 >> 12;
    return guess + (n >= integer_pow10[guess]);
}

/* Digits from the last nonzero one on, in eight digit values (see rj__digits8). */
static int
significant8(uint64_t digits)
{
    return digits ? 8 - __builtin_clzll(digits) / 8 : 0;
}

static void
to_digits(decimal d, digit_string *out)
{
    unsigned length = decimal_length(d.digits);
    uint64_t n = d.digits * integer_pow10[17 - length];
    uint64_t low16 = n % 10000000000000000u;
    uint64_t high8 = rj__digits8((uint32_t)(low16 / 100000000));
    uint64_t low8 = rj__digits8((uint32_t)(low16 % 100000000));
    out->text[0] = (uint8_t)('0' + n / 10000000000000000u);
    rj__store8(out->text + 1, high8 | RJ__ASCII_ZEROS);
    rj__store8(out->text + 9, low8 | RJ__ASCII_ZEROS);
    out->significant = low8 ? 9 + significant8(low8) : 1 + significant8(high8);
    out->point = (int)length + d.exponent;
}

/* 1.5e-07, 1e+16: at least two digits of exponent, and its sign. */
static uint8_t *
put_scientific(uint8_t *p, const digit_string *d)
{
    int exponent = d->point - 1;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    p[0] = d->text[0];
    p[1] = '.';
    memcpy(p + 2, d->text + 1, 16);
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
    memcpy(p, d->text, 17);
    return p + d->significant;
}

/* 1500.0, 15.25 */
static uint8_t *
put_fixed(uint8_t *p, const digit_string *d)
{
    int point = d->point;
    memcpy(p, d->text, 17);
    p[point] = '.';
    memcpy(p + point + 1, d->text + point, 17 - (size_t)point);
    int fraction = d->significant > point ? d->significant - point : 1;
    return p + point + 1 + fraction;
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
    to_digits(shortest(c, q, fraction == 0 && exponent > 1), &digits);
    if (digits.point > 16 || digits.point < -3)
        return put_scientific(p, &digits);
    return digits.point > 0 ? put_fixed(p, &digits) : put_fraction(p, &digits);
}
