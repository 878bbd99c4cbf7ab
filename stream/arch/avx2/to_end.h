/* Bytes that are copied by whole vectors, however many they are, to where they are to end. */
#ifndef RJSON_STREAM_ARCH_AVX2_TO_END_H
#define RJSON_STREAM_ARCH_AVX2_TO_END_H

#include "arch/avx2/block.h"

/* The least of what was seen, byte by byte: with bit 1 flipped (see rj__avx2_special), and of how it differs from a
 * backslash. */
typedef struct rj__least {
    __m256i controls, backslashes;
} rj__least;

RJ__INLINE void
rj__copy_least(const uint8_t *src, uint8_t *dst, rj__least *least)
{
    __m256i v = rj__avx2_load(src);
    rj__avx2_store(dst, v);
    least->controls = _mm256_min_epu8(least->controls, _mm256_xor_si256(v, _mm256_set1_epi8(2)));
    least->backslashes = _mm256_min_epu8(least->backslashes, _mm256_xor_si256(v, _mm256_set1_epi8('\\')));
}

/* A bit for each place at which a byte was to be escaped. */
RJ__INLINE uint32_t
rj__special_places(rj__least least)
{
    __m256i controls = _mm256_cmpeq_epi8(_mm256_min_epu8(least.controls, _mm256_set1_epi8(0x20)), least.controls);
    __m256i backslashes = _mm256_cmpeq_epi8(least.backslashes, _mm256_setzero_si256());
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(controls, backslashes));
}

/* The 32 bytes that are so far from the end, or the first if they are not so many. */
RJ__INLINE void
rj__copy_least_before(const uint8_t *src_end, size_t length, uint8_t *dst_end, size_t before, rj__least *least)
{
    size_t distance = length < before ? length : before;
    rj__copy_least(src_end - distance, dst_end - distance, least);
}

#define RJ__TO_END_MOST 256
/* So many readable bytes come before them. */
#define RJ__TO_END_BEFORE 32

/* Copies ASCII bytes from before src_end to before dst_end: up to `most`, which is 32, 64 or RJ__TO_END_MOST, known
 * to the compiler; and if there are fewer than 32, those that come before them. Only whether there are more than 128
 * decides a branch. Whether one must be escaped. */
RJ__INLINE int
rj__copy_to_end(const uint8_t *src_end, size_t length, uint8_t *dst_end, size_t most)
{
    const size_t all = length < 32 ? 32 : length, valid = length < 32 ? length : 32;
    rj__least least = {_mm256_set1_epi8(-1), _mm256_set1_epi8(-1)};
    rj__copy_least(src_end - 32, dst_end - 32, &least);
    if (most > 32)
        rj__copy_least_before(src_end, all, dst_end, 64, &least);
    if (most > 64) {
        rj__copy_least_before(src_end, all, dst_end, 96, &least);
        rj__copy_least_before(src_end, all, dst_end, 128, &least);
        if (all > 128) {
            rj__copy_least_before(src_end, all, dst_end, 160, &least);
            rj__copy_least_before(src_end, all, dst_end, 192, &least);
            rj__copy_least_before(src_end, all, dst_end, 224, &least);
            rj__copy_least_before(src_end, all, dst_end, 256, &least);
        }
    }
    return (uint64_t)rj__special_places(least) << valid >> 32 != 0;
}

/* ---- with escapes */

#define RJ__MARKED_MOST 64

/* Which of up to RJ__MARKED_MOST ASCII bytes before src_end are to be escaped: the last has the highest bit.
 * RJ__TO_END_BEFORE bytes before them can be read. */
RJ__INLINE uint64_t
rj__mark_to_end(const uint8_t *src_end, size_t length)
{
    const size_t all = length < 32 ? 32 : length;
    uint64_t last = (uint32_t)_mm256_movemask_epi8(rj__avx2_special(rj__avx2_load(src_end - 32)));
    uint64_t first = (uint32_t)_mm256_movemask_epi8(rj__avx2_special(rj__avx2_load(src_end - all)));
    uint64_t of_all = length ? ~(uint64_t)0 << (RJ__MARKED_MOST - length) : 0;
    return (last << 32 | first << (RJ__MARKED_MOST - all)) & of_all;
}

RJ__INLINE void
rj__copy_marked(const uint8_t *src_end, size_t length, uint8_t *dst_end)
{
    const size_t all = length < 32 ? 32 : length;
    __m256i last = rj__avx2_load(src_end - 32), first = rj__avx2_load(src_end - all);
    rj__avx2_store(dst_end - 32, last);
    rj__avx2_store(dst_end - all, first);
}

/* Writes those that have these marks to before dst_end, with their short escapes, and whatever comes before them.
 * Returns whether one has a long escape, in which case it is all wrong. The only branch is for how many marks there
 * are. */
RJ__INLINE int
rj__spell_to_end(const uint8_t *src_end, size_t length, uint64_t marks, uint8_t *dst_end)
{
    int is_wrong = 0;
    rj__copy_marked(src_end, length, dst_end);
    /* From the last on: what is before each moves by one. */
    for (; marks; dst_end--) {
        size_t behind = _lzcnt_u64(marks);
        const uint8_t *c = src_end - behind - 1;
        uint8_t *escape = dst_end - behind - 2;
        rj__copy_marked(c, length - behind - 1, escape);
        memcpy(escape, rj__spellings[*c].bytes, 2);
        is_wrong |= rj__spellings[*c].length != 2;
        marks ^= (uint64_t)1 << (63 - behind);
    }
    return is_wrong;
}

#endif
