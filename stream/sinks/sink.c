/* What all sinks share: the first failure stays. */
#include "internal.h"

int
rj_sink_fail(rj_sink *sink, int status, int sys_errno)
{
    if (sink->status == RJ_OK) {
        sink->status = status;
        sink->sys_errno = sys_errno;
    }
    return sink->status;
}

/* An op may fail without recording it; this is where it sticks. */
static int
settle(rj_sink *sink, int status)
{
    return status < 0 ? rj_sink_fail(sink, status, 0) : status;
}

int
rj_sink_lend(rj_sink *sink, size_t hint, rj_window *out)
{
    return sink->status < 0 ? sink->status : settle(sink, sink->ops->lend(sink, hint, out));
}

int
rj_sink_take(rj_sink *sink, size_t used)
{
    return sink->status < 0 ? sink->status : settle(sink, sink->ops->take(sink, used));
}

int
rj_sink_flush(rj_sink *sink)
{
    return sink->status < 0 ? sink->status : settle(sink, sink->ops->flush(sink));
}

void
rj_sink_abort(rj_sink *sink)
{
    if (sink->ops->abort)
        sink->ops->abort(sink);
    rj_sink_fail(sink, RJ_ECANCELED, 0);
}

void
rj_sink_free(rj_sink *sink)
{
    if (sink)
        sink->ops->close(sink);
}
