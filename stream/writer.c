/*
 * rj_writer: one JSON document, item by item, on any sink.
 *
 * Every call turns into an item: a few bytes before (comma, quote, bracket), a text, a few bytes after. `pump`
 * writes the item and can stop at any window and go on later, so there is one place that pauses. Invariant:
 * `item.stage` is DONE unless the last call answered RJ_PAUSE (or failed).
 */
#include "number/number.h"
#include "text/text.h"

#include <math.h>

/* Room that every stage but the text itself asks for; a text asks for RJ__TEXT_ROOM. */
#define ITEM_ROOM RJ__TEXT_ROOM

enum stage { BEFORE, TEXT, AFTER, DONE };

typedef struct item {
    enum stage stage;
    uint8_t before[4], after[4];
    uint8_t before_length, after_length;
    rj__text text;
} item;

/* One byte for each open container. */
enum level { IN_ARRAY = 1, IN_OBJECT = 2, HAS_ITEMS = 4, AWAITS_VALUE = 8 };

struct rj_writer {
    rj_allocator alloc;
    rj_sink *sink;
    const rj__arch *arch;
    rj_window window; /* lent by the sink; cur is NULL when none is */
    uint8_t *window_start;
    item item;
    uint8_t small[RJ__NUMBER_ROOM]; /* a number's digits, while they wait for room */
    uint8_t *levels;
    size_t depth, levels_capacity;
    int root_done;
    int in_sink; /* the sink is called: nothing that its own callback asks for is done */
    int status;
};

static int
fail(rj_writer *w, int status)
{
    if (w->status == RJ_OK)
        w->status = status;
    return w->status;
}

static int
give_window_back(rj_writer *w)
{
    if (!w->window.cur)
        return RJ_OK;
    size_t used = (size_t)(w->window.cur - w->window_start);
    w->window.cur = NULL;
    w->in_sink = 1;
    int rc = rj_sink_take(w->sink, used);
    w->in_sink = 0;
    return rc;
}

/* Makes sure that at least `room` bytes can be written. */
static int
ensure(rj_writer *w, ptrdiff_t room, size_t hint)
{
    if (w->window.cur && w->window.end - w->window.cur >= room)
        return RJ_OK;
    int rc = give_window_back(w);
    if (rc == RJ_OK) {
        w->in_sink = 1;
        rc = rj_sink_lend(w->sink, hint, &w->window);
        w->in_sink = 0;
    }
    if (rc >= 0 && w->status < 0)
        rc = w->status; /* the callback has used the writer */
    if (rc != RJ_OK) {
        w->window.cur = NULL;
        return rc;
    }
    w->window_start = w->window.cur;
    return RJ_OK;
}

static void
append(rj_writer *w, const uint8_t *bytes, size_t length)
{
    memcpy(w->window.cur, bytes, length);
    w->window.cur += length;
}

static int
pump_text(rj_writer *w)
{
    rj__text *text = &w->item.text;
    while (text->position < text->length) {
        int rc = ensure(w, RJ__TEXT_ROOM, text->length - text->position);
        if (rc != RJ_OK)
            return rc;
        w->window.cur = w->arch->put_text(text, w->window.cur, w->window.end);
    }
    return RJ_OK;
}

static int
pump_stage(rj_writer *w)
{
    item *it = &w->item;
    if (it->stage == TEXT)
        return pump_text(w);
    int rc = ensure(w, ITEM_ROOM, 0);
    if (rc != RJ_OK)
        return rc;
    if (it->stage == BEFORE)
        append(w, it->before, it->before_length);
    else
        append(w, it->after, it->after_length);
    return RJ_OK;
}

static int
pump(rj_writer *w)
{
    while (w->item.stage != DONE) {
        int rc = pump_stage(w);
        if (rc != RJ_OK)
            return rc < 0 ? fail(w, rc) : rc;
        w->item.stage++;
    }
    return RJ_OK;
}

static void
add_before(item *it, char c)
{
    it->before[it->before_length++] = (uint8_t)c;
}

static void
add_after(item *it, char c)
{
    it->after[it->after_length++] = (uint8_t)c;
}

static uint8_t *
innermost(rj_writer *w)
{
    return w->depth ? &w->levels[w->depth - 1] : NULL;
}

