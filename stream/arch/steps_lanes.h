/*
 * The steps of text_body.h with vectors of 16 bytes and a shuffle: SSE4.2, AVX2 and NEON. Plain bytes are copied a block at a time. Other text goes eight
 * units at a time as 16-bit lanes, each with room for two bytes, and a shuffle from a table leaves out the second where there is none. Of the target
 * are (lanes_sse.h, lanes_neon.h):
 *     rj__lanes v = rj__widen_lanes(src)                        eight units of one byte
 *     rj__put_lanes(v, two_bytes, &dst)                         writes eight units below 0x800, of `two_bytes` those from 0x80 on;
 *                                                               0 if one has a long escape. Stores 16 bytes.
 *     rj__sixteen v = rj__load_sixteen(src)                     sixteen bytes
 *     rj__join_eights(first, last)                              the same from two words
 *     rj__store_sixteen(dst, v)
 *     rj__shift_to_front(v, size)                               the last `size` of them, and zeros behind those
 *     rj__mark_special(v)                                       those that are to be escaped, 1 << RJ__SCAN_SHIFT bits of each
 */
#ifndef RJSON_STEPS_LANES_H
#define RJSON_STEPS_LANES_H

#include RJ__SCAN

#include "copy_blocks.h"

/* Bytes one by one: where there are fewer than eight, or long escapes. */
RJ__INLINE size_t
rj__put_few(const uint8_t *src, size_t length, uint8_t **dst, rj__high high)
{
    size_t count = length < 8 ? length : 8;
    for (size_t i = 0; i < count; i++)
        *dst = rj__put_byte(src[i], *dst, high);
    return count;
}

/* More escapes than these in one vector are many. */
#define RJ__FEW_ESCAPES 2

/* `count` bytes, at most 16: those at `src`, and in `v`. Of a few that are to be escaped each is spelled on its own, and what is behind it stored again;
 * where there are many, all bytes are spelled one by one.
 * Stores at most 16 bytes behind the last. */
RJ__INLINE uint8_t *
rj__spell_sixteen(rj__sixteen v, size_t count, const uint8_t *src, uint8_t *dst)
{
    const uint64_t mark = ((uint64_t)1 << (1 << RJ__SCAN_SHIFT)) - 1; /* of a byte */
    uint64_t marks = rj__mark_special(v);
    size_t done = 0;
    if (count < 16)
        marks &= ((uint64_t)1 << (count << RJ__SCAN_SHIFT)) - 1;
    rj__store_sixteen(dst, v);
    if (RJ__UNLIKELY(__builtin_popcountll(marks) >> RJ__SCAN_SHIFT > RJ__FEW_ESCAPES)) {
        for (; done < count; done++)
            dst = rj__put_spelled(src[done], dst);
        return dst;
    }
    while (marks) {
        size_t place = (size_t)__builtin_ctzll(marks) >> RJ__SCAN_SHIFT;
        dst = rj__put_spelled(src[place], dst + (place - done));
        done = place + 1;
        rj__store_sixteen(dst, rj__shift_to_front(v, 16 - done));
        marks &= ~(mark << (place << RJ__SCAN_SHIFT));
    }
    return dst + (count - done);
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

/* The last bytes of a text, at most 16. */
RJ__INLINE uint8_t *
rj__spell_last(const uint8_t *src, size_t done, size_t length, uint8_t *dst)
{
    size_t left = length - done;
    rj__sixteen v =
        length < 16 ? rj__load_short(src + done, left) : rj__shift_to_front(rj__load_sixteen(src + length - 16), left);
    return rj__spell_sixteen(v, left, src + done, dst);
}

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

/* Of texts that are so long blocks are stored where blocks should begin: those that cross a cache line take half as long again. */
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
           rj__copy_plain_run(src + done, out + done))
        done += RJ__PLAIN_RUN;
    while (length - done >= RJ__BLOCK && end - (out + done) >= RJ__TEXT_ROOM &&
           rj__copy_plain_block(src + done, out + done, 0, 0))
        done += RJ__BLOCK;
    *dst = out + done;
    return done;
}

/* Where there are many escapes, so many bytes are taken to be alike. */
#define RJ__DENSE_RUN 1024

#define RJ__DENSE_BLOCK (64 >> RJ__SCAN_SHIFT)

/* Which of a block are to be escaped: see rj__mark_special. */
RJ__INLINE uint64_t
rj__mark_block(const uint8_t *src)
{
    uint64_t high, marks = 0;
    for (size_t i = 0; i < RJ__DENSE_BLOCK; i += RJ__SCAN_BLOCK)
        marks |= rj__scan_special(src + i, &high) << (i << RJ__SCAN_SHIFT);
    return marks;
}

/* Spells those of `count` bytes that are marked, and stores what is behind each again, up to a block of it, which must be readable. All of them are at `dst`
 * already. */
RJ__INLINE uint8_t *
rj__spell_marked(const uint8_t *src, size_t count, uint64_t marks, uint8_t *dst)
{
    const uint64_t mark = ((uint64_t)1 << (1 << RJ__SCAN_SHIFT)) - 1; /* of a byte */
    size_t done = 0;
    while (marks) {
        size_t place = (size_t)__builtin_ctzll(marks) >> RJ__SCAN_SHIFT;
        dst = rj__put_spelled(src[place], dst + (place - done));
        done = place + 1;
        rj__copy_blocks(src + done, RJ__DENSE_BLOCK, dst);
        marks &= ~(mark << (place << RJ__SCAN_SHIFT));
    }
    return dst + (count - done);
}

