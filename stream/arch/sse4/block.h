/* Blocks of 16 bytes: what the targets that have SSE4.2 share, AVX2 and AVX-512 among them. Included by their
 * headers, and compiled for each of them. */
#ifndef RJSON_STREAM_ARCH_SSE4_BLOCK_H
#define RJSON_STREAM_ARCH_SSE4_BLOCK_H

#define RJ__HAS_SHUFFLE 1 /* of bytes: SSSE3 */

/* What must be escaped of any bytes: control characters, '"' and '\\'. */
RJ__INLINE __m128i
rj__special16(__m128i v)
{
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_load_si128((const __m128i *)rj__controls)), v);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)rj__quotes));
    __m128i backslash = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)rj__backslashes));
    return _mm_or_si128(control, _mm_or_si128(quote, backslash));
}

/* rj__special16 for ASCII bytes; with `printable_only` (a truth value as 0 or 1) DEL too. What is not ASCII may be
 * marked or not. One more than each byte, as a signed number: DEL and all beyond it are negative. */
RJ__INLINE __m128i
rj__special_ascii16(__m128i v, int printable_only)
{
    if (__builtin_constant_p(printable_only) && !printable_only)
        return rj__special16(v);
    __m128i one = _mm_set1_epi8((char)printable_only);
    __m128i control = _mm_cmpgt_epi8(_mm_add_epi8(one, _mm_set1_epi8(0x20)), _mm_add_epi8(one, v));
    __m128i quote = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)rj__quotes));
    __m128i backslash = _mm_cmpeq_epi8(v, _mm_load_si128((const __m128i *)rj__backslashes));
    return _mm_or_si128(control, _mm_or_si128(quote, backslash));
}

/* Four code units that all become three bytes, as lead, middle and last byte of 32-bit lanes, squeezed together.
 * Stores 16 bytes. */
RJ__INLINE void
rj__sse_put_three_bytes(__m128i c, uint8_t *dst)
{
    const __m128i squeeze = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    __m128i lead = _mm_srli_epi32(c, 12);
    __m128i middle = _mm_and_si128(_mm_slli_epi32(c, 2), _mm_set1_epi32(0x3f00));
    __m128i last = _mm_and_si128(_mm_slli_epi32(c, 16), _mm_set1_epi32(0x3f0000));
    __m128i bytes = _mm_or_si128(_mm_or_si128(lead, middle), _mm_or_si128(last, _mm_set1_epi32(0x8080E0)));
    _mm_storeu_si128((__m128i *)(void *)dst, _mm_shuffle_epi8(bytes, squeeze));
}

/* Eight code units that are all plain ASCII: 8, or 0 if they are not. */
RJ__INLINE size_t
rj__sse_copy_ascii_ucs2(__m128i v, uint8_t **dst, int printable_only)
{
    if (!_mm_testz_si128(v, _mm_set1_epi16((short)0xFF80)))
        return 0;
    uint64_t ascii = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(v, v));
    if (rj__swar_special(ascii, printable_only) != 0)
        return 0;
    memcpy(*dst, &ascii, 8);
    *dst += 8;
    return 8;
}

/* Two escapes from eight hexadecimal digits. Stores 16 bytes. */
RJ__INLINE uint8_t *
rj__sse_put_two_escapes(__m128i spread, uint8_t *dst)
{
    const __m128i prefixes = _mm_setr_epi8('\\', 'u', 0, 0, 0, 0, '\\', 'u', 0, 0, 0, 0, 0, 0, 0, 0);
    _mm_storeu_si128((__m128i *)dst, _mm_or_si128(spread, prefixes));
    return dst + 12;
}

/* Eight code units as hexadecimal digits with their prefixes. Stores at most 52 bytes. */
RJ__INLINE uint8_t *
rj__sse_put_escapes(__m128i v, uint8_t *dst)
{
    const __m128i hex = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
    const __m128i first_two = _mm_setr_epi8(-1, -1, 0, 1, 2, 3, -1, -1, 4, 5, 6, 7, -1, -1, -1, -1);
    const __m128i last_two = _mm_setr_epi8(-1, -1, 8, 9, 10, 11, -1, -1, 12, 13, 14, 15, -1, -1, -1, -1);
    __m128i bytes = _mm_or_si128(_mm_slli_epi16(v, 8), _mm_srli_epi16(v, 8));
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
    __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
    __m128i digits = _mm_shuffle_epi8(hex, _mm_unpacklo_epi8(high, low));
    dst = rj__sse_put_two_escapes(_mm_shuffle_epi8(digits, first_two), dst);
    dst = rj__sse_put_two_escapes(_mm_shuffle_epi8(digits, last_two), dst);
    digits = _mm_shuffle_epi8(hex, _mm_unpackhi_epi8(high, low));
    dst = rj__sse_put_two_escapes(_mm_shuffle_epi8(digits, first_two), dst);
    return rj__sse_put_two_escapes(_mm_shuffle_epi8(digits, last_two), dst);
}

