/*
 * The part of strings.h for strings in which escapes of four digits come first, as json.dumps writes what is not ASCII. They are taken for
 * units of two bytes, as most of these strings have in the end, without becoming UTF-8 in between: an attempt, which leaves to
 * escaped_string what has anything else but ASCII, what is long without such an escape, and all that is wrong.
 */

#if defined(RJ__HAS_LONG_ESCAPES)

/* Longer runs without escapes are for escaped_string, which takes half of the scratch memory for them. */
#define RJ_UNITS_RUN_MAX 96
/* So many units are free before each step, and behind the last. */
#define RJ_UNITS_ROOM 128
#define RJ_UNITS_BEHIND 32

/* A string in the making: units in the decoder's scratch memory. */
typedef struct unit_string {
    uint16_t *out;
    uint64_t seen;  /* the bits that units have, in four places */
    int surrogates; /* whether there are any */
} unit_string;

RJ__INLINE int
has_unit_room(const rjpy_decoder *d, const unit_string *u)
{
    return d->scratch_size - (size_t)((uint8_t *)u->out - d->scratch) >= RJ_UNITS_ROOM * sizeof *u->out;
}

/* -1 with an exception. */
RJ__INLINE int
make_unit_room(rjpy_decoder *d, unit_string *u)
{
    if (RJ__LIKELY(has_unit_room(d, u)))
        return 0;
    size_t size = (size_t)((uint8_t *)u->out - d->scratch);
    if (rjpy_decode_grow_scratch(d, size + RJ_UNITS_ROOM * sizeof *u->out) < 0)
        return -1;
    u->out = (uint16_t *)(void *)(d->scratch + size);
    return 0;
}

/* Whether one of four units is a surrogate. */
RJ__INLINE int
has_surrogate(uint64_t units)
{
    const uint64_t ones = 0x0001000100010001u;
    uint64_t zero_if = (units & 0xF800 * ones) ^ 0xD800 * ones;
    return ((zero_if - ones) & ~zero_if & 0x8000 * ones) != 0;
}

RJ__INLINE int
put_short_escape(const uint8_t *p, unit_string *u)
{
    uint8_t c = rj__unescaped[p[1]];
    *u->out++ = c;
    return c != 0;
}

/* put_unit_string, one by one, where vectors cannot read: fewer than RJ_SCAN_MAX bytes before the end of the text. */
static RJ__NOINLINE const uint8_t *
put_last_units(const rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    for (; *p != '"'; p++) {
        if (rj__escape_letter[*p] == 0 && *p < 0x80) {
            *u->out++ = *p;
        }
        else if (is_long_escape(p)) {
            uint32_t unit = hex4(d, p + 2);
            if (unit >= 0x10000)
                return NULL;
            *u->out++ = (uint16_t)unit;
            u->seen |= unit;
            u->surrogates |= has_surrogate(unit);
            p += 5;
        }
        else if (*p != '\\' || !put_short_escape(p++, u)) {
            return NULL;
        }
    }
    return p;
}

#if defined(RJ__HAS_UNESCAPE)

/* The characters from `p` on, up to the closing quote, where it ends; NULL if they are not for this, maybe with an
 * exception. */
RJ__INLINE const uint8_t *
put_unit_string(rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    uint64_t long_ones = 1;
    while (p < d->safe_end) {
        if (make_unit_room(d, u) < 0)
            return NULL;
        uint64_t before = long_ones;
        rj__unit_block block = rj__unescape_to_units(p, u->out);
        long_ones = block.long_ones;
        u->out += block.written;
        u->seen |= block.seen;
        u->surrogates |= block.surrogates;
        if (block.stops) {
            p += __builtin_ctzll(block.stops);
            return *p == '"' ? p : NULL;
        }
        if (!(before | long_ones))
            return NULL;
        p += block.length;
    }
    return make_unit_room(d, u) < 0 ? NULL : put_last_units(d, p, u);
}

#else

/* One escape of four digits at `p`: behind it, or `p` if these are none. */
RJ__INLINE const uint8_t *
put_long_escape(const rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    uint32_t unit = hex4(d, p + 2);
    if (RJ__UNLIKELY(unit >= 0x10000))
        return p;
    *u->out++ = (uint16_t)unit;
    u->seen |= unit;
    u->surrogates |= has_surrogate(unit);
    return p + 6;
}

/* Escapes of four digits from `p` on, where vectors can read: behind some of them, `p` if there is none. */
RJ__INLINE const uint8_t *
put_long_escapes(const rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    if (!is_long_escape(p + 6)) /* alone it is faster without vectors */
        return put_long_escape(d, p, u);
    for (;;) {
        uint64_t units;
        unsigned count = rj__long_escapes(p, &units);
        memcpy(u->out, &units, sizeof units);
        u->seen |= units;
        u->surrogates |= has_surrogate(units);
        if (count < 4) {
            u->out += count;
            return p + 6 * count;
        }
        /* Constants, as the next four need not wait for the count then. */
        u->out += 4;
        p += 24;
        if (p >= d->safe_end || !has_unit_room(d, u))
            return p;
    }
}

