/* Copies by the registers that scans work in, which compilers don't take for a memcpy. Included behind RJ__SCAN. */
#ifndef RJSON_COPY_BLOCKS_H
#define RJSON_COPY_BLOCKS_H

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

#endif
