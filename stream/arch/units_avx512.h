/* See units_generic.h; by masked loads of 64 bytes. */
#ifndef RJSON_UNITS_AVX512_H
#define RJSON_UNITS_AVX512_H

#define RJ__FEW_UNITS(to) (64 / (to))

/* Which of 32 units of two bytes, or 16 of four, must be escaped or are surrogates. Each comparison is made only where the one before it
 * agreed: one mask, not four. */
RJ__INLINE uint32_t
rj__special_units2(__m512i v, __mmask32 valid)
{
    __mmask32 clean = _mm512_mask_cmpge_epu16_mask(valid, v, _mm512_set1_epi16(0x20));
    clean = _mm512_mask_cmpneq_epi16_mask(clean, v, _mm512_set1_epi16('"'));
    clean = _mm512_mask_cmpneq_epi16_mask(clean, v, _mm512_set1_epi16('\\'));
    __m512i top = _mm512_and_si512(v, _mm512_set1_epi16((short)0xF800));
    return valid ^ _mm512_mask_cmpneq_epi16_mask(clean, top, _mm512_set1_epi16((short)0xD800));
}

RJ__INLINE uint32_t
rj__special_units4(__m512i v, __mmask16 valid)
{
    __mmask16 clean = _mm512_mask_cmpge_epu32_mask(valid, v, _mm512_set1_epi32(0x20));
    clean = _mm512_mask_cmpneq_epi32_mask(clean, v, _mm512_set1_epi32('"'));
    clean = _mm512_mask_cmpneq_epi32_mask(clean, v, _mm512_set1_epi32('\\'));
    __m512i top = _mm512_and_si512(v, _mm512_set1_epi32((int)0xFFFFF800));
    return (uint32_t)(valid ^ _mm512_mask_cmpneq_epi32_mask(clean, top, _mm512_set1_epi32(0xD800)));
}

/* A block of 64 bytes, or what is left of it; returns which units are special. */
RJ__INLINE uint32_t
rj__copy_unit_block(const void *src, int from, size_t i, size_t length, void *dst, int to)
{
    uint32_t valid = rj__first_bits(length - i);
    if (to == 2) {
        __m512i v = _mm512_maskz_loadu_epi16(valid, (const uint16_t *)src + i);
        _mm512_storeu_si512((uint16_t *)dst + i, v);
        return rj__special_units2(v, valid);
    }
    __m512i v = from == 2 ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16((__mmask16)valid, (const uint16_t *)src + i))
                          : _mm512_maskz_loadu_epi32((__mmask16)valid, (const uint32_t *)src + i);
    _mm512_storeu_si512((uint32_t *)dst + i, v);
    return rj__special_units4(v, (__mmask16)valid);
}

/* Of so many units blocks are stored where blocks should begin; see steps_avx512.h. */
#define RJ__ALIGNED_UNITS 1024

RJ__INLINE size_t
rj__copy_clean_units(const void *src, int from, size_t length, void *dst, int to)
{
    size_t block = to == 2 ? 32 : 16, i = 0;
    if (length >= RJ__ALIGNED_UNITS && RJ__LIKELY(!rj__copy_unit_block(src, from, 0, block, dst, to)))
        i = -(uintptr_t)dst % 64 / (size_t)to;
    for (; i + 4 * block <= length; i += 4 * block) {
        uint32_t special = 0;
        for (size_t j = i; j < i + 4 * block; j += block)
            special |= rj__copy_unit_block(src, from, j, j + block, dst, to);
        if (RJ__UNLIKELY(special))
            break;
    }
    for (; i < length; i += block) {
        uint32_t special = rj__copy_unit_block(src, from, i, length, dst, to);
        if (RJ__UNLIKELY(special))
            return i + _tzcnt_u32(special);
    }
    return length;
}

RJ__INLINE int
rj__copy_few_units(const void *src, int from, size_t length, void *dst, int to)
{
    return rj__copy_unit_block(src, from, 0, length, dst, to) != 0;
}

RJ__INLINE void
rj__widen_bytes(const uint8_t *src, size_t length, void *dst, int to)
{
    size_t block = to == 2 ? 32 : 16;
    for (size_t i = 0; i < length; i += block) {
        if (to == 2)
            _mm512_storeu_si512((uint16_t *)dst + i, _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(src + i))));
        else
            _mm512_storeu_si512((uint32_t *)dst + i, _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(src + i))));
    }
}

#endif
