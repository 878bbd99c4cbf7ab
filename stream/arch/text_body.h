/*
 * String bodies: code points in, escaped UTF-8 out. Compiled once per instruction set on the block operations of the target
 * header included before. Every function follows the contract of rj__put_text_fn.
 */
#ifndef RJSON_TEXT_BODY_H
#define RJSON_TEXT_BODY_H

/* An ASCII character: itself or its escape. At most 6 bytes. */
RJ__INLINE uint8_t *
rj__put_ascii(uint8_t c, uint8_t *dst)
{
    uint8_t letter = rj__escape_letter[c];
    if (RJ__LIKELY(letter == 0)) {
        *dst = c;
        return dst + 1;
    }
    dst[0] = '\\';
    dst[1] = letter;
    if (letter != 'u')
        return dst + 2;
    dst[2] = dst[3] = '0';
    dst[4] = (uint8_t)('0' + (c >> 4));
    dst[5] = (uint8_t) "0123456789abcdef"[c & 15];
    return dst + 6;
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
        return rj__put_ascii((uint8_t)c, dst);
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

/* Copies plain bytes up to the first that is not, block by block. `pass_high`: bytes from 0x80 on are plain (UTF-8). Returns
 * the number copied; fewer than a block may remain that were not looked at, where *found is 0. */
RJ__INLINE size_t
rj__copy_plain(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end, int pass_high, int printable_only,
               int *found)
{
    size_t room = (size_t)(end - dst);
    size_t stop = length < room ? length : room;
    size_t i = 0;
    *found = 0;
    for (; i + RJ__BLOCK <= stop; i += RJ__BLOCK) {
        rj__block_mask mask =
            pass_high ? rj__copy_block_utf8(src + i, dst + i) : rj__copy_block_ascii(src + i, dst + i, printable_only);
        if (mask) {
            *found = 1;
            return i + rj__plain_bytes(mask);
        }
    }
    return i;
}

/* One-byte units. */
RJ__INLINE uint8_t *
rj__put_bytes(rj__text *text, uint8_t *dst, const uint8_t *end, int pass_high)
{
    const uint8_t *src = text->data;
    size_t i = text->position, length = text->length;
    while (i < length && end - dst >= RJ__TEXT_ROOM) {
        int found;
        size_t plain = rj__copy_plain(src + i, length - i, dst, end, pass_high, text->ascii, &found);
        i += plain;
        dst += plain;
        /* The character that was found, or the tail that is shorter than a block. */
        size_t some = found ? 1 : length - i < 8 ? length - i : 8;
        for (size_t stop = i + some; i < stop && end - dst >= 6; i++) {
            if (pass_high && src[i] >= 0x80)
                *dst++ = src[i];
            else
                dst = rj__put_code_point(text, src[i], dst);
        }
    }
    text->position = i;
    return dst;
}

static RJ__NOINLINE uint8_t *
rj__put_latin1(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_bytes(text, dst, end, 0);
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
    dst = rj__put_bytes(text, dst, end, 1);
    if (text->position < text->length) {
        size_t cut = rj__cut_utf8(src, text->position);
        dst -= text->position - cut;
        text->position = cut;
    }
    return dst;
}

static RJ__NOINLINE uint8_t *
rj__put_ucs2(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    const uint16_t *src = text->data;
    size_t i = text->position, length = text->length;
    while (i < length && end - dst >= RJ__TEXT_ROOM) {
        size_t done =
            text->ascii ? rj__escape_some_ucs2(src + i, length - i, &dst) : rj__copy_some_ucs2(src + i, length - i, &dst);
        i += done;
        if (done)
            continue;
        for (size_t stop = length - i < 8 ? length : i + 8; i < stop; i++) {
            uint8_t *next = rj__put_code_point(text, src[i], dst);
            if (RJ__UNLIKELY(!next)) {
                text->position = i;
                return NULL;
            }
            dst = next;
        }
    }
    text->position = i;
    return dst;
}

static RJ__NOINLINE uint8_t *
rj__put_ucs4(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    const uint32_t *src = text->data;
    size_t i = text->position, length = text->length;
    for (; i < length && end - dst >= RJ__TEXT_ROOM; i++) {
        uint8_t *next = rj__put_code_point(text, src[i], dst);
        if (RJ__UNLIKELY(!next)) {
            text->position = i;
            return NULL;
        }
        dst = next;
    }
    text->position = i;
    return dst;
}

static uint8_t *
rj__put_raw(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    const uint8_t *src = (const uint8_t *)text->data + text->position;
    size_t left = text->length - text->position;
    size_t room = end - dst >= RJ__TEXT_ROOM ? (size_t)(end - dst) : 0;
    size_t n = left <= room ? left : rj__cut_utf8(src, room);
    memcpy(dst, src, n);
    text->position += n;
    return dst + n;
}

RJ__INLINE uint8_t *
rj__put_text(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    switch (text->kind) {
    case RJ__TEXT_LATIN1:
        return rj__put_latin1(text, dst, end);
    case RJ__TEXT_UCS2:
        return rj__put_ucs2(text, dst, end);
    case RJ__TEXT_UCS4:
        return rj__put_ucs4(text, dst, end);
    case RJ__TEXT_UTF8:
        return rj__put_utf8(text, dst, end);
    default:
        return rj__put_raw(text, dst, end);
    }
}

#endif
