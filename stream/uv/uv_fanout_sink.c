/* See uv_fanout.h. The producer's side: parts are filled, framed in place, and put in the inbox. */
#define _GNU_SOURCE /* for uv.h */
#include "uv/uv_fanout.h"

#include "framing.h"
#include "sinks/http_chunk.h"

#include <stdlib.h>

/* Behind the data: the end of an event, or a newline, and that of an HTTP chunk. */
#define TAIL_MAX 8
/* A part that is shorter than this share of its memory is copied: the copy costs less than what it would keep. */
#define COPY_BELOW(capacity) ((capacity) / 2)

static rj_fanout *
fanout_of(rj_sink *base)
{
    return (rj_fanout *)((char *)base - offsetof(rj_fanout, sink));
}

rj__part *
rj__part_new(rj__part_kind kind, size_t capacity)
{
    rj__part *part = malloc(sizeof *part + capacity);
    if (!part)
        return NULL;
    *part = (rj__part){.refs = 1, .kind = kind, .capacity = capacity};
    return part;
}

static size_t
head_room(const rj_fanout *f)
{
    return f->options.http_chunked ? RJ__HTTP_SIZE_LINE_MAX : 0;
}

static void
append(rj__part *part, const void *bytes, size_t length)
{
    memcpy(part->bytes + part->start + part->length, bytes, length);
    part->length += length;
}

/* ---- framing */

#define IS_ROW(public_name, row) ((int)(public_name) == (int)(row))
_Static_assert(IS_ROW(RJ_FRAMING_NONE, RJ__FRAMING_CONCAT) && IS_ROW(RJ_FRAMING_LINES, RJ__FRAMING_LINES) &&
                   IS_ROW(RJ_FRAMING_SSE, RJ__FRAMING_SSE) && IS_ROW(RJ_FRAMING_SEQ, RJ__FRAMING_SEQ),
               "the public names are rows of the table");
_Static_assert(TAIL_MAX >= RJ__FRAMING_AFFIX_MAX / 2 + 2 + 1, "suffix, space, CRLF");

static const rj__framing *
framing_of(const rj_fanout *f)
{
    return &rj__framings[f->options.framing];
}

static void
put_head(rj_fanout *f, rj__part *part)
{
    const rj__framing *framing = framing_of(f);
    if (framing->flags & RJ__FRAMING_FIELDS)
        append(part, f->sink.head, f->sink.head_length);
    append(part, framing->first.bytes, framing->first.length);
}

static void
put_tail(rj_fanout *f, rj__part *part)
{
    const rj__framing *framing = framing_of(f);
    append(part, framing->suffix.bytes, framing->suffix.length);
    if (framing->flags & RJ__FRAMING_SPACED && !rj__framing_is_self_delimiting(f->sink.last_byte))
        append(part, " ", 1);
}

static void
frame_http(const rj_fanout *f, rj__part *part)
{
    if (!f->options.http_chunked || part->length == 0) /* a chunk without data would be the last one */
        return;
    uint8_t *line = rj__http_put_size_line(part->bytes + part->start, part->length);
    append(part, RJ__HTTP_CRLF, 2);
    part->length += (size_t)(part->bytes + part->start - line);
    part->start = (size_t)(line - part->bytes);
}

static void
frame(rj_fanout *f, rj__part *part, int is_last)
{
    size_t length = part->start + part->length - f->sink.content;
    if (length)
        f->sink.last_byte = part->bytes[part->start + part->length - 1];
    if (framing_of(f)->flags & RJ__FRAMING_ONE_LINE)
        rj__framing_join_lines(part->bytes + f->sink.content, length);
    if (is_last)
        put_tail(f, part);
    frame_http(f, part);
}

/* ---- parts */

/* The part to be put in the inbox: the one that was filled, or a copy of the right size. NULL without memory. */
static rj__part *
take_filled(rj_fanout *f)
{
    rj__part *part = f->sink.filling;
    if (part->length >= COPY_BELOW(part->capacity)) {
        f->sink.filling = NULL;
        return part;
    }
    rj__part *copy = rj__part_new(RJ__PART_DATA, part->length);
    if (copy)
        append(copy, part->bytes + part->start, part->length);
    return copy;
}

static int
publish(rj_fanout *f, int is_last)
{
    frame(f, f->sink.filling, is_last);
    size_t length = f->sink.filling->length;
    rj__part *part = take_filled(f);
    if (!part)
        return RJ_ENOMEM;
    part->is_first = f->sink.is_first;
    part->is_last = is_last;
    f->sink.is_first = 0;
    if (f->sink.filling)
        f->sink.filling->length = 0;
    int rc = rj__fanout_publish(f, part);
    if (rc == RJ_OK)
        f->sink.base.accepted += length;
    return rc;
}

