/*
 * UTF-8 to characters of 1, 2 or 4 bytes with vectors of 16 bytes. Every byte is looked at as if it began a
 * character, together with the three behind it: that gives the bytes of a character for each, of which a shuffle
 * keeps those where one does begin. Whether the whole is well-formed is found out before, while it is measured. See
 * arch/scalar/utf8.h.
 */
#ifndef RJSON_STREAM_ARCH_SSE4_UTF8_H
#define RJSON_STREAM_ARCH_SSE4_UTF8_H

#include "arch/sse4/utf8_mistakes.h"
#include "text/utf8_extent.h"

/* The first `count` of 16 bytes, fewer than all; zeros behind them. */
RJ__INLINE __m128i
rj__utf8_load_part(const uint8_t *s, size_t count, int beyond)
{
    static const uint8_t ones[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t part[16] = {0};
    if (RJ__LIKELY(beyond))
        return _mm_and_si128(rj__load_sixteen(s), rj__load_sixteen(ones + 16 - count));
    memcpy(part, s, count);
    return rj__load_sixteen(part);
}

/* What is seen of a text while it is measured. */
typedef struct rj__utf8_seen {
    size_t characters;
    __m128i highest, mistakes, previous;
} rj__utf8_seen;

RJ__INLINE void
rj__utf8_see(rj__utf8_seen *seen, __m128i v)
{
    unsigned begins = (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(v, _mm_set1_epi8(-65)));
    seen->characters += (size_t)_mm_popcnt_u32(begins);
    seen->highest = _mm_max_epu8(seen->highest, v);
    seen->mistakes = _mm_or_si128(seen->mistakes, rj__utf8_mistakes(v, seen->previous));
    seen->previous = v;
}

RJ__INLINE __m128i
rj__utf8_at_least(__m128i v, uint8_t least)
{
    return _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8((char)least)), v);
}

RJ__INLINE rj__utf8_extent
rj__utf8_measure(const uint8_t *s, size_t length, int beyond)
{
    const __m128i zero = _mm_setzero_si128();
    rj__utf8_seen seen = {0, zero, zero, zero};
    size_t i = 0;
    for (; length - i >= 16; i += 16)
        rj__utf8_see(&seen, rj__load_sixteen(s + i));
    rj__utf8_see(&seen, rj__utf8_load_part(s + i, length - i,
                                           beyond)); /* the zeros behind the text show if the last character is cut off */
    seen.characters -= 16 - (length - i);
    /* The classes that matter, as the highest byte of each. */
    int is_four = _mm_movemask_epi8(rj__utf8_at_least(seen.highest, 0xF0));
    int is_three = _mm_movemask_epi8(rj__utf8_at_least(seen.highest, 0xE0));
    int is_wide = _mm_movemask_epi8(rj__utf8_at_least(seen.highest, 0xC4));
    return (rj__utf8_extent){seen.characters,
                             is_four    ? 0xFF
                             : is_three ? 0xEF
                             : is_wide  ? 0xDF
                                        : 0xC3,
                             _mm_testz_si128(seen.mistakes, seen.mistakes)};
}

/* Of the character that each byte may begin. */
typedef struct rj__utf8_planes {
    __m128i low, middle, high; /* bytes */
    unsigned begins;           /* whether it does, as a bit each */
} rj__utf8_planes;

/* Each byte moved to the left (to the right if negative), and of it these bits. */
RJ__INLINE __m128i
rj__utf8_bits(__m128i v, int left, int bits)
{
    __m128i moved = left < 0 ? _mm_srli_epi16(v, -left) : _mm_slli_epi16(v, left);
    return _mm_and_si128(moved, _mm_set1_epi8((char)bits));
}

