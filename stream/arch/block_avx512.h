/* Clean strings by masked loads of 32 bytes, which touch nothing before a string. */
#ifndef RJSON_BLOCK_AVX512_H
#define RJSON_BLOCK_AVX512_H

/* A mask for that many units, at most 32. */
RJ__INLINE uint32_t
rj__first_bits(size_t count)
{
    return _bzhi_u32(UINT32_MAX, (unsigned)(count < 32 ? count : 32));
}

/* Up to 32 bytes; nonzero if one must be escaped. Stores 32. */
RJ__INLINE uint32_t
rj__copy_masked(const uint8_t *src, size_t length, uint8_t *dst)
{
    uint32_t valid = rj__first_bits(length);
    __m256i v = _mm256_maskz_loadu_epi8(valid, src);
    _mm256_storeu_si256((__m256i *)dst, v);
    uint32_t clean = _mm256_mask_cmpgt_epu8_mask(valid, v, _mm256_load_si256((const __m256i *)rj__controls));
    clean = _mm256_mask_cmpneq_epi8_mask(clean, v, _mm256_load_si256((const __m256i *)rj__quotes));
    return valid ^ _mm256_mask_cmpneq_epi8_mask(clean, v, _mm256_load_si256((const __m256i *)rj__backslashes));
}

/* See block_avx2.h. */
RJ__INLINE size_t
rj__copy_clean_alone(const uint8_t *src, size_t length, uint8_t *dst)
{
    for (; RJ__UNLIKELY(length > 32); src += 32, dst += 32, length -= 32)
        if (RJ__UNLIKELY(rj__copy_masked(src, 32, dst)))
            return 1;
    return rj__copy_masked(src, length, dst) != 0;
}

#endif
