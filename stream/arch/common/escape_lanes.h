/*
 * Bytes of which some are to be escaped, for steps_lanes.h, by blocks. Of a few escapes in a block each is spelled
 * on its own, and what is behind it stored again. Where there are more, each byte becomes a pair of itself, or a
 * backslash, and what would follow that; a shuffle leaves out what is not needed, and no branch depends on where the
 * escapes are. Long ones have no place in a pair: where there is one, bytes are spelled one by one.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_ESCAPE_LANES_H
#define RJSON_STREAM_ARCH_COMMON_ESCAPE_LANES_H

#include "arch/common/copy_blocks.h"

#define RJ__ESCAPE_BLOCK (64 >> RJ__SCAN_SHIFT)
/* More are no longer few. */
#define RJ__FEW_ESCAPES 3
/* Up to so many are spelled on their own, if one of them is long. */
#define RJ__SOME_ESCAPES 10

/* The marks of the first `count` bytes. */
RJ__INLINE uint64_t
rj__marks_of(size_t count)
{
    return count < RJ__ESCAPE_BLOCK ? ((uint64_t)1 << (count << RJ__SCAN_SHIFT)) - 1 : ~(uint64_t)0;
}

RJ__INLINE int
rj__count_marks(uint64_t marks)
{
    return __builtin_popcountll(marks) >> RJ__SCAN_SHIFT;
}

RJ__INLINE size_t
rj__first_mark(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) >> RJ__SCAN_SHIFT;
}

RJ__INLINE uint64_t
rj__without_mark(uint64_t marks, size_t place)
{
    return marks & ~(rj__marks_of(1) << (place << RJ__SCAN_SHIFT));
}

/* ---- 16 bytes by pairs */

/* `count` bytes, at most 16: those at `src`, and in `v`. Stores at most 32 bytes behind the last. */
RJ__INLINE uint8_t *
rj__spell_sixteen(rj__sixteen v, size_t count, const uint8_t *src, uint8_t *dst)
{
    rj__pairs pairs;
    const uint64_t marks = rj__mark_special(v) & rj__marks_of(count);
    if (RJ__UNLIKELY(rj__pair_escapes(v, &pairs) & marks)) {
        for (size_t i = 0; i < count; i++)
            dst = rj__put_spelled(src[i], dst);
        return dst;
    }
    rj__put_pairs(&pairs, marks, dst);
    return dst + count + rj__count_marks(marks);
}

/* ---- few, one by one */

/* The last bytes of a text of at least 16, up to a block of them: nothing behind them need be readable. Stores at
 * most 16 bytes behind the last. */
RJ__INLINE void
rj__copy_last(const uint8_t *src, size_t left, uint8_t *dst)
{
    if (left >= RJ__SCAN_BLOCK) {
        for (size_t i = 0; i < RJ__ESCAPE_BLOCK; i += RJ__SCAN_BLOCK) {
            size_t place = i + RJ__SCAN_BLOCK <= left ? i : left - RJ__SCAN_BLOCK;
            rj__copy_blocks(src + place, RJ__SCAN_BLOCK, dst + place);
        }
        return;
    }
    /* The last 16 first: where there are fewer, what they overwrite is stored once more. */
    const size_t first = left < 16 ? left : 16;
    const uint8_t *last = src + left - 16;
    rj__store_sixteen(dst + left - first, rj__load_sixteen(last));
    rj__store_sixteen(dst, rj__shift_to_front(rj__load_sixteen(src < last ? src : last), first));
}

/* Spells those of `count` bytes that are marked, and stores what is behind each again: up to a block of it, which
 * must be readable; with `is_last`, what there is, see rj__copy_last. All of them are at `dst` already. */
RJ__INLINE uint8_t *
rj__spell_marked(const uint8_t *src, size_t count, uint64_t marks, uint8_t *dst, int is_last)
{
    size_t done = 0;
    while (marks) {
        size_t place = rj__first_mark(marks);
        dst = rj__put_spelled(src[place], dst + (place - done));
        done = place + 1;
        if (is_last)
            rj__copy_last(src + done, count - done, dst);
        else
            rj__copy_blocks(src + done, RJ__ESCAPE_BLOCK, dst);
        marks = rj__without_mark(marks, place);
    }
    return dst + (count - done);
}

/* ---- a block that has more behind it */

/* Which of a block are to be escaped: see rj__mark_special. */
RJ__INLINE uint64_t
rj__mark_block(const uint8_t *src)
{
    uint64_t high, marks = 0;
    for (size_t i = 0; i < RJ__ESCAPE_BLOCK; i += RJ__SCAN_BLOCK)
        marks |= rj__scan_special(src + i, &high) << (i << RJ__SCAN_SHIFT);
    return marks;
}

