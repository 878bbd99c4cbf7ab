/* Without vectors, no decimal is read at once; see arch/common/decimal.h. */
#ifndef RJSON_STREAM_ARCH_SCALAR_DIGITS_H
#define RJSON_STREAM_ARCH_SCALAR_DIGITS_H

#include "arch/common/decimal.h"

RJ__INLINE int
rj__read_decimal(const uint8_t *p, rj__decimal *n)
{
    (void)p;
    *n = (rj__decimal){0, 0, -1};
    return 0;
}

RJ__INLINE int
rj__read_long_decimal(const uint8_t *p, rj__decimal *n)
{
    return rj__read_decimal(p, n);
}

#endif
