/*
 * The steps of text_body.h with vectors of 16 bytes and a shuffle: SSE4.2, AVX2 and NEON. Plain bytes are copied a
 * block at a time. Other text goes eight units at a time as 16-bit lanes, each with room for two bytes, and a
 * shuffle from a table leaves out the second where there is none. Of the target are (arch/sse4/lanes.h,
 * arch/neon/lanes.h):
 *     rj__lanes v = rj__widen_lanes(src)                        eight units of one byte
 *     rj__put_lanes(v, two_bytes, &dst)                         writes eight units below 0x800, of `two_bytes` those from 0x80 on;
 *                                                               0 if one has a long escape. Stores 16 bytes.
 *     rj__sixteen v = rj__load_sixteen(src)                     sixteen bytes
 *     rj__join_eights(first, last)                              the same from two words
 *     rj__store_sixteen(dst, v)
 *     rj__shift_to_front(v, size)                               the last `size` of them, and zeros behind those
 *     rj__mark_special(v)                                       those that are to be escaped, 1 << RJ__SCAN_SHIFT bits of each
 *     rj__pair_escapes(v, &pairs)                               makes each byte a pair; returns the marks of long escapes, which have none
 *     rj__put_pairs(&pairs, marks, dst)                         writes them, of those that are not marked the first bytes only. Stores 32 bytes.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_STEPS_LANES_H
#define RJSON_STREAM_ARCH_COMMON_STEPS_LANES_H

#include RJ__OF_SET(scan.h)

#include "arch/common/escape_lanes.h"

/* Bytes one by one: where there are fewer than eight, or long escapes. */
RJ__INLINE size_t
rj__put_few(const uint8_t *src, size_t length, uint8_t **dst, rj__high high)
{
    size_t count = length < 8 ? length : 8;
    for (size_t i = 0; i < count; i++)
        *dst = rj__put_byte(src[i], *dst, high);
    return count;
}

/* Up to 16 bytes; zeros behind them. */
RJ__INLINE rj__sixteen
rj__load_short(const uint8_t *src, size_t length)
{
    uint64_t first = 0, last = 0;
    uint32_t half;
    if (length >= 8) {
        memcpy(&first, src, 8);
        memcpy(&last, src + length - 8, 8);
        return rj__join_eights(first, length == 8 ? 0 : last >> 8 * (16 - length));
    }
    if (length >= 4) {
        memcpy(&half, src, 4);
        first = half;
        memcpy(&half, src + length - 4, 4);
        return rj__join_eights(first | (uint64_t)half << 8 * (length - 4), 0);
    }
    for (size_t i = 0; i < length; i++)
        first |= (uint64_t)src[i] << 8 * i;
    return rj__join_eights(first, 0);
}

#define RJ__SHORT_DIRTY 16

/* See text_body.h. */
RJ__INLINE uint8_t *
rj__put_short_dirty(const uint8_t *src, size_t length, uint8_t *dst)
{
    rj__sixteen v = rj__shift_to_front(rj__load_sixteen(src + length - 16), length);
    return rj__spell_sixteen(v, length, src, dst);
}

/* The last bytes of a text of any length, at most 16. */
RJ__INLINE uint8_t *
rj__spell_tail(const uint8_t *src, size_t done, size_t length, uint8_t *dst)
{
    size_t left = length - done;
    rj__sixteen v =
        length < 16 ? rj__load_short(src + done, left) : rj__shift_to_front(rj__load_sixteen(src + length - 16), left);
    return rj__spell_sixteen(v, left, src + done, dst);
}

#if defined(RJ__HAS_AVX2)
#define RJ__UP_TO_MOST 32
#define RJ__UP_TO_ROOM 32

/* See text_body.h. */
RJ__INLINE uint8_t *
rj__put_up_to(const uint8_t *src, size_t length, uint8_t *dst, size_t most, int escaped)
{
    (void)escaped;
    (void)most;
    int is_dirty = RJ__UNLIKELY(length < 4) ? rj__swar_copy_clean_short(src, length, dst, 0)
                                            : rj__avx2_copy_clean_to_32(src, length, dst);
    return is_dirty ? NULL : dst + length;
}
#endif

#ifndef RJ__PLAIN_RUN
#define RJ__PLAIN_RUN (4 * RJ__BLOCK)

/* Copies so many bytes; 0 if one must be escaped. */
RJ__INLINE int
rj__copy_plain_run(const uint8_t *src, uint8_t *dst)
{
    int is_plain = 1;
    for (size_t i = 0; i < RJ__PLAIN_RUN; i += RJ__BLOCK)
        is_plain &= rj__copy_plain_block(src + i, dst + i, 0, 0);
    return is_plain;
}
#endif

/* Of texts that are so long blocks are stored where blocks should begin: those that cross a cache line take half as
 * long again. */
#define RJ__ALIGNED_RUN 1024

