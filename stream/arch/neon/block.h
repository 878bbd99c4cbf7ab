/* Blocks of 16 bytes with NEON, which every 64-bit ARM has. See arch/sse4/block.h, whose functions these are. */
#ifndef RJSON_STREAM_ARCH_NEON_BLOCK_H
#define RJSON_STREAM_ARCH_NEON_BLOCK_H

#define RJ__BLOCK 16

/* All bits of each byte that must be escaped: control characters, '"' and '\\'; with `printable_only` (0 or 1) DEL
 * and what is not ASCII are marked as well. */
RJ__INLINE uint8x16_t
rj__special16(uint8x16_t v, int printable_only)
{
    uint8_t highest = printable_only ? 0x7e : 0xff;
    uint8x16_t outside = vcgtq_u8(vsubq_u8(v, vdupq_n_u8(0x20)), vdupq_n_u8((uint8_t)(highest - 0x20)));
    uint8x16_t quote = vceqq_u8(v, vdupq_n_u8('"'));
    uint8x16_t backslash = vceqq_u8(v, vdupq_n_u8('\\'));
    return vorrq_u8(outside, vorrq_u8(quote, backslash));
}

RJ__INLINE int
rj__any16(uint8x16_t mask)
{
    return vmaxvq_u32(vreinterpretq_u32_u8(mask)) != 0;
}

/* Four bits of each byte of a mask. */
RJ__INLINE uint64_t
rj__neon_marks(uint8x16_t mask)
{
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(mask), 4)), 0);
}

