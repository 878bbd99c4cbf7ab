/* Tables of digits, and the exact way to the shortest digits of doubles and narrower formats; see shortest.h. */
#include "number/shortest.h"

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

#if defined(__SSE2__)
#define X2(n)                                                                                                               \
    {                                                                                                                       \
        n, n                                                                                                                \
    }
#define X8(n)                                                                                                               \
    {                                                                                                                       \
        n, n, n, n, n, n, n, n                                                                                              \
    }
_Alignas(16) const rj__digit_factors rj__digit_factors16 = {
    X2(3518437209), X2(10000), X8(5243), X8(100), X8(6554), X8(10),
};
#endif

#if defined(__SSE2__)
#define IFMA_FACTOR(power) (((uint64_t)1 << 52) / (power))
_Alignas(64) const uint64_t rj__ifma_factors[8] = {
    IFMA_FACTOR(100000000), IFMA_FACTOR(10000000), IFMA_FACTOR(1000000), IFMA_FACTOR(100000),
    IFMA_FACTOR(10000),     IFMA_FACTOR(1000),     IFMA_FACTOR(100),     IFMA_FACTOR(10),
};
#endif

typedef struct decimal {
    uint64_t digits;
    int exponent; /* value = digits * 10^exponent */
} decimal;

/* floor(log10(2^q)) and floor(log2(10^e)), as fixed-point products that are exact for every exponent of a double (Giulietti,
 * section 9.1.). */
static int
floor_log10_pow2(int q)
{
    return (int)(((int64_t)q * 1262611) >> 22);
}

static int
floor_log2_pow10(int e)
{
    return (int)(((int64_t)e * 1741647) >> 19);
}

/* floor(log10(3/4 * 2^q)), for the uneven interval below a power of two. */
static int
floor_log10_three_quarters_pow2(int q)
{
    return (int)(((int64_t)q * 1262611 - 524031) >> 22);
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

/* A result of any number of digits, brought to 17. */
static rj__digit_string
to_digits_slow(decimal d)
{
    while (d.digits < RJ__E16) {
        d.digits *= 10;
        d.exponent--;
    }
    return rj__to_digits(d.digits / 10, (unsigned)(d.digits % 10), d.exponent);
}

/* A format with `fraction_bits` bits behind the point, and an exponent that is not all ones. The table is made for
 * doubles; the numbers of narrower formats are all doubles, with wider intervals. */
static uint8_t *
put_exactly(uint8_t *p, uint64_t bits, int fraction_bits, int exponent_bits)
{
    uint64_t fraction = bits & (((uint64_t)1 << fraction_bits) - 1);
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1 + fraction_bits; /* of the significand taken as an integer */
    *p = '-';
    p += bits >> (fraction_bits + exponent_bits) & 1;
    if (fraction == 0 && exponent == 0) {
        memcpy(p, "0.0", 3);
        return p + 3;
    }
    uint64_t c = exponent ? fraction | (uint64_t)1 << fraction_bits : fraction;
    int q = (exponent ? exponent : 1) - bias;
    rj__digit_string digits = to_digits_slow(shortest(c, q, fraction == 0 && exponent > 1));
    return rj__put_digits(p, &digits);
}

uint8_t *
rj__put_rare_double(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned exponent = (unsigned)(bits >> 52) & 0x7ff;
    rj__digit_string digits;
    if (bits << 12 == 0 && exponent > 1 && rj__shortest_fast((uint64_t)1 << 53, exponent, 1, &digits)) {
        *p = '-';
        return rj__put_digits(p + (bits >> 63), &digits);
    }
    return put_exactly(p, bits, 52, 11);
}

uint8_t *
rj__put_rare_float(uint8_t *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_exactly(p, bits, 23, 8);
}

uint8_t *
rj__put_half(uint8_t *p, uint16_t bits)
{
    return put_exactly(p, bits, 10, 5);
}

uint8_t *
rj__put_double(uint8_t *p, double value)
{
    return rj__put_double_inline(p, value);
}

uint8_t *
rj__put_float(uint8_t *p, float value)
{
    return rj__put_float_inline(p, value);
}
