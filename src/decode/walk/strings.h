/*
 * The part of the walk (walk.h) that makes strings: UTF-8 in, a str of its final width out. Where the text is a str,
 * characters that are not ASCII come from there.
 */

/* ---- UTF-8 */

RJ__INLINE int
continues(uint8_t c)
{
    return (c & 0xC0) == 0x80;
}

/* The character at `s`, which is not ASCII, and its length; 0 if it is malformed (RFC 3629, section 4). Reads no
 * further than the first byte that does not continue it. */
RJ__INLINE unsigned
utf8_character(const uint8_t *s, int surrogates, uint32_t *c)
{
    if (s[0] < 0xE0) {
        *c = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
        return s[0] >= 0xC2 && continues(s[1]) ? 2 : 0;
    }
    if (!continues(s[1]) || !continues(s[2]))
        return 0;
    if (s[0] < 0xF0) {
        *c = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
        return *c >= 0x800 && (surrogates || (*c & 0xF800) != 0xD800) ? 3 : 0;
    }
    *c = (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    return s[0] <= 0xF4 && continues(s[3]) && *c >= 0x10000 && *c <= 0x10FFFF ? 4 : 0;
}

RJ__INLINE void
set_character(void *out, int width, size_t i, uint32_t c)
{
    if (width == 1)
        ((uint8_t *)out)[i] = (uint8_t)c;
    else
        rj__set_unit(out, width, i, c);
}

/* So many are decoded one by one before the vectors are tried again. */
#define RJ_SINGLE_CHARACTERS 16

/* Up to RJ_SINGLE_CHARACTERS from *s on, to `out`: how many there were. *s moves behind them, or to what is malformed. */
RJ__INLINE size_t
decode_characters(const uint8_t **s, const uint8_t *end, void *out, int width, int surrogates)
{
    const uint8_t *p = *s;
    size_t i = 0;
    while (i < RJ_SINGLE_CHARACTERS && p < end) {
        uint32_t c = *p;
        unsigned length = 1;
        if (c >= 0x80 && (length = utf8_character(p, surrogates, &c)) == 0)
            break;
        set_character(out, width, i++, c);
        p += length;
    }
    *s = p;
    return i;
}

/* Writes UTF-8 as `extent` characters of `width` bytes. Returns `end`, or where it is malformed. There is a byte
 * behind `end` that continues no character, and if `beyond`, RJ_SCAN_MAX that can be read. */
RJ__INLINE const uint8_t *
decode_utf8(const uint8_t *s, const uint8_t *end, int beyond, const rj__utf8_extent *extent, void *out, int width,
            int surrogates)
{
    uint8_t *to = out, *to_end = to + extent->characters * (size_t)width;
    while (s < end) {
        size_t count, bytes = rj__utf8_block(s, (size_t)(end - s), beyond, extent, to, (size_t)(to_end - to), width,
                                             surrogates, &count);
        s += bytes;
        if (bytes == 0 && (count = decode_characters(&s, end, to, width, surrogates)) == 0)
            return s;
        to += count * (size_t)width;
    }
    return end;
}

/* Shorter strings are copied in blocks; the C library copies longer ones. */
#define RJ_BLOCKS_MAX 256

/* Up to RJ__COPY_STEP bytes past the string's end must be readable where it has less than RJ_BLOCKS_MAX. Memory is
 * asked for in blocks too, which is what the allocator gives out anyway. */
RJ__INLINE PyObject *
ascii_string(const uint8_t *s, size_t length)
{
    if (length < 2) /* CPython has those */
        return PyUnicode_FromStringAndSize((const char *)s, (Py_ssize_t)length);
    size_t padded = (length + RJ__COPY_STEP) / RJ__COPY_STEP * RJ__COPY_STEP;
    uint8_t *block = PyObject_Malloc(RJ_STR_PREFIX + padded);
    if (RJ__UNLIKELY(!block))
        return PyErr_NoMemory();
    if (RJ__LIKELY(length < RJ_BLOCKS_MAX))
        rj__copy_short(s, length, block + RJ_STR_PREFIX);
    else
        memcpy(block + RJ_STR_PREFIX, s, length);
    return rjpy_str_adopt(block, (Py_ssize_t)length, 1, 1);
}

/* ascii_string where nothing past the end is readable. */
RJ__INLINE PyObject *
ascii_string_alone(const uint8_t *s, size_t length)
{
    PyObject *str = PyUnicode_New((Py_ssize_t)length, 0x7f);
    if (RJ__LIKELY(str != NULL))
        memcpy(PyUnicode_1BYTE_DATA(str), s, length);
    return str;
}

/* A string of the text. */
RJ__INLINE PyObject *
ascii_string_here(const rjpy_decoder *d, const uint8_t *s, size_t length)
{
    return RJ__LIKELY(s + length < d->safe_end) ? ascii_string(s, length) : ascii_string_alone(s, length);
}

/* Bytes of which some are not ASCII. Malformed ones: NULL, with *bad where. `beyond`: as in decode_utf8. */
static RJ__NOINLINE PyObject *
utf8_string(const uint8_t *s, size_t length, int beyond, int surrogates, const uint8_t **bad)
{
    rj__utf8_extent extent = rj__utf8_measure(s, length, beyond);
    int width = extent.highest < 0xC4 ? 1 : extent.highest < 0xF0 ? 2 : 4;
    Py_UCS4 highest = width == 1 ? 0xFF : width == 2 ? 0xFFFF : 0x10FFFF;
    *bad = NULL;
    PyObject *str = PyUnicode_New((Py_ssize_t)extent.characters, highest);
    if (!str)
        return NULL;
    const uint8_t *end = s + length, *done;
    if (width == 1)
        done = decode_utf8(s, end, beyond, &extent, PyUnicode_DATA(str), 1, surrogates);
    else if (width == 2)
        done = decode_utf8(s, end, beyond, &extent, PyUnicode_DATA(str), 2, surrogates);
    else
        done = decode_utf8(s, end, beyond, &extent, PyUnicode_DATA(str), 4, surrogates);
    if (RJ__LIKELY(done == end))
        return str;
    *bad = done;
    Py_DECREF(str);
    return NULL;
}

/* ---- a str that is not of bytes */

#define RJ_NARROW_BLOCK 64
/* The byte that stands for this and all wider characters. */
#define RJ_NOT_NARROW 0xFF

RJ__INLINE uint8_t
narrow_unit(const void *units, int width, size_t i)
{
    uint32_t c = width == 2 ? ((const uint16_t *)units)[i] : ((const uint32_t *)units)[i];
    return (uint8_t)(c < RJ_NOT_NARROW ? c : RJ_NOT_NARROW);
}

/* Blocks of one length, which compilers turn into vectors. */
RJ__INLINE void
narrow_units(const void *restrict units, int width, size_t length, uint8_t *restrict out)
{
    size_t i = 0;
    for (; length - i >= RJ_NARROW_BLOCK; i += RJ_NARROW_BLOCK)
        for (size_t j = 0; j < RJ_NARROW_BLOCK; j++)
            out[i + j] = narrow_unit(units, width, i + j);
    for (; i < length; i++)
        out[i] = narrow_unit(units, width, i);
}

void
RJ__SHARED(rjpy_narrow)(const void *units, int width, size_t length, uint8_t *out)
{
    if (width == 2)
        narrow_units(units, 2, length, out);
    else
        narrow_units(units, 4, length, out);
}

/* Whether any of these units needs all of their `width` bytes (2 or 4): the bits that tell, in words. */
RJ__INLINE int
needs_width(const uint8_t *units, size_t length, int width)
{
    const uint64_t upper = width == 2 ? 0xFF00FF00FF00FF00u : 0xFFFF0000FFFF0000u;
    size_t size = length * (size_t)width, i = 0;
    uint64_t word = 0;
    if (size < sizeof word) {
        memcpy(&word, units, size);
        return (word & upper) != 0;
    }
    for (; i + sizeof word < size; i += sizeof word) {
        memcpy(&word, units + i, sizeof word);
        if (word & upper)
            return 1;
    }
    memcpy(&word, units + size - sizeof word, sizeof word); /* overlaps the last but one */
    return (word & upper) != 0;
}

/* A str of these units, of which some are not ASCII and some need as many bytes as they have. Up to RJ__COPY_STEP
 * bytes past their end must be readable if `in_blocks`. */
RJ__INLINE PyObject *
wide_units(const uint8_t *units, size_t length, int width, int in_blocks)
{
    size_t size = length * (size_t)width;
    size_t padded = (size + (size_t)width + RJ__COPY_STEP - 1) / RJ__COPY_STEP * RJ__COPY_STEP;
    uint8_t *block = PyObject_Malloc(RJ_WIDE_PREFIX + padded);
    if (RJ__UNLIKELY(!block))
        return PyErr_NoMemory();
    if (RJ__LIKELY(in_blocks && size < RJ_BLOCKS_MAX))
        rj__copy_short(units, size, block + RJ_WIDE_PREFIX);
    else
        memcpy(block + RJ_WIDE_PREFIX, units, size);
    return rjpy_str_adopt(block, (Py_ssize_t)length, width, 0);
}

/* A str of units of which some are not ASCII, as wide as these need. `in_blocks`: see wide_units. */
RJ__INLINE PyObject *
str_of_units(const uint8_t *units, size_t length, int width, int in_blocks)
{
    if (length >= 2 && width == PyUnicode_1BYTE_KIND) /* CPython has those of one */
        return wide_units(units, length, 1, in_blocks);
    if (width == PyUnicode_2BYTE_KIND && needs_width(units, length, 2))
        return wide_units(units, length, 2, in_blocks);
    if (width == PyUnicode_4BYTE_KIND && needs_width(units, length, 4))
        return wide_units(units, length, 4, in_blocks);
    return PyUnicode_FromKindAndData(width, units, (Py_ssize_t)length);
}

/* Where the str that the text is has the character that `s` stands for. */
RJ__INLINE const uint8_t *
units_at(const rjpy_decoder *d, const uint8_t *s)
{
    return (const uint8_t *)PyUnicode_DATA(d->str) + (s - d->begin) * (int)PyUnicode_KIND(d->str);
}

/* Characters of the str that the text is, some of them not ASCII. */
static RJ__NOINLINE PyObject *
part_of_str(const rjpy_decoder *d, const uint8_t *s, size_t length)
{
    /* The text may be a copy: what is readable behind it is not, behind the str. */
    int in_blocks = d->text_end - (s + length) >= RJ__COPY_STEP;
    return str_of_units(units_at(d, s), length, (int)PyUnicode_KIND(d->str), in_blocks);
}

/* A string without escapes that is not ASCII; NULL with a message or an exception. */
RJ__INLINE PyObject *
wide_string(rjpy_decoder *d, const uint8_t *s, size_t length)
{
    if (d->str)
        return part_of_str(d, s, length);
    const uint8_t *bad;
    PyObject *str = utf8_string(s, length, s + length < d->safe_end, 0, &bad);
    return str || !bad ? str : rjpy_decode_fail(d, "Invalid UTF-8", bad);
}

/* ---- runs without escapes */

/* Moves *p by blocks up to the one that has the end of the run, or to where blocks end; returns what there is
 * besides ASCII. From the second on, none lies across cache lines, as every block of 64 bytes would. */
static RJ__NOINLINE uint64_t
skip_long_run(const rjpy_decoder *d, const uint8_t **p)
{
    uint64_t seen = 0, here;
    const uint8_t *at = *p;
    while (d->safe_end - at >= RJ__SCAN_LONG && rj__scan_long(at, &here)) {
        seen |= here;
        at += RJ__SCAN_LONG - ((uintptr_t)at + RJ__SCAN_LONG) % RJ__SCAN_BLOCK;
        rj__prefetch_ahead(at, RJ__READ_AHEAD, RJ__SCAN_LONG);
    }
    *p = at;
    return seen;
}

/* Blocks that are looked at before a run counts as long. */
#define RJ_SHORT_RUN 4

/* The first byte that ends a run from `p` on: '"', '\\', a control character (the zero at the end of the text among
 * them). *high: whether there is anything but ASCII before it. */
RJ__INLINE const uint8_t *
scan_run(const rjpy_decoder *d, const uint8_t *p, int *high)
{
    uint64_t seen = 0, here;
    for (unsigned block = 0; RJ__LIKELY(p < d->safe_end); block++) {
        uint64_t special = rj__scan_special(p, &here);
        if (special) {
            seen |= here & (special ^ (special - 1));
            *high = seen != 0;
            return p + (__builtin_ctzll(special) >> RJ__SCAN_SHIFT);
        }
        seen |= here;
        p += RJ__SCAN_BLOCK;
        if (RJ__UNLIKELY(block == RJ_SHORT_RUN))
            seen |= skip_long_run(d, &p);
    }
    uint8_t bytes = 0;
    for (; rj__escape_letter[*p] == 0; p++)
        bytes |= *p;
    *high = seen != 0 || bytes >= 0x80;
    return p;
}

#include "decode/walk/escapes.h"
#include "decode/walk/long_escapes.h"

/* ---- strings */

/* The first of the units from `i` on that ends a run, or `length`. Blocks lie as in skip_long_run. */
RJ__INLINE size_t
scan_units(const void *units, int width, size_t i, size_t length)
{
    const size_t size = (size_t)width;
    uint8_t block[RJ_NARROW_BLOCK];
    uint64_t high;
    while (length - i >= RJ_NARROW_BLOCK) {
        const uint8_t *at = (const uint8_t *)units + i * size, *next = at + RJ_NARROW_BLOCK * size;
        narrow_units(at, width, RJ_NARROW_BLOCK, block);
        for (size_t j = 0; j < RJ_NARROW_BLOCK; j += RJ__SCAN_BLOCK) {
            uint64_t special = rj__scan_special(block + j, &high);
            if (special)
                return i + j + ((size_t)__builtin_ctzll(special) >> RJ__SCAN_SHIFT);
        }
        i += RJ_NARROW_BLOCK - (uintptr_t)next % RJ__CACHE_LINE / size;
        rj__prefetch_ahead(at, RJ__READ_AHEAD, RJ_NARROW_BLOCK * size);
    }
    while (i < length && rj__escape_letter[narrow_unit(units, width, i)] == 0)
        i++;
    return i;
}

/* A string that goes on beyond the piece of a wide str that is there: if it has no escapes, its characters need not
 * become bytes. One that goes on beyond the text is not undone: its end may be yet to arrive. */
static RJ__NOINLINE PyObject *
string_beyond(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    if (d->end == d->text_end) {
        rjpy_decode_fail(d, "Unterminated string starting at", p - 1);
        d->stop = d->end;
        return NULL;
    }
    int kind = (int)PyUnicode_KIND(d->str);
    const void *units = PyUnicode_DATA(d->str);
    size_t from = (size_t)(d->end - d->begin), length = (size_t)(d->text_end - d->begin);
    size_t end = kind == 2 ? scan_units(units, 2, from, length) : scan_units(units, 4, from, length);
    if (end == length || rj__unit(units, kind, end) != '"')
        return escaped_string(d, p, next);
    *next = d->begin + end + 1;
    rjpy_decode_more_from(d, d->begin + end);
    return part_of_str(d, p, end - (size_t)(p - d->begin));
}

/* What decodes at a place and tells what is behind it. */
typedef PyObject *rare_case(rjpy_decoder *d, const uint8_t *p, const uint8_t **next);

/* Calls one that is not inline. It gets a variable of its own to write to, so that *next can stay in a register. */
RJ__INLINE PyObject *
handle_rare_case(rare_case *way, rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    const uint8_t *after = p;
    PyObject *v = way(d, p, &after);
    *next = after;
    return v;
}

/* The string whose characters begin at `p`, behind the quote. */
RJ__INLINE PyObject *
decode_string(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    int high;
    const uint8_t *stop = scan_run(d, p, &high);
    if (RJ__UNLIKELY(*stop != '"'))
        return handle_rare_case(stop == d->end         ? string_beyond
                                : is_long_escape(stop) ? long_escaped_string
                                                       : escaped_string,
                                d, p, next);
    *next = stop + 1;
    return RJ__LIKELY(!high) ? ascii_string_here(d, p, (size_t)(stop - p)) : wide_string(d, p, (size_t)(stop - p));
}

/* ---- keys */

/* The first and the last eight bytes of a key, fewer if it is shorter: of up to 16, they are all. Of 1 to
 * RJ_CACHED_KEY_MAX bytes. */
RJ__INLINE rjpy_key_ends
key_ends(const uint8_t *s, size_t length)
{
    rjpy_key_ends ends = {0, 0};
    if (length >= 8) {
        memcpy(&ends.first, s, 8);
        memcpy(&ends.last, s + length - 8, 8);
    }
    else if (length >= 4) {
        memcpy(&ends.first, s, 4);
        memcpy(&ends.last, s + length - 4, 4);
    }
    else {
        ends.first = (uint64_t)s[0] << 16 | (uint64_t)s[length / 2] << 8 | s[length - 1];
    }
    return ends;
}

RJ__INLINE size_t
key_place(rjpy_key_ends ends, size_t length)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u; /* 2^64 divided by the golden ratio */
    uint64_t hash = (ends.first ^ length) * odd;
    hash = (hash ^ hash >> 32 ^ ends.last) * odd;
    return (size_t)(hash >> 40) % RJ_CACHED_KEYS;
}