/* Bytes that are plain, by blocks. Returns how many. */
RJ__INLINE size_t
rj__step_plain_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t done = 0;
    uint8_t *out = *dst;
    if (length >= RJ__ALIGNED_RUN && rj__copy_plain_block(src, out, 0, 0))
        done = -(uintptr_t)out % RJ__BLOCK;
    while (length - done >= RJ__PLAIN_RUN && end - (out + done) >= RJ__TEXT_ROOM &&
           rj__copy_plain_run(src + done, out + done)) {
        rj__prefetch_ahead(src + done, RJ__COPIED_AHEAD, RJ__PLAIN_RUN);
        done += RJ__PLAIN_RUN;
    }
    while (length - done >= RJ__BLOCK && end - (out + done) >= RJ__TEXT_ROOM &&
           rj__copy_plain_block(src + done, out + done, 0, 0))
        done += RJ__BLOCK;
    *dst = out + done;
    return done;
}

/* Where there are many escapes, so many bytes are taken to be alike. */
#define RJ__DENSE_RUN 1024

/* Room for a block of escapes, and what is stored behind them. */
#define RJ__ESCAPE_ROOM (6 * RJ__ESCAPE_BLOCK + 64)

/* What is behind the first `done` bytes of at least 16, with many escapes, by blocks: how many are done then. Takes
 * some, if there is RJ__ESCAPE_ROOM. */
RJ__INLINE size_t
rj__step_dense_bytes(const uint8_t *src, size_t done, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t stop = done + RJ__DENSE_RUN;
    while (end - *dst >= RJ__ESCAPE_ROOM && done < stop) {
        if (length - done <= RJ__ESCAPE_BLOCK) {
            *dst = rj__spell_last(src + done, length - done, *dst);
            return length;
        }
        done += rj__spell_some(src + done, length - done, dst);
    }
    return done;
}

/* Bytes with few escapes, by blocks that begin behind the last one: where they are rare, that they come is all that
 * a processor cannot foresee. Up to the last RJ__SCAN_BLOCK bytes, or to where there are many. */
RJ__INLINE size_t
rj__step_sparse_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t done = 0;
    uint64_t high;
    while (length - done > RJ__SCAN_BLOCK && end - *dst >= RJ__TEXT_ROOM) {
        uint64_t special = rj__scan_special(src + done, &high);
        rj__copy_blocks(src + done, RJ__SCAN_BLOCK, *dst);
        if (RJ__LIKELY(!special)) {
            done += RJ__SCAN_BLOCK;
            *dst += RJ__SCAN_BLOCK;
            continue;
        }
        if (rj__count_marks(special) > RJ__FEW_ESCAPES)
            break;
        size_t place = rj__first_mark(special);
        *dst = rj__put_spelled(src[done + place], *dst + place);
        done += place + 1;
    }
    return done;
}

/* Bytes that are written as they are, but for escapes. */
RJ__INLINE size_t
rj__step_passed_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t done = rj__step_plain_bytes(src, length, dst, end);
    done += rj__step_sparse_bytes(src + done, length - done, dst, end);
    if (length >= 16 && end - *dst >= RJ__ESCAPE_ROOM)
        return rj__step_dense_bytes(src, done, length, dst, end);
    for (; length - done > 16 && end - *dst >= RJ__TEXT_ROOM; done += 16)
        *dst = rj__spell_sixteen(rj__load_sixteen(src + done), 16, src + done, *dst);
    if (length - done > 16 || end - *dst < RJ__TEXT_ROOM)
        return done;
    *dst = rj__spell_tail(src, done, length, *dst);
    return length;
}

RJ__INLINE size_t
rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    size_t done = 0;
    if (high == RJ__HIGH_PASS)
        return rj__step_passed_bytes(src, length, dst, end);
    for (; length - done >= RJ__BLOCK && end - *dst >= RJ__TEXT_ROOM; done += RJ__BLOCK, *dst += RJ__BLOCK) {
        if (RJ__UNLIKELY(!rj__copy_plain_block(src + done, *dst, 1, high == RJ__HIGH_ESCAPED)))
            break;
    }
    /* What is not plain, or the end. */
    size_t stop = length - done < RJ__BLOCK ? length : done + RJ__BLOCK;
    while (done < stop && end - *dst >= RJ__TEXT_ROOM) {
        if (length - done >= 8 && high != RJ__HIGH_ESCAPED &&
            rj__put_lanes(rj__widen_lanes(src + done), high == RJ__HIGH_TWO_BYTES, dst))
            done += 8;
        else
            done += rj__put_few(src + done, length - done, dst, high);
    }
    return done;
}

/* Longer strings go by steps. */
#define RJ__FORWARD_MOST 8192

/* See text_body.h. */
RJ__INLINE uint8_t *
rj__put_sure_bytes(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    if (length < 16 || length > RJ__FORWARD_MOST)
        return rj__put_by_steps(src, length, dst, end);
    while (length > RJ__ESCAPE_BLOCK) {
        size_t count = rj__spell_some(src, length, &dst);
        src += count;
        length -= count;
    }
    return rj__spell_last(src, length, dst);
}

#include RJ__OF_SET(wide.h)

#endif
