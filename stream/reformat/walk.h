/*
 * The transcoder's fast reader: whole tokens, copied in blocks while they are looked at. Compiled for each
 * instruction set, on the scans (scan.h) of the target header that was included before. It decides nothing that is
 * rare: it stops in front of it, and rj__reformat_step goes on.
 *
 * At each label `p` and `o` are checked once: up to RJ__WALK_MARGIN bytes behind `p` are then readable and known to
 * be UTF-8, and RJ__WALK_ROOM bytes can be stored at `o`. The longest that is read or stored from one check to the
 * next: a number of NUMBER_MAX bytes and blocks past it; a separator, a line break, and a block.
 */
#ifndef RJSON_STREAM_REFORMAT_WALK_H
#define RJSON_STREAM_REFORMAT_WALK_H

#include RJ__OF_SET(scan.h)
#if defined(RJ__HAS_SHUFFLE)
#include "arch/sse4/utf8_mistakes.h"
#endif

#define NUMBER_MAX 64

/* ---- UTF-8 and counts */

#define CHECK_BLOCK 64

RJ__INLINE int
is_ascii_block(const uint8_t *p)
{
    uint64_t high = 0, here;
    for (int i = 0; i < CHECK_BLOCK; i += RJ__SCAN_BLOCK) {
        (void)rj__scan_special(p + i, &here);
        high |= here;
    }
    return high == 0;
}

/* Behind blocks of which the first is not ASCII: where they end, or behind the last whole character before a mistake. */
RJ__INLINE const uint8_t *
check_wide_blocks(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *begin = p;
#if defined(RJ__HAS_SHUFFLE)
    __m128i previous = _mm_setzero_si128(), mistakes = previous;
    int was_ascii = 0;
    for (; end - p >= CHECK_BLOCK && !was_ascii; p += CHECK_BLOCK) {
        was_ascii = is_ascii_block(p);
        for (int i = 0; i < CHECK_BLOCK; i += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
            mistakes = _mm_or_si128(mistakes, rj__utf8_mistakes(v, previous));
            previous = v;
        }
    }
    if (RJ__LIKELY(_mm_testz_si128(mistakes, mistakes))) {
        const uint8_t *last = p;
        while ((*--last & 0xC0) == 0x80)
            ;
        return last + rj__utf8_whole(last, (size_t)(p - last)); /* nothing shows yet what follows it */
    }
#else
    while (end - p >= CHECK_BLOCK && !is_ascii_block(p))
        p += CHECK_BLOCK;
#endif
    return begin + rj__utf8_whole(begin, (size_t)(p - begin));
}

const uint8_t *
RJ__SHARED(rj__check_utf8)(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= CHECK_BLOCK) {
        if (is_ascii_block(p)) {
            p += CHECK_BLOCK;
            continue;
        }
        const uint8_t *begin = p;
        p = check_wide_blocks(p, end);
        if (p - begin < CHECK_BLOCK - 3) /* a mistake, not a character that lies across blocks */
            return p;
    }
    return p + rj__utf8_whole(p, (size_t)(end - p));
}

#define LANES (RJ__SCAN_BLOCK < 16 ? 16 : RJ__SCAN_BLOCK)
typedef int8_t rj__counted __attribute__((vector_size(LANES)));

rj__counts
RJ__SHARED(rj__count_text)(const uint8_t *p, const uint8_t *end)
{
    rj__counts counts = {0, (uint64_t)(end - p)};
    while (end - p >= LANES) {
        rj__counted newlines = {0}, continuing = {0}, v;
        for (int i = 0; i < 127 && end - p >= LANES; i++, p += LANES) { /* no lane counts further */
            memcpy(&v, p, sizeof v);
            newlines -= v == '\n';
            continuing -= v < -64;
        }
        for (int i = 0; i < LANES; i++) {
            counts.lines += (uint64_t)newlines[i];
            counts.characters -= (uint64_t)continuing[i];
        }
    }
    for (; p < end; p++) {
        counts.lines += *p == '\n';
        counts.characters -= (int8_t)*p < -64;
    }
    return counts;
}

/* ---- what is copied */

typedef uint8_t rj__block __attribute__((vector_size(RJ__SCAN_BLOCK)));

RJ__INLINE void
copy_block(const uint8_t *src, uint8_t *dst)
{
    rj__block block;
    memcpy(&block, src, sizeof block);
    memcpy(dst, &block, sizeof block);
}