/* What of a key is no byte of it: their number, and how they spell it. By units of `width` bytes; UTF-8 if that is 0. */
RJ__INLINE size_t
key_form(size_t length, int width)
{
    return length | (size_t)width * (RJ_CACHED_KEY_MAX * 2);
}

/* `s` has as many bytes as `form` says. */
RJ__INLINE int
is_cached_key(const rjpy_cached_key *entry, const uint8_t *s, size_t form, rjpy_key_ends ends)
{
    return entry->form == form && entry->ends.first == ends.first && entry->ends.last == ends.last &&
           (form % (RJ_CACHED_KEY_MAX * 2) <= 16 || memcmp(entry->text, s, form % (RJ_CACHED_KEY_MAX * 2)) == 0);
}

/* The first of these places that has it, or NULL. */
RJ__INLINE PyObject *
find_key(const rjpy_cached_key *place, size_t places, const uint8_t *s, size_t form, rjpy_key_ends ends)
{
    for (size_t i = 0; i < places; i++)
        if (is_cached_key(&place[i], s, form, ends))
            return place[i].key;
    return NULL;
}

/* A key without escapes that is not in its first place: it is in another, or is met for the first time. */
static RJ__NOINLINE PyObject *
other_key(rjpy_decoder *d, const uint8_t *s, size_t length, int high, rjpy_key_ends ends, rjpy_cached_key *place)
{
    PyObject *known = find_key(place + 1, RJ_KEY_PLACES - 1, s, key_form(length, 0), ends);
    if (known)
        return Py_NewRef(known);
    PyObject *str = high ? wide_string(d, s, length) : ascii_string_here(d, s, length);
    if (!str)
        return NULL;
    Py_ssize_t text_length;
    const char *text = PyUnicode_AsUTF8AndSize(str, &text_length);
    if (!text || PyObject_Hash(str) == -1) { /* there is no memory: then without the cache */
        PyErr_Clear();
        return str;
    }
    rjpy_decode_keep_key(d, place, (rjpy_cached_key){ends, key_form((size_t)text_length, 0), str, text});
    return str;
}