/* Reads 19 bytes. */
RJ__INLINE rj__utf8_planes
rj__utf8_split(const uint8_t *s, int width)
{
    __m128i b0 = rj__load_sixteen(s), b1 = rj__load_sixteen(s + 1), zero = _mm_setzero_si128();
    __m128i is_longer = rj__utf8_at_least(b0, 0xE0), high = zero;
    /* Its last byte, the one before that, and the one before that. */
    __m128i last = _mm_blendv_epi8(b1, rj__load_sixteen(s + 2), is_longer);
    __m128i before = _mm_blendv_epi8(b0, b1, is_longer), third = _mm_and_si128(b0, is_longer);
    if (width == 4) {
        __m128i is_longest = rj__utf8_at_least(b0, 0xF0);
        last = _mm_blendv_epi8(last, rj__load_sixteen(s + 3), is_longest);
        before = _mm_blendv_epi8(before, rj__load_sixteen(s + 2), is_longest);
        third = _mm_blendv_epi8(third, b1, is_longest);
        high = _mm_and_si128(_mm_or_si128(rj__utf8_bits(b1, -4, 0x03), rj__utf8_bits(b0, 2, 0x1c)), is_longest);
    }
    __m128i low = _mm_or_si128(rj__utf8_bits(before, 6, 0xC0), rj__utf8_bits(last, 0, 0x3f));
    __m128i middle = _mm_or_si128(rj__utf8_bits(before, -2, 0x0f), rj__utf8_bits(third, 4, 0xf0));
    __m128i begins = _mm_cmpgt_epi8(b0, _mm_set1_epi8(-65)), is_ascii = _mm_cmpgt_epi8(b0, _mm_set1_epi8(-1));
    return (rj__utf8_planes){_mm_blendv_epi8(low, b0, is_ascii), _mm_andnot_si128(is_ascii, middle), high,
                             (unsigned)_mm_movemask_epi8(begins)};
}

/* The characters of eight bytes, in 16-bit lanes: those that are there, to `out`. Stores eight. Returns how many
 * there are. */
RJ__INLINE size_t
rj__utf8_store_eight(__m128i lanes, __m128i high_lanes, unsigned begins, uint8_t *out, int width)
{
    __m128i places = _mm_load_si128((const __m128i *)(const void *)rj__pick[begins]);
    __m128i picked = _mm_shuffle_epi8(lanes, places);
    if (width == 1)
        _mm_storel_epi64((__m128i *)(void *)out, _mm_packus_epi16(picked, picked));
    if (width == 2)
        _mm_storeu_si128((__m128i *)(void *)out, picked);
    if (width == 4) {
        __m128i high = _mm_shuffle_epi8(high_lanes, places);
        _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi16(picked, high));
        _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_unpackhi_epi16(picked, high));
    }
    return _mm_popcnt_u32(begins);
}

/* The characters that begin in 16 bytes. Reads 19, stores up to 16 characters. */
RJ__INLINE size_t
rj__utf8_sixteen(const uint8_t *s, uint8_t *out, int width)
{
    rj__utf8_planes planes = rj__utf8_split(s, width);
    __m128i zero = _mm_setzero_si128();
    size_t first = rj__utf8_store_eight(_mm_unpacklo_epi8(planes.low, planes.middle), _mm_unpacklo_epi8(planes.high, zero),
                                        planes.begins & 0xff, out, width);
    return first + rj__utf8_store_eight(_mm_unpackhi_epi8(planes.low, planes.middle), _mm_unpackhi_epi8(planes.high, zero),
                                        planes.begins >> 8, out + first * (size_t)width, width);
}

/* Four characters, from six bits of each byte of 32-bit lanes, the last one first. */
RJ__INLINE void
rj__utf8_store_four(__m128i sixes, uint8_t *out, int width)
{
    __m128i twelves = _mm_maddubs_epi16(sixes, _mm_set1_epi16(64 << 8 | 1));
    __m128i units = _mm_madd_epi16(twelves, _mm_set1_epi32(4096 << 16 | 1));
    if (width == 2)
        _mm_storel_epi64((__m128i *)(void *)out, _mm_packus_epi32(units, units));
    else
        _mm_storeu_si128((__m128i *)(void *)out, units);
}

/* Characters of three bytes each, or of four, if such come next, by fours: as many bytes, or 0. Reads 16 bytes from
 * each of them on, of which all begin before `last`; stores up to 16 bytes from each on, before `out_last`. */
RJ__INLINE size_t
rj__utf8_alike(const uint8_t *s, const uint8_t *last, uint8_t *out, const uint8_t *out_last, int width)
{
    const __m128i triples = _mm_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1);
    const __m128i quads = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const __m128i sixes = _mm_set1_epi32(width == 2 ? 0x0f3f3f : 0x073f3f3f);
    const uint8_t *begin = s;
    for (; s < last && out < out_last; out += 4 * width) {
        __m128i v = rj__load_sixteen(s);
        unsigned leads = (unsigned)_mm_movemask_epi8(rj__utf8_at_least(v, width == 2 ? 0xE0 : 0xF0));
        if (width == 2 ? (leads & 0xfff) != 0x249 : leads != 0x1111)
            break;
        rj__utf8_store_four(_mm_and_si128(_mm_shuffle_epi8(v, width == 2 ? triples : quads), sixes), out, width);
        s += width == 2 ? 12 : 16;
    }
    return (size_t)(s - begin);
}

