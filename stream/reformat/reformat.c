/* The transcoder's outside: options, parts of a text, windows, places. See reformat.h. */
#include "reformat/reformat.h"

#include "text/text.h"

/* The text is checked, read and counted by so many bytes, which stay in the fastest cache meanwhile. */
#define BLOCK ((ptrdiff_t)16384)

#define REFORMAT_OF(set) {#set, rj__walk_##set, rj__check_utf8_##set, rj__count_text_##set},

const rj__reformat_arch *
rj__reformat_arch_named(const char *name)
{
    static const rj__reformat_arch all[] = {RJ__SETS(REFORMAT_OF)};
    size_t count, best;
    const rj__arch *runnable = rj__arch_list(&count); /* the last of them all */
    best = sizeof all / sizeof *all - count;
    if (!name)
        return &all[best];
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, runnable[i].name) == 0)
            return &all[best + i];
    return NULL;
}

/* ---- options */

static int
is_blank(const char *text, const char *blanks)
{
    return text[strspn(text, blanks)] == '\0';
}

/* One such character, and white space around it. */
static int
is_separator(const char *text, char c)
{
    size_t before = strspn(text, " \t\r\n");
    return strlen(text) <= RJ_REFORMAT_TEXT_MAX && text[before] == c && is_blank(text + before + 1, " \t\r\n");
}

static int
set_layout(rj__walk *w, const rj_reformat_options *o)
{
    const char *item = o->item_separator ? o->item_separator : ",";
    const char *key = o->key_separator ? o->key_separator : o->indent ? ": " : ":";
    if (!is_separator(item, ',') || !is_separator(key, ':'))
        return RJ_EINVAL;
    if (o->indent && (strlen(o->indent) > RJ_REFORMAT_TEXT_MAX || !is_blank(o->indent, " \t")))
        return RJ_EINVAL;
    w->item_length = (uint8_t)strlen(item);
    w->key_length = (uint8_t)strlen(key);
    memcpy(w->item, item, w->item_length);
    memcpy(w->key, key, w->key_length);
    w->break_length = o->indent != NULL;
    w->unit = o->indent ? (uint8_t)strlen(o->indent) : 0;
    w->breaks[0] = '\n';
    for (size_t i = 1; w->unit && i < sizeof w->breaks; i++)
        w->breaks[i] = (uint8_t)o->indent[(i - 1) % w->unit];
    w->is_compact = !o->indent && w->item_length == 1 && w->key_length == 1;
    return RJ_OK;
}

/* Whether documents in this framing are of one line. */
static int
is_of_lines(const rj_reformat_options *o)
{
    return o->indent || (o->item_separator && strchr(o->item_separator, '\n')) ||
           (o->key_separator && strchr(o->key_separator, '\n'));
}

int
rj_reformat_new(rj_reformat **out, rj_sink *sink, const rj_reformat_options *options, const rj_allocator *alloc)
{
    static const rj_reformat_options none = {0};
    const rj_reformat_options *o = options ? options : &none;
    rj_allocator a = rj__allocator_or_default(alloc);
    if ((unsigned)o->in > RJ_FRAMING_CONCAT || (unsigned)o->out > RJ_FRAMING_CONCAT ||
        (o->out == RJ_FRAMING_LINES && is_of_lines(o)))
        return RJ_EINVAL;
    rj__walk walk = {.ascii = o->ascii != 0, .outer = o->out == RJ_FRAMING_ARRAY};
    if (set_layout(&walk, o) < 0)
        return RJ_EINVAL;
    rj_reformat *r = rj__allocate(&a, sizeof *r);
    if (!r)
        return RJ_ENOMEM;
    *r = (rj_reformat){.walk = walk,
                       .arch = rj__reformat_arch_named(NULL),
                       .alloc = a,
                       .sink = sink,
                       .wanted_in = o->in,
                       .out = o->out,
                       .max_depth = o->max_depth ? o->max_depth : RJ_WRITER_MAX_DEPTH,
                       .level_capacity = RJ__FEW_LEVELS};
    r->walk.levels = r->few_levels;
    rj_reformat_reset(r);
    *out = r;
    return RJ_OK;
}

void
rj_reformat_free(rj_reformat *r)
{
    if (!r)
        return;
    rj__reformat_give_back(r);
    rj_allocator alloc = r->alloc;
    if (r->walk.levels != r->few_levels)
        rj__release(&alloc, r->walk.levels);
    rj__release(&alloc, r->read);
    rj__release(&alloc, r);
}

