/*
 * String bodies: code points in, escaped UTF-8 out. Compiled once per instruction set on the steps (SET/steps.h) of
 * the target header included before. Every function follows the contract of rj__put_text_fn.
 *
 * A step writes some units, at most RJ__TEXT_ROOM bytes with what it stores past its end, and returns how many it
 * took. rj__step_bytes always takes some; the others return 0 where the next unit is nothing for vectors.
 *
 * Beside steps there are rj__put_sure_bytes(src, length, dst, end): bytes that pass but for escapes, with room for
 * whatever becomes of them; and rj__put_short_dirty(src, length, dst): ASCII of up to RJ__SHORT_DIRTY bytes, with
 * RJ__BEFORE readable ones before them, some of which are to be escaped. Stores up to 32 bytes behind the last.
 * Returns where they end. Some have rj__put_up_to(src, length, dst, most, escaped), too: bytes that pass but for
 * escapes, up to `most`, which is 32, 64 or 128, known to the compiler, and no more than RJ__UP_TO_MOST; no branch
 * depends on how many they are, nor, where `escaped` says that escapes are expected (of up to 64, and where
 * RJ__UP_TO_MOST is more than 32), on which have a short one. Stores RJ__UP_TO_ROOM bytes at most; NULL where it
 * leaves an escape to others. On these are built, as functions of their own, rj__put_passing for bytes that have no
 * escapes as a rule, and rj__put_dirty for those that have.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_TEXT_BODY_H
#define RJSON_STREAM_ARCH_COMMON_TEXT_BODY_H

/* How bytes from 0x80 on come out. */
typedef enum rj__high {
    RJ__HIGH_PASS,      /* as they are: UTF-8, or Latin-1 for a target that takes it */
    RJ__HIGH_TWO_BYTES, /* Latin-1 to UTF-8 */
    RJ__HIGH_ESCAPED    /* Latin-1 to ASCII; DEL is escaped too */
} rj__high;

/* A byte as rj__spellings has it: itself, or an escape. Stores 8 bytes. */
RJ__INLINE uint8_t *
rj__put_spelled(uint8_t c, uint8_t *dst)
{
    const rj__spelling *spelling = &rj__spellings[c];
    memcpy(dst, spelling, sizeof *spelling);
    return dst + spelling->length;
}

/* The long escape of a UTF-16 unit: 6 bytes. */
RJ__INLINE uint8_t *
rj__put_escape(uint32_t unit, uint8_t *dst)
{
    static const char hex[] = "0123456789abcdef";
    dst[0] = '\\';
    dst[1] = 'u';
    dst[2] = (uint8_t)hex[unit >> 12];
    dst[3] = (uint8_t)hex[unit >> 8 & 15];
    dst[4] = (uint8_t)hex[unit >> 4 & 15];
    dst[5] = (uint8_t)hex[unit & 15];
    return dst + 6;
}

