/* Eight 16-bit lanes in a NEON register, for arch/common/steps_lanes.h, which says what they do. */
#ifndef RJSON_STREAM_ARCH_NEON_LANES_H
#define RJSON_STREAM_ARCH_NEON_LANES_H

typedef uint16x8_t rj__lanes;
typedef uint8x16_t rj__sixteen;

typedef struct rj__pairs {
    uint8x16_t first, second; /* of each byte: itself or a backslash, and what would follow that; zero if none would */
} rj__pairs;

RJ__INLINE rj__sixteen
rj__load_sixteen(const uint8_t *src)
{
    return vld1q_u8(src);
}

RJ__INLINE void
rj__store_sixteen(uint8_t *dst, rj__sixteen v)
{
    vst1q_u8(dst, v);
}

RJ__INLINE rj__sixteen
rj__join_eights(uint64_t first, uint64_t last)
{
    return vcombine_u8(vcreate_u8(first), vcreate_u8(last));
}

/* The last `size` of 16 bytes, moved to the front; zeros behind them. */
RJ__INLINE rj__sixteen
rj__shift_to_front(rj__sixteen v, size_t size)
{
    return vqtbl1q_u8(v, vld1q_u8(rj__neon_shifts + 16 - size));
}

RJ__INLINE uint64_t
rj__mark_special(rj__sixteen v)
{
    return rj__neon_marks(rj__special16(v, 0));
}

RJ__INLINE rj__lanes
rj__load_lanes(const uint16_t *src)
{
    return vld1q_u16(src);
}

RJ__INLINE rj__lanes
rj__widen_lanes(const uint8_t *src)
{
    return vmovl_u8(vld1_u8(src));
}

RJ__INLINE int
rj__any_beyond(rj__lanes v, uint16_t bits)
{
    return vmaxvq_u16(vandq_u16(v, vdupq_n_u16(bits))) != 0;
}

/* Lanes whose second byte is zero are squeezed to one byte. Stores 16 bytes. */
RJ__INLINE uint8_t *
rj__neon_squeeze(uint8x16_t lanes, uint8_t *dst)
{
    static const uint16_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t is_single = vceqzq_u16(vshrq_n_u16(vreinterpretq_u16_u8(lanes), 8));
    unsigned singles = vaddvq_u16(vandq_u16(is_single, vld1q_u16(bits)));
    vst1q_u8(dst, vqtbl1q_u8(lanes, vld1q_u8(rj__squeeze[singles])));
    return dst + 16 + (int16_t)vaddvq_u16(is_single); /* which counts down: a mask is -1 */
}

/* The letters of escapes, by control characters. */
static const uint8_t rj__neon_letters[16] = {[8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r'};

RJ__INLINE uint64_t
rj__pair_escapes(rj__sixteen v, rj__pairs *pairs)
{
    uint8x16_t control = vcltq_u8(v, vdupq_n_u8(0x20));
    uint8x16_t itself = vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\')));
    uint8x16_t letter = vqtbl1q_u8(vld1q_u8(rj__neon_letters), v);
    pairs->first = vbslq_u8(vorrq_u8(control, itself), vdupq_n_u8('\\'), v);
    pairs->second = vbslq_u8(itself, v, letter);
    return rj__neon_marks(vandq_u8(control, vceqzq_u8(letter)));
}

RJ__INLINE void
rj__put_pairs(const rj__pairs *pairs, uint64_t marks, uint8_t *dst)
{
    (void)marks; /* the zeros say the same */
    dst = rj__neon_squeeze(vzip1q_u8(pairs->first, pairs->second), dst);
    rj__neon_squeeze(vzip2q_u8(pairs->first, pairs->second), dst);
}

RJ__INLINE int
rj__put_lanes(rj__lanes v, int two_bytes, uint8_t **dst)
{
    uint16x8_t control = vcltq_u16(v, vdupq_n_u16(0x20));
    uint16x8_t itself = vorrq_u16(vceqq_u16(v, vdupq_n_u16('"')), vceqq_u16(v, vdupq_n_u16('\\')));
    /* Indices beyond the table read as zero. */
    uint16x8_t letter = vreinterpretq_u16_u8(vqtbl1q_u8(vld1q_u8(rj__neon_letters), vreinterpretq_u8_u16(v)));
    if (RJ__UNLIKELY(vmaxvq_u16(vandq_u16(control, vceqzq_u16(letter))) != 0))
        return 0;
    letter = vbslq_u16(itself, v, letter);
    uint16x8_t escape = vorrq_u16(vshlq_n_u16(letter, 8), vdupq_n_u16('\\'));
    uint16x8_t lanes = vbslq_u16(vorrq_u16(control, itself), escape, v);
    if (two_bytes) {
        uint16x8_t trail = vshlq_n_u16(vandq_u16(v, vdupq_n_u16(0x3f)), 8);
        uint16x8_t pair = vorrq_u16(vorrq_u16(vshrq_n_u16(v, 6), trail), vdupq_n_u16(0x80C0));
        lanes = vbslq_u16(vcgtq_u16(v, vdupq_n_u16(0x7f)), pair, lanes);
    }
    *dst = rj__neon_squeeze(vreinterpretq_u8_u16(lanes), *dst);
    return 1;
}

#endif