/* See rj__spell_sixteen: this one spells up to a block, or 16 bytes of it one by one, and reads another block behind it. Returns how many. */
RJ__INLINE size_t
rj__spell_block(const uint8_t *src, size_t count, uint8_t **dst)
{
    uint64_t marks = rj__mark_block(src);
    if (count < RJ__DENSE_BLOCK)
        marks &= ((uint64_t)1 << (count << RJ__SCAN_SHIFT)) - 1;
    if (RJ__UNLIKELY(__builtin_popcountll(marks) >> RJ__SCAN_SHIFT > RJ__DENSE_BLOCK / 6)) {
        count = count < 16 ? count : 16;
        for (size_t i = 0; i < count; i++)
            *dst = rj__put_spelled(src[i], *dst);
        return count;
    }
    rj__copy_blocks(src, RJ__DENSE_BLOCK, *dst);
    *dst = rj__spell_marked(src, count, marks, *dst);
    return count;
}

/* Bytes with many escapes, by blocks: more than one of RJ__SCAN_BLOCK. The last two blocks are spelled in a copy, behind which there is something to read. */
RJ__INLINE size_t
rj__step_dense_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    uint8_t padded[4 * RJ__DENSE_BLOCK];
    size_t done = 0, last = 0;
    while (length - done >= 2 * RJ__DENSE_BLOCK && done < RJ__DENSE_RUN && end - *dst >= RJ__TEXT_ROOM)
        done += rj__spell_block(src + done, RJ__DENSE_BLOCK, dst);
    size_t left = length - done;
    if (left < RJ__BLOCK || left >= 2 * RJ__DENSE_BLOCK)
        return done;
    rj__copy_blocks(src + done, left - RJ__BLOCK, padded);
    rj__copy_blocks(src + length - RJ__BLOCK, RJ__BLOCK, padded + left - RJ__BLOCK);
    while (last < left && end - *dst >= RJ__TEXT_ROOM)
        last += rj__spell_block(padded + last, left - last < RJ__DENSE_BLOCK ? left - last : RJ__DENSE_BLOCK, dst);
    return done + last;
}

/* Bytes with few escapes, by blocks that begin behind the last one: where they are rare, that they come is all that a processor cannot foresee. Up to the
 * last RJ__SCAN_BLOCK bytes, or to where there are many. */
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
        if (__builtin_popcountll(special) >> RJ__SCAN_SHIFT > RJ__FEW_ESCAPES)
            break;
        size_t place = (size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT;
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
    done += rj__step_dense_bytes(src + done, length - done, dst, end);
    while (length - done > 16 && length - done <= RJ__SCAN_BLOCK && end - *dst >= RJ__TEXT_ROOM) {
        *dst = rj__spell_sixteen(rj__load_sixteen(src + done), 16, src + done, *dst);
        done += 16;
    }
    if (length - done > 16 || end - *dst < RJ__TEXT_ROOM)
        return done;
    *dst = rj__spell_last(src, done, length, *dst);
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

/* Copies so many bytes of a block to two places, and says which are to be escaped. */
RJ__INLINE uint64_t
rj__copy_marked(const uint8_t *src, size_t size, size_t place, uint8_t *first, uint8_t *second)
{
    uint64_t high, marks;
    if (size == RJ__SCAN_BLOCK) {
        rj__copy_blocks(src + place, RJ__SCAN_BLOCK, first + place);
        rj__copy_blocks(src + place, RJ__SCAN_BLOCK, second + place);
        marks = rj__scan_special(src + place, &high);
    }
    else {
        rj__sixteen v = rj__load_sixteen(src + place);
        rj__store_sixteen(first + place, v);
        rj__store_sixteen(second + place, v);
        marks = rj__mark_special(v);
    }
    return marks << (place << RJ__SCAN_SHIFT);
}

/* 16 bytes or more, but no more than a block, behind which nothing need be readable. */
RJ__INLINE uint8_t *
rj__spell_last_block(const uint8_t *src, size_t length, uint8_t *dst)
{
    uint8_t padded[2 * RJ__DENSE_BLOCK];
    uint64_t marks;
    if (RJ__SCAN_BLOCK > 16 && length < RJ__SCAN_BLOCK) {
        marks = rj__copy_marked(src, 16, 0, padded, dst) | rj__copy_marked(src, 16, length - 16, padded, dst);
    }
    else {
        marks = rj__copy_marked(src, RJ__SCAN_BLOCK, length - RJ__SCAN_BLOCK, padded, dst);
        for (size_t i = 0; i + RJ__SCAN_BLOCK < RJ__DENSE_BLOCK && i + RJ__SCAN_BLOCK < length; i += RJ__SCAN_BLOCK)
            marks |= rj__copy_marked(src, RJ__SCAN_BLOCK, i, padded, dst);
    }
    return rj__spell_marked(padded, length, marks, dst);
}

/* Longer strings go by steps. */
#define RJ__MEDIUM 1024

/* See text_body.h. */
RJ__INLINE uint8_t *
rj__put_sure_bytes(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    if (length < 16 || length > RJ__MEDIUM)
        return rj__put_by_steps(src, length, dst, end);
    while (length > RJ__DENSE_BLOCK) {
        size_t count = length < 2 * RJ__DENSE_BLOCK ? length - RJ__DENSE_BLOCK : RJ__DENSE_BLOCK;
        uint64_t marks = rj__mark_block(src);
        if (count < RJ__DENSE_BLOCK)
            marks &= ((uint64_t)1 << (count << RJ__SCAN_SHIFT)) - 1;
        rj__copy_blocks(src, RJ__DENSE_BLOCK, dst);
        dst = rj__spell_marked(src, count, marks, dst);
        src += count;
        length -= count;
    }
    return rj__spell_last_block(src, length, dst);
}

#include RJ__WIDE

#endif