/* Up to NUMBER_MAX bytes. Stores in 32. */
RJ__INLINE void
copy_few(const uint8_t *src, size_t length, uint8_t *dst)
{
    memcpy(dst, src, 32);
    if (RJ__UNLIKELY(length > 32))
        memcpy(dst + 32, src + 32, 32);
}

RJ__INLINE uint8_t *
put_break(const rj__walk *w, size_t length, uint8_t *o)
{
    memcpy(o, w->breaks, 32);
    for (size_t i = 32; RJ__UNLIKELY(i < length); i += 32)
        memcpy(o + i, w->breaks + i, 32);
    return o + length;
}

RJ__INLINE uint8_t *
put_separator(const uint8_t *separator, size_t length, uint8_t *o)
{
    memcpy(o, separator, 16);
    return o + length;
}

/* ---- tokens */

/* Behind white space, or where no block of it can be looked at. */
RJ__INLINE const uint8_t *
skip_spaces(const uint8_t *p, const uint8_t *safe)
{
    if (p[0] == ' ' && p[1] > ' ')
        return p + 1;
    while (p < safe) {
        uint64_t solid = rj__scan_solid(p);
        if (solid)
            return p + ((size_t)__builtin_ctzll(solid) >> RJ__SCAN_SHIFT);
        p += RJ__SCAN_BLOCK;
    }
    return p;
}

/* How many digits there are; of more than NUMBER_MAX / 2, more than that. */
RJ__INLINE size_t
count_digits(const uint8_t *p)
{
    const uint8_t *begin = p;
    uint64_t no_digits;
    while ((no_digits = rj__no_digits8(rj__load_digits8(p))) == 0 && p - begin < NUMBER_MAX / 2)
        p += 8;
    return (size_t)(p - begin) + (no_digits ? (size_t)__builtin_ctzll(no_digits) >> 3 : 8);
}

/* How long the number is that begins at `p`; 0 if it is none, or a long one. */
RJ__INLINE size_t
number_length(const uint8_t *p)
{
    const uint8_t *begin = p;
    p += *p == '-';
    size_t digits = count_digits(p);
    if (RJ__UNLIKELY(digits == 0 || (*p == '0' && digits > 1) || digits > NUMBER_MAX / 2))
        return 0;
    p += digits;
    if (*p == '.') {
        digits = count_digits(p + 1);
        if (RJ__UNLIKELY(digits == 0 || digits > NUMBER_MAX / 2))
            return 0;
        p += 1 + digits;
    }
    if (RJ__UNLIKELY((*p | 0x20) == 'e')) {
        p += 1 + (p[1] == '-' || p[1] == '+');
        digits = count_digits(p);
        if (digits == 0 || digits > NUMBER_MAX / 4)
            return 0;
        p += digits;
    }
    return (size_t)(p - begin) <= NUMBER_MAX ? (size_t)(p - begin) : 0;
}

RJ__INLINE size_t
literal_length(const uint8_t *p)
{
    if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
        return 4;
    return memcmp(p, "false", 5) == 0 ? 5 : 0;
}

/* How long the escape is whose backslash is at `p`; 0 if it is none. */
RJ__INLINE size_t
escape_length(const uint8_t *p)
{
    if (rj__unescaped[p[1]])
        return 2;
    uint8_t wrong = rj__hex_value[p[2]] | rj__hex_value[p[3]] | rj__hex_value[p[4]] | rj__hex_value[p[5]];
    return p[1] == 'u' && wrong < 16 ? 6 : 0;
}

RJ__INLINE uint8_t *
put_escape(uint32_t unit, uint8_t *o)
{
    static const char hex[] = "0123456789abcdef";
    o[0] = '\\';
    o[1] = 'u';
    o[2] = (uint8_t)hex[unit >> 12];
    o[3] = (uint8_t)hex[unit >> 8 & 15];
    o[4] = (uint8_t)hex[unit >> 4 & 15];
    o[5] = (uint8_t)hex[unit & 15];
    return o + 6;
}

/* What is not ASCII, as one or two escapes. Moves *o. */
RJ__INLINE const uint8_t *
put_as_ascii(const uint8_t *p, uint8_t **o)
{
    uint32_t c;
    if (*p == 0x7f) {
        c = *p++;
    }
    else if (*p < 0xE0) {
        c = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        p += 2;
    }
    else if (*p < 0xF0) {
        c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        p += 3;
    }
    else {
        c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        p += 4;
    }
    if (c >= 0x10000) {
        *o = put_escape(0xD7C0 + (c >> 10), *o);
        c = 0xDC00 + (c & 0x3ff);
    }
    *o = put_escape(c, *o);
    return p;
}

