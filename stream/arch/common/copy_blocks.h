/* Copies by the registers that scans work in, which compilers don't take for a memcpy. Included behind SET/scan.h. */
#ifndef RJSON_STREAM_ARCH_COMMON_COPY_BLOCKS_H
#define RJSON_STREAM_ARCH_COMMON_COPY_BLOCKS_H

typedef uint8_t rj__scanned __attribute__((vector_size(RJ__SCAN_BLOCK)));

/* `size` bytes, up to the end of the last block. */
RJ__INLINE void
rj__copy_blocks(const uint8_t *src, size_t size, uint8_t *dst)
{
    for (size_t i = 0; i < size; i += RJ__SCAN_BLOCK) {
        rj__scanned block;
        memcpy(&block, src + i, sizeof block);
        memcpy(dst + i, &block, sizeof block);
    }
}

#define RJ__COPY_STEP 16

/* `size` bytes, and maybe more, up to a multiple of RJ__COPY_STEP: so many must be readable. */
RJ__INLINE void
rj__copy_short(const uint8_t *src, size_t size, uint8_t *dst)
{
#if defined(RJ__HAS_MASKED_LOADS)
    /* In as many blocks as the scan found: the processor foresees how many then. */
    for (; size >= RJ__SCAN_BLOCK; size -= RJ__SCAN_BLOCK, src += RJ__SCAN_BLOCK, dst += RJ__SCAN_BLOCK)
        rj__copy_blocks(src, RJ__SCAN_BLOCK, dst);
    __mmask64 rest = _bzhi_u64(~(uint64_t)0, (unsigned)size);
    _mm512_mask_storeu_epi8(dst, rest, _mm512_maskz_loadu_epi8(rest, src));
#else
    for (size_t i = 0; i < size; i += RJ__COPY_STEP)
        memcpy(dst + i, src + i, RJ__COPY_STEP);
#endif
}

#endif