/* A block that has these marks, which are not few. NULL where they are better spelled on their own. */
static RJ__NOINLINE uint8_t *
spell_block(const uint8_t *src, uint64_t marks, uint8_t *dst)
{
    rj__pairs unused;
    uint64_t lengthy = 0;
    for (size_t i = 0; i < RJ__ESCAPE_BLOCK; i += 16)
        lengthy |= rj__pair_escapes(rj__load_sixteen(src + i), &unused);
    if (lengthy && rj__count_marks(marks) <= RJ__SOME_ESCAPES)
        return NULL;
    for (size_t i = 0; i < RJ__ESCAPE_BLOCK; i += 16)
        dst = rj__spell_sixteen(rj__load_sixteen(src + i), 16, src + i, dst);
    return dst;
}

/* The first bytes of more than a block: how many. */
RJ__INLINE size_t
rj__spell_some(const uint8_t *src, size_t length, uint8_t **dst)
{
    const uint64_t marks = rj__mark_block(src);
    if (RJ__LIKELY(!marks)) {
        rj__copy_blocks(src, RJ__ESCAPE_BLOCK, *dst);
        *dst += RJ__ESCAPE_BLOCK;
        return RJ__ESCAPE_BLOCK;
    }
    if (RJ__UNLIKELY(rj__count_marks(marks) > RJ__FEW_ESCAPES)) {
        uint8_t *next = spell_block(src, marks, *dst);
        if (next) {
            *dst = next;
            return RJ__ESCAPE_BLOCK;
        }
    }
    const size_t count = length < 2 * RJ__ESCAPE_BLOCK ? length - RJ__ESCAPE_BLOCK : RJ__ESCAPE_BLOCK;
    rj__copy_blocks(src, RJ__ESCAPE_BLOCK, *dst);
    *dst = rj__spell_marked(src, count, marks & rj__marks_of(count), *dst, 0);
    return count;
}

/* ---- the last block of a text of at least 16 bytes, behind which nothing need be readable */

RJ__INLINE uint64_t
rj__mark_last(const uint8_t *src, size_t left)
{
    uint64_t high, marks;
    if (left < 16)
        return rj__mark_special(rj__shift_to_front(rj__load_sixteen(src + left - 16), left)) & rj__marks_of(left);
    if (left < RJ__SCAN_BLOCK) {
        marks = rj__mark_special(rj__load_sixteen(src + left - 16)) << ((left - 16) << RJ__SCAN_SHIFT);
        return marks | rj__mark_special(rj__load_sixteen(src));
    }
    marks = rj__scan_special(src + left - RJ__SCAN_BLOCK, &high) << ((left - RJ__SCAN_BLOCK) << RJ__SCAN_SHIFT);
    for (size_t i = 0; i + RJ__SCAN_BLOCK < RJ__ESCAPE_BLOCK && i + RJ__SCAN_BLOCK < left; i += RJ__SCAN_BLOCK)
        marks |= rj__scan_special(src + i, &high) << (i << RJ__SCAN_SHIFT);
    return marks;
}

/* The last bytes, which have these marks and are at `dst` already. Stores at most 32 bytes behind the last. */
RJ__INLINE uint8_t *
rj__spell_last_marked(const uint8_t *src, size_t left, uint64_t marks, uint8_t *dst)
{
    if (rj__count_marks(marks) > RJ__FEW_ESCAPES) {
        for (; left > 16; src += 16, left -= 16)
            dst = rj__spell_sixteen(rj__load_sixteen(src), 16, src, dst);
        return rj__spell_sixteen(rj__shift_to_front(rj__load_sixteen(src + left - 16), left), left, src, dst);
    }
    return rj__spell_marked(src, left, marks, dst, 1);
}

RJ__INLINE uint8_t *
rj__spell_last(const uint8_t *src, size_t left, uint8_t *dst)
{
    rj__copy_last(src, left, dst);
    return rj__spell_last_marked(src, left, rj__mark_last(src, left), dst);
}

#if RJ__SCAN_BLOCK == 32
#define RJ__HAS_TWO_BLOCKS 1

/* NULL where there may not be room. */
static RJ__NOINLINE uint8_t *
put_dirty_blocks(const uint8_t *src, size_t length, uint64_t marks, uint8_t *dst, const uint8_t *end)
{
    if (RJ__UNLIKELY((ptrdiff_t)length * RJ__UNIT_MAX + RJ__TEXT_ROOM > end - dst))
        return NULL;
    return rj__spell_last_marked(src, length, marks, dst);
}

/* Texts of one block or two: without a loop, and what is found is used, whether that is escapes or none. */
RJ__INLINE uint8_t *
rj__put_two_blocks(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    uint64_t high;
    const size_t last = length - RJ__SCAN_BLOCK;
    rj__copy_blocks(src, RJ__SCAN_BLOCK, dst);
    rj__copy_blocks(src + last, RJ__SCAN_BLOCK, dst + last);
    const uint64_t marks = rj__scan_special(src, &high) | rj__scan_special(src + last, &high) << last;
    return RJ__LIKELY(!marks) ? dst + length : put_dirty_blocks(src, length, marks, dst, end);
}
#endif

#endif