/* rj__sse_put_escapes in ASCII: eight code units at once where all are to be escaped (but no surrogates), or all are
 * plain. */
RJ__INLINE size_t
rj__escape_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    if (length < 8)
        return 0;
    __m128i v = _mm_loadu_si128((const __m128i *)src);
    __m128i ascii = _mm_cmpeq_epi16(_mm_and_si128(v, _mm_set1_epi16((short)0xFF80)), _mm_setzero_si128());
    __m128i surrogate = _mm_cmpeq_epi16(_mm_and_si128(v, _mm_set1_epi16((short)0xF800)), _mm_set1_epi16((short)0xD800));
    if (_mm_testz_si128(_mm_or_si128(ascii, surrogate), _mm_set1_epi8(-1))) {
        *dst = rj__sse_put_escapes(v, *dst);
        return 8;
    }
    return rj__sse_copy_ascii_ucs2(v, dst, 1);
}

/* The last `size` of 16 bytes, moved to the front; zeros behind them. */
RJ__INLINE __m128i
rj__shift_to_front(__m128i v, size_t size)
{
    static const uint8_t shifts[32] = {0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
                                       11,   12,   13,   14,   15,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                       0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    return _mm_shuffle_epi8(v, _mm_loadu_si128((const __m128i *)(shifts + 16 - size)));
}

/* Up to 16 bytes, with at least 16 readable ones before them: one load that ends where the string ends, shifted to
 * the front. No branch depends on the length, which is what short strings differ in. Stores 16 bytes. */
RJ__INLINE int
rj__sse_copy_clean_to_16(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(src + length - 16));
    v = rj__shift_to_front(v, length);
    _mm_storeu_si128((__m128i *)dst, v);
    unsigned special = (unsigned)_mm_movemask_epi8(rj__special_ascii16(v, printable_only));
    return (special & ((1u << length) - 1)) != 0;
}

RJ__INLINE int
rj__sse_copy_clean_16_to_32(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    __m128i first = _mm_loadu_si128((const __m128i *)src);
    __m128i last = _mm_loadu_si128((const __m128i *)(src + length - 16));
    _mm_storeu_si128((__m128i *)dst, first);
    _mm_storeu_si128((__m128i *)(dst + length - 16), last);
    __m128i special = _mm_or_si128(rj__special_ascii16(first, printable_only), rj__special_ascii16(last, printable_only));
    return !_mm_testz_si128(special, special);
}

/* rj__copy_clean for more than 32 bytes. */
RJ__INLINE size_t rj__copy_clean_blocks(const uint8_t *src, size_t length, uint8_t *dst, int printable_only);

/* rj__copy_clean as a function of its own: inlining it would force vzeroupper and a realigned stack on its callers. */
static RJ__NOINLINE size_t
copy_clean_long(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    return rj__copy_clean_blocks(src, length, dst, printable_only);
}

/* Copies ASCII bytes; if one must be escaped, with `printable_only` (0 or 1) DEL too, one more than how many before
 * it are certainly copied, and otherwise 0. At least RJ__BEFORE readable bytes come before `src`, and up to
 * RJ__AFTER bytes may be written past `dst + length`. */
RJ__INLINE size_t
rj__copy_clean(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    if (RJ__LIKELY(length <= 16))
        return (size_t)rj__sse_copy_clean_to_16(src, length, dst, printable_only);
    if (length <= 32)
        return (size_t)rj__sse_copy_clean_16_to_32(src, length, dst, printable_only);
    return copy_clean_long(src, length, dst, printable_only);
}

#if !defined(RJ__HAS_MASKED_LOADS)
/* rj__copy_clean where nothing need be readable before `src`. */
RJ__INLINE size_t
rj__copy_clean_alone(const uint8_t *src, size_t length, uint8_t *dst)
{
    return length <= 16 ? (size_t)rj__swar_copy_clean(src, length, dst, 0) : rj__copy_clean(src, length, dst, 0);
}
#endif

#endif
