/* Reading digits in general registers, eight at a time. */
#ifndef RJSON_STREAM_NUMBER_DIGITS8_H
#define RJSON_STREAM_NUMBER_DIGITS8_H

#include "internal.h"

RJ__INLINE int
rj__is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Of eight characters, the first in the lowest byte and each reduced by '0' (exclusive or): the high bit of each
 * that is no digit. */
RJ__INLINE uint64_t
rj__no_digits8(uint64_t v)
{
    return (((v & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | v) & 0x8080808080808080u;
}

/* rj__no_digits8 for what can follow a number: nothing of that shares its upper four bits with digits. Other
 * characters may seem to be some; the bits are not the high ones. */
RJ__INLINE uint64_t
rj__ends_of_digits8(uint64_t v)
{
    return v & 0xF0F0F0F0F0F0F0F0u;
}

/* The number that eight digits are, each as its value: neighbours are joined to pairs, to fours, to the whole. */
RJ__INLINE uint32_t
rj__join_digits8(uint64_t v)
{
    v = v * 10 + (v >> 8);
    v = ((v & 0x000000FF000000FFu) * 0x000F424000000064u + ((v >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >> 32;
    return (uint32_t)v;
}

RJ__INLINE uint64_t
rj__load_digits8(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v ^ 0x3030303030303030u;
}

/* The first bits / 8 of eight digits, at most seven, and zeros before them. */
RJ__INLINE uint64_t
rj__first_digits8(uint64_t v, unsigned bits)
{
    return v << (56 - bits) << 8;
}

/* What a number is multiplied by where so many digits are appended. */
static const uint64_t rj__appended[17] = {1,
                                          10,
                                          100,
                                          1000,
                                          10000,
                                          100000,
                                          1000000,
                                          10000000,
                                          100000000,
                                          1000000000,
                                          10000000000,
                                          100000000000,
                                          1000000000000,
                                          10000000000000,
                                          100000000000000,
                                          1000000000000000,
                                          10000000000000000};

/* Up to seven digits at `p`, and what is behind them: how many, and *w, their value. 0 for anything else, and for a
 * zero before others. */
RJ__INLINE unsigned
rj__read_few_digits(const uint8_t *p, uint64_t *w)
{
    uint64_t v = rj__load_digits8(p), ends = rj__ends_of_digits8(v);
    if (ends == 0)
        return 0;
    unsigned bits = (unsigned)__builtin_ctzll(ends) & ~7u;
    uint64_t digits = rj__first_digits8(v, bits);
    if (RJ__UNLIKELY(rj__no_digits8(digits) || ((v & 0xFF) == 0 && bits > 8)))
        return 0;
    *w = rj__join_digits8(digits);
    return bits / 8;
}

#endif
