/* Clean strings by masked loads, which touch nothing before or behind a string. */
#ifndef RJSON_STREAM_ARCH_AVX512_BLOCK_H
#define RJSON_STREAM_ARCH_AVX512_BLOCK_H

/* A mask for that many units, at most 32. */
RJ__INLINE uint32_t
rj__first_bits(size_t count)
{
    return _bzhi_u32(UINT32_MAX, (unsigned)(count < 32 ? count : 32));
}

/* Each place gets the byte that is `places` behind it. */
RJ__INLINE __m512i
rj__from_behind(__m512i v, int places)
{
    const __m512i ascending =
        _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120, 0x1f1e1d1c1b1a1918,
                         0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    return _mm512_permutexvar_epi8(_mm512_add_epi8(ascending, _mm512_set1_epi8((char)places)), v);
}

/* Which of 64 bytes, all of them valid or some, are neither '"' nor '\\'. */
RJ__INLINE __mmask64
rj__unquoted(__mmask64 valid, __m512i v)
{
    valid = _mm512_mask_cmpneq_epi8_mask(valid, v, _mm512_set1_epi8('"'));
    return _mm512_mask_cmpneq_epi8_mask(valid, v, _mm512_set1_epi8('\\'));
}

/* Copies up to 64 bytes; whether one must be escaped. Stores 64. */
RJ__INLINE int
rj__copy_masked64(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    __mmask64 valid = _bzhi_u64(~(uint64_t)0, (unsigned)length);
    __m512i v = _mm512_maskz_loadu_epi8(valid, src);
    _mm512_storeu_si512(dst, v);
    __mmask64 clean = _mm512_mask_cmpge_epu8_mask(valid, v, _mm512_set1_epi8(0x20));
    if (printable_only)
        clean = _mm512_mask_cmplt_epu8_mask(clean, v, _mm512_set1_epi8(0x7f));
    return rj__unquoted(clean, v) != valid;
}

/* Of longer strings blocks of 32 bytes are copied, of which fewer lie across cache lines; of others 64, as the end
 * of the loop is less often foreseen. */
#define RJ__MEDIUM 1024

/* See arch/sse4/block.h. */
RJ__INLINE size_t
rj__copy_clean_blocks(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    const uint8_t *begin = src;
    for (; length > RJ__MEDIUM; src += 32, dst += 32, length -= 32) {
        __m256i v = rj__avx2_load(src), special = rj__avx2_special_ascii(v, printable_only);
        rj__avx2_store(dst, v);
        if (RJ__UNLIKELY(!_mm256_testz_si256(special, special)))
            return 1 + (size_t)(src - begin);
    }
    for (; length > 64; src += 64, dst += 64, length -= 64)
        if (RJ__UNLIKELY(rj__copy_masked64(src, 64, dst, printable_only)))
            return 1 + (size_t)(src - begin);
    return rj__copy_masked64(src, length, dst, printable_only) ? 1 + (size_t)(src - begin) : 0;
}

/* Up to 32 bytes; whether one must be escaped. Stores 32. */
RJ__INLINE int
rj__copy_masked32(const uint8_t *src, size_t length, uint8_t *dst)
{
    uint32_t valid = rj__first_bits(length);
    __m256i v = _mm256_maskz_loadu_epi8(valid, src);
    _mm256_storeu_si256((__m256i *)dst, v);
    uint32_t clean = _mm256_mask_cmpgt_epu8_mask(valid, v, _mm256_load_si256((const __m256i *)rj__controls));
    clean = _mm256_mask_cmpneq_epi8_mask(clean, v, _mm256_load_si256((const __m256i *)rj__quotes));
    return valid != _mm256_mask_cmpneq_epi8_mask(clean, v, _mm256_load_si256((const __m256i *)rj__backslashes));
}

/* See arch/sse4/block.h. */
RJ__INLINE size_t
rj__copy_clean_alone(const uint8_t *src, size_t length, uint8_t *dst)
{
    return RJ__LIKELY(length <= 32) ? (size_t)rj__copy_masked32(src, length, dst)
                                    : rj__copy_clean_blocks(src, length, dst, 0);
}

#endif