/* Makes an empty part the one to be filled, with the message's head in it if it is the first. */
static int
begin_part(rj_fanout *f)
{
    rj__fanout_sink *s = &f->sink;
    /* Made now, because a message must be given up even without memory. */
    if (!s->broken && !(s->broken = rj__part_new(RJ__PART_BROKEN, 0)))
        return RJ_ENOMEM;
    if (!s->filling) {
        size_t room = head_room(f) + RJ_FANOUT_HEAD_MAX + RJ__FRAMING_AFFIX_MAX + TAIL_MAX;
        s->filling = rj__part_new(RJ__PART_DATA, f->options.chunk_size + room);
        if (!s->filling)
            return RJ_ENOMEM;
    }
    s->filling->start = head_room(f);
    s->filling->length = 0;
    if (s->is_first)
        put_head(f, s->filling);
    s->content = s->filling->start + s->filling->length;
    return RJ_OK;
}

static size_t
room_in(const rj__part *part)
{
    return part->capacity - TAIL_MAX - part->start - part->length;
}

/* ---- the sink */

static int
sink_lend(rj_sink *base, size_t hint, rj_window *out)
{
    rj_fanout *f = fanout_of(base);
    rj__fanout_sink *s = &f->sink;
    (void)hint;
    if (rj__fanout_is_foreign(f))
        return RJ_EPROCESS;
    if (s->is_open && s->filling && s->filling->length && room_in(s->filling) < RJ_CHUNK_MIN) {
        int rc = publish(f, 0);
        if (rc < 0)
            return rc;
    }
    int is_new = !s->is_open || !s->filling || s->filling->length == 0;
    if (is_new) {
        int rc = rj__fanout_check(f);
        if (rc != RJ_OK)
            return rc;
        if (!s->is_open)
            s->is_open = s->is_first = 1;
        rc = begin_part(f);
        if (rc < 0)
            return rc;
    }
    out->cur = s->filling->bytes + s->filling->start + s->filling->length;
    out->end = out->cur + room_in(s->filling);
    return RJ_OK;
}

static int
sink_take(rj_sink *base, size_t used)
{
    fanout_of(base)->sink.filling->length += used;
    return RJ_OK;
}

static int
sink_flush(rj_sink *base)
{
    rj_fanout *f = fanout_of(base);
    if (rj__fanout_is_foreign(f))
        return RJ_EPROCESS;
    if (!f->sink.is_open)
        return RJ_OK;
    if (!f->sink.filling || f->sink.filling->length == 0) { /* its last part is in the inbox already, and does not say so */
        int rc = begin_part(f);
        if (rc < 0)
            return rc;
    }
    int rc = publish(f, 1);
    f->sink.is_open = rc < 0;
    return rc;
}

static void
sink_abort(rj_sink *base)
{
    rj_fanout *f = fanout_of(base);
    int is_out = f->sink.is_open && !f->sink.is_first;
    f->sink.is_open = 0;
    if (f->sink.filling)
        f->sink.filling->length = 0;
    if (!is_out || rj__fanout_is_foreign(f))
        return;
    rj__fanout_publish(f, f->sink.broken);
    f->sink.broken = NULL;
}

static void
sink_close(rj_sink *base)
{
    (void)base; /* it goes with its fan-out */
}

static const rj_sink_ops fanout_ops = {sink_lend, sink_take, sink_flush, sink_abort, sink_close};

void
rj__fanout_sink_init(rj_fanout *f)
{
    f->sink.base.ops = &fanout_ops;
}

void
rj__fanout_sink_deinit(rj_fanout *f)
{
    free(f->sink.filling);
    free(f->sink.broken);
}

rj_sink *
rj_fanout_sink(rj_fanout *f)
{
    return &f->sink.base;
}

void
rj_fanout_reset_sink(rj_fanout *f)
{
    if (f->sink.is_open)
        sink_abort(&f->sink.base);
    f->sink.base.status = RJ_OK;
    f->sink.base.accepted = 0;
}

int
rj_fanout_set_event_head(rj_fanout *f, const char *lines, size_t length)
{
    if (length > RJ_FANOUT_HEAD_MAX || f->sink.is_open)
        return RJ_EINVAL;
    memcpy(f->sink.head, lines, length);
    f->sink.head_length = length;
    return RJ_OK;
}

int
rj_fanout_send_raw(rj_fanout *f, const char *bytes, size_t length)
{
    if (f->sink.is_open)
        return RJ_ESTATE;
    if (length == 0)
        return RJ_OK;
    rj__part *part = rj__part_new(RJ__PART_RAW, head_room(f) + length + TAIL_MAX);
    if (!part)
        return RJ_ENOMEM;
    part->start = head_room(f);
    append(part, bytes, length);
    frame_http(f, part);
    part->is_first = part->is_last = 1;
    return rj__fanout_publish(f, part);
}
