/* Sixty-four bytes in an AVX-512 register. See arch/scalar/scan.h. */
#ifndef RJSON_STREAM_ARCH_AVX512_SCAN_H
#define RJSON_STREAM_ARCH_AVX512_SCAN_H

#define RJ__SCAN_BLOCK 64
#define RJ__SCAN_SHIFT 0

RJ__INLINE uint64_t
rj__scan_special(const uint8_t *p, uint64_t *high)
{
    __m512i v = _mm512_loadu_si512(p);
    *high = _mm512_movepi8_mask(v);
    __mmask64 control = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20));
    __mmask64 quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
    return control | quote | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
}

/* A byte of ASCII is looked up among all 128, of which the special ones have the high bit set: two operations
 * instead of three comparisons into masks, of which the processor has fewer units. */
#define RJ__SCAN_LONG 256

static const uint8_t rj__special_marks[128] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,         0x80,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, ['"'] = 0x80, ['\\'] = 0x80,
};

RJ__INLINE int
rj__scan_long(const uint8_t *p, uint64_t *high)
{
    const __m512i first = _mm512_loadu_si512(rj__special_marks), second = _mm512_loadu_si512(rj__special_marks + 64);
    __m512i special = _mm512_setzero_si512(), all = special;
    for (int i = 0; i < RJ__SCAN_LONG; i += 64) {
        __m512i v = _mm512_loadu_si512(p + i);
        special = _mm512_ternarylogic_epi64(special, _mm512_permutex2var_epi8(first, v, second), v, 0xF4); /* a | (b & ~c) */
        all = _mm512_or_si512(all, v);
    }
    *high = _mm512_movepi8_mask(all);
    return _mm512_movepi8_mask(special) == 0;
}

/* See arch/sse4/scan.h. */
RJ__INLINE uint64_t
rj__scan_solid(const uint8_t *p)
{
    const __m512i spaces = _mm512_broadcast_i32x4(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    __m512i v = _mm512_loadu_si512(p);
    return _mm512_cmpneq_epi8_mask(_mm512_shuffle_epi8(spaces, v), v);
}

#endif