/* Whether a new item may begin at all; empties it. */
static int
begin_item(rj_writer *w)
{
    if (w->status < 0)
        return w->status;
    if (w->item.stage != DONE || w->in_sink)
        return fail(w, RJ_ESTATE);
    w->item = (item){.stage = BEFORE};
    return RJ_OK;
}

/* A value is next: checks that one may stand here, and writes the comma. */
static int
begin_value(rj_writer *w)
{
    int rc = begin_item(w);
    if (rc < 0)
        return rc;
    uint8_t *level = innermost(w);
    if (!level) {
        if (w->root_done)
            return fail(w, RJ_ESTATE);
        w->root_done = 1;
        return RJ_OK;
    }
    if (*level & IN_OBJECT) {
        if (!(*level & AWAITS_VALUE))
            return fail(w, RJ_ESTATE);
        *level &= (uint8_t)~AWAITS_VALUE;
        return RJ_OK;
    }
    if (*level & HAS_ITEMS)
        add_before(&w->item, ',');
    *level |= HAS_ITEMS;
    return RJ_OK;
}

static int
open_level(rj_writer *w, uint8_t level)
{
    if (w->depth >= RJ_WRITER_MAX_DEPTH)
        return fail(w, RJ_EDEPTH);
    if (w->depth == w->levels_capacity) {
        size_t capacity = w->levels_capacity ? w->levels_capacity * 2 : 32;
        uint8_t *levels = rj__reallocate(&w->alloc, w->levels, capacity);
        if (!levels)
            return fail(w, RJ_ENOMEM);
        w->levels = levels;
        w->levels_capacity = capacity;
    }
    w->levels[w->depth++] = level;
    return RJ_OK;
}

static int
begin_container(rj_writer *w, uint8_t level, char bracket)
{
    int rc = begin_value(w);
    if (rc == RJ_OK)
        rc = open_level(w, level);
    if (rc < 0)
        return rc;
    add_before(&w->item, bracket);
    return pump(w);
}

static int
end_container(rj_writer *w, uint8_t kind, char bracket)
{
    int rc = begin_item(w);
    if (rc < 0)
        return rc;
    uint8_t *level = innermost(w);
    if (!level || !(*level & kind) || (*level & AWAITS_VALUE))
        return fail(w, RJ_ESTATE);
    w->depth--;
    add_before(&w->item, bracket);
    return pump(w);
}

int
rj_writer_begin_object(rj_writer *w)
{
    return begin_container(w, IN_OBJECT, '{');
}

int
rj_writer_end_object(rj_writer *w)
{
    return end_container(w, IN_OBJECT, '}');
}

int
rj_writer_begin_array(rj_writer *w)
{
    return begin_container(w, IN_ARRAY, '[');
}

int
rj_writer_end_array(rj_writer *w)
{
    return end_container(w, IN_ARRAY, ']');
}

static void
set_text(rj_writer *w, rj__text_kind kind, const void *data, size_t length)
{
    w->item.text = (rj__text){.data = data, .length = length, .kind = kind};
}

static void
set_quoted(rj_writer *w, const char *utf8, size_t length)
{
    add_before(&w->item, '"');
    set_text(w, RJ__TEXT_UTF8, utf8, length);
    add_after(&w->item, '"');
}

int
rj_writer_put_key(rj_writer *w, const char *utf8, size_t length)
{
    int rc = begin_item(w);
    if (rc < 0)
        return rc;
    uint8_t *level = innermost(w);
    if (!level || !(*level & IN_OBJECT) || (*level & AWAITS_VALUE))
        return fail(w, RJ_ESTATE);
    if (!rj__utf8_valid((const uint8_t *)utf8, length))
        return fail(w, RJ_EUTF8);
    if (*level & HAS_ITEMS)
        add_before(&w->item, ',');
    *level |= HAS_ITEMS | AWAITS_VALUE;
    set_quoted(w, utf8, length);
    add_after(&w->item, ':');
    return pump(w);
}

