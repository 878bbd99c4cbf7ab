/* Eight bytes at a time in a general register, as building blocks for every instruction set. */
#ifndef RJSON_STREAM_ARCH_COMMON_SCALAR_BLOCK_H
#define RJSON_STREAM_ARCH_COMMON_SCALAR_BLOCK_H

#include "arch/common/prefetch.h"

#define RJ__SWAR_ONES 0x0101010101010101u
#define RJ__SWAR_HIGH 0x8080808080808080u

/* The high bit is set in every byte that is '"', '\' or below 0x20, or DEL if `printable_only`, and in no other
 * byte. Bytes are looked at without their high bits, so that no carry reaches a neighbour (the usual "has zero byte"
 * trick marks false positives). */
RJ__INLINE uint64_t
rj__swar_special(uint64_t v, int printable_only)
{
    uint64_t low7 = v & ~RJ__SWAR_HIGH;
    uint64_t quote = (low7 ^ (RJ__SWAR_ONES * '"')) + (RJ__SWAR_ONES * 0x7f);
    uint64_t backslash = (low7 ^ (RJ__SWAR_ONES * '\\')) + (RJ__SWAR_ONES * 0x7f);
    uint64_t control = low7 + (RJ__SWAR_ONES * 0x60);
    uint64_t delete = printable_only ? low7 + RJ__SWAR_ONES : 0;
    return (~(quote & backslash & control) | delete) & ~v & RJ__SWAR_HIGH;
}

/* Copies up to 7 bytes of ASCII, byte by byte where that is shortest; nonzero if one of them must be escaped. */
RJ__INLINE int
rj__swar_copy_clean_short(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    if (length >= 4) { /* two overlapping halves */
        uint32_t first, last;
        memcpy(&first, src, 4);
        memcpy(&last, src + length - 4, 4);
        memcpy(dst, &first, 4);
        memcpy(dst + length - 4, &last, 4);
        return rj__swar_special(first | (uint64_t)last << 32, printable_only) != 0;
    }
    if (length == 0)
        return 0;
    uint8_t a = src[0], b = src[length >> 1], c = src[length - 1];
    dst[0] = a;
    dst[length >> 1] = b;
    dst[length - 1] = c;
    if (printable_only && ((a == 0x7f) | (b == 0x7f) | (c == 0x7f)))
        return 1;
    return (rj__escape_letter[a] | rj__escape_letter[b] | rj__escape_letter[c]) != 0;
}

/* Copies ASCII bytes, exactly `length` of them; nonzero if one must be escaped (what was written is of no use then). */
RJ__INLINE int
rj__swar_copy_clean(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    if (length < 8)
        return rj__swar_copy_clean_short(src, length, dst, printable_only);
    uint64_t v;
    for (size_t i = 0; i + 8 < length; i += 8) {
        memcpy(&v, src + i, 8);
        memcpy(dst + i, &v, 8);
        if (RJ__UNLIKELY(rj__swar_special(v, printable_only) != 0))
            return 1;
    }
    memcpy(&v, src + length - 8, 8);
    memcpy(dst + length - 8, &v, 8);
    return rj__swar_special(v, printable_only) != 0;
}

/* Code units of `width` bytes, 2 or 4. */
RJ__INLINE uint32_t
rj__unit(const void *units, int width, size_t i)
{
    return width == 2 ? ((const uint16_t *)units)[i] : ((const uint32_t *)units)[i];
}

RJ__INLINE void
rj__set_unit(void *units, int width, size_t i, uint32_t c)
{
    if (width == 2)
        ((uint16_t *)units)[i] = (uint16_t)c;
    else
        ((uint32_t *)units)[i] = c;
}

#endif
