/* Sixteen bytes in a NEON register, whose marks are four bits wide. See arch/scalar/scan.h. */
#ifndef RJSON_STREAM_ARCH_NEON_SCAN_H
#define RJSON_STREAM_ARCH_NEON_SCAN_H

#define RJ__SCAN_BLOCK 16
#define RJ__SCAN_SHIFT 2

RJ__INLINE uint64_t
rj__scan_special(const uint8_t *p, uint64_t *high)
{
    uint8x16_t v = vld1q_u8(p);
    *high = rj__neon_marks(vcgeq_u8(v, vdupq_n_u8(0x80)));
    return rj__neon_marks(rj__special16(v, 0));
}

/* See arch/sse4/scan.h. */
RJ__INLINE uint64_t
rj__scan_solid(const uint8_t *p)
{
    static const uint8_t spaces[16] = {[0] = ' ', [9] = '\t', [10] = '\n', [13] = '\r'};
    uint8x16_t v = vld1q_u8(p);
    uint8x16_t could_be = vqtbl1q_u8(vld1q_u8(spaces), vandq_u8(v, vdupq_n_u8(15)));
    return ~rj__neon_marks(vceqq_u8(could_be, v));
}

#include "arch/scalar/scan_long.h"

#endif
