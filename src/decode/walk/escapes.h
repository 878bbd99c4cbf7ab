/* The part of strings.h that undoes escapes. */

/* Four hexadecimal digits; 0x10000 or more if they are not. */
RJ__INLINE uint32_t
hex4(const rjpy_decoder *d, const uint8_t *p)
{
    if (d->end - p < 4)
        return 0x10000;
    uint32_t first = rj__hex_value[p[0]], second = rj__hex_value[p[1]], third = rj__hex_value[p[2]],
             last = rj__hex_value[p[3]];
    uint32_t value = first << 12 | second << 8 | third << 4 | last;
    return (first | second | third | last) < 16 ? value : 0x10000;
}

RJ__INLINE uint8_t *
put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        *out = (uint8_t)c;
        return out + 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return out + 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return out + 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return out + 4;
}

/* A string with escapes in the making: UTF-8 in the decoder's scratch memory, of which RJ_SPELL_ROOM bytes are free
 * before each step. */
typedef struct spelled {
    uint8_t *out;
    uint64_t high;            /* not 0: there is more than ASCII in the text */
    int has_wide_escape;      /* or among the escapes */
    int has_lone;             /* and an escaped surrogate without its other half */
    const uint8_t *last_long; /* behind an escape of four digits, or NULL */
} spelled;

#define RJ_SPELL_ROOM (2 * RJ_SCAN_MAX)

RJ__INLINE void
spell_code_point(spelled *s, uint32_t c)
{
    s->has_wide_escape |= c >= 0x80;
    s->has_lone |= (c & 0xFFFFF800) == 0xD800;
    s->out = put_utf8(s->out, c);
}

/* Whether an escape of four digits begins at `p`; if so, whether it is of a surrogate. */
RJ__INLINE int
is_long_escape(const uint8_t *p)
{
    return p[0] == '\\' && p[1] == 'u';
}

RJ__INLINE int
is_surrogate(const uint8_t *p)
{
    return (p[2] | 0x20) == 'd' && p[3] >= '8';
}

/* The escape whose backslash is at `p`: behind it, or NULL with a message. A pair of surrogates is one character; a
 * lone surrogate stays one (RFC 8259, section 8.2, leaves it open). */
