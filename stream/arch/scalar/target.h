/* Blocks of eight bytes in a general register: for every machine. */
#ifndef RJSON_STREAM_ARCH_SCALAR_TARGET_H
#define RJSON_STREAM_ARCH_SCALAR_TARGET_H

#include "arch/common/scalar_block.h"
#include "arch/common/set.h"

#define RJ__SET scalar

/* No vector path for wider characters: nothing done. */
RJ__INLINE size_t
rj__escape_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    (void)src;
    (void)length;
    (void)dst;
    return 0;
}

/* See arch/sse4/block.h; this one reads and writes exactly `length` bytes. */
RJ__INLINE size_t
rj__copy_clean(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    return (size_t)rj__swar_copy_clean(src, length, dst, printable_only);
}

#define rj__copy_clean_blocks rj__copy_clean

RJ__INLINE size_t
rj__copy_clean_alone(const uint8_t *src, size_t length, uint8_t *dst)
{
    return (size_t)rj__swar_copy_clean(src, length, dst, 0);
}

#endif
