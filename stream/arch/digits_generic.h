/* Without vectors, no number is read at once; see digits_sse.h. */
#ifndef RJSON_DIGITS_GENERIC_H
#define RJSON_DIGITS_GENERIC_H

#include "../internal.h"

typedef struct rj__decimal {
    uint64_t digits;
    unsigned length;
    int decimals;
} rj__decimal;

RJ__INLINE int
rj__read_decimal(const uint8_t *p, rj__decimal *n)
{
    (void)p;
    *n = (rj__decimal){0, 0, -1};
    return 0;
}

#endif
