/*
 * Units of two bytes eight at a time, where all are alike in the room that they need; those of four one by one. Part
 * of steps_lanes.h; of the target (arch/neon/lanes.h, arch/neon/block.h) there are also:
 *     rj__copy_some_ucs2(src, length, &dst)   writes eight units that all become three bytes, or are plain ASCII: 8, or 0
 *     rj__lanes v = rj__load_lanes(src)       eight units of two bytes
 *     rj__any_beyond(v, units)                whether a unit has one of these bits
 */
#ifndef RJSON_STREAM_ARCH_COMMON_WIDE_LANES_H
#define RJSON_STREAM_ARCH_COMMON_WIDE_LANES_H

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    (void)end;
    size_t done = rj__copy_some_ucs2(src, length, dst);
    if (done || length < 8)
        return done;
    rj__lanes v = rj__load_lanes(src);
    if (rj__any_beyond(v, 0xF800))
        return 0;
    return rj__put_lanes(v, 1, dst) ? 8 : 0;
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    (void)src, (void)length, (void)dst, (void)end;
    return 0;
}

#endif
