/*
 * The steps of text_body.h with vectors of 16 bytes and a shuffle: SSE4.2, AVX2 and NEON. Plain bytes are copied a block at a time. Other text goes eight
 * units at a time as 16-bit lanes, each with room for two bytes, and a shuffle from a table leaves out the second where there is none. Of the target
 * are (lanes_sse.h, lanes_neon.h):
 *     rj__lanes v = rj__load_lanes(src), rj__widen_lanes(src)   eight units of two bytes, or of one
 *     rj__any_beyond(v, units)                                  whether a unit has one of these bits
 *     rj__put_lanes(v, two_bytes, &dst)                         writes eight units below 0x800, of `two_bytes` those from 0x80 on;
 *                                                               0 if one has a long escape. Stores 16 bytes.
 */
#ifndef RJSON_STEPS_LANES_H
#define RJSON_STEPS_LANES_H

#include RJ__SCAN

/* Bytes one by one: where there are fewer than eight, or long escapes. */
RJ__INLINE size_t
rj__put_few(const uint8_t *src, size_t length, uint8_t **dst, rj__high high)
{
    size_t count = length < 8 ? length : 8;
    for (size_t i = 0; i < count; i++)
        *dst = rj__put_byte(src[i], *dst, high);
    return count;
}

/* So many bytes are looked at together, as many as there are marks for. */
#define RJ__SPARSE_BLOCK (64 >> RJ__SCAN_SHIFT)
/* More escapes than these among them are many: then so many bytes are spelled one by one. */
#define RJ__FEW_ESCAPES (RJ__SPARSE_BLOCK / 6)
#define RJ__DENSE_BLOCK 16

/* Copies a block, and marks what is to be escaped. */
RJ__INLINE uint64_t
rj__copy_and_mark(const uint8_t *src, uint8_t *dst)
{
    uint64_t high, special = 0;
    memcpy(dst, src, RJ__SPARSE_BLOCK);
    for (size_t i = 0; i < RJ__SPARSE_BLOCK; i += RJ__SCAN_BLOCK)
        special |= rj__scan_special(src + i, &high) << (i << RJ__SCAN_SHIFT);
    return special;
}

/* Up to `count` bytes, at most a block. Those that are to be escaped are spelled each on its own, and everything behind them copied again: so a second
 * block must be readable behind it. Stores at most a block behind the last byte. Returns how many bytes these are. */
RJ__INLINE size_t
rj__spell_block(const uint8_t *src, size_t count, uint8_t **dst)
{
    const uint64_t mark = ((uint64_t)1 << (1 << RJ__SCAN_SHIFT)) - 1; /* of a byte */
    uint8_t *out = *dst;
    uint64_t special = rj__copy_and_mark(src, out);
    size_t done = 0;
    if (count < RJ__SPARSE_BLOCK)
        special &= ((uint64_t)1 << (count << RJ__SCAN_SHIFT)) - 1;
    if (RJ__UNLIKELY(__builtin_popcountll(special) >> RJ__SCAN_SHIFT > RJ__FEW_ESCAPES)) {
        count = count < RJ__DENSE_BLOCK ? count : RJ__DENSE_BLOCK;
        for (; done < count; done++)
            out = rj__put_spelled(src[done], out);
        *dst = out;
        return count;
    }
    while (special) {
        size_t place = (size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT;
        out = rj__put_spelled(src[place], out + (place - done));
        done = place + 1;
        memcpy(out, src + done, RJ__SPARSE_BLOCK);
        special &= ~(mark << (place << RJ__SCAN_SHIFT));
    }
    *dst = out + (count - done);
    return count;
}

/* Short strings with escapes: byte by byte is faster. */
#define RJ__SHORT_DIRTY 20

/* Up to two blocks, the last of their text, and fewer if there is not room for them. Returns how many bytes these are. */
RJ__INLINE size_t
rj__spell_last(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    uint8_t padded[4 * RJ__SPARSE_BLOCK];
    size_t done = 0;
    if (length <= RJ__SHORT_DIRTY) {
        for (; done < length; done++)
            *dst = rj__put_spelled(src[done], *dst);
        return length;
    }
    memcpy(padded, src, length);
    while (done < length && end - *dst >= RJ__TEXT_ROOM) {
        size_t left = length - done;
        done += rj__spell_block(padded + done, left < RJ__SPARSE_BLOCK ? left : RJ__SPARSE_BLOCK, dst);
    }
    return done;
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

/* Where one byte is to be escaped, so many are taken to be alike. */
#define RJ__DIRTY_RUN 1024

/* Of texts that are so long blocks are stored where blocks should begin. */
#define RJ__ALIGNED_RUN 1024

/* Bytes that are written as they are, but for escapes: first those without any. */
RJ__INLINE size_t
rj__step_passed_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t done = 0;
    if (length >= RJ__ALIGNED_RUN &&
        rj__copy_plain_block(src, *dst, 0, 0)) { /* blocks that cross a cache line take half as long again */
        done = -(uintptr_t)*dst % RJ__BLOCK;
        *dst += done;
    }
    while (length - done >= RJ__PLAIN_RUN && end - *dst >= RJ__TEXT_ROOM && rj__copy_plain_run(src + done, *dst)) {
        done += RJ__PLAIN_RUN;
        *dst += RJ__PLAIN_RUN;
    }
    while (length - done >= RJ__BLOCK && end - *dst >= RJ__TEXT_ROOM && rj__copy_plain_block(src + done, *dst, 0, 0)) {
        done += RJ__BLOCK;
        *dst += RJ__BLOCK;
    }
    size_t dirty = done;
    while (length - done >= 2 * RJ__SPARSE_BLOCK && done - dirty < RJ__DIRTY_RUN && end - *dst >= RJ__TEXT_ROOM)
        done += rj__spell_block(src + done, RJ__SPARSE_BLOCK, dst);
    if (length - done >= 2 * RJ__SPARSE_BLOCK || end - *dst < RJ__TEXT_ROOM)
        return done;
    return done + rj__spell_last(src + done, length - done, dst, end);
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

#include RJ__WIDE

#endif
