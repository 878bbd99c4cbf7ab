/*
 * Reading decimals at once: no branch on how many digits there are, or where the point is, since that differs from
 * number to number. What each instruction set offers, of a number at `p`, which begins with a digit; 0 if it is none
 * of these:
 *     rj__read_decimal(p, &n)        of up to 15 characters. Reads 17 bytes.
 *     rj__read_long_decimal(p, &n)   of up to RJ__DECIMAL_DIGITS digits, and a point; SSE: with a point behind one of the first seven. Reads 40 bytes.
 * What is behind the number may be an exponent. Whether a zero comes before other digits is for the caller to find out.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_DECIMAL_H
#define RJSON_STREAM_ARCH_COMMON_DECIMAL_H

#include "internal.h"

/* So many always fit in 64 bits. */
#define RJ__DECIMAL_DIGITS 19

typedef struct rj__decimal {
    uint64_t digits; /* all of them, as one number */
    unsigned length; /* in the text */
    int decimals;    /* behind the point; -1: there is no point */
} rj__decimal;

/* Where the number ends, and where its point is, from marks of the characters that are no digits; 0 if the end is
 * not among these. */
RJ__INLINE int
rj__find_end(const uint8_t *p, unsigned others, rj__decimal *n)
{
    if (RJ__UNLIKELY(others == 0))
        return 0;
    unsigned point = (unsigned)__builtin_ctz(others);
    n->length = point;
    n->decimals = -1;
    if (p[point] != '.')
        return 1;
    others &= others - 1;
    if (RJ__UNLIKELY(others == 0))
        return 0;
    n->length = (unsigned)__builtin_ctz(others);
    n->decimals = (int)(n->length - point) - 1;
    return 1;
}

#endif
