/* Running an encoder against a target to the end. */
#include "dump/dump.h"

#include "cpython/exceptions.h"
#include "encode/sources.h"

static int
on_window(rjpy_encoder *e)
{
    return rjpy_pace_on_window(e, e->on_window_ctx);
}

/* Where the sink has paused: 0 when it may go on, -1 when it has failed or an exception is set. */
static int
wait_for(rj_sink *sink, const rjpy_waiting_sink *waiting, const rjpy_target *target, rjpy_pace *pace)
{
    rj_wait_hooks hooks = rjpy_pace_hooks(pace);
    int rc = waiting->wait(waiting->ctx, target->timeout_ms, &hooks);
    return rc < 0 ? (rj_sink_fail(sink, rc, 0), -1) : 0;
}

/* `waiting`: NULL for a sink that never pauses. */
static int
encode(rjpy_encoder *e, const rjpy_waiting_sink *waiting, const rjpy_target *target, rjpy_pace *pace)
{
    rjpy_run run;
    while ((run = rjpy_encoder_run(e)) == RJ_RUN_PAUSED && waiting)
        if (wait_for(e->sink, waiting, target, pace) < 0)
            return -1;
    return run == RJ_RUN_DONE ? 0 : -1;
}

/* Bytes that were encoded before. */
static int
copy(rjpy_encoder *e, PyObject *bytes, const rjpy_waiting_sink *waiting, const rjpy_target *target, rjpy_pace *pace)
{
    const char *data = PyBytes_AS_STRING(bytes);
    size_t left = (size_t)PyBytes_GET_SIZE(bytes);
    e->target_failed = 1; /* whatever fails now has no place in a document */
    while (left > 0) {
        rj_window w;
        int rc = rj_sink_lend(e->sink, left, &w);
        if (rc == RJ_PAUSE && waiting && wait_for(e->sink, waiting, target, pace) == 0)
            continue;
        if (rc != RJ_OK)
            return -1;
        size_t count = (size_t)(w.end - w.cur) < left ? (size_t)(w.end - w.cur) : left;
        memcpy(w.cur, data, count);
        if (rj_sink_take(e->sink, count) < 0 || on_window(e) < 0)
            return -1;
        data += count;
        left -= count;
    }
    return 0;
}

static int
flush(rjpy_encoder *e, const rjpy_waiting_sink *waiting, const rjpy_target *target, rjpy_pace *pace)
{
    if (rjpy_pace_check_open(pace) < 0)
        return -1;
    int rc;
    while ((rc = rj_sink_flush(e->sink)) == RJ_PAUSE)
        if (wait_for(e->sink, waiting, target, pace) < 0)
            return -1;
    return rc < 0 ? -1 : rjpy_pace_report(pace, e->sink->accepted);
}

/* Waits for a write that is under way on a second thread, so that the count of bytes is final. Keeps the exception. */
static void
abort_sink(rj_sink *sink)
{
    PyThreadState *saved = PyEval_SaveThread();
    rj_sink_abort(sink);
    PyEval_RestoreThread(saved);
}

/* Tells the exception that is set how much the target has accepted. */
static void
note_bytes_written(const rjpy_state *state, uint64_t count)
{
    PyObject *exception = rjpy_take_exception(), *number = PyLong_FromUnsignedLongLong(count);
    if (!number || PyObject_SetAttr(exception, state->str_bytes_written, number) < 0)
        PyErr_Clear(); /* one with slots has no room for it */
    Py_XDECREF(number);
    rjpy_set_exception(exception);
}

void
rjpy_filler_failed(const rjpy_state *state, rj_sink *sink)
{
    abort_sink(sink);
    note_bytes_written(state, sink->accepted);
}

PyObject *
rjpy_filler_result(const rjpy_state *state, uint64_t count)
{
    PyObject *result = PyLong_FromUnsignedLongLong(count);
    if (!result)
        note_bytes_written(state, count);
    return result;
}

static int
run(rjpy_state *state, const rjpy_options *options, PyObject *obj, const rjpy_target *target, rj_sink *sink,
    const rjpy_waiting_sink *waiting, rjpy_pace *pace)
{
    rjpy_encoder *e = rjpy_encoder_acquire(state, options, obj, sink);
    if (!e)
        return -1;
    e->on_window = on_window;
    e->on_window_ctx = pace;
    int rc = target->verbatim ? copy(e, obj, waiting, target, pace) : encode(e, waiting, target, pace);
    rc = rc == 0 ? flush(e, waiting, target, pace) : -1;
    if (rc < 0) {
        e->target_failed |= sink->status < 0;
        abort_sink(sink);
        rjpy_encoder_raise(e, target->label, sink->accepted);
        rjpy_encoder_close_sources(e);
    }
    rjpy_encoder_release(e);
    return rc;
}

static int
run_encoding(void *ctx, const rjpy_target *target, rj_sink *sink, rjpy_pace *pace)
{
    const rjpy_encoding *encoding = ctx;
    return run(encoding->state, encoding->options, encoding->obj, target, sink, NULL, pace);
}

rjpy_filler
rjpy_encoding_filler(rjpy_encoding *encoding)
{
    return (rjpy_filler){run_encoding, encoding, encoding->state, rjpy_decode_errors(encoding->options)};
}

PyObject *
rjpy_dump_waiting(rjpy_state *state, const rjpy_options *options, PyObject *obj, const rjpy_target *target,
                  const rjpy_waiting_sink *waiting)
{
    rjpy_pace pace = {.progress = target->progress};
    if (run(state, options, obj, target, waiting->sink, waiting, &pace) < 0)
        return NULL;
    return rjpy_filler_result(state, waiting->sink->accepted);
}
