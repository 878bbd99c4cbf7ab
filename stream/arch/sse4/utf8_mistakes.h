/* What is wrong with UTF-8, 16 bytes at a time: for every target with a shuffle of bytes. */
#ifndef RJSON_STREAM_ARCH_SSE4_UTF8_MISTAKES_H
#define RJSON_STREAM_ARCH_SSE4_UTF8_MISTAKES_H

/*
 * What is wrong at each byte, from it and the three before it, as bits; zero if nothing is. Two bytes and their
 * halves tell most: each of three tables says which mistakes its half is part of, and what all three say is one.
 * What they cannot tell is whether a continuing byte that comes after another should be there. (J. Keiser, D.
 * Lemire: Validating UTF-8 in less than one instruction per byte, 2021.)
 */
RJ__INLINE __m128i
rj__utf8_mistakes(__m128i v, __m128i previous)
{
    enum {
        SHORT = 1,      /* a lead byte that nothing continues */
        LONG = 2,       /* what continues no character */
        OVERLONG2 = 4,  /* forms that are longer than need be: of two bytes, */
        OVERLONG3 = 8,  /* of three, */
        OVERLONG4 = 16, /* of four; and F5 to FF, beyond U+10FFFF too */
        BEYOND = 32,    /* beyond U+10FFFF */
        SURROGATE = 64,
        PAIR = 128, /* two bytes that continue one */
        ANY = SHORT | LONG | PAIR,
        FAR = ANY | BEYOND | OVERLONG4
    };
    const __m128i nibble = _mm_set1_epi8(0x0f);
    const __m128i by_first_high =
        _mm_setr_epi8(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, (char)PAIR, (char)PAIR, (char)PAIR, (char)PAIR,
                      SHORT | OVERLONG2, SHORT, SHORT | OVERLONG3 | SURROGATE, SHORT | BEYOND | OVERLONG4);
    const __m128i by_first_low =
        _mm_setr_epi8((char)(ANY | OVERLONG2 | OVERLONG3 | OVERLONG4), (char)(ANY | OVERLONG2), (char)ANY, (char)ANY,
                      (char)(ANY | BEYOND), (char)FAR, (char)FAR, (char)FAR, (char)FAR, (char)FAR, (char)FAR, (char)FAR,
                      (char)FAR, (char)(FAR | SURROGATE), (char)FAR, (char)FAR);
    const __m128i by_second_high = _mm_setr_epi8(
        SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, (char)(LONG | PAIR | OVERLONG2 | OVERLONG3 | OVERLONG4),
        (char)(LONG | PAIR | OVERLONG2 | OVERLONG3 | BEYOND), (char)(LONG | PAIR | OVERLONG2 | SURROGATE | BEYOND),
        (char)(LONG | PAIR | OVERLONG2 | SURROGATE | BEYOND), SHORT, SHORT, SHORT, SHORT);
    __m128i first = _mm_alignr_epi8(v, previous, 15);
    __m128i first_high = _mm_shuffle_epi8(by_first_high, _mm_and_si128(_mm_srli_epi16(first, 4), nibble));
    __m128i first_low = _mm_shuffle_epi8(by_first_low, _mm_and_si128(first, nibble));
    __m128i second_high = _mm_shuffle_epi8(by_second_high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
    __m128i mistakes = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);
    /* The third byte of three or four, and the fourth of four: above 0x7f where they should be. */
    __m128i third = _mm_subs_epu8(_mm_alignr_epi8(v, previous, 14), _mm_set1_epi8((char)(0xE0 - 0x80)));
    __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(v, previous, 13), _mm_set1_epi8((char)(0xF0 - 0x80)));
    __m128i pair_due = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)PAIR));
    return _mm_xor_si128(mistakes, pair_due);
}

#endif
