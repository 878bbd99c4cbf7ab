/*
 * The part of the walk (walk.h) that writes strings into a result str (rj_str_sink) whose characters are wider than a byte:
 * what the window holds is widened, and the string's own units go behind it.
 */

#include RJ__OF_SET(units.h)

/* Room that one round of put_units asks for: an escape, and what vectors store past their ends. */
#define RJ_UNITS_ROOM 64

#define RJ_FEW_PENDING 2

/* Where so many have no escapes, the next ones are copied on the chance that they have none either. */
#define RJ_CLEAN_UNITS 128

/* A unit that must be escaped, or is a surrogate, as units of `width` bytes at `dst`; returns their number, or 0 for a surrogate that is
 * not wanted. */
static RJ__NOINLINE size_t
spell_unit(rj_str_sink *out, const rj__text *text, uint32_t c, void *dst)
{
    uint8_t spelled[16];
    size_t count;
    if (c >= 0x80) {
        if (text->surrogates == RJ__SURROGATES_STOP)
            return 0;
        out->was_narrowed |= text->surrogates != RJ__SURROGATES_PASS;
        if (text->surrogates != RJ__SURROGATES_ESCAPE) {
            rj__set_unit(dst, out->width, 0, text->surrogates == RJ__SURROGATES_REPLACE ? 0xFFFD : c);
            return 1;
        }
        count = (size_t)(rj__put_escape(c, spelled) - spelled);
    }
    else {
        count = (size_t)(rj__put_spelled((uint8_t)c, spelled) - spelled);
    }
    for (size_t i = 0; i < count; i++)
        rj__set_unit(dst, out->width, i, spelled[i]);
    return count;
}

#if !defined(RJ__ESCAPES_UNITS)
/* Some units, with a short escape before them if the first has one; as many as `room` is for. 0 where that is too little, or the first is rare. */
RJ__INLINE size_t
escape_units(const uint8_t *src, int from, size_t length, size_t room, uint8_t *dst, int to, size_t *written)
{
    uint32_t c = rj__unit(src, from, 0);
    if (c < 0x80 && rj__spellings[c].length == 2) {
        rj__set_unit(dst, to, 0, '\\');
        rj__set_unit(dst, to, 1, rj__spellings[c].bytes[1]);
        *written = 2;
        return 1;
    }
    return *written = rj__copy_clean_units(src, from, length < room ? length : room, dst, to);
}
#endif

/* Units of which some have short escapes, to *at: up to one that is anything but that, to where *at is behind `end`, or to where `enough` in a row had none. How
 * many. */
RJ__INLINE size_t
put_escapes(const uint8_t *src, size_t length, uint8_t **at, const uint8_t *end, size_t enough, int from, int to)
{
    size_t done = 0, clean = 0, taken = 1, written;
    uint8_t *next = *at; /* so that it can stay in a register */
    while (taken && done < length && clean < enough && next <= end) {
#if defined(RJ__ESCAPES_UNITS)
        taken = rj__escape_units(src + done * (size_t)from, from, length - done, next, to, &written);
#else
        taken = escape_units(src + done * (size_t)from, from, length - done, (size_t)(end - next) / (size_t)to, next, to,
                             &written);
#endif
        clean = written == taken ? clean + taken : 0;
        done += taken;
        next += written * (size_t)to;
    }
    *at = next;
    return done;
}

/* put_escapes for the text, while there is room. */
RJ__INLINE void
put_escaped_units(rj_str_sink *out, rj__text *text, int from, int to)
{
    if (RJ__UNLIKELY(out->capacity - out->length < RJ_UNITS_ROOM))
        return;
    const uint8_t *src = (const uint8_t *)text->data + text->position * (size_t)from;
    uint8_t *const begin = rj_str_sink_end(out), *at = begin;
    const uint8_t *end = begin + (out->capacity - out->length - RJ_UNITS_ROOM) * (size_t)to;
    text->position += put_escapes(src, text->length - text->position, &at, end, RJ_CLEAN_UNITS, from, to);
    out->length += (size_t)(at - begin) / (size_t)to;
}

/* Units that are not clean but for the first `done`, which are there: how many they become, or 0 if one has more than a short escape. There is room for
 * twice as many, and RJ_UNITS_ROOM. */
