/*
 * Looking for what ends a run of text: eight bytes in a general register. What every scan_*.h offers:
 *     RJ__SCAN_BLOCK                           how many bytes one look takes; they must be readable
 *     rj__scan_special(p, &high)               marks '"', '\\' and control characters; in `high`, what is not ASCII
 *     rj__scan_long(p, &high)                  whether none of RJ__SCAN_LONG bytes is special
 *     rj__scan_solid(p)                        marks what is not white space of JSON (RFC 8259, section 2)
 * A mark is a bit; the place of the first is __builtin_ctzll(marks) >> RJ__SCAN_SHIFT.
 */
#ifndef RJSON_STREAM_ARCH_SCALAR_SCAN_H
#define RJSON_STREAM_ARCH_SCALAR_SCAN_H

#define RJ__SCAN_BLOCK 8
#define RJ__SCAN_SHIFT 3

RJ__INLINE uint64_t
rj__scan_special(const uint8_t *p, uint64_t *high)
{
    uint64_t v;
    memcpy(&v, p, 8);
    *high = v & RJ__SWAR_HIGH;
    return rj__swar_special(v, 0);
}

RJ__INLINE uint64_t
rj__scan_solid(const uint8_t *p)
{
    uint64_t solid = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t c = p[i];
        solid |= (uint64_t) !(c == ' ' || c == '\n' || c == '\r' || c == '\t') << (8 * i);
    }
    return solid;
}

#include "arch/scalar/scan_long.h"

#endif
