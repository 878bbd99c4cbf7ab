/* See arch/common/wide_lanes.h; characters of any length in any order, four at a time. */
#ifndef RJSON_STREAM_ARCH_SSE4_WIDE_H
#define RJSON_STREAM_ARCH_SSE4_WIDE_H

/* Four code points as the last bytes of 32-bit lanes, `ones` and `twos` telling one less than how many: a shuffle
 * from a table leaves out what comes before. Stores 16 bytes. */
RJ__INLINE uint8_t *
rj__put_packed(__m128i lanes, unsigned ones, unsigned twos, uint8_t *dst)
{
    __m128i places = _mm_load_si128((const __m128i *)(const void *)rj__pack[ones | twos << 4]);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm_shuffle_epi8(lanes, places));
    return dst + 4 + _mm_popcnt_u32(ones) + 2 * _mm_popcnt_u32(twos);
}

/* Four code points, none of them to be escaped and none a surrogate. Stores 16 bytes. */
RJ__INLINE uint8_t *
rj__put_four(__m128i v, uint8_t *dst)
{
    __m128i two = _mm_cmpgt_epi32(v, _mm_set1_epi32(0x7f)), three = _mm_cmpgt_epi32(v, _mm_set1_epi32(0x7ff));
    __m128i four = _mm_cmpgt_epi32(v, _mm_set1_epi32(0xffff));
    /* Six bits to each byte, and the marks of lead bytes and of those that continue. */
    __m128i first_two = _mm_or_si128(_mm_srli_epi32(v, 18), _mm_and_si128(_mm_srli_epi32(v, 4), _mm_set1_epi32(0x3f00)));
    __m128i last_two = _mm_or_si128(_mm_and_si128(_mm_slli_epi32(v, 10), _mm_set1_epi32(0x3f0000)),
                                    _mm_and_si128(_mm_slli_epi32(v, 24), _mm_set1_epi32(0x3f000000)));
    __m128i marks = _mm_blendv_epi8(_mm_set1_epi32((int)0x80C00000), _mm_set1_epi32((int)0x8080E000), three);
    marks = _mm_blendv_epi8(marks, _mm_set1_epi32((int)0x808080F0), four);
    __m128i lanes = _mm_or_si128(_mm_or_si128(first_two, last_two), marks);
    lanes = _mm_blendv_epi8(_mm_slli_epi32(v, 24), lanes, two);
    /* One less than the length of each, as two bits. */
    unsigned ones = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_xor_si128(_mm_xor_si128(two, three), four)));
    unsigned twos = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(three));
    return rj__put_packed(lanes, ones, twos, dst);
}

#ifndef RJ__HAS_WIDE_EIGHT
/* Eight units that all become three bytes. Stores 28. */
RJ__INLINE void
rj__put_eight_threes(__m128i v, uint8_t *dst)
{
    rj__sse_put_three_bytes(_mm_cvtepu16_epi32(v), dst);
    rj__sse_put_three_bytes(_mm_cvtepu16_epi32(_mm_srli_si128(v, 8)), dst + 12);
}

/* Eight units, none of them to be escaped and none a surrogate. Stores at most 28 bytes. */
RJ__INLINE uint8_t *
rj__put_eight_any(__m128i v, uint8_t *dst)
{
    dst = rj__put_four(_mm_cvtepu16_epi32(v), dst);
    return rj__put_four(_mm_cvtepu16_epi32(_mm_srli_si128(v, 8)), dst);
}
#endif

/* Eight units of two bytes; 0 if one is a surrogate, or if there are escapes for which this is not the way. Stores
 * at most 40 bytes. */
