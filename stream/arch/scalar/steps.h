/* The steps of arch/common/text_body.h with general registers: eight bytes at once where they are plain, else one by
 * one from a table. */
#ifndef RJSON_STREAM_ARCH_SCALAR_STEPS_H
#define RJSON_STREAM_ARCH_SCALAR_STEPS_H

RJ__INLINE size_t
rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    (void)end;
    uint8_t *out = *dst;
    if (length >= 8) {
        uint64_t v;
        memcpy(&v, src, 8);
        memcpy(out, &v, 8);
        if (RJ__LIKELY(!(rj__swar_special(v, high == RJ__HIGH_ESCAPED) | (high == RJ__HIGH_PASS ? 0 : v & RJ__SWAR_HIGH)))) {
            *dst = out + 8;
            return 8;
        }
        length = 8;
    }
    for (size_t i = 0; i < length; i++)
        out = rj__put_byte(src[i], out, high);
    *dst = out;
    return length;
}

#define rj__put_sure_bytes rj__put_by_steps
#define RJ__SHORT_DIRTY 16

/* See arch/common/text_body.h. */
RJ__INLINE uint8_t *
rj__put_short_dirty(const uint8_t *src, size_t length, uint8_t *dst)
{
    for (size_t i = 0; i < length; i++)
        dst = rj__put_spelled(src[i], dst);
    return dst;
}

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    (void)src, (void)length, (void)dst, (void)end;
    return 0;
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    (void)src, (void)length, (void)dst, (void)end;
    return 0;
}

#endif
