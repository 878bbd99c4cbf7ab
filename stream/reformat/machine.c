/*
 * One byte after the other (RFC 8259; RFC 7464 for record separators): the rules, and the framings. What is written
 * is what is known to be right: a minus sign, a point, an exponent's letter and a backslash wait in `token` for what
 * makes them whole, literals for their last letter.
 */
#include "reformat/reformat.h"

#include "text/text.h"

#define RECORD_SEPARATOR 0x1E

static int
is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int
begins_value(uint8_t c)
{
    return is_digit(c) || (c && strchr("\"[{-tfn", c));
}

/* ---- what is written */

static void
put(rj_reformat *r, const void *bytes, size_t length)
{
    memcpy(r->window.cur, bytes, length);
    r->window.cur += length;
}

static void
put_byte(rj_reformat *r, uint8_t c)
{
    *r->window.cur++ = c;
}

/* A byte that makes nothing right yet. */
static void
hold(rj_reformat *r, uint8_t c)
{
    r->token[r->token_length++] = c;
}

/* One that makes what waits right, and itself. */
static void
put_with_held(rj_reformat *r, uint8_t c)
{
    put(r, r->token, r->token_length);
    r->token_length = 0;
    put_byte(r, c);
}

static void
wait_text(rj_reformat *r, const void *text, size_t length)
{
    r->text = text;
    r->text_length = length;
}

/* ---- documents */

/* How deeply `walk` may go. */
static void
limit_depth(rj_reformat *r)
{
    size_t deepest = r->walk.base + r->max_depth;
    r->walk.depth_limit = deepest < r->level_capacity ? deepest : r->level_capacity;
}

static int
is_nested(const rj_reformat *r)
{
    return r->walk.depth > r->walk.base;
}

/* What comes before a document. */
static void
begin_document(rj_reformat *r)
{
    int is_first = r->documents == 0;
    if (r->out == RJ_FRAMING_ARRAY) {
        wait_text(r, is_first ? (const void *)"[" : r->walk.item, is_first ? 1 : r->walk.item_length);
        r->break_after = r->walk.break_length + r->walk.unit;
    }
    else if (r->out == RJ_FRAMING_SEQ)
        wait_text(r, "\x1E", 1);
    else if (r->out == RJ_FRAMING_CONCAT && r->is_bare)
        wait_text(r, " ", 1);
    else if (r->out == RJ_FRAMING_AUTO && !is_first)
        wait_text(r, "\n", 1);
    r->walk.place = RJ__AT_VALUE;
}

static void
end_document(rj_reformat *r, int is_bare)
{
    r->documents++;
    r->is_bare = (uint8_t)is_bare;
    r->has_gap = r->has_newline = r->has_record = 0;
    if (r->out == RJ_FRAMING_LINES || r->out == RJ_FRAMING_SEQ)
        wait_text(r, "\n", 1);
    r->walk.place = r->walk.base ? RJ__AT_ITEM_END : RJ__AT_DOCUMENT;
}

static void
end_value(rj_reformat *r, int is_bare)
{
    if (is_nested(r))
        r->walk.place = RJ__AT_DELIMITER;
    else
        end_document(r, is_bare);
}

/* RJ_FRAMING_AUTO is decided by how the text begins. */
static void
decide_framing(rj_reformat *r, uint8_t c)
{
    if (r->in != RJ_FRAMING_AUTO)
        return;
    if (c == RECORD_SEPARATOR)
        r->in = RJ_FRAMING_SEQ;
    else if (r->out == RJ_FRAMING_DOCUMENT)
        r->in = RJ_FRAMING_DOCUMENT;
    else if (c == '[' && r->out != RJ_FRAMING_AUTO)
        r->in = RJ_FRAMING_ARRAY;
    else
        r->in = RJ_FRAMING_CONCAT;
}

/* Why no document can begin here, or NULL. */
static const char *
reason_against_document(const rj_reformat *r, uint8_t c)
{
    if (r->documents > 0 && (r->in == RJ_FRAMING_DOCUMENT || r->out == RJ_FRAMING_DOCUMENT))
        return "Extra data";
    if (r->documents > 0 && r->in == RJ_FRAMING_LINES && !r->has_newline)
        return "Expecting a newline between values";
    if (r->documents > 0 && r->is_bare && !r->has_gap)
        return r->in == RJ_FRAMING_SEQ ? "Expecting white space behind the record: it may be cut off" : "Extra data";
    if (!begins_value(c))
        return "Expecting value";
    if (r->in == RJ_FRAMING_SEQ && !r->has_record)
        return "Expecting a record separator";
    return NULL;
}