/* rj__utf8_blocks where no character has more than two bytes: each is made where its last one is, so that where the
 * next 16 bytes begin is known at once. */
RJ__INLINE const uint8_t *
rj__utf8_short_blocks(const uint8_t *s, const uint8_t *last, uint8_t **out, size_t room, int width)
{
    const __m128i zero = _mm_setzero_si128();
    const uint8_t *begin = s;
    uint8_t *to = *out, *to_last = to + room - 16 * width + 1;
    for (__m128i previous = zero; s < last && to < to_last; s += 16) {
        __m128i v = rj__load_sixteen(s), before = _mm_alignr_epi8(v, previous, 15);
        __m128i continues = _mm_cmplt_epi8(v, _mm_set1_epi8(-64)), high = zero;
        __m128i low = _mm_or_si128(rj__utf8_bits(before, 6, 0xC0), rj__utf8_bits(v, 0, 0x3f));
        if (width > 1)
            high = _mm_and_si128(rj__utf8_bits(before, -2, 0x07), continues);
        low = _mm_blendv_epi8(v, low, continues);
        unsigned ends = ~(unsigned)_mm_movemask_epi8(rj__utf8_at_least(v, 0xC0));
        to += width * rj__utf8_store_eight(_mm_unpacklo_epi8(low, high), zero, ends & 0xff, to, width);
        to += width * rj__utf8_store_eight(_mm_unpackhi_epi8(low, high), zero, ends >> 8 & 0xff, to, width);
        previous = v;
    }
    *out = to;
    return s > begin && s[-1] >= 0xC0 ? s - 1 : s;
}

/* The characters that begin before `last`, as long as there is room for 16 more. Reads up to 19 bytes from each of
 * them on. Returns behind the last one, and moves *out. */
RJ__INLINE const uint8_t *
rj__utf8_blocks(const uint8_t *s, const uint8_t *last, uint8_t **out, size_t room, int width, uint8_t highest)
{
    if (width == 1)
        return rj__utf8_short_blocks(s, last, out, room, 1);
    if (width == 2 && highest < 0xE0)
        return rj__utf8_short_blocks(s, last, out, room, 2);
    uint8_t *to = *out, *to_last = to + room - 16 * width + 1;
    while (s < last && to < to_last) {
        size_t alike = rj__utf8_alike(s, last, to, to_last, width);
        s += alike;
        to += width == 2 ? alike / 3 * 2 : alike;
        if (alike)
            continue;
        to += rj__utf8_sixteen(s, to, width) * (size_t)width;
        /* Behind the last character. */
        unsigned continuing = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(rj__load_sixteen(s + 3), _mm_set1_epi8(-64))) >> 13;
        s += 16 + __builtin_ctz(~continuing);
    }
    *out = to;
    return s;
}

/* The last characters have so many bytes at most. */
#define RJ__UTF8_REST 64

/* The last characters, which fill the room exactly: by way of memory where what is stored past them does no harm. */
RJ__INLINE void
rj__utf8_rest(const uint8_t *s, size_t length, int beyond, void *out, size_t room, int width, uint8_t highest)
{
    uint8_t padded[RJ__UTF8_REST + 32], stored[4 * (RJ__UTF8_REST + 32)], *to = stored;
    if (!beyond) {
        memcpy(padded, s, length);
        memset(padded + length, 0, 32);
        s = padded;
    }
    rj__utf8_blocks(s, s + length, &to, sizeof stored, width, highest);
    memcpy(out, stored, room);
}

RJ__INLINE size_t
rj__utf8_block(const uint8_t *s, size_t length, int beyond, const rj__utf8_extent *extent, void *out, size_t room, int width,
               int surrogates, size_t *characters)
{
    (void)surrogates;
    uint8_t *to = out;
    if (RJ__UNLIKELY(!extent->is_sound))
        return 0;
    if (length <= RJ__UTF8_REST) {
        rj__utf8_rest(s, length, beyond, out, room, width, extent->highest);
        *characters = room / (size_t)width;
        return length;
    }
    size_t bytes = (size_t)(rj__utf8_blocks(s, s + length - 18, &to, room, width, extent->highest) - s);
    *characters = (size_t)(to - (uint8_t *)out) / (size_t)width;
    return bytes;
}

#endif
