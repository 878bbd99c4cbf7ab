/* Thirty-two bytes in an AVX register. See arch/scalar/scan.h. */
#ifndef RJSON_STREAM_ARCH_AVX2_SCAN_H
#define RJSON_STREAM_ARCH_AVX2_SCAN_H

#define RJ__SCAN_BLOCK 32
#define RJ__SCAN_SHIFT 0

RJ__INLINE uint64_t
rj__scan_special(const uint8_t *p, uint64_t *high)
{
    __m256i v = rj__avx2_load(p);
    *high = (unsigned)_mm256_movemask_epi8(v);
    return (unsigned)_mm256_movemask_epi8(rj__avx2_special(v));
}

/* See arch/sse4/scan.h. */
RJ__INLINE uint64_t
rj__scan_solid(const uint8_t *p)
{
    const __m256i spaces = _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ', 0, 0, 0, 0, 0, 0,
                                            0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    __m256i v = rj__avx2_load(p);
    __m256i space = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, v), v);
    return ~(unsigned)_mm256_movemask_epi8(space);
}

/* See arch/scalar/scan.h. */
#define RJ__SCAN_LONG 128

RJ__INLINE int
rj__scan_long(const uint8_t *p, uint64_t *high)
{
    __m256i special = _mm256_setzero_si256(), all = special;
    for (int i = 0; i < RJ__SCAN_LONG; i += RJ__SCAN_BLOCK) {
        __m256i v = rj__avx2_load(p + i);
        special = _mm256_or_si256(special, rj__avx2_special(v));
        all = _mm256_or_si256(all, v);
    }
    *high = (unsigned)_mm256_movemask_epi8(all);
    return _mm256_testz_si256(special, special);
}

#endif