void
rj_reformat_reset(rj_reformat *r)
{
    rj__walk *w = &r->walk;
    rj__reformat_give_back(r);
    w->depth = w->base = 0;
    w->place = RJ__AT_DOCUMENT;
    w->depth_limit = r->max_depth < r->level_capacity ? r->max_depth : r->level_capacity;
    r->in = r->wanted_in;
    r->break_before = r->break_after = r->text_length = r->held_length = 0;
    r->in_break = 0;
    r->back = 0;
    r->token_length = r->is_bare = r->has_gap = r->has_newline = r->has_record = r->has_begun = r->is_finishing = 0;
    r->documents = r->offset = r->characters = r->lines = r->line_characters = 0;
    r->read_from = r->read_to = 0;
    r->read_ended = 0;
    r->status = RJ_OK;
    r->sys_errno = 0;
    r->message = NULL;
    if (r->sink && r->sink->status < 0)
        r->status = r->sink->status;
}

/* ---- failures */

int
rj__reformat_fail(rj_reformat *r, int status, const char *message)
{
    if (r->status == RJ_OK) {
        r->status = status;
        r->message = message;
    }
    return r->status;
}

/* What the sink answered: its failures are the transcoder's. */
static int
settle(rj_reformat *r, int rc)
{
    if (rc >= 0 || r->status < 0)
        return rc;
    r->status = rc;
    r->sys_errno = r->sink->sys_errno;
    return rc;
}

rj_reformat_failure
rj_reformat_error(const rj_reformat *r)
{
    return (rj_reformat_failure){
        .status = r->status,
        .sys_errno = r->sys_errno,
        .message = r->message ? r->message : rj_strerror(r->status),
        .offset = r->offset - r->back,
        .character = r->characters - r->back,
        .line = r->lines + 1,
        .column = r->line_characters + 1 - r->back,
        .accepted = r->sink ? r->sink->accepted : 0,
    };
}

uint64_t
rj_reformat_documents(const rj_reformat *r)
{
    return r->documents;
}

uint64_t
rj_reformat_offset(const rj_reformat *r)
{
    return r->offset + r->held_length;
}

/* ---- windows */

int
rj__reformat_give_back(rj_reformat *r)
{
    if (!r->window_begin)
        return RJ_OK;
    size_t used = (size_t)(r->window.cur - r->window_begin);
    r->window_begin = r->window.cur = r->window.end = NULL;
    return r->sink ? settle(r, rj_sink_take(r->sink, used)) : RJ_OK;
}

int
rj__reformat_room(rj_reformat *r, size_t count)
{
    if (r->window_begin && (size_t)(r->window.end - r->window.cur) >= count)
        return RJ_OK;
    int rc = rj__reformat_give_back(r);
    if (rc < 0)
        return rc;
    r->window = (rj_window){r->unread, r->unread + sizeof r->unread};
    if (r->sink && (rc = settle(r, rj_sink_lend(r->sink, 0, &r->window))) != RJ_OK)
        return rc;
    r->window_begin = r->window.cur;
    return RJ_OK;
}

/* What is left of a line break: the line feed, if it is not out yet, and indentation, which may go on in the middle
 * of a level's. */
static int
drain_break(rj_reformat *r, size_t *left)
{
    const rj__walk *w = &r->walk;
    size_t unit = w->unit, whole = unit ? (sizeof w->breaks - 1) / unit * unit : 0;
    for (int rc; *left > 0;) {
        if ((rc = rj__reformat_room(r, 1)) != RJ_OK)
            return rc;
        if (!r->in_break) {
            *r->window.cur++ = '\n';
            r->in_break = 1;
            --*left;
            continue;
        }
        size_t from = (unit - *left % unit) % unit, most = whole - from, room = (size_t)(r->window.end - r->window.cur);
        size_t n = *left < most ? *left : most;
        n = n < room ? n : room;
        memcpy(r->window.cur, w->breaks + 1 + from, n);
        r->window.cur += n;
        *left -= n;
    }
    r->in_break = 0;
    return RJ_OK;
}

int
rj__reformat_drain(rj_reformat *r)
{
    int rc = RJ_OK;
    if (r->break_before && (rc = drain_break(r, &r->break_before)) != RJ_OK)
        return rc;
    if (r->text_length) {
        if ((rc = rj__reformat_room(r, RJ__STEP_ROOM)) != RJ_OK)
            return rc;
        memcpy(r->window.cur, r->text, r->text_length);
        r->window.cur += r->text_length;
        r->text_length = 0;
    }
    return r->break_after ? drain_break(r, &r->break_after) : RJ_OK;
}

/* ---- parts of a text */

static void
count_taken(rj_reformat *r, const uint8_t *p, const uint8_t *end)
{
    rj__counts counts = r->arch->count(p, end);
    r->offset += (uint64_t)(end - p);
    r->characters += counts.characters;
    r->lines += counts.lines;
    if (counts.lines == 0) {
        r->line_characters += counts.characters;
        return;
    }
    const uint8_t *line = end;
    while (line[-1] != '\n')
        line--;
    r->line_characters = rj__utf8_count(line, (size_t)(end - line));
}

