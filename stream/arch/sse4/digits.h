/* Reading decimals by 16 bytes (SSE4.1). See arch/common/decimal.h. */
#ifndef RJSON_STREAM_ARCH_SSE4_DIGITS_H
#define RJSON_STREAM_ARCH_SSE4_DIGITS_H

#include "arch/sse4/digits_short.h"

/* The digits at `p`: how many, up to 16, and their value. */
RJ__INLINE unsigned
rj__read_digits16(const uint8_t *p, uint64_t *w)
{
    unsigned others;
    __m128i v = rj__load_digits16(p, &others);
    unsigned count = (unsigned)__builtin_ctz(others | 1u << 16);
    *w = rj__join_digits16(_mm_shuffle_epi8(v, rj__move_right16(count)));
    return count;
}

/* Up to seven digits before the point from one register, 16 behind it from another, up to seven more from a third. */
RJ__INLINE int
rj__read_long_decimal(const uint8_t *p, rj__decimal *n)
{
    uint64_t whole = (uint64_t)(*p - '0'), first;
    unsigned before = RJ__LIKELY(p[1] == '.') ? 1 : rj__read_few_digits(p, &whole);
    if (before == 0 || p[before] != '.')
        return 0;
    const uint8_t *fraction = p + before + 1;
    unsigned count = rj__read_digits16(fraction, &first);
    uint64_t v = rj__load_digits8(fraction + 16), no_digits = rj__no_digits8(v);
    if (RJ__UNLIKELY(no_digits == 0))
        return 0;
    unsigned bits = count == 16 ? (unsigned)__builtin_ctzll(no_digits) & ~7u : 0;
    n->digits =
        (whole * rj__appended[count] + first) * rj__appended[bits / 8] + rj__join_digits8(rj__first_digits8(v, bits));
    n->decimals = (int)(count + bits / 8);
    n->length = before + 1 + (unsigned)n->decimals;
    return n->length <= RJ__DECIMAL_DIGITS + 1;
}

#endif
