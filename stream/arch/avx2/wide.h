/* See arch/sse4/wide.h; eight units of two bytes in 32-bit lanes of one register. */
#ifndef RJSON_STREAM_ARCH_AVX2_WIDE_H
#define RJSON_STREAM_ARCH_AVX2_WIDE_H

#define RJ__HAS_WIDE_EIGHT 1

RJ__INLINE uint8_t *rj__put_packed(__m128i lanes, unsigned ones, unsigned twos, uint8_t *dst);

RJ__INLINE void
rj__put_eight_threes(__m128i v, uint8_t *dst)
{
    const __m256i squeeze = _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6, 8, 9,
                                             10, 12, 13, 14, -1, -1, -1, -1);
    __m256i c = _mm256_cvtepu16_epi32(v);
    __m256i middle = _mm256_and_si256(_mm256_slli_epi32(c, 2), _mm256_set1_epi32(0x3f00));
    __m256i last = _mm256_and_si256(_mm256_slli_epi32(c, 16), _mm256_set1_epi32(0x3f0000));
    __m256i bytes = _mm256_or_si256(_mm256_or_si256(_mm256_srli_epi32(c, 12), middle),
                                    _mm256_or_si256(last, _mm256_set1_epi32(0x8080E0)));
    bytes = _mm256_shuffle_epi8(bytes, squeeze);
    _mm_storeu_si128((__m128i *)(void *)dst, _mm256_castsi256_si128(bytes));
    _mm_storeu_si128((__m128i *)(void *)(dst + 12), _mm256_extracti128_si256(bytes, 1));
}

/* See rj__put_four: none of these needs four bytes. */
RJ__INLINE uint8_t *
rj__put_eight_any(__m128i v, uint8_t *dst)
{
    __m256i c = _mm256_cvtepu16_epi32(v);
    __m256i two = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7f)), three = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7ff));
    __m256i first = _mm256_and_si256(_mm256_srli_epi32(c, 4), _mm256_set1_epi32(0x3f00));
    __m256i last_two = _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi32(c, 10), _mm256_set1_epi32(0x3f0000)),
                                       _mm256_and_si256(_mm256_slli_epi32(c, 24), _mm256_set1_epi32(0x3f000000)));
    __m256i marks = _mm256_blendv_epi8(_mm256_set1_epi32((int)0x80C00000), _mm256_set1_epi32((int)0x8080E000), three);
    __m256i lanes = _mm256_or_si256(_mm256_or_si256(first, last_two), marks);
    lanes = _mm256_blendv_epi8(_mm256_slli_epi32(c, 24), lanes, two);
    unsigned ones = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_xor_si256(two, three)));
    unsigned twos = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(three));
    dst = rj__put_packed(_mm256_castsi256_si128(lanes), ones & 15, twos & 15, dst);
    return rj__put_packed(_mm256_extracti128_si256(lanes, 1), ones >> 4, twos >> 4, dst);
}

#define RJ__HAS_WIDE_SIXTEEN 1

/* Sixteen units, where all are below 0x800 and none is to be escaped: otherwise 0. Stores 32 bytes. */
RJ__INLINE int
rj__put_sixteen_short(const uint16_t *src, uint8_t **dst)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
    __m256i control = _mm256_cmpeq_epi16(_mm256_min_epu16(v, _mm256_set1_epi16(0x1f)), v);
    __m256i itself =
        _mm256_or_si256(_mm256_cmpeq_epi16(v, _mm256_set1_epi16('"')), _mm256_cmpeq_epi16(v, _mm256_set1_epi16('\\')));
    __m256i special = _mm256_or_si256(control, itself), top = _mm256_and_si256(v, _mm256_set1_epi16((short)0xF800));
    if (!_mm256_testz_si256(_mm256_or_si256(special, top), _mm256_set1_epi8(-1)))
        return 0;
    __m256i trail = _mm256_slli_epi16(_mm256_and_si256(v, _mm256_set1_epi16(0x3f)), 8);
    __m256i pair = _mm256_or_si256(_mm256_or_si256(_mm256_srli_epi16(v, 6), trail), _mm256_set1_epi16((short)0x80C0));
    __m256i two = _mm256_cmpgt_epi16(v, _mm256_set1_epi16(0x7f)), lanes = _mm256_blendv_epi8(v, pair, two);
    unsigned singles =
        ~(unsigned)_mm_movemask_epi8(_mm_packs_epi16(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1)));
    rj__put_squeezed(_mm256_castsi256_si128(lanes), singles & 0xff, dst);
    rj__put_squeezed(_mm256_extracti128_si256(lanes, 1), singles >> 8 & 0xff, dst);
    return 1;
}

/* Sixteen units that all become three bytes: otherwise 0. Stores 52 bytes. */
RJ__INLINE int
rj__put_sixteen_threes(const uint16_t *src, uint8_t **dst)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)src);
    __m256i top = _mm256_and_si256(v, _mm256_set1_epi16((short)0xF800));
    __m256i surrogate = _mm256_cmpeq_epi16(top, _mm256_set1_epi16((short)0xD800));
    __m256i others = _mm256_or_si256(surrogate, _mm256_cmpeq_epi16(top, _mm256_setzero_si256()));
    if (!_mm256_testz_si256(others, others))
        return 0;
    rj__put_eight_threes(_mm256_castsi256_si128(v), *dst);
    rj__put_eight_threes(_mm256_extracti128_si256(v, 1), *dst + 24);
    *dst += 48;
    return 1;
}

/* Sixteen at a time, while they are such. Returns how many. */
RJ__INLINE size_t
rj__put_sixteens(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end, int are_threes)
{
    size_t done = 0;
    uint8_t *next = *dst; /* so that it can stay in a register */
    while (length - done >= 16 && end - next >= RJ__TEXT_ROOM &&
           (are_threes ? rj__put_sixteen_threes(src + done, &next) : rj__put_sixteen_short(src + done, &next)))
        done += 16;
    *dst = next;
    return done;
}

/* Functions of their own: others need the registers. */
static RJ__NOINLINE size_t
put_short_units(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    return rj__put_sixteens(src, length, dst, end, 0);
}

static RJ__NOINLINE size_t
put_threes(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    return rj__put_sixteens(src, length, dst, end, 1);
}

/* Units behind eight that have become `size` bytes, while they are like these. Returns how many. */
RJ__INLINE size_t
rj__put_alike(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end, size_t size)
{
    if (size <= 16)
        return put_short_units(src, length, dst, end);
    return size == 24 ? put_threes(src, length, dst, end) : 0;
}

#include "arch/sse4/wide.h"

#endif
