/* Blocks of 32 bytes: what the targets that have AVX2 share, beside those of SSE. Included by their headers, and
 * compiled for each of them. */
#ifndef RJSON_STREAM_ARCH_AVX2_BLOCK_H
#define RJSON_STREAM_ARCH_AVX2_BLOCK_H

#include "arch/sse4/block.h"

#define RJ__BLOCK 32

/* See rj__special16. With bit 1 flipped, control characters and the quote are the bytes up to 0x20: one comparison
 * finds both. */
RJ__INLINE __m256i
rj__avx2_special(__m256i v)
{
    __m256i backslash = _mm256_cmpeq_epi8(v, _mm256_load_si256((const __m256i *)rj__backslashes));
    __m256i flipped = _mm256_xor_si256(v, _mm256_set1_epi8(2));
    return _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(flipped, _mm256_set1_epi8(0x20)), flipped), backslash);
}

/* See rj__special_ascii16. */
RJ__INLINE __m256i
rj__avx2_special_ascii(__m256i v, int printable_only)
{
    if (__builtin_constant_p(printable_only) && !printable_only)
        return rj__avx2_special(v);
    __m256i one = _mm256_set1_epi8((char)printable_only);
    __m256i control = _mm256_cmpgt_epi8(_mm256_add_epi8(one, _mm256_set1_epi8(0x20)), _mm256_add_epi8(one, v));
    __m256i quote = _mm256_cmpeq_epi8(v, _mm256_load_si256((const __m256i *)rj__quotes));
    __m256i backslash = _mm256_cmpeq_epi8(v, _mm256_load_si256((const __m256i *)rj__backslashes));
    return _mm256_or_si256(control, _mm256_or_si256(quote, backslash));
}

RJ__INLINE __m256i
rj__avx2_load(const uint8_t *src)
{
    return _mm256_loadu_si256((const __m256i *)src);
}

RJ__INLINE void
rj__avx2_store(uint8_t *dst, __m256i v)
{
    _mm256_storeu_si256((__m256i *)dst, v);
}

#if !defined(RJ__HAS_MASKED_LOADS)
/* See arch/sse4/block.h. */
RJ__INLINE size_t
rj__copy_clean_blocks(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    const uint8_t *begin = src, *last = src + length - 32;
    uint8_t *last_dst = dst + length - 32;
    for (; src < last; src += 32, dst += 32) {
        __m256i v = rj__avx2_load(src);
        rj__avx2_store(dst, v);
        __m256i special = rj__avx2_special_ascii(v, printable_only);
        if (RJ__UNLIKELY(!_mm256_testz_si256(special, special)))
            return 1 + (size_t)(src - begin);
    }
    __m256i v = rj__avx2_load(last);
    rj__avx2_store(last_dst, v);
    __m256i special = rj__avx2_special_ascii(v, printable_only);
    return _mm256_testz_si256(special, special) ? 0 : 1 + (size_t)(src - begin);
}
#endif

#if !defined(RJ__HAS_MASKED_LOADS)
/* So many whole words of four bytes, at most eight; zeros behind them. */
RJ__INLINE __m256i
rj__avx2_load_words(const uint8_t *src, size_t count)
{
    static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_maskload_epi32((const int *)(const void *)src,
                                 _mm256_loadu_si256((const __m256i *)(const void *)(masks + 8 - count)));
}

/* Copies 4 to 32 bytes, of which nothing need be readable but themselves: whole words, and the last four bytes once
 * more. No branch depends on how many they are. Whether one must be escaped. Stores 32. */
RJ__INLINE int
rj__avx2_copy_clean_to_32(const uint8_t *src, size_t length, uint8_t *dst)
{
    size_t words = length / 4;
    uint32_t last;
    memcpy(&last, src + length - 4, 4);
    __m256i v = rj__avx2_load_words(src, words);
    rj__avx2_store(dst, v);
    memcpy(dst + length - 4, &last, 4);
    uint32_t special = (uint32_t)_mm256_movemask_epi8(rj__avx2_special(v));
    uint32_t special_end = (uint32_t)_mm_movemask_epi8(rj__special16(_mm_cvtsi32_si128((int)last)));
    return ((special & (uint32_t)(((uint64_t)1 << 4 * words) - 1)) | (special_end & 15)) != 0;
}
#endif

/* Copies a block; 0 if one of its bytes must be escaped, or is not ASCII and `ascii_only`. */
RJ__INLINE int
rj__copy_plain_block(const uint8_t *src, uint8_t *dst, int ascii_only, int printable_only)
{
    __m256i v = rj__avx2_load(src);
    rj__avx2_store(dst, v);
    __m256i special = ascii_only ? rj__avx2_special_ascii(v, printable_only) : rj__avx2_special(v);
    if (ascii_only)
        special = _mm256_or_si256(special, v); /* by the high bits */
    return _mm256_movemask_epi8(special) == 0;
}

#define RJ__PLAIN_RUN 128

/* Copies so many bytes; 0 if one must be escaped. */
RJ__INLINE int
rj__copy_plain_run(const uint8_t *src, uint8_t *dst)
{
    __m256i a = rj__avx2_load(src), b = rj__avx2_load(src + 32), c = rj__avx2_load(src + 64), d = rj__avx2_load(src + 96);
    rj__avx2_store(dst, a);
    rj__avx2_store(dst + 32, b);
    rj__avx2_store(dst + 64, c);
    rj__avx2_store(dst + 96, d);
    __m256i special = _mm256_or_si256(_mm256_or_si256(rj__avx2_special(a), rj__avx2_special(b)),
                                      _mm256_or_si256(rj__avx2_special(c), rj__avx2_special(d)));
    return _mm256_testz_si256(special, special);
}

#endif
