/* See arch/scalar/units.h; by masked loads of 64 bytes. */
#ifndef RJSON_STREAM_ARCH_AVX512_UNITS_H
#define RJSON_STREAM_ARCH_AVX512_UNITS_H

#define RJ__FEW_UNITS(to) (64 / (to))

/* Which of 32 units of two bytes, or 16 of four, must be escaped or are surrogates. Each comparison is made only
 * where the one before it agreed: one mask, not four. */
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

/* Of so many units blocks are stored where blocks should begin; see steps.h. */
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
        rj__prefetch_ahead((const uint8_t *)src + i * (size_t)from, RJ__COPIED_AHEAD, 4 * block * (size_t)from);
    }
    for (; i < length; i += block) {
        uint32_t special = rj__copy_unit_block(src, from, i, length, dst, to);
        if (RJ__UNLIKELY(special))
            return i + _tzcnt_u32(special);
    }
    return length;
}

#define RJ__ESCAPES_UNITS 1 /* rj__escape_units and rj__spell_marked_units are there */

/* A few units and what becomes of them. `rare` ones have long escapes, or are surrogates. */
typedef struct rj__few_units {
    __m256i v; /* with letters in the places of those that have short escapes */
    uint32_t marks, rare;
} rj__few_units;

/* Up to 16 of two bytes. */
RJ__INLINE rj__few_units
rj__classify_units2(__m256i v, __mmask16 valid)
{
    const __m256i letter_table = _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    __mmask16 control = _mm256_mask_cmplt_epu16_mask(valid, v, _mm256_set1_epi16(0x20));
    __mmask16 low = _mm256_mask_cmplt_epu16_mask(control, v, _mm256_set1_epi16(0x10));
    __mmask16 itself =
        _mm256_cmpeq_epi16_mask(v, _mm256_set1_epi16('"')) | _mm256_cmpeq_epi16_mask(v, _mm256_set1_epi16('\\'));
    __m256i letters = _mm256_permutexvar_epi16(v, letter_table);
    __m256i top = _mm256_and_si256(v, _mm256_set1_epi16((short)0xF800));
    uint32_t rare = control & ~_mm256_mask_test_epi16_mask(low, letters, letters);
    rare |= _mm256_cmpeq_epi16_mask(top, _mm256_set1_epi16((short)0xD800));
    return (rj__few_units){_mm256_mask_mov_epi16(v, control, letters), (uint32_t)(control | itself), rare};
}

/* Up to eight of four bytes. */
RJ__INLINE rj__few_units
rj__classify_units4(__m256i v, __mmask8 valid)
{
    const __m256i letter_table = _mm256_setr_epi32('b', 't', 'n', 0, 'f', 'r', 0, 0); /* from 8 on */
    __mmask8 control = _mm256_mask_cmplt_epu32_mask(valid, v, _mm256_set1_epi32(0x20));
    __mmask8 low = _mm256_mask_cmplt_epu32_mask(control, _mm256_sub_epi32(v, _mm256_set1_epi32(8)), _mm256_set1_epi32(8));
    __mmask8 itself =
        _mm256_cmpeq_epi32_mask(v, _mm256_set1_epi32('"')) | _mm256_cmpeq_epi32_mask(v, _mm256_set1_epi32('\\'));
    __m256i letters = _mm256_permutexvar_epi32(v, letter_table);
    __m256i top = _mm256_and_si256(v, _mm256_set1_epi32((int)0xFFFFF800));
    uint32_t rare = control & ~_mm256_mask_test_epi32_mask(low, letters, letters);
    rare |= _mm256_cmpeq_epi32_mask(top, _mm256_set1_epi32(0xD800));
    return (rj__few_units){_mm256_mask_mov_epi32(v, control, letters), (uint32_t)(control | itself), rare};
}

/* Up to 32 bytes' worth of the target's units with their short escapes, up to the first that is rare: how many.
 * *written: the units that they become. Stores 64 bytes. */
RJ__INLINE size_t
rj__escape_units(const void *src, int from, size_t length, void *dst, int to, size_t *written)
{
    const uint32_t second = 0xAAAAAAAA; /* see steps.h */
    size_t block = to == 2 ? 16 : 8;
    uint32_t valid = rj__first_bits(length < block ? length : block);
    rj__few_units u;
    if (to == 2)
        u = rj__classify_units2(_mm256_maskz_loadu_epi16((__mmask16)valid, src), (__mmask16)valid);
    else if (from == 2)
        u = rj__classify_units4(_mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16((__mmask8)valid, src)), (__mmask8)valid);
    else
        u = rj__classify_units4(_mm256_maskz_loadu_epi32((__mmask8)valid, src), (__mmask8)valid);
    uint32_t places = _pext_u32(second, _pdep_u32(u.marks, ~second) | second);
    __m512i v = _mm512_castsi256_si512(u.v);
    if (to == 2)
        _mm512_storeu_si512(dst, _mm512_mask_expand_epi16(_mm512_set1_epi16('\\'), places, v));
    else
        _mm512_storeu_si512(dst, _mm512_mask_expand_epi32(_mm512_set1_epi32('\\'), (__mmask16)places, v));
    size_t count = length < block ? length : block;
    if (RJ__UNLIKELY(u.rare)) { /* a branch, so that where the next block begins need not be waited for */
        count = _tzcnt_u32(u.rare);
        u.marks = _bzhi_u32(u.marks, (unsigned)count);
    }
    *written = count + (size_t)_mm_popcnt_u32(u.marks);
    return count;
}

/* So few escapes in a block are spelled one by one. */
#define RJ__FEW_MARKS 3

RJ__INLINE int
rj__has_few_marks(uint32_t marks)
{
    return _mm_popcnt_u32(marks) <= RJ__FEW_MARKS;
}

/* Spells those of up to 64 bytes' worth of the target's units that are marked, where these have short escapes, and
 * stores what is behind each again. All of them are at `dst` already. Returns where they end; NULL if one has no
 * short escape. */
RJ__INLINE uint8_t *
rj__spell_marked_units(const uint8_t *src, int from, size_t count, uint32_t marks, uint8_t *dst, int to)
{
    size_t done = 0;
    for (; marks; marks &= marks - 1) {
        size_t place = _tzcnt_u32(marks);
        uint32_t c = rj__unit(src, from, place);
        if (RJ__UNLIKELY(c >= 0x80) || RJ__UNLIKELY(rj__spellings[c].length != 2))
            return NULL;
        dst += (place - done) * (size_t)to;
        rj__set_unit(dst, to, 0, '\\');
        rj__set_unit(dst, to, 1, rj__spellings[c].bytes[1]);
        dst += 2 * (size_t)to;
        done = place + 1;
        rj__copy_unit_block(src + done * (size_t)from, from, 0, count - done, dst, to);
    }
    return dst + (count - done) * (size_t)to;
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