RJ__INLINE const uint8_t *
unescape(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    uint8_t c = rj__unescaped[p[1]];
    if (RJ__LIKELY(c)) {
        *s->out++ = c;
        return p + 2;
    }
    if (p[1] != 'u')
        return rjpy_decode_fail(d, "Invalid \\escape", p);
    uint32_t unit = hex4(d, p + 2);
    if (unit >= 0x10000)
        return rjpy_decode_fail(d, "Invalid \\uXXXX escape", p);
    p += 6;
    if ((unit & 0xFC00) == 0xD800 && is_long_escape(p)) {
        uint32_t low = hex4(d, p + 2);
        if ((low & 0xFFFFFC00) == 0xDC00) {
            spell_code_point(s, 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
            return p + 6;
        }
    }
    spell_code_point(s, unit);
    return p;
}

/* Makes room for the next step; -1 with an exception. */
RJ__INLINE int
make_room(rjpy_decoder *d, spelled *s)
{
    size_t length = (size_t)(s->out - d->scratch);
    if (RJ__LIKELY(d->scratch_size - length >= RJ_SPELL_ROOM))
        return 0;
    if (rjpy_decode_grow_scratch(d, length + RJ_SPELL_ROOM) < 0)
        return -1;
    s->out = d->scratch + length;
    return 0;
}

/* `unescape` for one escape and as many of four digits as follow it: where there is one, there are often many. Maybe
 * of these only surrogates. */
RJ__INLINE const uint8_t *
unescape_each(rjpy_decoder *d, const uint8_t *p, spelled *s, int only_surrogates)
{
    do {
        p = unescape(d, p, s);
        if (!p || make_room(d, s) < 0)
            return NULL;
    } while (is_long_escape(p) && (!only_surrogates || is_surrogate(p)));
    return p;
}

/* The last bytes before the end of the text, of which fewer than RJ_SCAN_MAX are left. */
RJ__INLINE const uint8_t *
copy_rest(const uint8_t *p, spelled *s)
{
    for (; rj__escape_letter[*p] == 0; p++) {
        s->high |= *p & 0x80;
        *s->out++ = *p;
    }
    return p;
}

#if defined(RJ__HAS_UNESCAPE)

/* Takes over what a block became: behind what was read of it. */
RJ__INLINE const uint8_t *
take_block(const uint8_t *p, const rj__unescaped_block *block, spelled *s)
{
    s->out += block->written;
    s->high |= block->high;
    s->has_wide_escape |= block->wide != 0;
    if (!block->stops)
        return p + block->length;
    int count = __builtin_ctzll(block->stops);
    return p + count - (block->others >> count & 1); /* to the backslash */
}

/* Copies what needs no unescaping but by a table of letters, from `p` on; behind it, or NULL with an exception. */
RJ__INLINE const uint8_t *
copy_run(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    int is_escaped = 0;
    while (RJ__LIKELY(p < d->safe_end)) {
        if (make_room(d, s) < 0)
            return NULL;
        rj__unescaped_block block = rj__unescape(p, is_escaped, s->out);
        p = take_block(p, &block, s);
        if (block.stops)
            return p;
        is_escaped = block.is_escaped;
    }
    if (make_room(d, s) < 0)
        return NULL;
    return is_escaped ? p - 1 : copy_rest(p, s);
}

/* By blocks while there are escapes of four digits in these. Does nothing if it begins with what is not for them. */
RJ__INLINE const uint8_t *
unescape_blocks(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    rj__unescaped_block block = {.long_ones = 1};
    while (p < d->safe_end && block.long_ones && !block.stops) {
        block = rj__unescape_long(p, s->out);
        p = take_block(p, &block, s);
        if (make_room(d, s) < 0)
            return NULL;
    }
    return p;
}

/* Whether it looks as if blocks had more to do than the escape at `p`: one of four digits is behind it, or was
 * shortly before it. */
RJ__INLINE int
expects_long_ones(const rjpy_decoder *d, const uint8_t *p, const spelled *s)
{
    return p < d->safe_end && !is_surrogate(p) &&
           (is_long_escape(p + 6) || (s->last_long && p - s->last_long < RJ__SCAN_BLOCK));
}

/* The escape at `p`, and what is behind it if there are more of four digits. As `unescape`. */
static RJ__NOINLINE const uint8_t *
unescape_row(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    const uint8_t *begin = p;
    if (expects_long_ones(d, p, s))
        p = unescape_blocks(d, p, s);
    if (p == begin)
        p = unescape_each(d, p, s, 1);
    s->last_long = p;
    return p;
}

#else

/* Marks of the bytes from `i` on, which may be behind the last. */
RJ__INLINE uint64_t
marks_from(uint64_t marks, size_t i)
{
    return i < RJ__SCAN_BLOCK ? marks & ~(uint64_t)0 << (i << RJ__SCAN_SHIFT) : 0;
}

/* The block at `p`, which has been copied to s->out, and of which there are marks of what is `special`: loses the backslashes of
 * escapes that a table of letters knows. Each gets its letter, and what is behind it is copied again: nothing waits
 * for how far it is to the next. Returns what is behind the block, or where something else is. */
RJ__INLINE const uint8_t *
unescape_block(const uint8_t *p, uint64_t special, uint64_t high, spelled *s)
{
    uint8_t *out = s->out; /* less what was lost: where the first byte of the block would be */
    size_t i;
    do {
        i = (size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT;
        uint8_t letter = rj__unescaped[p[i + 1]];
        if (RJ__UNLIKELY(p[i] != '\\' || !letter)) {
            s->high |= high & (special ^ (special - 1));
            s->out = out + i;
            return p + i;
        }
        /* No more than two blocks are readable. Of the second, nothing has to be copied. */
        size_t behind = i + 2 < RJ__SCAN_BLOCK ? i + 2 : RJ__SCAN_BLOCK;
        out[i] = letter;
        rj__copy_blocks(p + behind, RJ__SCAN_BLOCK, out + i + 1);
        out--;
        special = marks_from(special, i + 2);
    } while (special);
    s->high |= high;
    size_t length = i + 2 > RJ__SCAN_BLOCK ? i + 2 : RJ__SCAN_BLOCK;
    s->out = out + length;
    return p + length;
}

/* Copies what needs no unescaping but by a table of letters, from `p` on; behind it, or NULL with an exception. */
RJ__INLINE const uint8_t *
copy_run(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    while (RJ__LIKELY(p < d->safe_end)) {
        if (make_room(d, s) < 0)
            return NULL;
        uint64_t here, special = rj__scan_special(p, &here);
        rj__copy_blocks(p, RJ__SCAN_BLOCK, s->out);
        if (!special) {
            s->high |= here;
            s->out += RJ__SCAN_BLOCK;
            p += RJ__SCAN_BLOCK;
            continue;
        }
        const uint8_t *begin = p;
        p = unescape_block(p, special, here, s);
        if (p - begin < RJ__SCAN_BLOCK)
            return p;
    }
    if (make_room(d, s) < 0)
        return NULL;
    return copy_rest(p, s);
}

static RJ__NOINLINE const uint8_t *
unescape_row(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    return unescape_each(d, p, s, 0);
}

#endif

/* The characters from `p` on, up to the closing quote, where it ends; NULL with a message or an exception. */
RJ__INLINE const uint8_t *
spell_string(rjpy_decoder *d, const uint8_t *p, spelled *s)
{
    const uint8_t *begin = p;
    if (make_room(d, s) < 0)
        return NULL;
    for (;;) {
        if (!is_long_escape(p))
            p = copy_run(d, p, s);
        if (!p || *p == '"')
            return p;
        if (RJ__LIKELY(*p == '\\')) {
            p = unescape_row(d, p, s);
            if (!p || *p == '"')
                return p;
        }
        else if (p == d->end) {
            if (rjpy_decode_more(d, p))
                continue;
            rjpy_decode_fail(d, "Unterminated string starting at", begin - 1);
            d->stop = p;
            return NULL;
        }
        else if (d->options->strict) {
            return rjpy_decode_fail(d, "Invalid control character at", p);
        }
        else {
            *s->out++ = *p++;
        }
    }
}

/* Characters from `p` on, up to `stop`, as units of `width` bytes: behind these. */
RJ__INLINE uint8_t *
put_units(const rjpy_decoder *d, const uint8_t *p, const uint8_t *stop, uint8_t *out, int width)
{
    int kind = (int)PyUnicode_KIND(d->str);
    const uint8_t *units = units_at(d, p);
    size_t count = (size_t)(stop - p);
    if (width == kind)
        memcpy(out, units, count * (size_t)width);
    else
        for (size_t i = 0; i < count; i++)
            ((Py_UCS4 *)(void *)out)[i] = PyUnicode_READ(kind, units, i);
    return out + count * (size_t)width;
}

/* Characters up to the first escape that is left to `unescape`, to *out, as units of `width` bytes: where that is,
 * or `end`. */
RJ__INLINE const uint8_t *
put_sound_units(const rjpy_decoder *d, const uint8_t *p, const uint8_t *end, uint8_t **out, int width)
{
#if defined(RJ__HAS_UNESCAPE)
    if (width > 1 && width == (int)PyUnicode_KIND(d->str)) {
        rj__unescaped_units u = {0};
        for (; p < end && !u.others; p += u.count) {
            u = rj__unescape_units(p, units_at(d, p), (size_t)(end - p), u.is_escaped, *out, width);
            *out += u.written * (size_t)width;
        }
        return u.others ? p - u.count + __builtin_ctzll(u.others) - 1 : end;
    }
#endif
    const uint8_t *escape = memchr(p, '\\', (size_t)(end - p)), *stop = escape ? escape : end;
    *out = put_units(d, p, stop, *out, width);
    return stop;
}

/* The characters of a text that is known to be sound, to scratch memory: how many. 0 if an escape stands for one
 * that is wider. There is memory for as many units, and 64 bytes behind them. `width` is as wide as the str's
 * characters, or 4. */
RJ__INLINE size_t
spell_units(rjpy_decoder *d, const uint8_t *p, const uint8_t *end, int width)
{
    uint8_t *out = d->scratch;
    while ((p = put_sound_units(d, p, end, &out, width)) < end) {
        uint8_t bytes[4] = {0};
        spelled s = {.out = bytes};
        p = unescape(d, p, &s);
        uint32_t c = bytes[0];
        if (c >= 0x80)
            utf8_character(bytes, 1, &c);
        if (width < 4 && c >> (8 * width))
            return 0;
        set_character(out, width, 0, c);
        out += width;
    }
    return (size_t)(out - d->scratch) / (size_t)width;
}

/* The string of a str, of which some are not ASCII: its text is known to be sound by now. */
static RJ__NOINLINE PyObject *
spell_part_of_str(rjpy_decoder *d, const uint8_t *begin, const uint8_t *end)
{
    if (rjpy_decode_grow_scratch(d, (size_t)(end - begin) * sizeof(Py_UCS4) + RJ_SCAN_MAX) < 0)
        return NULL;
    int width = (int)PyUnicode_KIND(d->str);
    size_t length = width == 1   ? spell_units(d, begin, end, 1)
                    : width == 2 ? spell_units(d, begin, end, 2)
                                 : spell_units(d, begin, end, 4);
    if (length == 0) {
        width = 4;
        length = spell_units(d, begin, end, 4);
    }
    return str_of_units(d->scratch, length, width, 1);
}

/* A string that has escapes, or control characters if the options allow them. *next is behind the closing quote. */
static RJ__NOINLINE PyObject *
escaped_string(rjpy_decoder *d, const uint8_t *begin, const uint8_t **next)
{
    spelled s = {.out = d->scratch};
    const uint8_t *end = spell_string(d, begin, &s), *bad;
    if (!end)
        return NULL;
    *next = end + 1;
    size_t length = (size_t)(s.out - d->scratch);
    if (!s.high && !s.has_wide_escape)
        return length < RJ_ADOPTED_MIN ? ascii_string(d->scratch, length) : rjpy_decode_adopt_scratch(d, length);
    if (s.high && d->str) {
        if (PyUnicode_KIND(d->str) == PyUnicode_1BYTE_KIND && !s.has_wide_escape) /* what was spelled are its characters */
            return str_of_units(d->scratch, length, 1, 1);
        return spell_part_of_str(d, begin, end);
    }
    d->scratch[length] = 0; /* there is room for it */
    /* Surrogates are welcome if they were escaped; then the text is looked at for others, which UTF-8 has not. */
    if (s.has_lone && s.high && !rj__utf8_valid(begin, (size_t)(end - begin)))
        return rjpy_decode_fail(d, "Invalid UTF-8", begin);
    PyObject *str = utf8_string(d->scratch, length, 1, s.has_lone, &bad);
    return str || !bad ? str : rjpy_decode_fail(d, "Invalid UTF-8", begin);
}
