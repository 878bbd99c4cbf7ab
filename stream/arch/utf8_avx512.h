/*
 * UTF-8 to characters of 1, 2 or 4 bytes with AVX-512 and VBMI. Every byte of a block is looked at as if it began a character, together with the three
 * behind it: that gives the bytes of a character for each, of which VPCOMPRESSB keeps those where one does begin. Whether lead bytes and those that
 * continue them fit together is a comparison of masks. See utf8_generic.h.
 */
#ifndef RJSON_UTF8_AVX512_H
#define RJSON_UTF8_AVX512_H

#include "../utf8_extent.h"

/* A block, and the same one to three bytes on; zero beyond its end. */
typedef struct rj__utf8_bytes {
    __m512i b0, b1, b2, b3;
    size_t length; /* 1 to 64 */
} rj__utf8_bytes;

/* Where characters of one to four bytes begin. */
typedef struct rj__utf8_leads {
    uint64_t one, two, three, four;
} rj__utf8_leads;

RJ__INLINE uint64_t
rj__low_bits(size_t count)
{
    return _bzhi_u64(~(uint64_t)0, (unsigned)count);
}

RJ__INLINE rj__utf8_extent
rj__utf8_measure(const uint8_t *s, size_t length, int beyond)
{
    (void)beyond;
    rj__utf8_extent extent = {0, 0, 0};
    __m512i highest = _mm512_setzero_si512(), last_continuing = _mm512_set1_epi8(-65);
    for (size_t i = 0; i < length; i += 64) {
        uint64_t valid = rj__low_bits(length - i < 64 ? length - i : 64);
        __m512i v = _mm512_maskz_loadu_epi8(valid, s + i);
        extent.characters += (size_t)_mm_popcnt_u64(_mm512_mask_cmpgt_epi8_mask(valid, v, last_continuing));
        highest = _mm512_max_epu8(highest, v);
    }
    /* The classes that matter, as the highest byte of each. */
    extent.highest = _mm512_cmpge_epu8_mask(highest, _mm512_set1_epi8((char)0xF0))   ? 0xFF
                     : _mm512_cmpge_epu8_mask(highest, _mm512_set1_epi8((char)0xC4)) ? 0xEF
                                                                                     : 0xC3;
    return extent;
}

RJ__INLINE rj__utf8_bytes
rj__utf8_load(const uint8_t *s, size_t length)
{
    size_t n = length < 64 ? length : 64;
    uint64_t valid = rj__low_bits(n);
    return (rj__utf8_bytes){_mm512_maskz_loadu_epi8(valid, s), _mm512_maskz_loadu_epi8(valid >> 1, s + 1),
                            _mm512_maskz_loadu_epi8(valid >> 2, s + 2), _mm512_maskz_loadu_epi8(valid >> 3, s + 3), n};
}

/* Bytes from `first` to `last`. */
RJ__INLINE uint64_t
rj__between(__m512i v, uint8_t first, uint8_t last)
{
    __m512i above = _mm512_sub_epi8(v, _mm512_set1_epi8((char)first));
    return _mm512_cmple_epu8_mask(above, _mm512_set1_epi8((char)(last - first)));
}

/* The characters that end within the block, which the next one continues: *bytes long. 0 if there is something malformed among them, which is then
 * looked for one by one. */
RJ__INLINE int
rj__utf8_classify(const rj__utf8_bytes *b, size_t left, int surrogates, rj__utf8_leads *leads, size_t *bytes)
{
    uint64_t continuing = rj__between(b->b0, 0x80, 0xBF);
    *bytes = b->length;
    if (left > 64) { /* up to where the last one begins: it need not be whole */
        uint64_t begins = ~continuing;
        if (RJ__UNLIKELY(begins <= 1))
            return 0;
        *bytes = 63 - (size_t)_lzcnt_u64(begins);
    }
    uint64_t whole = rj__low_bits(*bytes);
    leads->one = ~_mm512_movepi8_mask(b->b0) & whole;
    leads->two = rj__between(b->b0, 0xC2, 0xDF) & whole;
    leads->three = rj__between(b->b0, 0xE0, 0xEF) & whole;
    leads->four = rj__between(b->b0, 0xF0, 0xF4) & whole;
    uint64_t longer = leads->three | leads->four;
    uint64_t expected = (leads->two | longer) << 1 | longer << 2 | leads->four << 3;
    uint64_t known = leads->one | leads->two | longer | continuing;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte. */
    uint64_t low_a0 = _mm512_cmplt_epu8_mask(b->b1, _mm512_set1_epi8((char)0xA0));
    uint64_t low_90 = _mm512_cmplt_epu8_mask(b->b1, _mm512_set1_epi8((char)0x90));
    uint64_t wrong = _mm512_mask_cmpeq_epi8_mask(low_a0, b->b0, _mm512_set1_epi8((char)0xE0)) |
                     _mm512_mask_cmpeq_epi8_mask(low_90, b->b0, _mm512_set1_epi8((char)0xF0)) |
                     _mm512_mask_cmpeq_epi8_mask(~low_90, b->b0, _mm512_set1_epi8((char)0xF4));
    if (!surrogates)
        wrong |= _mm512_mask_cmpeq_epi8_mask(~low_a0, b->b0, _mm512_set1_epi8((char)0xED));
    return RJ__LIKELY(((expected ^ (continuing & whole)) | (~known & whole) | (wrong & whole)) == 0);
}

