/* Looking at four blocks as one; see scan.h. */
#ifndef RJSON_STREAM_ARCH_SCALAR_SCAN_LONG_H
#define RJSON_STREAM_ARCH_SCALAR_SCAN_LONG_H

#define RJ__SCAN_LONG (4 * RJ__SCAN_BLOCK)

RJ__INLINE int
rj__scan_long(const uint8_t *p, uint64_t *high)
{
    uint64_t special = 0, here;
    *high = 0;
    for (int i = 0; i < RJ__SCAN_LONG; i += RJ__SCAN_BLOCK) {
        special |= rj__scan_special(p + i, &here);
        *high |= here;
    }
    return special == 0;
}

#endif