static RJ__NOINLINE size_t
put_short_escapes(const void *src, size_t done, size_t length, uint8_t *dst, int from, int to)
{
    const uint8_t *here = (const uint8_t *)src + done * (size_t)from;
    size_t left = length - done;
    uint8_t *at = dst + done * (size_t)to;
#if defined(RJ__SPELLS_UNITS)
    _Static_assert(RJ_WIDE_HEADER >= RJ__SCAN_BLOCK, "rj__spell_units reads into a str's header");
    if (from == to) {
        at = to == 2 ? rj__spell_units(here, 2 * left, at, 2) : rj__spell_units(here, 4 * left, at, 4);
        return at ? (size_t)(at - dst) / (size_t)to : 0;
    }
#endif
    const uint8_t *end = at + 2 * left * (size_t)to;
    size_t taken = to == 2     ? put_escapes(here, left, &at, end, SIZE_MAX, 2, 2)
                   : from == 2 ? put_escapes(here, left, &at, end, SIZE_MAX, 2, 4)
                               : put_escapes(here, left, &at, end, SIZE_MAX, 4, 4);
    return taken == left ? (size_t)(at - dst) / (size_t)to : 0;
}

/* As much of the text as there is room for; 0 at a surrogate that is not wanted (position is on it). */
RJ__INLINE int
put_units(rj_str_sink *out, rj__text *text, int from, int to)
{
    while (text->position < text->length && out->capacity - out->length >= RJ_UNITS_ROOM) {
        size_t room = out->capacity - out->length - RJ_UNITS_ROOM / 2, left = text->length - text->position;
        const uint8_t *src = (const uint8_t *)text->data + text->position * (size_t)from;
        size_t wanted = left < room ? left : room;
        size_t done = rj__copy_clean_units(src, from, wanted, rj_str_sink_end(out), to);
        text->position += done;
        out->length += done;
        if (RJ__LIKELY(done == wanted))
            continue;
        size_t position = text->position;
        put_escaped_units(out, text, from, to);
        if (text->position > position)
            continue;
        uint32_t unit = rj__unit(text->data, from, text->position);
        size_t count = spell_unit(out, text, unit, rj_str_sink_end(out));
        if (count == 0)
            return 0;
        text->position++;
        out->length += count;
    }
    return 1;
}

/* The window's contents, up to `cur`, as characters of `to` bytes. */
RJ__INLINE void
widen_window(const rj_encoder *e, const uint8_t *cur, void *dst, int to)
{
    size_t pending = (size_t)(cur - e->start);
    if (RJ__LIKELY(pending <= RJ_FEW_PENDING)) { /* one comma, as a rule: a vector would have to wait until it is written */
        for (size_t i = 0; i < pending; i++)
            rj__set_unit(dst, to, i, e->start[i]);
        return;
    }
    rj__widen_bytes(e->start, pending, dst, to);
}

/* Long results: lets Ctrl-C and other threads have their turn, as between windows. */
static RJ__NOINLINE uint8_t *
pace_units(rj_encoder *e, uint8_t *cur)
{
    rj_own_ancestors(e);
    return e->on_window && e->on_window(e) < 0 ? rj_stop_error(e) : cur;
}

/* A string of more than a byte a character, with its quotes. */
static RJ__NOINLINE uint8_t *
put_wide_string(rj_encoder *e, uint8_t *cur, rj__text *text, uint8_t tail)
{
    rj_str_sink *out = e->str_sink;
    int from = text->kind == RJ__TEXT_UCS2 ? 2 : 4;
    size_t before = out->length, size = text->length * (size_t)from;
    uint8_t padded[2 * RJ__BEFORE];
    if (size < RJ__BEFORE) { /* of a subclass, nothing readable need come before its characters */
        memcpy(padded + RJ__BEFORE, text->data, size);
        text->data = padded + RJ__BEFORE;
    }
    *cur++ = '"';
    if (RJ__UNLIKELY(out->width < from)) {
        cur = rj_widen_output(e, cur, from);
        if (!cur)
            return NULL;
    }
    do {
        size_t pending = (size_t)(cur - e->start);
        if (RJ__UNLIKELY(out->capacity - out->length < pending + (text->length - text->position) + RJ_UNITS_ROOM) &&
            rj_str_sink_reserve(out, pending + (text->length - text->position) + 2 * RJ_UNITS_ROOM) < 0)
            return rj_stop_error(e);
        if (out->width == 2)
            widen_window(e, cur, rj_str_sink_end(out), 2);
        else
            widen_window(e, cur, rj_str_sink_end(out), 4);
        out->length += pending;
        cur = e->start;
        int is_fine = out->width == 2 ? put_units(out, text, 2, 2)
                      : from == 2     ? put_units(out, text, 2, 4)
                                      : put_units(out, text, 4, 4);
        if (RJ__UNLIKELY(!is_fine)) {
            e->text = *text;
            return fail_surrogate(e, tail);
        }
    } while (RJ__UNLIKELY(text->position < text->length));
    if (RJ__UNLIKELY(out->length > out->limit))
        rj_str_sink_set_limit(out);
    *cur++ = '"';
    *cur++ = tail;
    if (tail == ':')
        return end_key(e, cur);
    return RJ__UNLIKELY((out->length ^ before) >> RJ_PACE_BITS) ? pace_units(e, cur) : cur;
}