RJ__INLINE int
rj__put_eight(__m128i v, uint8_t **dst)
{
    __m128i top = _mm_and_si128(v, _mm_set1_epi16((short)0xF800));
    __m128i surrogate = _mm_cmpeq_epi16(top, _mm_set1_epi16((short)0xD800));
    __m128i below_800 = _mm_cmpeq_epi16(top, _mm_setzero_si128());
    if (_mm_testz_si128(_mm_or_si128(below_800, surrogate), _mm_set1_epi8(-1))) {
        rj__put_eight_threes(v, *dst);
        *dst += 24;
        return 1;
    }
    if (_mm_testz_si128(top, top))
        return rj__sse_copy_ascii_ucs2(v, dst, 0) || rj__put_lanes(v, 1, dst);
    __m128i control = _mm_cmpeq_epi16(_mm_min_epu16(v, _mm_set1_epi16(0x1f)), v);
    __m128i itself = _mm_or_si128(_mm_cmpeq_epi16(v, _mm_set1_epi16('"')), _mm_cmpeq_epi16(v, _mm_set1_epi16('\\')));
    __m128i special = _mm_or_si128(_mm_or_si128(control, surrogate), itself);
    if (RJ__UNLIKELY(!_mm_testz_si128(special, special)))
        return 0;
    *dst = rj__put_eight_any(v, *dst);
    return 1;
}

/* Four of four bytes; 0 if one is to be escaped or is a surrogate. */
RJ__INLINE int
rj__put_four_clean(__m128i v, uint8_t **dst)
{
    __m128i control = _mm_cmpgt_epi32(_mm_set1_epi32(0x20), v);
    __m128i itself = _mm_or_si128(_mm_cmpeq_epi32(v, _mm_set1_epi32('"')), _mm_cmpeq_epi32(v, _mm_set1_epi32('\\')));
    __m128i surrogate = _mm_cmpeq_epi32(_mm_and_si128(v, _mm_set1_epi32((int)0xFFFFF800)), _mm_set1_epi32(0xD800));
    __m128i special = _mm_or_si128(_mm_or_si128(control, surrogate), itself);
    if (RJ__UNLIKELY(!_mm_testz_si128(special, special)))
        return 0;
    *dst = rj__put_four(v, *dst);
    return 1;
}

/* 16 bytes of units, of which `count` count; if not all, spaces are behind them. Returns how many come before a
 * surrogate. */
RJ__INLINE size_t
rj__put_unit_block(const uint8_t *src, size_t count, uint8_t **dst, int width)
{
    static const rj__text without_surrogates = {.surrogates = RJ__SURROGATES_STOP};
    __m128i v = rj__load_sixteen(src);
    if (RJ__UNLIKELY(!(width == 2 ? rj__put_eight(v, dst) : rj__put_four_clean(v, dst))))
        return rj__put_singly(&without_surrogates, src, width, count, dst);
    *dst -= 16 / (size_t)width - count;
    return count;
}

#ifndef RJ__HAS_WIDE_SIXTEEN
/* See arch/avx2/wide.h: none. */
RJ__INLINE size_t
rj__put_alike(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end, size_t size)
{
    (void)src, (void)length, (void)dst, (void)end, (void)size;
    return 0;
}
#endif

/* Up to a surrogate, or where there is no more room. */
RJ__INLINE size_t
rj__step_units(const void *units, size_t length, uint8_t **dst, const uint8_t *end, int width)
{
    const uint8_t *src = units;
    size_t block = 16 / (size_t)width, done = 0;
    for (; length - done >= block && end - *dst >= RJ__TEXT_ROOM; done += block) {
        const uint8_t *before = *dst;
        size_t put = rj__put_unit_block(src + done * (size_t)width, block, dst, width);
        if (RJ__UNLIKELY(put < block))
            return done + put;
        if (width == 2)
            done += rj__put_alike((const uint16_t *)units + done + 8, length - done - 8, dst, end, (size_t)(*dst - before));
    }
    size_t left = length - done;
    if (left == 0 || left >= block || end - *dst < RJ__TEXT_ROOM)
        return done;
    uint8_t padded[16];
    rj__store_sixteen(padded, width == 2 ? _mm_set1_epi16(' ') : _mm_set1_epi32(' '));
    memcpy(padded, src + done * (size_t)width, left * (size_t)width);
    return done + rj__put_unit_block(padded, left, dst, width);
}

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    return rj__step_units(src, length, dst, end, 2);
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    return rj__step_units(src, length, dst, end, 4);
}

#endif