/* A byte order mark is ignored where the text begins (RFC 8259, section 8.1). */
static int
skip_mark(rj_reformat *r, const uint8_t *p, const uint8_t *end, size_t *taken)
{
    if (!r->has_begun && end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        *taken = 3;
    r->has_begun = 1;
    return *taken == 3;
}

static int
open_array_of_documents(rj_reformat *r, uint8_t c, size_t *taken)
{
    if (c != '[')
        return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting an array");
    *taken = 1;
    r->walk.levels[0] = c;
    r->walk.depth = r->walk.base = 1;
    r->walk.place = RJ__AT_FIRST_ITEM;
    limit_depth(r);
    return RJ_OK;
}

static int
step_document(rj_reformat *r, const uint8_t *p, const uint8_t *end, size_t *taken)
{
    uint8_t c = *p;
    if (skip_mark(r, p, end, taken))
        return RJ_OK;
    if (is_space(c)) {
        r->has_newline |= c == '\n';
        r->has_gap = 1;
        *taken = 1;
        return RJ_OK;
    }
    decide_framing(r, c);
    if (r->in == RJ_FRAMING_ARRAY)
        return open_array_of_documents(r, c, taken);
    int is_cut_off = r->documents > 0 && r->is_bare && !r->has_gap;
    if (c == RECORD_SEPARATOR && r->in == RJ_FRAMING_SEQ && !is_cut_off) {
        r->has_record = 1;
        *taken = 1;
        return RJ_OK;
    }
    const char *reason = reason_against_document(r, c);
    if (reason)
        return rj__reformat_fail(r, RJ_ESYNTAX, reason);
    begin_document(r);
    return RJ_OK;
}

/* In the array that holds documents. */
static int
step_item(rj_reformat *r, uint8_t c, size_t *taken)
{
    rj__walk *w = &r->walk;
    *taken = 1;
    if (is_space(c))
        return RJ_OK;
    if (w->place == RJ__AT_END)
        return rj__reformat_fail(r, RJ_ESYNTAX, "Extra data");
    if (c == ']' && w->place != RJ__AT_ITEM) {
        w->depth = w->base = 0;
        w->place = RJ__AT_END;
        return RJ_OK;
    }
    if (w->place == RJ__AT_ITEM_END) {
        if (c != ',')
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting ',' delimiter");
        w->place = RJ__AT_ITEM;
        return RJ_OK;
    }
    *taken = 0;
    if (!begins_value(c))
        return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting value");
    begin_document(r);
    return RJ_OK;
}

/* ---- values */

static int
grow_levels(rj_reformat *r)
{
    size_t capacity = r->level_capacity * 2;
    int is_first = r->walk.levels == r->few_levels;
    uint8_t *levels = is_first ? rj__allocate(&r->alloc, capacity) : rj__reallocate(&r->alloc, r->walk.levels, capacity);
    if (!levels)
        return rj__reformat_fail(r, RJ_ENOMEM, rj_strerror(RJ_ENOMEM));
    if (is_first)
        memcpy(levels, r->few_levels, r->walk.depth);
    r->walk.levels = levels;
    r->level_capacity = capacity;
    return RJ_OK;
}

static int
open_container(rj_reformat *r, uint8_t c)
{
    rj__walk *w = &r->walk;
    if (w->depth - w->base >= r->max_depth)
        return rj__reformat_fail(r, RJ_EDEPTH, "Nested too deeply (max_depth)");
    if (w->depth == r->level_capacity && grow_levels(r) < 0)
        return r->status;
    w->levels[w->depth++] = c;
    limit_depth(r);
    w->place = c == '[' ? RJ__AT_FIRST_VALUE : RJ__AT_FIRST_KEY;
    put_byte(r, c);
    return RJ_OK;
}

static int
close_container(rj_reformat *r, uint8_t c, int is_empty)
{
    static const char closing[] = "]}";
    if (!is_empty)
        r->break_before = rj__break_at(&r->walk, r->walk.depth - 1);
    r->walk.depth--;
    const char *text = &closing[c == '}'];
    end_value(r, 0);
    /* What ends the document is a line feed, where it is anything: put here, since one text can wait. */
    static const char ended[] = "]\n}\n";
    if (r->text_length)
        wait_text(r, &ended[c == '}' ? 2 : 0], 2);
    else
        wait_text(r, text, 1);
    return RJ_OK;
}

static int
begin_literal(rj_reformat *r, const char *literal)
{
    r->literal_begin = literal;
    r->literal = literal + 1;
    r->walk.place = RJ__IN_LITERAL;
    return RJ_OK;
}

static int
begin_value(rj_reformat *r, uint8_t c)
{
    rj__walk *w = &r->walk;
    switch (c) {
    case '"':
        put_byte(r, c);
        w->place = RJ__IN_STRING;
        return RJ_OK;
    case '[':
    case '{':
        return open_container(r, c);
    case 't':
        return begin_literal(r, "true");
    case 'f':
        return begin_literal(r, "false");
    case 'n':
        return begin_literal(r, "null");
    case '-':
        hold(r, c);
        w->place = RJ__AT_DIGIT;
        return RJ_OK;
    case '0':
        put_byte(r, c);
        w->place = RJ__IN_ZERO;
        return RJ_OK;
    default:
        if (!is_digit(c))
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting value");
        put_byte(r, c);
        w->place = RJ__IN_INTEGER;
        return RJ_OK;
    }
}

/* Between tokens. What is not white space. */
static int
step_between(rj_reformat *r, uint8_t c, size_t *taken)
{
    rj__walk *w = &r->walk;
    switch (w->place) {
    case RJ__AT_VALUE:
        return begin_value(r, c);
    case RJ__AT_FIRST_VALUE:
        if (c == ']')
            return close_container(r, c, 1);
        if (!begins_value(c))
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting value");
        w->place = RJ__AT_VALUE;
        break;
    case RJ__AT_FIRST_KEY:
        if (c == '}')
            return close_container(r, c, 1);
        if (c != '"')
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting property name enclosed in double quotes");
        w->place = RJ__AT_KEY;
        break;
    case RJ__AT_KEY:
        if (c != '"')
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting property name enclosed in double quotes");
        put_byte(r, c);
        w->place = RJ__IN_KEY;
        return RJ_OK;
    case RJ__AT_COLON:
        if (c != ':')
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting ':' delimiter");
        wait_text(r, w->key, w->key_length);
        w->place = RJ__AT_VALUE;
        return RJ_OK;
    default: {
        uint8_t open = w->levels[w->depth - 1];
        if (c == open + 2) /* in ASCII, what closes is two after what opens */
            return close_container(r, c, 0);
        if (c != ',')
            return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting ',' delimiter");
        wait_text(r, w->item, w->item_length);
        r->break_after = rj__break_at(w, w->depth);
        w->place = open == '[' ? RJ__AT_VALUE : RJ__AT_KEY;
        return RJ_OK;
    }
    }
    /* The first in a container: its line begins, and it is looked at again. */
    r->break_after = rj__break_at(w, w->depth);
    *taken = 0;
    return RJ_OK;
}

/* ---- strings */

/* The code point of a character that is known to be sound; how many bytes it has. */
static size_t
read_character(const uint8_t *p, uint32_t *c)
{
    if (*p < 0x80)
        return *c = *p, 1;
    if (*p < 0xE0)
        return *c = (uint32_t)(*p & 0x1f) << 6 | (p[1] & 0x3f), 2;
    if (*p < 0xF0)
        return *c = (uint32_t)(*p & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f), 3;
    *c = (uint32_t)(*p & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    return 4;
}

static void
put_escape(rj_reformat *r, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t escape[6] = {'\\',
                               'u',
                               (uint8_t)hex[unit >> 12],
                               (uint8_t)hex[unit >> 8 & 15],
                               (uint8_t)hex[unit >> 4 & 15],
                               (uint8_t)hex[unit & 15]};
    put(r, escape, sizeof escape);
}

static size_t
put_escaped_character(rj_reformat *r, const uint8_t *p)
{
    uint32_t c;
    size_t length = read_character(p, &c);
    if (c < 0x10000) {
        put_escape(r, c);
        return length;
    }
    put_escape(r, 0xD7C0 + (c >> 10));
    put_escape(r, 0xDC00 + (c & 0x3ff));
    return length;
}

static int
step_string(rj_reformat *r, const uint8_t *p, size_t *taken)
{
    uint8_t c = *p;
    rj__walk *w = &r->walk;
    if (c < 0x20)
        return rj__reformat_fail(r, RJ_ESYNTAX, "Invalid control character at");
    if (w->ascii && c >= 0x7f) {
        *taken = put_escaped_character(r, p);
        return RJ_OK;
    }
    if (c == '\\') {
        r->is_key = w->place == RJ__IN_KEY;
        hold(r, c);
        w->place = RJ__IN_ESCAPE;
        return RJ_OK;
    }
    if (c != '"') {
        uint32_t code_point;
        *taken = read_character(p, &code_point);
        put(r, p, *taken);
        return RJ_OK;
    }
    put_byte(r, c);
    if (w->place == RJ__IN_KEY)
        w->place = RJ__AT_COLON;
    else
        end_value(r, 0);
    return RJ_OK;
}

/* A mistake that is told where the token begins of which so many bytes were read. */
static int
fail_token(rj_reformat *r, const char *message, ptrdiff_t length)
{
    r->back = (uint8_t)length;
    return rj__reformat_fail(r, RJ_ESYNTAX, message);
}

static int
step_escape(rj_reformat *r, uint8_t c)
{
    rj__walk *w = &r->walk;
    rj__place back = r->is_key ? RJ__IN_KEY : RJ__IN_STRING;
    if (w->place == RJ__IN_HEX) {
        if (rj__hex_value[c] == RJ__NO_DIGIT)
            return fail_token(r, "Invalid \\uXXXX escape", r->token_length);
        if (--r->hex_left > 0) {
            hold(r, c);
            return RJ_OK;
        }
        put_with_held(r, c);
        w->place = (uint8_t)back;
        return RJ_OK;
    }
    if (c == 'u') {
        hold(r, c);
        r->hex_left = 4;
        w->place = RJ__IN_HEX;
        return RJ_OK;
    }
    if (!rj__unescaped[c])
        return fail_token(r, "Invalid \\escape", r->token_length);
    put_with_held(r, c);
    w->place = (uint8_t)back;
    return RJ_OK;
}

/* ---- numbers and literals */

static int
step_digit(rj_reformat *r, uint8_t c, rj__place next)
{
    if (!is_digit(c))
        return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting a digit");
    put_with_held(r, c);
    r->walk.place = (uint8_t)next;
    return RJ_OK;
}

/* Behind digits: more of them, if there can be, or the next part of the number, or what ends it. */
static int
step_number(rj_reformat *r, uint8_t c, size_t *taken)
{
    rj__walk *w = &r->walk;
    int is_integer = w->place == RJ__IN_ZERO || w->place == RJ__IN_INTEGER;
    if (is_digit(c) && w->place != RJ__IN_ZERO) {
        put_byte(r, c);
    }
    else if (c == '.' && is_integer) {
        hold(r, c);
        w->place = RJ__AT_FRACTION;
    }
    else if ((c | 0x20) == 'e' && w->place != RJ__IN_EXPONENT) {
        hold(r, c);
        w->place = RJ__AT_EXPONENT;
    }
    else {
        *taken = 0;
        end_value(r, 1);
    }
    return RJ_OK;
}

static int
step_exponent(rj_reformat *r, uint8_t c)
{
    if (c != '+' && c != '-')
        return step_digit(r, c, RJ__IN_EXPONENT);
    hold(r, c);
    r->walk.place = RJ__AT_EXPONENT_DIGIT;
    return RJ_OK;
}

static int
step_literal(rj_reformat *r, uint8_t c)
{
    if (c != (uint8_t)*r->literal)
        return fail_token(r, "Expecting value", r->literal - r->literal_begin);
    if (*++r->literal)
        return RJ_OK;
    put(r, r->literal_begin, strlen(r->literal_begin));
    end_value(r, 1);
    return RJ_OK;
}

int
rj__reformat_step(rj_reformat *r, const uint8_t *p, const uint8_t *end, size_t *taken)
{
    uint8_t c = *p;
    *taken = 1;
    switch (r->walk.place) {
    case RJ__AT_DOCUMENT:
        *taken = 0;
        return step_document(r, p, end, taken);
    case RJ__AT_FIRST_ITEM:
    case RJ__AT_ITEM:
    case RJ__AT_ITEM_END:
    case RJ__AT_END:
        return step_item(r, c, taken);
    case RJ__IN_STRING:
    case RJ__IN_KEY:
        return step_string(r, p, taken);
    case RJ__IN_ESCAPE:
    case RJ__IN_HEX:
        return step_escape(r, c);
    case RJ__AT_DIGIT:
        return step_digit(r, c, c == '0' ? RJ__IN_ZERO : RJ__IN_INTEGER);
    case RJ__IN_ZERO:
    case RJ__IN_INTEGER:
    case RJ__IN_FRACTION:
    case RJ__IN_EXPONENT:
        return step_number(r, c, taken);
    case RJ__AT_FRACTION:
        return step_digit(r, c, RJ__IN_FRACTION);
    case RJ__AT_EXPONENT:
        return step_exponent(r, c);
    case RJ__AT_EXPONENT_DIGIT:
        return step_digit(r, c, RJ__IN_EXPONENT);
    case RJ__IN_LITERAL:
        return step_literal(r, c);
    default:
        return is_space(c) ? RJ_OK : step_between(r, c, taken);
    }
}

/* ---- the end of the text */

/* What is missing in the middle of a document. */
static const char *
missing(const rj_reformat *r)
{
    switch (r->walk.place) {
    case RJ__IN_STRING:
    case RJ__IN_KEY:
    case RJ__IN_ESCAPE:
    case RJ__IN_HEX:
        return "Unterminated string";
    case RJ__AT_KEY:
    case RJ__AT_FIRST_KEY:
        return "Expecting property name enclosed in double quotes";
    case RJ__AT_COLON:
        return "Expecting ':' delimiter";
    case RJ__AT_DELIMITER:
    case RJ__AT_ITEM_END:
        return "Expecting ',' delimiter";
    case RJ__AT_DIGIT:
    case RJ__AT_FRACTION:
    case RJ__AT_EXPONENT:
    case RJ__AT_EXPONENT_DIGIT:
        return "Expecting a digit";
    default:
        return "Expecting value";
    }
}

static int
needs_document(const rj_reformat *r)
{
    return r->in == RJ_FRAMING_DOCUMENT || r->out == RJ_FRAMING_DOCUMENT ||
           (r->wanted_in == RJ_FRAMING_AUTO && r->out == RJ_FRAMING_AUTO);
}

int
rj__reformat_end(rj_reformat *r)
{
    rj__walk *w = &r->walk;
    if (r->held_length)
        return rj__reformat_fail(r, RJ_EUTF8, "Invalid UTF-8");
    if (w->place == RJ__IN_LITERAL)
        return fail_token(r, "Expecting value", r->literal - r->literal_begin);
    int ends_number =
        w->place == RJ__IN_ZERO || w->place == RJ__IN_INTEGER || w->place == RJ__IN_FRACTION || w->place == RJ__IN_EXPONENT;
    if (ends_number && !is_nested(r))
        end_document(r, 1);
    else if (ends_number)
        w->place = RJ__AT_DELIMITER;
    if (w->place == RJ__AT_END)
        return RJ_OK;
    if (w->place != RJ__AT_DOCUMENT || (r->documents == 0 && needs_document(r)) || r->in == RJ_FRAMING_ARRAY)
        return rj__reformat_fail(
            r, RJ_ESYNTAX, r->in == RJ_FRAMING_ARRAY && w->place == RJ__AT_DOCUMENT ? "Expecting an array" : missing(r));
    if (r->in == RJ_FRAMING_SEQ && r->documents > 0 && r->is_bare && !r->has_gap)
        return rj__reformat_fail(r, RJ_ESYNTAX, "Expecting white space behind the record: it may be cut off");
    return RJ_OK;
}
