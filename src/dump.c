/* Running an encoder against a target to the end. */
#include "dump.h"

static int
on_window(rj_encoder *e)
{
    return rj_pace_on_window(e, e->on_window_ctx);
}

static int
flush(rj_encoder *e, const rj_pace *pace)
{
    if (rj_pace_check_open(pace) < 0 || rj_sink_flush(e->sink) < 0)
        return -1;
    return rj_pace_report(pace, e->sink->accepted);
}

/* Waits for a write that is under way on a second thread, so that the count of bytes is final. Keeps the exception. */
static void
abort_sink(rj_sink *sink)
{
    PyThreadState *saved = PyEval_SaveThread();
    rj_sink_abort(sink);
    PyEval_RestoreThread(saved);
}

int
rj_dump_run(rj_state *state, const rj_options *options, PyObject *obj, const rj_target *target, rj_sink *sink, rj_pace *pace)
{
    rj_encoder *e = rj_encoder_acquire(state, options, obj, sink);
    if (!e)
        return -1;
    e->on_window = on_window;
    e->on_window_ctx = pace;
    int rc = rj_encoder_run(e) == RJ_RUN_DONE ? flush(e, pace) : -1;
    if (rc < 0) {
        e->target_failed = sink->status < 0;
        abort_sink(sink);
        rj_encoder_raise(e, target->label, sink->accepted);
    }
    rj_encoder_release(e);
    return rc;
}
