/*
 * The walk over a text: compiled once per instruction set, on the scans (SET/scan.h) of the target header included
 * before. See decode/decoder.h for what it works on.
 */

#include "decode/walk/double.h"

#include RJ__OF_SET(digits.h)
#include RJ__OF_SET(scan.h)
#include "arch/common/copy_blocks.h"
#include RJ__OF_SET(utf8.h)

#include "decode/walk/strings.h"

#include "decode/walk/numbers.h"

/* White space after one, as pretty printers write it: a line feed and indentation. It is expected to be as long as
 * the last time: where the next value begins is predicted then, and need not be waited for. */
static RJ__NOINLINE const uint8_t *
skip_spaces(rjpy_decoder *d, const uint8_t *p)
{
    const size_t expected = d->last_gap;
    while (p < d->safe_end) {
        uint64_t solid = rj__scan_solid(p);
        /* Its first mark is the expected one, said without its place: compilers would take that then. */
        if (RJ__LIKELY(solid << (63 - (expected << RJ__SCAN_SHIFT)) == (uint64_t)1 << 63))
            return p + expected;
        if (solid) {
            d->last_gap = (size_t)__builtin_ctzll(solid) >> RJ__SCAN_SHIFT;
            return p + d->last_gap;
        }
        p += RJ__SCAN_BLOCK;
    }
    while (rjpy_is_space(*p))
        p++;
    return p;
}

RJ__INLINE const uint8_t *
skip_space(rjpy_decoder *d, const uint8_t *p)
{
    if (RJ__LIKELY(*p > ' '))
        return p;
    if (*p == ' ' && p[1] > ' ') /* after a colon or a comma */
        return p + 1;
    return skip_spaces(d, p);
}

RJ__INLINE int
push(rjpy_decoder *d, PyObject *v)
{
    if (RJ__UNLIKELY(d->top == d->limit) && rjpy_decode_grow_values(d) < 0) {
        Py_DECREF(v);
        return -1;
    }
    *d->top++ = v;
    return 0;
}

RJ__INLINE int
open_level(rjpy_decoder *d, const uint8_t *p)
{
    if (RJ__UNLIKELY((Py_ssize_t)d->depth >= d->options->max_depth))
        return rjpy_decode_too_deep(d, p);
    if (RJ__UNLIKELY(d->depth == d->level_capacity) && rjpy_decode_grow_levels(d) < 0)
        return -1;
    d->levels[d->depth++] = (rjpy_level){(size_t)(d->top - d->values), p};
    return 0;
}

/* ---- values */

/* Literals where little or nothing is readable behind them, and what is none. */
static RJ__NOINLINE PyObject *
literal_at_end(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    if (p[0] == 't' && p[1] == 'r' && p[2] == 'u' && p[3] == 'e') {
        *next = p + 4;
        return Py_NewRef(Py_True);
    }
    if (p[0] == 'f' && p[1] == 'a' && p[2] == 'l' && p[3] == 's' && p[4] == 'e') {
        *next = p + 5;
        return Py_NewRef(Py_False);
    }
    if (p[0] == 'n' && p[1] == 'u' && p[2] == 'l' && p[3] == 'l') {
        *next = p + 4;
        return Py_NewRef(Py_None);
    }
    return rjpy_decode_constant(d, p, next);
}

RJ__INLINE PyObject *
decode_literal(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    if (RJ__LIKELY(p < d->safe_end)) {
        if (memcmp(p, "true", 4) == 0) {
            *next = p + 4;
            return Py_NewRef(Py_True);
        }
        if (memcmp(p, "null", 4) == 0) {
            *next = p + 4;
            return Py_NewRef(Py_None);
        }
        if (memcmp(p, "false", 5) == 0) {
            *next = p + 5;
            return Py_NewRef(Py_False);
        }
    }
    return handle_rare_case(literal_at_end, d, p, next);
}

/* The bracket of the container that is the innermost now. */
RJ__INLINE uint8_t
around(const rjpy_decoder *d)
{
    return d->depth > 0 ? *d->levels[d->depth - 1].begin : 0;
}

PyObject *
RJ__SHARED(rjpy_decode)(rjpy_decoder *d)
{
    const uint8_t *p = d->cur;
    PyObject *v;
    uint8_t open = 0; /* the bracket of the container that the walk is in, or 0 */

value:
    p = skip_space(d, p);
    switch (*p) {
    case '"':
        v = decode_string(d, p + 1, &p);
        break;
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
        v = decode_number(d, p, &p);
        break;
    case '[':
        if (open_level(d, p) < 0)
            return NULL;
        open = '[';
        p = skip_space(d, p + 1);
        if (*p != ']')
            goto value;
        p++;
        v = rjpy_decode_list(d);
        open = around(d);
        break;
    case '{':
        if (open_level(d, p) < 0)
            return NULL;
        open = '{';
        p = skip_space(d, p + 1);
        if (*p != '}')
            goto key;
        p++;
        v = rjpy_decode_dict(d);
        open = around(d);
        break;
    case 0:
        if (rjpy_decode_more(d, p))
            goto value;
        /* fall through */
    default:
        v = decode_literal(d, p, &p);
    }

    for (;;) {
        if (RJ__UNLIKELY(!v))
            return NULL;
        if (open == 0) {
            d->cur = p;
            return v;
        }
        if (push(d, v) < 0)
            return NULL;
    delimiter:
        p = skip_space(d, p);
        if (*p == ',') {
            if (open == '[') {
                p++;
                goto value;
            }
            p = skip_space(d, p + 1);
            goto key;
        }
        if (RJ__UNLIKELY(*p != open + 2)) { /* in ASCII, what closes is two after what opens */
            if (rjpy_decode_more(d, p))
                goto delimiter;
            return rjpy_decode_fail(d, "Expecting ',' delimiter", p);
        }
        p++;
        v = open == '{' ? rjpy_decode_dict(d) : rjpy_decode_list(d);
        open = around(d);
    }

key:
    if (RJ__UNLIKELY(*p != '"') && !(rjpy_decode_more(d, p) && *p == '"'))
        return rjpy_decode_fail(d, "Expecting property name enclosed in double quotes", p);
    v = decode_key(d, p + 1, &p);
    if (RJ__UNLIKELY(!v) || push(d, v) < 0)
        return NULL;
    p = skip_space(d, p);
    if (RJ__UNLIKELY(*p != ':'))
        return rjpy_decode_fail(d, "Expecting ':' delimiter", p);
    p++;
    goto value;
}
