/* A file descriptor as the target: stream/'s fd sink, with hooks for the GIL. */
#include "dump/dump.h"

#include "sinks/fd_io.h"

#include <errno.h>

/* Counts characters on their way to an fd sink: the bytes of a text file are written past its text layer. */
typedef struct counting_sink {
    rj_sink base;
    rj_sink *inner; /* owned */
    rj_window window;
    uint64_t characters;
} counting_sink;

/* Shows the inner sink's state as the counting sink's own; answers what the inner one did. */
static int
mirror(counting_sink *s, int rc)
{
    s->base.accepted = s->inner->accepted;
    return rc < 0 ? rj_sink_fail(&s->base, rc, s->inner->sys_errno) : rc;
}

static int
counting_lend(rj_sink *base, size_t hint, rj_window *out)
{
    counting_sink *s = (counting_sink *)base;
    int rc = rj_sink_lend(s->inner, hint, &s->window);
    *out = s->window;
    return mirror(s, rc);
}

static int
counting_take(rj_sink *base, size_t used)
{
    counting_sink *s = (counting_sink *)base;
    s->characters += rj__utf8_count(s->window.cur, used);
    return mirror(s, rj_sink_take(s->inner, used));
}

static int
counting_flush(rj_sink *base)
{
    counting_sink *s = (counting_sink *)base;
    return mirror(s, rj_sink_flush(s->inner));
}

static void
counting_abort(rj_sink *base)
{
    counting_sink *s = (counting_sink *)base;
    rj_sink_abort(s->inner);
    mirror(s, s->inner->status);
}

static void
counting_close(rj_sink *base)
{
    rj_sink_free(((counting_sink *)base)->inner);
}

static const rj_sink_ops counting_ops = {counting_lend, counting_take, counting_flush, counting_abort, counting_close};

static rj_sink *
new_fd_sink(const rjpy_target *target, int fd, rjpy_pace *pace)
{
    rj_fd_options options = RJ_FD_OPTIONS_INIT;
    rj_sink *sink;
    options.chunk_size = target->chunk_size;
    options.timeout_ms = target->timeout_ms;
    options.overlap = (int)target->overlap;
    options.hooks = rjpy_pace_hooks(pace);
    int rc = rj_fd_sink_new(&sink, fd, &options, NULL);
    if (rc == RJ_OK)
        return sink;
    if (rc == RJ_EIO)
        rjpy_raise_errno(errno, target->label);
    else
        PyErr_NoMemory();
    return NULL;
}

PyObject *
rjpy_fill_fd(const rjpy_filler *filler, const rjpy_target *target, int fd, int count_characters)
{
    rjpy_pace pace = {.progress = target->progress, .still_open = target->fileno, .fd = fd};
    counting_sink counting = {.base = {&counting_ops, 0, RJ_OK, 0}};
    counting.inner = new_fd_sink(target, fd, &pace);
    if (!counting.inner)
        return NULL;
    rj_sink *sink = count_characters ? &counting.base : counting.inner;
    int rc = filler->run(filler->ctx, target, sink, &pace);
    uint64_t count = count_characters ? counting.characters : sink->accepted;
    rj_sink_free(sink);
    return rc < 0 ? NULL : rjpy_filler_result(filler->state, count);
}

PyObject *
rjpy_dump_fd(rjpy_state *state, const rjpy_options *options, PyObject *obj, const rjpy_target *target, int fd,
             int count_characters)
{
    rjpy_encoding encoding = {state, options, obj};
    rjpy_filler filler = rjpy_encoding_filler(&encoding);
    return rjpy_fill_fd(&filler, target, fd, count_characters);
}

PyObject *
rjpy_fill_duplicate(const rjpy_filler *filler, const rjpy_fd_call *call)
{
    rjpy_target target = call->target;
    int fd = rj__fd_duplicate(call->fd);
    if (fd < 0) {
        rjpy_raise_errno(errno, target.label);
        return NULL;
    }
    target.fileno = NULL; /* a duplicate stays open */
    PyObject *count = rjpy_fill_fd(filler, &target, fd, call->characters);
    rj__fd_close(fd);
    return count;
}
