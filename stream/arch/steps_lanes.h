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

/* Bytes one by one: where there are fewer than eight, or long escapes. */
RJ__INLINE size_t
rj__put_few(const uint8_t *src, size_t length, uint8_t **dst, rj__high high)
{
    size_t count = length < 8 ? length : 8;
    for (size_t i = 0; i < count; i++)
        *dst = rj__put_byte(src[i], *dst, high);
    return count;
}

RJ__INLINE size_t
rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    size_t done = 0;
    for (; length - done >= RJ__BLOCK && end - *dst >= RJ__TEXT_ROOM; done += RJ__BLOCK, *dst += RJ__BLOCK) {
        if (RJ__UNLIKELY(!rj__copy_plain_block(src + done, *dst, high != RJ__HIGH_PASS, high == RJ__HIGH_ESCAPED)))
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

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst)
{
    size_t done = rj__copy_some_ucs2(src, length, dst);
    if (done || length < 8)
        return done;
    rj__lanes v = rj__load_lanes(src);
    if (rj__any_beyond(v, 0xF800))
        return 0;
    return rj__put_lanes(v, 1, dst) ? 8 : 0;
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst)
{
    (void)src;
    (void)length;
    (void)dst;
    return 0;
}

#endif
