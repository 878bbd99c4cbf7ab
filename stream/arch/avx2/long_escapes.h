/* Escapes of four digits, four at once: two in each half of an AVX register. */
#ifndef RJSON_STREAM_ARCH_AVX2_LONG_ESCAPES_H
#define RJSON_STREAM_ARCH_AVX2_LONG_ESCAPES_H

#define RJ__HAS_LONG_ESCAPES 1

/* Of the four escapes \uXXXX that may be at `p`, of which 32 bytes can be read: how many there are, before something else
 * comes. Their units, in order from the lowest bits on, are *units, whose other bits are 0. */
RJ__INLINE unsigned
rj__long_escapes(const uint8_t *p, uint64_t *units)
{
    const __m256i order = _mm256_setr_epi8(2, 3, 4, 5, 0, 1, -1, -1, 8, 9, 10, 11, 6, 7, -1, -1, 2, 3, 4, 5, 0, 1, -1, -1, 8,
                                           9, 10, 11, 6, 7, -1, -1);
    const __m256i base = _mm256_set1_epi64x(0x0000755C30303030); /* "0000\u", and two that are zeros */
    const __m256i last = _mm256_set1_epi64x(0x0000000009090909);
    const __m256i digits = _mm256_set1_epi64x(0x00000000FFFFFFFF);
    const __m256i pairs = _mm256_set1_epi64x(0x0000000001100110); /* 16, 1 */
    const __m256i bytes = _mm256_set1_epi64x(0x0000000000010100); /* 256, 1 */
    __m128i first = _mm_loadu_si128((const __m128i *)p), second = _mm_loadu_si128((const __m128i *)(p + 12));
    __m256i v = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1), order);
    __m256i above = _mm256_sub_epi8(v, base);
    __m256i letter = _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter);
    is_letter = _mm256_and_si256(is_letter, digits);
    __m256i right = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(above, last), above), is_letter);
    __m256i value =
        _mm256_add_epi8(_mm256_and_si256(v, _mm256_set1_epi8(0xf)), _mm256_and_si256(is_letter, _mm256_set1_epi8(9)));
    __m256i each = _mm256_madd_epi16(_mm256_maddubs_epi16(value, pairs), bytes);
    /* The low two bytes of each eight, side by side in each half. */
    each = _mm256_shuffle_epi8(each, _mm256_set1_epi32(0x09080100));
    uint32_t low = (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(each));
    uint32_t high = (uint32_t)_mm_cvtsi128_si32(_mm256_extracti128_si256(each, 1));
    uint64_t wrong = ~(uint64_t)(uint32_t)_mm256_movemask_epi8(right); /* the upper half is all ones */
    unsigned count = (unsigned)__builtin_ctzll(wrong) / 8;
    *units = _bzhi_u64((uint64_t)high << 32 | low, count * 16);
    return count;
}

/* rj__scan_special of RJ__SCAN_BLOCK bytes, which become as many units too. */
RJ__INLINE uint64_t
rj__scan_to_units(const uint8_t *p, uint64_t *high, uint16_t *units)
{
    __m256i v = rj__avx2_load(p);
    rj__avx2_store((uint8_t *)units, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(v)));
    rj__avx2_store((uint8_t *)units + 32, _mm256_cvtepu8_epi16(_mm256_extracti128_si256(v, 1)));
    *high = (unsigned)_mm256_movemask_epi8(v);
    return (unsigned)_mm256_movemask_epi8(rj__avx2_special(v));
}

/* Units below 0x100 become bytes where they are; up to 31 more are read, and written half of. */
RJ__INLINE void
rj__narrow_in_place(void *units, size_t count)
{
    const uint8_t *from = units;
    uint8_t *to = units;
    for (size_t i = 0; i < count; i += 16) {
        __m128i first = _mm_loadu_si128((const __m128i *)(from + 2 * i));
        __m128i second = _mm_loadu_si128((const __m128i *)(from + 2 * i + 16));
        _mm_storeu_si128((__m128i *)(to + i), _mm_packus_epi16(first, second));
    }
}

/* How many of these units begin a pair of surrogates. Behind them 16 are zeros. */
RJ__INLINE size_t
rj__count_pairs(const uint16_t *units, size_t count)
{
    const __m256i top = _mm256_set1_epi16((short)0xFC00);
    size_t pairs = 0;
    for (size_t i = 0; i < count; i += 16) {
        __m256i high = _mm256_and_si256(rj__avx2_load((const uint8_t *)(units + i)), top);
        __m256i low = _mm256_and_si256(rj__avx2_load((const uint8_t *)(units + i + 1)), top);
        __m256i pair = _mm256_and_si256(_mm256_cmpeq_epi16(high, _mm256_set1_epi16((short)0xD800)),
                                        _mm256_cmpeq_epi16(low, _mm256_set1_epi16((short)0xDC00)));
        pairs += (unsigned)__builtin_popcount((unsigned)_mm256_movemask_epi8(pair)) / 2;
    }
    return pairs;
}

/* The four characters that these eight units are, if all are pairs of surrogates; else 0, and nothing is written. */
RJ__INLINE int
rj__join_four_pairs(const uint16_t *units, uint32_t *out)
{
    __m128i v = _mm_loadu_si128((const __m128i *)units);
    __m128i tops = _mm_and_si128(v, _mm_set1_epi16((short)0xFC00));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(tops, _mm_set1_epi32((int)0xDC00D800))) != 0xFFFF)
        return 0;
    __m128i high = _mm_slli_epi32(_mm_and_si128(v, _mm_set1_epi32(0x3ff)), 10);
    __m128i low = _mm_and_si128(_mm_srli_epi32(v, 16), _mm_set1_epi32(0x3ff));
    __m128i character = _mm_add_epi32(_mm_or_si128(high, low), _mm_set1_epi32(0x10000));
    _mm_storeu_si128((__m128i *)out, character);
    return 1;
}

#endif
