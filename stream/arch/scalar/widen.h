/* Widening bytes by a plain loop over blocks, which compilers turn into vectors; see units.h. */
#ifndef RJSON_STREAM_ARCH_SCALAR_WIDEN_H
#define RJSON_STREAM_ARCH_SCALAR_WIDEN_H

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