/* Stores `count` units, whose lowest bytes, next and highest bytes are given. */
RJ__INLINE void
rj__utf8_store2(uint16_t *out, size_t count, __m512i low, __m512i middle)
{
    for (size_t i = 0; i < 2 && i * 32 < count; i++) {
        __m256i l = i ? _mm512_extracti64x4_epi64(low, 1) : _mm512_castsi512_si256(low);
        __m256i m = i ? _mm512_extracti64x4_epi64(middle, 1) : _mm512_castsi512_si256(middle);
        __m512i units = _mm512_or_si512(_mm512_cvtepu8_epi16(l), _mm512_slli_epi16(_mm512_cvtepu8_epi16(m), 8));
        size_t rest = count - i * 32;
        _mm512_mask_storeu_epi16(out + i * 32, (__mmask32)rj__low_bits(rest < 32 ? rest : 32), units);
    }
}

RJ__INLINE void
rj__utf8_store4(uint32_t *out, size_t count, __m512i low, __m512i middle, __m512i high)
{
    uint8_t planes[3][64];
    _mm512_storeu_si512(planes[0], low);
    _mm512_storeu_si512(planes[1], middle);
    _mm512_storeu_si512(planes[2], high);
    for (size_t i = 0; i < count; i += 16) {
        __m512i l = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(planes[0] + i)));
        __m512i m = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(planes[1] + i)));
        __m512i h = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(planes[2] + i)));
        __m512i units = _mm512_or_si512(l, _mm512_or_si512(_mm512_slli_epi32(m, 8), _mm512_slli_epi32(h, 16)));
        size_t rest = count - i;
        _mm512_mask_storeu_epi32(out + i, (__mmask16)rj__low_bits(rest < 16 ? rest : 16), units);
    }
}

/* Characters of four bytes each, which lie in 32-bit lanes. */
RJ__INLINE void
rj__utf8_store_quads(uint32_t *out, size_t count, __m512i quads)
{
    __m512i units = _mm512_and_si512(_mm512_srli_epi32(quads, 24), _mm512_set1_epi32(0x3f));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_srli_epi32(quads, 10), _mm512_set1_epi32(0x3f << 6)));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_slli_epi32(quads, 4), _mm512_set1_epi32(0x3f << 12)));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_slli_epi32(quads, 18), _mm512_set1_epi32(0x07 << 18)));
    _mm512_mask_storeu_epi32(out, (__mmask16)rj__low_bits(count), units);
}

RJ__INLINE size_t
rj__utf8_block(const uint8_t *s, size_t length, int beyond, const rj__utf8_extent *extent, void *out, size_t room, int width,
               int surrogates, size_t *characters)
{
    (void)beyond, (void)extent, (void)room; /* masks keep to what is there */
    rj__utf8_bytes b = rj__utf8_load(s, length);
    rj__utf8_leads leads;
    size_t bytes;
    if (RJ__UNLIKELY(!rj__utf8_classify(&b, length, surrogates, &leads, &bytes)))
        return 0;
    uint64_t begins = leads.one | leads.two | leads.three | leads.four;
    size_t count = *characters = (size_t)_mm_popcnt_u64(begins);
    if (width == 4 && begins == leads.four) {
        rj__utf8_store_quads(out, count, b.b0);
        return bytes;
    }
    __m512i six = _mm512_set1_epi8(0x3f), upper = _mm512_set1_epi8((char)0xC0);
    /* The last byte, and the one before it. */
    __m512i last = _mm512_mask_mov_epi8(b.b1, leads.three, b.b2), before = _mm512_mask_mov_epi8(b.b0, leads.three, b.b1);
    if (width == 4) {
        last = _mm512_mask_mov_epi8(last, leads.four, b.b3);
        before = _mm512_mask_mov_epi8(before, leads.four, b.b2);
    }
    __m512i low = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi16(before, 6), upper), _mm512_and_si512(last, six));
    low = _mm512_maskz_compress_epi8(begins, _mm512_mask_mov_epi8(low, leads.one, b.b0));
    if (width == 1) {
        _mm512_mask_storeu_epi8(out, rj__low_bits(count), low);
        return bytes;
    }
    /* Four bits of the byte before the last, and four of the one before that. */
    __m512i third = _mm512_maskz_mov_epi8(leads.three, b.b0);
    if (width == 4)
        third = _mm512_mask_mov_epi8(third, leads.four, b.b1);
    __m512i middle = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(before, 2), _mm512_set1_epi8(0x0f)),
                                     _mm512_and_si512(_mm512_slli_epi16(third, 4), _mm512_set1_epi8((char)0xf0)));
    middle = _mm512_maskz_compress_epi8(begins, _mm512_maskz_mov_epi8(~leads.one, middle));
    if (width == 2) {
        rj__utf8_store2(out, count, low, middle);
        return bytes;
    }
    __m512i high = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi16(b.b0, 2), _mm512_set1_epi8(0x1c)),
                                   _mm512_and_si512(_mm512_srli_epi16(b.b1, 4), _mm512_set1_epi8(0x03)));
    high = _mm512_maskz_compress_epi8(begins, _mm512_maskz_mov_epi8(leads.four, high));
    rj__utf8_store4(out, count, low, middle, high);
    return bytes;
}

#endif