int
rj_writer_put_string(rj_writer *w, const char *utf8, size_t length)
{
    int rc = begin_value(w);
    if (rc < 0)
        return rc;
    if (!rj__utf8_valid((const uint8_t *)utf8, length))
        return fail(w, RJ_EUTF8);
    set_quoted(w, utf8, length);
    return pump(w);
}

int
rj_writer_put_raw(rj_writer *w, const char *json, size_t length)
{
    int rc = begin_value(w);
    if (rc < 0)
        return rc;
    if (length == 0)
        return fail(w, RJ_EINVAL);
    if (!rj__utf8_valid((const uint8_t *)json, length))
        return fail(w, RJ_EUTF8);
    set_text(w, RJ__TEXT_RAW, json, length);
    return pump(w);
}

/* Writes the value whose text was put in w->small, up to `end`. */
static int
put_small(rj_writer *w, const uint8_t *end)
{
    set_text(w, RJ__TEXT_RAW, w->small, (size_t)(end - w->small));
    return pump(w);
}

int
rj_writer_put_int64(rj_writer *w, int64_t value)
{
    int rc = begin_value(w);
    return rc < 0 ? rc : put_small(w, rj__put_i64(w->small, value));
}

int
rj_writer_put_uint64(rj_writer *w, uint64_t value)
{
    int rc = begin_value(w);
    return rc < 0 ? rc : put_small(w, rj__put_u64(w->small, value));
}

int
rj_writer_put_double(rj_writer *w, double value)
{
    int rc = begin_value(w);
    if (rc < 0)
        return rc;
    if (!isfinite(value))
        return fail(w, RJ_ENUMBER);
    return put_small(w, rj__put_double(w->small, value));
}

static int
put_literal(rj_writer *w, const char *literal)
{
    int rc = begin_value(w);
    if (rc < 0)
        return rc;
    set_text(w, RJ__TEXT_RAW, literal, strlen(literal));
    return pump(w);
}

int
rj_writer_put_bool(rj_writer *w, int value)
{
    return put_literal(w, value ? "true" : "false");
}

int
rj_writer_put_null(rj_writer *w)
{
    return put_literal(w, "null");
}

int
rj_writer_resume(rj_writer *w)
{
    if (w->in_sink)
        return fail(w, RJ_ESTATE);
    return w->status < 0 ? w->status : pump(w);
}

int
rj_writer_finish(rj_writer *w)
{
    if (w->status < 0)
        return w->status;
    if (w->depth > 0 || !w->root_done || w->in_sink)
        return fail(w, RJ_ESTATE);
    int rc = pump(w);
    if (rc == RJ_OK)
        rc = give_window_back(w);
    if (rc == RJ_OK) {
        w->in_sink = 1;
        rc = rj_sink_flush(w->sink);
        w->in_sink = 0;
    }
    if (rc >= 0 && w->status < 0)
        rc = w->status; /* the callback has used the writer */
    return rc < 0 ? fail(w, rc) : rc;
}

void
rj_writer_reset(rj_writer *w)
{
    if (w->in_sink) {
        fail(w, RJ_ESTATE);
        return;
    }
    /* What the sink has not got of a document that was given up is dropped. */
    if (w->window.cur)
        rj_sink_take(w->sink, 0); /* a failure sticks, and shows itself at the next lend */
    w->window.cur = NULL;
    w->item.stage = DONE;
    w->depth = 0;
    w->root_done = 0;
    w->status = RJ_OK;
}

rj_writer_failure
rj_writer_error(const rj_writer *w)
{
    return (rj_writer_failure){w->status, w->status == RJ_EIO ? w->sink->sys_errno : 0, w->sink->accepted};
}

int
rj_writer_new(rj_writer **out, rj_sink *sink, const rj_allocator *alloc)
{
    rj_allocator a = rj__allocator_or_default(alloc);
    rj_writer *w = rj__allocate(&a, sizeof *w);
    if (!w)
        return RJ_ENOMEM;
    *w = (rj_writer){.alloc = a, .sink = sink, .arch = rj__arch_named(NULL)};
    rj_writer_reset(w);
    *out = w;
    return RJ_OK;
}

void
rj_writer_free(rj_writer *w)
{
    if (!w)
        return;
    rj_allocator a = w->alloc;
    rj__release(&a, w->levels);
    rj__release(&a, w);
}