/* The first byte of a block that stands not for itself where only ASCII is to come out: DEL is among those.
 * RJ__SCAN_BLOCK if there is none. */
RJ__INLINE size_t
first_not_plain(const uint8_t *p)
{
    uint64_t high, special = rj__scan_special(p, &high), words[RJ__SCAN_BLOCK / 8], has_del = 0;
    rj__block block;
    memcpy(&block, p, sizeof block);
    block = (rj__block)(block == 0x7f);
    memcpy(words, &block, sizeof words);
    for (size_t i = 0; i < RJ__SCAN_BLOCK / 8; i++)
        has_del |= words[i];
    if (RJ__LIKELY(!has_del)) {
        special |= high;
        return special ? (size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT : RJ__SCAN_BLOCK;
    }
    size_t n = 0;
    while (n < RJ__SCAN_BLOCK && p[n] < 0x7f && rj__escape_letter[p[n]] == 0)
        n++;
    return n;
}

/* The first byte of a block that stands not for itself, or RJ__SCAN_BLOCK. */
RJ__INLINE size_t
first_special(const uint8_t *p)
{
    uint64_t high, special = rj__scan_special(p, &high);
    return special ? (size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT : RJ__SCAN_BLOCK;
}

/* A string's text, up to its end or to what is rare; moves *from and *out. Whether it ended: *from is behind the
 * closing quote then. */
RJ__INLINE int
put_string(const uint8_t **from, const uint8_t *safe, uint8_t **out, const uint8_t *room, int ascii)
{
    const uint8_t *p = *from;
    uint8_t *o = *out;
    int ended = 0;
    while (RJ__LIKELY(p < safe && o < room)) {
        copy_block(p, o);
        size_t n = ascii ? first_not_plain(p) : first_special(p);
        p += n;
        o += n;
        if (n == RJ__SCAN_BLOCK)
            continue;
        if (RJ__LIKELY(*p == '"')) {
            *o++ = *p++;
            ended = 1;
            break;
        }
        if (ascii && *p >= 0x7f) {
            p = put_as_ascii(p, &o);
            continue;
        }
        size_t length = *p == '\\' ? escape_length(p) : 0;
        if (RJ__UNLIKELY(length == 0))
            break;
        memcpy(o, p, 8);
        o += length;
        p += length;
    }
    while (!ascii && RJ__UNLIKELY((*p & 0xC0) == 0x80)) { /* not in the middle of a character */
        p--;
        o--;
    }
    *from = p;
    *out = o;
    return ended;
}

RJ__INLINE int
begins_value(uint8_t c)
{
    return c == '"' || c == '[' || c == '{' || c == '-' || c == 't' || c == 'f' || c == 'n' || rj__is_digit(c);
}

/* ---- the walk */

#define HAS_MARGIN (p < safe && o < room)
#define STOP(at)                                                                                                            \
    do {                                                                                                                    \
        w->place = (at);                                                                                                    \
        goto stop;                                                                                                          \
    } while (0)

/* `compact`: what is written is what was read, but for white space. */
RJ__INLINE const uint8_t *
walk(rj__walk *w, const uint8_t *p, const uint8_t *end, uint8_t **out, const uint8_t *out_end, int compact, int ascii)
{
    const uint8_t *safe = end - RJ__WALK_MARGIN, *room = out_end - RJ__WALK_ROOM;
    uint8_t *o = *out, *const levels = w->levels;
    size_t depth = w->depth, unit = w->unit, length;
    size_t line_break = compact ? 0 : rj__break_at(w, depth); /* that of what is at `depth` */
    const size_t depth_limit = w->depth_limit, base = w->base;
    uint8_t open = depth ? levels[depth - 1] : 0;
    if (RJ__UNLIKELY(line_break > RJ__BREAK_MAX))
        return p;
    switch (w->place) {
    case RJ__AT_VALUE:
        goto value;
    case RJ__AT_FIRST_VALUE:
        goto first_value;
    case RJ__AT_KEY:
        goto key;
    case RJ__AT_FIRST_KEY:
        goto first_key;
    case RJ__AT_COLON:
        goto colon;
    case RJ__IN_STRING:
        goto string;
    case RJ__IN_KEY:
        goto key_string;
    default:
        goto delimiter;
    }

value:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_VALUE);
    switch (*p) {
    case '"':
        *o++ = *p++;
    string:
        if (RJ__UNLIKELY(!put_string(&p, safe, &o, room, ascii)))
            STOP(RJ__IN_STRING);
        if (RJ__LIKELY(depth > base))
            goto delimiter;
        p--; /* the end of a document is not the walk's business */
        o--;
        STOP(RJ__IN_STRING);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        length = number_length(p);
        break;
    case 't':
    case 'f':
    case 'n':
        length = literal_length(p);
        break;
    case '[':
    case '{':
        if (RJ__UNLIKELY(depth >= depth_limit || line_break + unit > RJ__BREAK_MAX))
            STOP(RJ__AT_VALUE);
        open = *p++;
        *o++ = open;
        levels[depth++] = open;
        line_break += unit;
        if (open == '{')
            goto first_key;
        goto first_value;
    case ' ':
    case '\n':
    case '\r':
    case '\t':
        p = skip_spaces(p, safe);
        goto value;
    default:
        STOP(RJ__AT_VALUE);
    }
    if (RJ__UNLIKELY(length == 0 || depth == base))
        STOP(RJ__AT_VALUE);
    copy_few(p, length, o);
    p += length;
    o += length;

delimiter:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_DELIMITER);
    if (*p == ',') {
        p++;
        if (compact)
            *o++ = ',';
        else
            o = put_break(w, line_break, put_separator(w->item, w->item_length, o));
        if (open == '{')
            goto key;
        goto value;
    }
    if (RJ__LIKELY(*p == open + 2)) { /* in ASCII, what closes is two after what opens */
        if (RJ__UNLIKELY(depth - 1 == base))
            STOP(RJ__AT_DELIMITER);
        line_break -= unit;
        if (!compact)
            o = put_break(w, line_break, o);
    close:
        *o++ = *p++;
        depth--;
        open = levels[depth - 1];
        goto delimiter;
    }
    if (*p <= ' ') {
        const uint8_t *before = p;
        p = skip_spaces(p, safe);
        if (p > before)
            goto delimiter;
    }
    STOP(RJ__AT_DELIMITER);

first_value:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_FIRST_VALUE);
    if (*p <= ' ') {
        const uint8_t *before = p;
        p = skip_spaces(p, safe);
        if (p > before)
            goto first_value;
    }
    if (*p == ']') {
        if (RJ__UNLIKELY(depth - 1 == base))
            STOP(RJ__AT_FIRST_VALUE);
        line_break -= unit;
        goto close;
    }
    if (RJ__UNLIKELY(!begins_value(*p)))
        STOP(RJ__AT_FIRST_VALUE);
    if (!compact)
        o = put_break(w, line_break, o);
    goto value;