/* From each place on, a shuffle that moves the last bytes to the front, and zeros behind them. */
static const uint8_t rj__neon_shifts[32] = {0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,
                                            11,   12,   13,   14,   15,   0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                            0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

/* Up to 16 bytes, with at least 16 readable ones before them: one load that ends where the string ends, shifted to
 * the front. Stores 16 bytes. */
RJ__INLINE int
rj__neon_copy_clean_to_16(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    uint8x16_t shift = vld1q_u8(rj__neon_shifts + 16 - length);
    uint8x16_t v = vqtbl1q_u8(vld1q_u8(src + length - 16), shift);
    vst1q_u8(dst, v);
    uint8x16_t is_inside = vcltq_u8(shift, vdupq_n_u8(0x80));
    return rj__any16(vandq_u8(rj__special16(v, printable_only), is_inside));
}

RJ__INLINE int
rj__neon_copy_clean_16_to_32(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    uint8x16_t first = vld1q_u8(src), last = vld1q_u8(src + length - 16);
    vst1q_u8(dst, first);
    vst1q_u8(dst + length - 16, last);
    return rj__any16(vorrq_u8(rj__special16(first, printable_only), rj__special16(last, printable_only)));
}

/* More than 32 bytes. */
static RJ__NOINLINE size_t
rj__copy_clean_blocks(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    const uint8_t *begin = src, *last = src + length - 16;
    uint8_t *last_dst = dst + length - 16;
    for (; src < last; src += 16, dst += 16) {
        uint8x16_t v = vld1q_u8(src);
        vst1q_u8(dst, v);
        if (RJ__UNLIKELY(rj__any16(rj__special16(v, printable_only))))
            return 1 + (size_t)(src - begin);
    }
    return rj__neon_copy_clean_to_16(last, 16, last_dst, printable_only) ? 1 + (size_t)(src - begin) : 0;
}

RJ__INLINE size_t
rj__copy_clean(const uint8_t *src, size_t length, uint8_t *dst, int printable_only)
{
    if (RJ__LIKELY(length <= 16))
        return (size_t)rj__neon_copy_clean_to_16(src, length, dst, printable_only);
    if (length <= 32)
        return (size_t)rj__neon_copy_clean_16_to_32(src, length, dst, printable_only);
    return rj__copy_clean_blocks(src, length, dst, printable_only);
}

RJ__INLINE size_t
rj__copy_clean_alone(const uint8_t *src, size_t length, uint8_t *dst)
{
    return length <= 16 ? (size_t)rj__swar_copy_clean(src, length, dst, 0) : rj__copy_clean(src, length, dst, 0);
}

RJ__INLINE int
rj__copy_plain_block(const uint8_t *src, uint8_t *dst, int ascii_only, int printable_only)
{
    uint8x16_t v = vld1q_u8(src);
    vst1q_u8(dst, v);
    uint8x16_t special = rj__special16(v, printable_only);
    if (ascii_only)
        special = vorrq_u8(special, vcgeq_u8(v, vdupq_n_u8(0x80)));
    return !rj__any16(special);
}

/* Whether none of eight code units is of the range that the first two arguments mark, or a surrogate. */
RJ__INLINE int
rj__neon_none16(uint16x8_t marked, uint16x8_t v)
{
    uint16x8_t surrogate = vceqq_u16(vandq_u16(v, vdupq_n_u16(0xF800)), vdupq_n_u16(0xD800));
    return vmaxvq_u16(vorrq_u16(marked, surrogate)) == 0;
}

/* Eight code units that are all plain ASCII: 8, or 0 if they are not. */
RJ__INLINE size_t
rj__neon_copy_ascii_ucs2(uint16x8_t v, uint8_t **dst, int printable_only)
{
    if (vmaxvq_u16(v) > 0x7f)
        return 0;
    uint64_t ascii = vget_lane_u64(vreinterpret_u64_u8(vmovn_u16(v)), 0);
    if (rj__swar_special(ascii, printable_only) != 0)
        return 0;
    memcpy(*dst, &ascii, 8);
    *dst += 8;
    return 8;
}

RJ__INLINE uint8x8_t
rj__neon_trail(uint16x8_t v)
{
    return vorr_u8(vand_u8(vmovn_u16(v), vdup_n_u8(0x3f)), vdup_n_u8(0x80));
}

/* See arch/common/wide_lanes.h. */
RJ__INLINE size_t
rj__copy_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    if (length < 8)
        return 0;
    uint16x8_t v = vld1q_u16(src);
    if (!rj__neon_none16(vcltq_u16(v, vdupq_n_u16(0x800)), v))
        return rj__neon_copy_ascii_ucs2(v, dst, 0);
    uint8x8_t lead = vorr_u8(vmovn_u16(vshrq_n_u16(v, 12)), vdup_n_u8(0xE0));
    uint8x8x3_t threes = {{lead, rj__neon_trail(vshrq_n_u16(v, 6)), rj__neon_trail(v)}};
    vst3_u8(*dst, threes); /* a macro in clang, which would see the commas of a literal */
    *dst += 24;
    return 8;
}

/* The low bytes of eight units as two hexadecimal digits each, the first in the lower byte. */
RJ__INLINE uint16x8_t
rj__neon_hex(uint16x8_t v)
{
    static const uint8_t hex[] = "0123456789abcdef";
    uint16x8_t high = vandq_u16(vshrq_n_u16(v, 4), vdupq_n_u16(15));
    uint16x8_t low = vshlq_n_u16(vandq_u16(v, vdupq_n_u16(15)), 8);
    return vreinterpretq_u16_u8(vqtbl1q_u8(vld1q_u8(hex), vreinterpretq_u8_u16(vorrq_u16(high, low))));
}

RJ__INLINE size_t
rj__escape_some_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    if (length < 8)
        return 0;
    uint16x8_t v = vld1q_u16(src);
    if (!rj__neon_none16(vcltq_u16(v, vdupq_n_u16(0x80)), v))
        return rj__neon_copy_ascii_ucs2(v, dst, 1);
    uint16x8_t prefix = vdupq_n_u16('\\' | 'u' << 8);
    uint16_t escapes[24];
    uint16x8x3_t parts = {{prefix, rj__neon_hex(vshrq_n_u16(v, 8)), rj__neon_hex(v)}};
    vst3q_u16(escapes, parts);
    memcpy(*dst, escapes, sizeof escapes);
    *dst += sizeof escapes;
    return 8;
}

#endif