/* ASCII without escapes from `p` on: behind it, or where vectors cannot read on; NULL if something else is in it, or it
 * is long. */
RJ__INLINE const uint8_t *
put_plain_units(const rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    for (const uint8_t *limit = p + RJ_UNITS_RUN_MAX; p < d->safe_end && p < limit; p += RJ__SCAN_BLOCK) {
        uint64_t high, special = rj__scan_to_units(p, &high, u->out);
        if (high & (special ^ (special - 1)))
            return NULL;
        if (special) {
            unsigned count = (unsigned)__builtin_ctzll(special) >> RJ__SCAN_SHIFT;
            u->out += count;
            return p + count;
        }
        u->out += RJ__SCAN_BLOCK;
    }
    return p < d->safe_end ? NULL : p;
}
_Static_assert(RJ_UNITS_RUN_MAX % RJ__SCAN_BLOCK == 0 && RJ_UNITS_RUN_MAX + RJ_UNITS_BEHIND <= RJ_UNITS_ROOM, "a run fits");

/* The characters from `p` on, up to the closing quote, where it ends; NULL if they are not for this, maybe with an
 * exception. */
RJ__INLINE const uint8_t *
put_unit_string(rjpy_decoder *d, const uint8_t *p, unit_string *u)
{
    for (;;) {
        if (make_unit_room(d, u) < 0)
            return NULL;
        if (RJ__UNLIKELY(p >= d->safe_end))
            return put_last_units(d, p, u);
        if (is_long_escape(p)) {
            const uint8_t *begin = p;
            p = put_long_escapes(d, p, u);
            if (p == begin)
                return NULL;
        }
        else if (*p == '\\') {
            if (!put_short_escape(p, u))
                return NULL;
            p += 2;
        }
        else if (!(p = put_plain_units(d, p, u)) || *p == '"') {
            return p;
        }
        else if (*p != '\\') {
            return NULL;
        }
    }
}

#endif

/* The str of UTF-16, of whose surrogates not all need be in pairs: the others stay what they are. */
static RJ__NOINLINE PyObject *
str_of_utf16(const uint16_t *units, size_t count)
{
    size_t pairs = rj__count_pairs(units, count);
    if (pairs == 0)
        return wide_units((const uint8_t *)units, count, 2, 1);
    PyObject *str = PyUnicode_New((Py_ssize_t)(count - pairs), 0x10FFFF);
    if (!str)
        return NULL;
    uint32_t *out = PyUnicode_4BYTE_DATA(str);
    for (size_t i = 0; i < count;) {
        if (count - i >= 8 && rj__join_four_pairs(units + i, out)) {
            out += 4;
            i += 8;
            continue;
        }
        uint32_t c = units[i++];
        if ((c & 0xFC00) == 0xD800 && (units[i] & 0xFC00) == 0xDC00)
            c = 0x10000 + ((c & 0x3ff) << 10) + (units[i++] & 0x3ff);
        *out++ = c;
    }
    return str;
}

/* escaped_string for a string of which the first escape has four digits. */
static RJ__NOINLINE PyObject *
long_escaped_string(rjpy_decoder *d, const uint8_t *begin, const uint8_t **next)
{
    unit_string u = {.out = (uint16_t *)(void *)d->scratch};
    const uint8_t *end = put_unit_string(d, begin, &u);
    if (!end) {
        PyErr_Clear(); /* there is no memory: maybe for what takes half of it */
        return escaped_string(d, begin, next);
    }
    *next = end + 1;
    size_t count = (size_t)((uint8_t *)u.out - d->scratch) / 2;
    memset(u.out, 0, RJ_UNITS_BEHIND * sizeof *u.out);
    if (u.surrogates)
        return str_of_utf16((const uint16_t *)(void *)d->scratch, count);
    u.seen |= u.seen >> 32;
    uint16_t seen = (uint16_t)(u.seen | u.seen >> 16);
    if (seen >= 0x100)
        return wide_units(d->scratch, count, 2, 1);
    rj__narrow_in_place(d->scratch, count);
    return seen < 0x80 ? ascii_string(d->scratch, count) : str_of_units(d->scratch, count, 1, 1);
}

#else

/* escaped_string does it. */
static PyObject *
long_escaped_string(rjpy_decoder *d, const uint8_t *begin, const uint8_t **next)
{
    return escaped_string(d, begin, next);
}

#endif
