/* Code units of two and four bytes to a target that takes such: plain loops over blocks, which compilers turn into
 * vectors. */
#ifndef RJSON_STREAM_ARCH_SCALAR_UNITS_H
#define RJSON_STREAM_ARCH_SCALAR_UNITS_H

#define RJ__UNIT_BLOCK 16
#define RJ__FEW_UNITS(to) 16

RJ__INLINE uint32_t
rj__is_special_unit(uint32_t c)
{
    return (c < 0x20) | (c == '"') | (c == '\\') | ((c & 0xFFFFF800) == 0xD800);
}

/* Copies units of `from` bytes as units of `to` bytes, up to the first that must be escaped or is a surrogate. Returns their
 * number; stores up to 32 units past them. */
RJ__INLINE size_t
rj__copy_clean_units(const void *src, int from, size_t length, void *dst, int to)
{
    size_t i = 0;
    for (; i + RJ__UNIT_BLOCK <= length; i += RJ__UNIT_BLOCK) {
        uint32_t special = 0;
        for (size_t j = 0; j < RJ__UNIT_BLOCK; j++) {
            uint32_t c = rj__unit(src, from, i + j);
            rj__set_unit(dst, to, i + j, c);
            special |= rj__is_special_unit(c);
        }
        if (RJ__UNLIKELY(special))
            break;
    }
    for (; i < length; i++) {
        uint32_t c = rj__unit(src, from, i);
        if (rj__is_special_unit(c))
            break;
        rj__set_unit(dst, to, i, c);
    }
    return i;
}

/* Copies at most RJ__FEW_UNITS(to); nonzero if one is special. Stores as many in any case. */
RJ__INLINE int
rj__copy_few_units(const void *src, int from, size_t length, void *dst, int to)
{
    return rj__copy_clean_units(src, from, length, dst, to) < length;
}

#define RJ__WIDEN_BLOCK 16

/* Latin-1 as units of `to` bytes; stores up to 32 units past them, and may read up to 32 bytes past `src`. */
RJ__INLINE void
rj__widen_bytes(const uint8_t *src, size_t length, void *dst, int to)
{
    for (size_t i = 0; i < length; i += RJ__WIDEN_BLOCK)
        for (size_t j = 0; j < RJ__WIDEN_BLOCK; j++)
            rj__set_unit(dst, to, i + j, src[i + j]);
}

#endif
