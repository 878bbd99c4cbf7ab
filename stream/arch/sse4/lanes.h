/* Eight 16-bit lanes in an SSE register, for arch/common/steps_lanes.h, which says what they do. */
#ifndef RJSON_STREAM_ARCH_SSE4_LANES_H
#define RJSON_STREAM_ARCH_SSE4_LANES_H

typedef __m128i rj__lanes, rj__sixteen;

typedef struct rj__pairs {
    __m128i first, second; /* of each byte: itself or a backslash, and what would follow that */
} rj__pairs;

RJ__INLINE rj__sixteen
rj__load_sixteen(const uint8_t *src)
{
    return _mm_loadu_si128((const __m128i *)(const void *)src);
}

RJ__INLINE void
rj__store_sixteen(uint8_t *dst, rj__sixteen v)
{
    _mm_storeu_si128((__m128i *)(void *)dst, v);
}

RJ__INLINE rj__sixteen
rj__join_eights(uint64_t first, uint64_t last)
{
    return _mm_set_epi64x((long long)last, (long long)first);
}

RJ__INLINE uint64_t
rj__mark_special(rj__sixteen v)
{
    return (unsigned)_mm_movemask_epi8(rj__special16(v));
}

RJ__INLINE rj__lanes
rj__widen_lanes(const uint8_t *src)
{
    return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)src));
}

/* The lanes that are one byte, as a bit each: the high bytes are zero. */
RJ__INLINE unsigned
rj__singles(rj__lanes lanes)
{
    __m128i is_single = _mm_cmpeq_epi16(_mm_srli_epi16(lanes, 8), _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(is_single, _mm_setzero_si128()));
}

/* Eight lanes without the second bytes of `singles`. Stores 16 bytes. */
RJ__INLINE void
rj__put_squeezed(rj__lanes lanes, unsigned singles, uint8_t **dst)
{
    __m128i places = _mm_load_si128((const __m128i *)(const void *)rj__squeeze[singles]);
    _mm_storeu_si128((__m128i *)(void *)*dst, _mm_shuffle_epi8(lanes, places));
    *dst += 16 - _mm_popcnt_u32(singles);
}

/* The letters of escapes, by control characters. */
RJ__INLINE __m128i
rj__letter_table(void)
{
    return _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
}

RJ__INLINE uint64_t
rj__pair_escapes(rj__sixteen v, rj__pairs *pairs)
{
    __m128i backslash = _mm_load_si128((const __m128i *)rj__backslashes);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_load_si128((const __m128i *)rj__controls)), v);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)rj__quotes));
    __m128i itself = _mm_or_si128(quote, _mm_cmpeq_epi8(v, backslash));
    /* What is no index has its highest bit set by the addition, which the shuffle turns into zero. */
    __m128i letter = _mm_shuffle_epi8(rj__letter_table(), _mm_adds_epu8(v, _mm_set1_epi8(0x80 - 16)));
    pairs->first = _mm_blendv_epi8(v, backslash, _mm_or_si128(control, itself));
    pairs->second = _mm_or_si128(letter, _mm_and_si128(v, itself));
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(control, _mm_cmpeq_epi8(letter, _mm_setzero_si128())));
}

RJ__INLINE void
rj__put_pairs(const rj__pairs *pairs, uint64_t marks, uint8_t *dst)
{
    rj__put_squeezed(_mm_unpacklo_epi8(pairs->first, pairs->second), (uint8_t)~marks, &dst);
    rj__put_squeezed(_mm_unpackhi_epi8(pairs->first, pairs->second), (uint8_t)(~marks >> 8), &dst);
}

RJ__INLINE int
rj__put_lanes(rj__lanes v, int two_bytes, uint8_t **dst)
{
    __m128i backslash = _mm_set1_epi16('\\');
    __m128i control = _mm_cmplt_epi16(v, _mm_set1_epi16(0x20));
    __m128i itself = _mm_or_si128(_mm_cmpeq_epi16(v, _mm_set1_epi16('"')), _mm_cmpeq_epi16(v, backslash));
    /* Indices from 16 on look like others to the shuffle: bit 4 becomes bit 7, which it turns into zero. */
    __m128i index = _mm_or_si128(v, _mm_slli_epi16(_mm_and_si128(v, _mm_set1_epi16(0x10)), 3));
    __m128i letter = _mm_and_si128(_mm_shuffle_epi8(rj__letter_table(), index), _mm_set1_epi16(0xff));
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
    rj__put_squeezed(lanes, rj__singles(lanes), dst);
    return 1;
}

#endif