/* A code point from U+0800 to U+FFFF. */
RJ__INLINE uint8_t *
rj__put_three_bytes(uint32_t c, uint8_t *dst)
{
    dst[0] = (uint8_t)(0xE0 | c >> 12);
    dst[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    dst[2] = (uint8_t)(0x80 | (c & 0x3f));
    return dst + 3;
}

/* A lone surrogate as the text wants it; NULL if it does not. */
static RJ__NOINLINE uint8_t *
rj__put_surrogate(const rj__text *text, uint32_t c, uint8_t *dst)
{
    if (text->surrogates == RJ__SURROGATES_STOP)
        return NULL;
    uint32_t unit = text->surrogates == RJ__SURROGATES_REPLACE ? 0xFFFD : c;
    if (text->ascii || text->surrogates == RJ__SURROGATES_ESCAPE)
        return rj__put_escape(unit, dst);
    return rj__put_three_bytes(unit, dst);
}

RJ__INLINE int
rj__is_surrogate(uint32_t c)
{
    return (c & 0xFFFFF800) == 0xD800;
}

/* DEL, or a code point outside ASCII, in ASCII: at most 12 bytes. NULL for a surrogate that the text does not want. */
RJ__INLINE uint8_t *
rj__put_escaped_code_point(const rj__text *text, uint32_t c, uint8_t *dst)
{
    if (RJ__UNLIKELY(rj__is_surrogate(c)))
        return rj__put_surrogate(text, c, dst);
    if (c < 0x10000)
        return rj__put_escape(c, dst);
    dst = rj__put_escape(0xD800 | (c - 0x10000) >> 10, dst);
    return rj__put_escape(0xDC00 | ((c - 0x10000) & 0x3ff), dst);
}

/* Any code point; NULL for a surrogate that the text does not want. At most RJ__UNIT_MAX bytes. */
RJ__INLINE uint8_t *
rj__put_code_point(const rj__text *text, uint32_t c, uint8_t *dst)
{
    if (c < 0x7f || (c == 0x7f && !text->ascii))
        return rj__put_spelled((uint8_t)c, dst);
    if (RJ__UNLIKELY(text->ascii))
        return rj__put_escaped_code_point(text, c, dst);
    if (c < 0x800) {
        dst[0] = (uint8_t)(0xC0 | c >> 6);
        dst[1] = (uint8_t)(0x80 | (c & 0x3f));
        return dst + 2;
    }
    if (c < 0x10000) {
        if (RJ__UNLIKELY(rj__is_surrogate(c)))
            return rj__put_surrogate(text, c, dst);
        return rj__put_three_bytes(c, dst);
    }
    dst[0] = (uint8_t)(0xF0 | c >> 18);
    dst[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    dst[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    dst[3] = (uint8_t)(0x80 | (c & 0x3f));
    return dst + 4;
}

/* One byte of a one-byte string. Stores 8 bytes. */
RJ__INLINE uint8_t *
rj__put_byte(uint8_t c, uint8_t *dst, rj__high high)
{
    if (high == RJ__HIGH_ESCAPED && c >= 0x7f)
        return rj__put_escape(c, dst);
    if (high == RJ__HIGH_TWO_BYTES && c >= 0x80) {
        dst[0] = (uint8_t)(0xC0 | c >> 6);
        dst[1] = (uint8_t)(0x80 | (c & 0x3f));
        return dst + 2;
    }
    return rj__put_spelled(c, dst);
}

/* Units of `width` bytes one by one: how many come before a surrogate that the text does not want. */
static RJ__NOINLINE size_t
rj__put_singly(const rj__text *text, const void *units, int width, size_t count, uint8_t **dst)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *next = rj__put_code_point(text, rj__unit(units, width, i), *dst);
        if (RJ__UNLIKELY(!next))
            return i;
        *dst = next;
    }
    return count;
}

RJ__INLINE size_t rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high);

RJ__INLINE uint8_t *
rj__put_by_steps(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    for (size_t i = 0; i < length;)
        i += rj__step_bytes(src + i, length - i, &dst, end, RJ__HIGH_PASS);
    return dst;
}

static uint8_t *put_text_dirty(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end);

#include RJ__OF_SET(steps.h)

/* Bytes that pass but for escapes. NULL where there may not be room for these. */
static RJ__NOINLINE uint8_t *
put_text_dirty(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    if (RJ__UNLIKELY((ptrdiff_t)length * RJ__UNIT_MAX + RJ__TEXT_ROOM > end - dst))
        return NULL;
    return rj__put_sure_bytes(src, length, dst, end);
}

#ifndef RJ__HAS_PUT_PASSING
/* put_text_dirty for more than 16 bytes that have no escapes as a rule. */
static RJ__NOINLINE uint8_t *
put_text_passing(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
#if defined(RJ__HAS_TWO_BLOCKS)
    if (length > RJ__SCAN_BLOCK && length <= 2 * RJ__SCAN_BLOCK)
        return rj__put_two_blocks(src, length, dst, end);
#endif
    size_t dirty = length <= 32 ? rj__copy_clean(src, length, dst, 0) : rj__copy_clean_blocks(src, length, dst, 0);
    if (RJ__LIKELY(!dirty))
        return dst + length;
    size_t clean = dirty - 1 < length - 16 ? dirty - 1 : length - 16; /* so that it can go by blocks */
    return put_text_dirty(src + clean, length - clean, dst + clean, end);
}
#endif

RJ__INLINE uint8_t *
rj__put_passing(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    return put_text_passing(src, length, dst, end);
}

RJ__INLINE uint8_t *
rj__put_dirty(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    return put_text_dirty(src, length, dst, end);
}

