/* The transcoder, fed from a descriptor. */
#include "reformat/reformat.h"

#include "sinks/fd_io.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static int
fail_to_read(rj_reformat *r, int status, int sys_errno)
{
    rj__reformat_fail(r, status, rj_strerror(status));
    r->sys_errno = sys_errno;
    return r->status;
}

/* Reads what there is, at most until the deadline. RJ_OK, or a failure. */
static int
fill(rj_reformat *r, int fd, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    uint64_t deadline_ns = rj__deadline_ns(timeout_ms);
    for (;;) {
        if (hooks->enter)
            hooks->enter(hooks->ctx);
        ssize_t n = read(fd, r->read, RJ__READ_SIZE);
        int error = errno;
        if (hooks->leave && hooks->leave(hooks->ctx))
            return fail_to_read(r, RJ_ECANCELED, 0);
        if (n == 0)
            r->read_ended = 1; /* what was read last stays, to be shown where the end is a mistake */
        if (n > 0) {
            r->read_from = 0;
            r->read_to = (size_t)n;
        }
        if (n >= 0)
            return RJ_OK;
        if (error == EINTR)
            continue;
        if (error != EAGAIN && error != EWOULDBLOCK)
            return fail_to_read(r, RJ_EREAD, error);
        int rc = rj__fd_wait(fd, POLLIN, deadline_ns, hooks);
        if (rc < 0)
            return fail_to_read(r, rc, 0);
    }
}

int
rj_reformat_run_fd(rj_reformat *r, int fd, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    static const rj_wait_hooks none = {0};
    if (!r->read && !(r->read = rj__allocate(&r->alloc, RJ__READ_SIZE)))
        return rj__reformat_fail(r, RJ_ENOMEM, rj_strerror(RJ_ENOMEM));
    int rc = r->status;
    while (rc == RJ_OK && !r->read_ended) {
        if (r->read_from == r->read_to && (rc = fill(r, fd, timeout_ms, hooks ? hooks : &none)) < 0)
            return rc;
        size_t used;
        rc = rj_reformat_feed(r, r->read + r->read_from, r->read_to - r->read_from, &used);
        r->read_from += used;
    }
    return rc == RJ_OK ? rj_reformat_finish(r) : rc;
}
