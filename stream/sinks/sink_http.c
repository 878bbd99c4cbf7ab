/*
 * The HTTP chunked sink: each window of another sink becomes a chunk of an HTTP/1.1 body, framed in place.
 *
 *     inner window:  | size line, padded with zeros | the window that is lent | CRLF |
 */
#include "sinks/http_chunk.h"

#define SIZE_DIGITS 8
#define HEAD (SIZE_DIGITS + 2)
#define TAIL 2

_Static_assert(RJ_CHUNK_MIN - HEAD - TAIL >= RJ_WINDOW_MIN, "a framed window must be large enough");
_Static_assert(RJ_CHUNK_MAX < (uint64_t)1 << (4 * SIZE_DIGITS), "every chunk's size must fit");

typedef struct http_sink {
    rj_sink base;
    rj_allocator alloc;
    rj_sink *inner; /* borrowed */
    uint8_t *start; /* of the inner window */
    int ended;      /* the last-chunk has been handed to the inner sink */
} http_sink;

/* Shows the inner sink's state as this one's own; answers what the inner one did. */
static int
mirror(http_sink *s, int rc)
{
    s->base.accepted = s->inner->accepted;
    return rc < 0 ? rj_sink_fail(&s->base, rc, s->inner->sys_errno) : rc;
}

static int
http_lend(rj_sink *base, size_t hint, rj_window *out)
{
    http_sink *s = (http_sink *)base;
    if (s->ended)
        return RJ_ESTATE;
    int rc = rj_sink_lend(s->inner, hint, out);
    if (rc != RJ_OK)
        return mirror(s, rc);
    s->start = out->cur;
    out->cur += HEAD;
    out->end -= TAIL;
    return RJ_OK;
}

static int
http_take(rj_sink *base, size_t used)
{
    http_sink *s = (http_sink *)base;
    if (used == 0) /* a chunk without data would be the last one */
        return mirror(s, rj_sink_take(s->inner, 0));
    memset(s->start, '0', SIZE_DIGITS);
    rj__http_put_size_line(s->start + HEAD, used);
    memcpy(s->start + HEAD + used, RJ__HTTP_CRLF, TAIL);
    return mirror(s, rj_sink_take(s->inner, HEAD + used + TAIL));
}

static int
http_flush(rj_sink *base)
{
    http_sink *s = (http_sink *)base;
    return mirror(s, rj_sink_flush(s->inner));
}

static void
http_abort(rj_sink *base)
{
    http_sink *s = (http_sink *)base;
    rj_sink_abort(s->inner);
    mirror(s, s->inner->status);
}

static void
http_close(rj_sink *base)
{
    http_sink *s = (http_sink *)base;
    rj_allocator alloc = s->alloc;
    rj__release(&alloc, s);
}

static const rj_sink_ops http_ops = {http_lend, http_take, http_flush, http_abort, http_close};

int
rj_http_chunked_sink_new(rj_sink **out, rj_sink *inner, const rj_allocator *alloc)
{
    rj_allocator a = rj__allocator_or_default(alloc);
    http_sink *s = rj__allocate(&a, sizeof *s);
    if (!s)
        return RJ_ENOMEM;
    *s = (http_sink){.base = {&http_ops, 0, RJ_OK, 0}, .alloc = a, .inner = inner};
    *out = &s->base;
    return RJ_OK;
}

int
rj_http_chunked_sink_finish(rj_sink *sink)
{
    http_sink *s = (http_sink *)sink;
    if (sink->status < 0)
        return sink->status;
    if (!s->ended) {
        rj_window w;
        int rc = rj_sink_lend(s->inner, 0, &w);
        if (rc != RJ_OK)
            return mirror(s, rc);
        memcpy(w.cur, RJ__HTTP_LAST_CHUNK, sizeof RJ__HTTP_LAST_CHUNK - 1);
        s->ended = 1;
        rc = rj_sink_take(s->inner, sizeof RJ__HTTP_LAST_CHUNK - 1);
        if (rc < 0)
            return mirror(s, rc);
    }
    return http_flush(sink);
}

void
rj_http_chunked_sink_reset(rj_sink *sink)
{
    ((http_sink *)sink)->ended = 0;
}