/* One-byte units. */
RJ__INLINE uint8_t *
rj__put_bytes(rj__text *text, uint8_t *dst, const uint8_t *end, rj__high high)
{
    const uint8_t *src = text->data;
    size_t i = text->position, length = text->length;
    while (i < length && end - dst >= RJ__TEXT_ROOM)
        i += rj__step_bytes(src + i, length - i, &dst, end, high);
    text->position = i;
    return dst;
}

static RJ__NOINLINE uint8_t *
rj__put_latin1(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_bytes(text, dst, end, RJ__HIGH_TWO_BYTES);
}

/* For a target that takes Latin-1. */
static RJ__NOINLINE uint8_t *
rj__put_latin1_bytes(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_bytes(text, dst, end, RJ__HIGH_PASS);
}

static RJ__NOINLINE uint8_t *
rj__put_latin1_escaped(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_bytes(text, dst, end, RJ__HIGH_ESCAPED);
}

/* A window must not end inside a character, or a text target could not decode it alone: back to the last boundary. */
RJ__INLINE size_t
rj__cut_utf8(const uint8_t *src, size_t stop)
{
    while (stop > 0 && (src[stop] & 0xC0) == 0x80)
        stop--;
    return stop;
}

static RJ__NOINLINE uint8_t *
rj__put_utf8(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    const uint8_t *src = text->data;
    dst = rj__put_bytes(text, dst, end, RJ__HIGH_PASS);
    if (text->position < text->length) {
        size_t cut = rj__cut_utf8(src, text->position);
        dst -= text->position - cut;
        text->position = cut;
    }
    return dst;
}

/* So many units are written one by one before the vectors are tried again. */
#define RJ__SCALAR_UNITS 8

/* The vectors' part of units of `width` bytes: how many were written, 0 where the next is nothing for them. */
RJ__INLINE size_t
rj__step_wide(const rj__text *text, size_t i, uint8_t **dst, const uint8_t *end, int width)
{
    size_t left = text->length - i;
    if (width == 4)
        return text->ascii ? 0 : rj__step_ucs4((const uint32_t *)text->data + i, left, dst, end);
    const uint16_t *src = (const uint16_t *)text->data + i;
    return text->ascii ? rj__escape_some_ucs2(src, left, dst) : rj__step_ucs2(src, left, dst, end);
}

/* Units of two or four bytes. */
RJ__INLINE uint8_t *
rj__put_wide(rj__text *text, uint8_t *dst, const uint8_t *end, int width)
{
    size_t i = text->position, length = text->length;
    while (i < length && end - dst >= RJ__TEXT_ROOM) {
        size_t done = rj__step_wide(text, i, &dst, end, width);
        i += done;
        if (done)
            continue;
        size_t count = length - i < RJ__SCALAR_UNITS ? length - i : RJ__SCALAR_UNITS;
        done = rj__put_singly(text, (const uint8_t *)text->data + i * (size_t)width, width, count, &dst);
        i += done;
        if (RJ__UNLIKELY(done < count)) {
            text->position = i;
            return NULL;
        }
    }
    text->position = i;
    return dst;
}

static RJ__NOINLINE uint8_t *
rj__put_ucs2(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_wide(text, dst, end, 2);
}

static RJ__NOINLINE uint8_t *
rj__put_ucs4(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_wide(text, dst, end, 4);
}

static uint8_t *
rj__put_raw(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    const uint8_t *src = (const uint8_t *)text->data + text->position;
    size_t left = text->length - text->position;
    size_t room = end - dst >= RJ__TEXT_ROOM ? (size_t)(end - dst) : 0;
    size_t n = left <= room ? left : text->kind == RJ__TEXT_UNCUT ? room : rj__cut_utf8(src, room);
    memcpy(dst, src, n);
    text->position += n;
    return dst + n;
}

RJ__INLINE uint8_t *
rj__put_text(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    switch (text->kind) {
    case RJ__TEXT_LATIN1:
        return text->ascii ? rj__put_latin1_escaped(text, dst, end) : rj__put_latin1(text, dst, end);
    case RJ__TEXT_UCS2:
        return rj__put_ucs2(text, dst, end);
    case RJ__TEXT_UCS4:
        return rj__put_ucs4(text, dst, end);
    case RJ__TEXT_UTF8:
        return rj__put_utf8(text, dst, end);
    case RJ__TEXT_BYTES:
        return rj__put_latin1_bytes(text, dst, end);
    default:
        return rj__put_raw(text, dst, end);
    }
}

#endif
