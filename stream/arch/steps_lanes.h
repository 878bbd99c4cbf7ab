/*
 * The steps of text_body.h with SSE4.2 and AVX2. Plain bytes are copied a block at a time. Other text goes eight units at a time as 16-bit lanes, each with
 * room for two bytes, and a shuffle from a table leaves out the second where there is none.
 */
#ifndef RJSON_STEPS_LANES_H
#define RJSON_STEPS_LANES_H

/* The lanes that are one byte, as a bit each: the high bytes are zero. */
RJ__INLINE unsigned
rj__singles(__m128i lanes)
{
    __m128i is_single = _mm_cmpeq_epi16(_mm_srli_epi16(lanes, 8), _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(is_single, _mm_setzero_si128()));
}

/* Eight units below 0x800, of `two_bytes` those from 0x80 on; 0 if one has a long escape. Stores 16 bytes. */
RJ__INLINE int
rj__put_lanes(__m128i v, int two_bytes, uint8_t **dst)
{
    const __m128i letter_table = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    __m128i backslash = _mm_set1_epi16('\\');
    __m128i control = _mm_cmplt_epi16(v, _mm_set1_epi16(0x20));
    __m128i itself = _mm_or_si128(_mm_cmpeq_epi16(v, _mm_set1_epi16('"')), _mm_cmpeq_epi16(v, backslash));
    /* Indices from 16 on look like others to the shuffle: bit 4 becomes bit 7, which it turns into zero. */
    __m128i index = _mm_or_si128(v, _mm_slli_epi16(_mm_and_si128(v, _mm_set1_epi16(0x10)), 3));
    __m128i letter = _mm_and_si128(_mm_shuffle_epi8(letter_table, index), _mm_set1_epi16(0xff));
    __m128i no_letter = _mm_cmpeq_epi16(letter, _mm_setzero_si128());
    if (RJ__UNLIKELY(!_mm_testz_si128(control, no_letter)))
        return 0;
    letter = _mm_blendv_epi8(letter, v, itself);
    __m128i escape = _mm_or_si128(_mm_slli_epi16(letter, 8), backslash);
    __m128i lanes = _mm_blendv_epi8(v, escape, _mm_or_si128(control, itself));
    if (two_bytes) {
        __m128i trail = _mm_slli_epi16(_mm_and_si128(v, _mm_set1_epi16(0x3f)), 8);
        __m128i pair = _mm_or_si128(_mm_or_si128(_mm_srli_epi16(v, 6), trail), _mm_set1_epi16((short)0x80C0));
        lanes = _mm_blendv_epi8(lanes, pair, _mm_cmpgt_epi16(v, _mm_set1_epi16(0x7f)));
    }
    unsigned singles = rj__singles(lanes);
    __m128i places = _mm_load_si128((const __m128i *)(const void *)rj__squeeze[singles]);
    _mm_storeu_si128((__m128i *)(void *)*dst, _mm_shuffle_epi8(lanes, places));
    *dst += 16 - _mm_popcnt_u32(singles);
    return 1;
}

/* Bytes one by one: where there are fewer than eight, or long escapes. */
RJ__INLINE size_t
rj__put_few(const uint8_t *src, size_t length, uint8_t **dst, rj__high high)
{
    size_t count = length < 8 ? length : 8;
    for (size_t i = 0; i < count; i++)
        *dst = rj__put_byte(src[i], *dst, high);
    return count;
}

RJ__INLINE size_t
rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    size_t done = 0;
    for (; length - done >= RJ__BLOCK && end - *dst >= RJ__TEXT_ROOM; done += RJ__BLOCK, *dst += RJ__BLOCK) {
        if (RJ__UNLIKELY(!rj__copy_plain_block(src + done, *dst, high != RJ__HIGH_PASS, high == RJ__HIGH_ESCAPED)))
            break;
    }
    /* What is not plain, or the end. */
    size_t stop = length - done < RJ__BLOCK ? length : done + RJ__BLOCK;
    while (done < stop && end - *dst >= RJ__TEXT_ROOM) {
        if (length - done >= 8 && high != RJ__HIGH_ESCAPED &&
            rj__put_lanes(_mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)(src + done))),
                          high == RJ__HIGH_TWO_BYTES, dst))
            done += 8;
        else
            done += rj__put_few(src + done, length - done, dst, high);
    }
    return done;
}

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    size_t done = rj__copy_some_ucs2(src, length, dst);
    if (done || length < 8)
        return done;
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)src);
    if (!_mm_testz_si128(v, _mm_set1_epi16((short)0xF800)))
        return 0;
    return rj__put_lanes(v, 1, dst) ? 8 : 0;
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst)
{
    (void)src;
    (void)length;
    (void)dst;
    return 0;
}

#endif