static int
is_between_tokens(const rj_reformat *r)
{
    return r->walk.place <= RJ__LAST_FAST;
}

/* Reads bytes that are whole characters, from *p on; if there are `more` behind them, `walk` may be left what is
 * near to `end`. RJ_OK, RJ_PAUSE, or a failure. */
static int
run(rj_reformat *r, const uint8_t **p, const uint8_t *end, int more)
{
    int rc;
    while (*p < end) {
        if ((rc = rj__reformat_drain(r)) != RJ_OK)
            return rc;
        if (is_between_tokens(r)) {
            if (end - *p > RJ__WALK_MARGIN) {
                if ((rc = rj__reformat_room(r, RJ__WALK_ROOM + 1)) != RJ_OK)
                    return rc;
                *p = r->arch->walk(&r->walk, *p, end, &r->window.cur, r->window.end);
                if (end - *p > RJ__WALK_MARGIN && r->window.end - r->window.cur <= RJ__WALK_ROOM)
                    continue;
            }
            if (end - *p <= RJ__WALK_MARGIN && more && is_between_tokens(r))
                return RJ_OK;
        }
        if ((rc = rj__reformat_room(r, RJ__STEP_ROOM)) != RJ_OK)
            return rc;
        size_t taken = 0;
        rc = rj__reformat_step(r, *p, end, &taken);
        if (rc < 0)
            return rc;
        *p += taken;
    }
    return RJ_OK;
}

/* The same for what is at *p, and its place. Some at least are taken with RJ_OK. */
static int
take_block(rj_reformat *r, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *begin = *p, *block = end - begin > BLOCK ? begin + BLOCK : end;
    const uint8_t *whole = r->arch->check(begin, block);
    if (whole == begin) {
        if (!rj__utf8_is_cut_off(begin, (size_t)(end - begin)))
            return rj__reformat_fail(r, RJ_EUTF8, "Invalid UTF-8");
        r->held_length = (size_t)(end - begin);
        memcpy(r->held, begin, r->held_length);
        *p = end;
        return RJ_OK;
    }
    int more = block < end && block - whole < 4;
    int rc = run(r, p, whole, more);
    count_taken(r, begin, *p);
    return rc;
}

/* A character that was cut off gets its next byte, or is taken. */
static int
take_held(rj_reformat *r, const uint8_t **p)
{
    const uint8_t *at = r->held, *end = r->held + r->held_length;
    if (r->arch->check(at, end) == end) {
        int rc = run(r, &at, end, 0);
        if (at == end) {
            count_taken(r, r->held, end);
            r->held_length = 0;
        }
        return rc;
    }
    r->held[r->held_length++] = **p;
    end++;
    if (r->arch->check(at, end) != end && !rj__utf8_is_cut_off(at, r->held_length))
        return rj__reformat_fail(r, RJ_EUTF8, "Invalid UTF-8");
    ++*p;
    return RJ_OK;
}

int
rj_reformat_feed(rj_reformat *r, const void *data, size_t length, size_t *used)
{
    const uint8_t *p = data, *end = length ? p + length : p;
    int rc = r->is_finishing ? RJ_ESTATE : r->status;
    while (rc == RJ_OK && p < end)
        rc = r->held_length ? take_held(r, &p) : take_block(r, &p, end);
    *used = length ? (size_t)(p - (const uint8_t *)data) : 0;
    int given = rj__reformat_give_back(r);
    return given < 0 ? given : rc;
}

/* What ends the output. */
static void
end_output(rj_reformat *r)
{
    if (r->out != RJ_FRAMING_ARRAY)
        return;
    r->text = (const uint8_t *)(r->documents ? "]" : "[]");
    r->text_length = r->documents ? 1 : 2;
    r->break_before = r->documents ? r->walk.break_length : 0;
}

/* A character that the last part completed may wait for room still, and so may what came before the end. */
static int
finish(rj_reformat *r)
{
    int rc = r->status;
    const uint8_t *none = NULL;
    if (rc == RJ_OK && r->held_length && r->arch->check(r->held, r->held + r->held_length) == r->held + r->held_length)
        rc = take_held(r, &none);
    if (rc == RJ_OK)
        rc = rj__reformat_drain(r);
    if (rc != RJ_OK || r->is_finishing == 2)
        return rc;
    if (r->is_finishing == 0) {
        if ((rc = rj__reformat_end(r)) < 0)
            return rc;
        r->is_finishing = 1; /* its line feed may wait */
        return finish(r);
    }
    end_output(r);
    r->is_finishing = 2;
    return rj__reformat_drain(r);
}

int
rj_reformat_finish(rj_reformat *r)
{
    int rc = finish(r), given = rj__reformat_give_back(r);
    if (given < 0)
        return given;
    return rc == RJ_OK && r->sink ? settle(r, rj_sink_flush(r->sink)) : rc;
}
