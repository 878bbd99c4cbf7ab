/*
 * UTF-8 to characters of 1, 2 or 4 bytes with AVX-512 and VBMI. Every byte of a block is looked at as if it began a
 * character, together with the three behind it: that gives the bytes of a character for each, of which VPCOMPRESSB
 * keeps those where one does begin. Whether lead bytes and those that continue them fit together is a comparison of
 * masks. See arch/scalar/utf8.h.
 */
#ifndef RJSON_STREAM_ARCH_AVX512_UTF8_H
#define RJSON_STREAM_ARCH_AVX512_UTF8_H

#include "text/utf8_extent.h"

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
                     : _mm512_cmpge_epu8_mask(highest, _mm512_set1_epi8((char)0xE0)) ? 0xEF
                     : _mm512_cmpge_epu8_mask(highest, _mm512_set1_epi8((char)0xC4)) ? 0xDF
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

/* The characters that end within the block, which the next one continues: *bytes long. 0 if there is something
 * malformed among them, which is then looked for one by one. */
RJ__INLINE int
rj__utf8_classify(const rj__utf8_bytes *b, size_t left, int surrogates, rj__utf8_leads *leads, size_t *bytes)
{
    uint64_t continuing = rj__between(b->b0, 0x80, 0xBF);
    *bytes = b->length;
    if (left >= 64) { /* up to where the last one begins: it need not be whole */
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

/* Whether up to 16 characters of `size` bytes each, of which the first bytes are `lead` or more, seem to lie here:
 * by the first and the last. *count: how many these would be. */
RJ__INLINE int
rj__utf8_seem_alike(const uint8_t *s, size_t length, size_t size, uint8_t lead, size_t *count)
{
    *count = length < 16 * size ? length / size : 16;
    return (length >= 16 * size || length % size == 0) && (s[0] & s[(*count - 1) * size]) >= lead;
}

/* Characters of four bytes and nothing else lie in 32-bit lanes. Writes `count` of them; 0 if they are others, or
 * malformed. */
RJ__INLINE int
rj__utf8_put_quads(const uint8_t *s, size_t count, uint32_t *out)
{
    __mmask16 valid = (__mmask16)rj__low_bits(count);
    __m512i v = _mm512_maskz_loadu_epi32(valid, s);
    __m512i marks = _mm512_and_si512(v, _mm512_set1_epi32((int)0xC0C0C0F8));
    if (_mm512_mask_cmpeq_epi32_mask(valid, marks, _mm512_set1_epi32((int)0x808080F0)) != valid)
        return 0;
    __m512i units = _mm512_and_si512(_mm512_srli_epi32(v, 24), _mm512_set1_epi32(0x3f));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_srli_epi32(v, 10), _mm512_set1_epi32(0x3f << 6)));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_slli_epi32(v, 4), _mm512_set1_epi32(0x3f << 12)));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_slli_epi32(v, 18), _mm512_set1_epi32(0x07 << 18)));
    /* Overlong forms are below what there is, others above. */
    __m512i above = _mm512_sub_epi32(units, _mm512_set1_epi32(0x10000));
    if (_mm512_mask_cmpgt_epu32_mask(valid, above, _mm512_set1_epi32(0xFFFFF)))
        return 0;
    _mm512_mask_storeu_epi32(out, valid, units);
    return 1;
}

/* rj__utf8_put_quads for characters of three bytes, which are spread to such lanes; units of 2 or 4 bytes. */
RJ__INLINE int
rj__utf8_put_triples(const uint8_t *s, size_t count, void *out, int width, int surrogates)
{
    const __m512i spread = _mm512_set_epi32(0x2f2e2d, 0x2c2b2a, 0x292827, 0x262524, 0x232221, 0x201f1e, 0x1d1c1b, 0x1a1918,
                                            0x171615, 0x141312, 0x11100f, 0x0e0d0c, 0x0b0a09, 0x080706, 0x050403, 0x020100);
    __mmask16 valid = (__mmask16)rj__low_bits(count);
    __m512i v = _mm512_maskz_loadu_epi8(rj__low_bits(3 * count), s);
    v = _mm512_maskz_permutexvar_epi8(0x7777777777777777, spread, v);
    __m512i marks = _mm512_and_si512(v, _mm512_set1_epi32(0x00C0C0F0));
    if (_mm512_mask_cmpeq_epi32_mask(valid, marks, _mm512_set1_epi32(0x008080E0)) != valid)
        return 0;
    __m512i units = _mm512_srli_epi32(v, 16);
    units = _mm512_and_si512(units, _mm512_set1_epi32(0x3f));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_srli_epi32(v, 2), _mm512_set1_epi32(0x3f << 6)));
    units = _mm512_or_si512(units, _mm512_and_si512(_mm512_slli_epi32(v, 12), _mm512_set1_epi32(0x0f << 12)));
    __m512i top = _mm512_and_si512(units, _mm512_set1_epi32(0xF800)); /* zero in overlong forms */
    __mmask16 wrong = _mm512_mask_testn_epi32_mask(valid, top, top);
    if (!surrogates)
        wrong |= _mm512_mask_cmpeq_epi32_mask(valid, top, _mm512_set1_epi32(0xD800));
    if (RJ__UNLIKELY(wrong))
        return 0;
    if (width == 4)
        _mm512_mask_storeu_epi32(out, valid, units);
    else
        _mm256_mask_storeu_epi16(out, valid, _mm512_cvtepi32_epi16(units));
    return 1;
}

RJ__INLINE size_t
rj__utf8_block(const uint8_t *s, size_t length, int beyond, const rj__utf8_extent *extent, void *out, size_t room, int width,
               int surrogates, size_t *characters)
{
    (void)beyond, (void)room; /* masks keep to what is there */
    if (width == 4 && rj__utf8_seem_alike(s, length, 4, 0xF0, characters) && rj__utf8_put_quads(s, *characters, out))
        return *characters * 4;
    if (width != 1 && extent->highest >= 0xE0 && rj__utf8_seem_alike(s, length, 3, 0xE0, characters) &&
        rj__utf8_put_triples(s, *characters, out, width, surrogates))
        return *characters * 3;
    rj__utf8_bytes b = rj__utf8_load(s, length);
    rj__utf8_leads leads;
    size_t bytes;
    if (RJ__UNLIKELY(!rj__utf8_classify(&b, length, surrogates, &leads, &bytes)))
        return 0;
    uint64_t begins = leads.one | leads.two | leads.three | leads.four;
    size_t count = *characters = (size_t)_mm_popcnt_u64(begins);
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