/* Characters of a key as units. */
typedef struct key_units {
    const uint8_t *units;
    int width;
    uint16_t narrowed[RJ_CACHED_KEY_MAX];
} key_units;

/* The units of a key of up to RJ_CACHED_KEY_MAX characters, narrowed as the resulting str stores them (0xFF excepted). */
RJ__INLINE void
key_units_of_str(const rjpy_decoder *d, const uint8_t *s, size_t length, key_units *key)
{
    const uint8_t *units = units_at(d, s);
    int kind = (int)PyUnicode_KIND(d->str);
    key->units = units;
    key->width = kind;
    if (kind == PyUnicode_1BYTE_KIND)
        return;
    if (!memchr(s, RJ_NOT_NARROW, length)) {
        key->units = s;
        key->width = PyUnicode_1BYTE_KIND;
    }
    else if (kind == PyUnicode_4BYTE_KIND && !needs_width(units, length, 4)) {
        for (size_t i = 0; i < length; i++)
            key->narrowed[i] = (uint16_t)((const uint32_t *)(const void *)units)[i];
        key->units = (const uint8_t *)key->narrowed;
        key->width = PyUnicode_2BYTE_KIND;
    }
}

/* A key from a str that is not ASCII: its bytes do not tell which one it is, but its units do. */
static RJ__NOINLINE PyObject *
wide_key_of_str(rjpy_decoder *d, const uint8_t *s, size_t length)
{
    key_units key;
    key_units_of_str(d, s, length, &key);
    size_t size = length * (size_t)key.width, form = key_form(size, key.width);
    if (size > RJ_CACHED_KEY_MAX)
        return part_of_str(d, s, length);
    rjpy_key_ends ends = key_ends(key.units, size);
    rjpy_cached_key *place = &d->cache->keys[key_place(ends, size)];
    PyObject *str = find_key(place, RJ_KEY_PLACES, key.units, form, ends);
    if (str)
        return Py_NewRef(str);
    str = part_of_str(d, s, length);
    if (str && PyObject_Hash(str) != -1 && (int)PyUnicode_KIND(str) == key.width)
        rjpy_decode_keep_key(d, place, (rjpy_cached_key){ends, form, str, PyUnicode_DATA(str)});
    return str;
}

/* A key without escapes, from the cache if it was met before. */
RJ__INLINE PyObject *
cached_key(rjpy_decoder *d, const uint8_t *s, size_t length, int high)
{
    if (RJ__UNLIKELY(high && d->str))
        return wide_key_of_str(d, s, length);
    rjpy_key_ends ends = key_ends(s, length);
    rjpy_cached_key *place = &d->cache->keys[key_place(ends, length)];
    if (RJ__LIKELY(is_cached_key(place, s, key_form(length, 0), ends)))
        return Py_NewRef(place->key);
    return other_key(d, s, length, high, ends, place);
}

RJ__INLINE PyObject *
decode_key(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    int high;
    const uint8_t *stop = scan_run(d, p, &high);
    size_t length = (size_t)(stop - p);
    if (RJ__LIKELY(*stop == '"' && length - 1 < RJ_CACHED_KEY_MAX)) {
        *next = stop + 1;
        return cached_key(d, p, length, high);
    }
    return decode_string(d, p, next);
}
