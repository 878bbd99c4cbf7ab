/* See uv_handle.h. */
#define _GNU_SOURCE /* for uv.h */
#include "uv/uv_handle.h"

#include "sinks/fd_io.h"
#include "sinks/sigpipe.h"

#include <poll.h>

int
rj__uv_can_open(int fd)
{
    uv_handle_type type = uv_guess_handle(fd);
    return type == UV_TCP || type == UV_NAMED_PIPE || type == UV_TTY;
}

static int
open_tcp(uv_loop_t *loop, rj__uv_handle *handle, int fd, uv_close_cb closed)
{
    int rc = uv_tcp_init(loop, &handle->tcp);
    if (rc == 0 && (rc = uv_tcp_open(&handle->tcp, fd)) < 0)
        uv_close(&handle->handle, closed);
    return rc;
}

static int
open_pipe(uv_loop_t *loop, rj__uv_handle *handle, int fd, uv_close_cb closed)
{
    int rc = uv_pipe_init(loop, &handle->pipe, 0);
    if (rc == 0 && (rc = uv_pipe_open(&handle->pipe, fd)) < 0)
        uv_close(&handle->handle, closed);
    return rc;
}

static int
open_tty(uv_loop_t *loop, rj__uv_handle *handle, int fd)
{
    int rc = uv_tty_init(loop, &handle->tty, fd, 0);
    uv_os_fd_t used;
    /* libuv opens terminals anew where it can, to leave the mode of the others' descriptors alone. */
    if (rc == 0 && uv_fileno(&handle->handle, &used) == 0 && used != fd)
        rj__fd_close(fd);
    return rc;
}

int
rj__uv_open(uv_loop_t *loop, rj__uv_handle *handle, int fd, uv_close_cb closed)
{
    switch (uv_guess_handle(fd)) {
    case UV_TCP:
        return open_tcp(loop, handle, fd, closed);
    case UV_NAMED_PIPE:
        return open_pipe(loop, handle, fd, closed);
    case UV_TTY:
        return open_tty(loop, handle, fd);
    default:
        return UV_EINVAL;
    }
}

void
rj__uv_turn(uv_loop_t *loop)
{
    rj__sigpipe guard = {0};
    if (!rj__sigpipe_is_ignored())
        rj__sigpipe_block(&guard);
    uv_run(loop, UV_RUN_NOWAIT);
    if (guard.blocked)
        rj__sigpipe_unblock(&guard);
}

int
rj__uv_wait(uv_loop_t *loop, uint64_t deadline_ns, const rj_wait_hooks *hooks)
{
    int pid = rj__process_id();
    rj__uv_turn(loop); /* what is new to the loop is not in its backend before */
    if (uv_backend_timeout(loop) != 0) {
        int rc = rj__fd_wait(uv_backend_fd(loop), POLLIN, deadline_ns, hooks);
        if (rc < 0)
            return rc;
        if (pid != rj__process_id())
            return RJ_EPROCESS;
    }
    rj__uv_turn(loop);
    return RJ_OK;
}
