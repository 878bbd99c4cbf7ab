/* Blocks of eight bytes in a general register: for every machine. */
#ifndef RJSON_TARGET_SCALAR_H
#define RJSON_TARGET_SCALAR_H

#include "scalar_block.h"

#define RJ__NAME(x) x##_scalar
#define RJ__BLOCK 8

/* One bit or more in each byte that is not plain. */
typedef uint64_t rj__block_mask;

RJ__INLINE rj__block_mask
rj__copy_block_ascii(const uint8_t *src, uint8_t *dst, int printable_only)
{
    uint64_t v;
    memcpy(&v, src, 8);
    memcpy(dst, &v, 8);
    return rj__swar_special(v, printable_only) | (v & RJ__SWAR_HIGH);
}

RJ__INLINE rj__block_mask
rj__copy_block_utf8(const uint8_t *src, uint8_t *dst)
{
    uint64_t v;
    memcpy(&v, src, 8);
    memcpy(dst, &v, 8);
    return rj__swar_special(v, 0);
}

RJ__INLINE unsigned
rj__plain_bytes(rj__block_mask mask)
{
    return rj__swar_first(mask);
}

/* No vector path for wider characters: nothing done. */
RJ__INLINE size_t
rj__copy_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    (void)src;
    (void)length;
    (void)dst;
    return 0;
}

RJ__INLINE size_t
rj__escape_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    (void)src;
    (void)length;
    (void)dst;
    return 0;
}

/* See target_avx2.h; this one reads and writes exactly `length` bytes. */
RJ__INLINE int
rj__copy_clean(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    return rj__swar_copy_clean(src, length, dst, printable_only);
}

#endif