first_key:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_FIRST_KEY);
    if (*p <= ' ') {
        const uint8_t *before = p;
        p = skip_spaces(p, safe);
        if (p > before)
            goto first_key;
    }
    if (*p == '}') {
        if (RJ__UNLIKELY(depth - 1 == base))
            STOP(RJ__AT_FIRST_KEY);
        line_break -= unit;
        goto close;
    }
    if (RJ__UNLIKELY(*p != '"'))
        STOP(RJ__AT_FIRST_KEY);
    if (!compact)
        o = put_break(w, line_break, o);
    goto quote;

key:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_KEY);
    if (RJ__UNLIKELY(*p != '"')) {
        const uint8_t *before = p;
        if (*p <= ' ')
            p = skip_spaces(p, safe);
        if (p > before)
            goto key;
        STOP(RJ__AT_KEY);
    }
quote:
    *o++ = *p++;
key_string:
    if (RJ__UNLIKELY(!put_string(&p, safe, &o, room, ascii)))
        STOP(RJ__IN_KEY);
colon:
    if (RJ__UNLIKELY(!HAS_MARGIN))
        STOP(RJ__AT_COLON);
    if (RJ__UNLIKELY(*p != ':')) {
        const uint8_t *before = p;
        if (*p <= ' ')
            p = skip_spaces(p, safe);
        if (p > before)
            goto colon;
        STOP(RJ__AT_COLON);
    }
    p++;
    if (compact)
        *o++ = ':';
    else
        o = put_separator(w->key, w->key_length, o);
    goto value;

stop:
    w->depth = depth;
    *out = o;
    return p;
}

const uint8_t *
RJ__SHARED(rj__walk)(rj__walk *w, const uint8_t *p, const uint8_t *end, uint8_t **out, const uint8_t *out_end)
{
    if (w->ascii)
        return walk(w, p, end, out, out_end, 0, 1);
    if (w->is_compact)
        return walk(w, p, end, out, out_end, 1, 0);
    return walk(w, p, end, out, out_end, 0, 0);
}

#undef HAS_MARGIN
#undef STOP
#undef LANES
#undef CHECK_BLOCK
#undef NUMBER_MAX

#endif
