/* libuv's stream handles on descriptors of our own, and its loop driven from outside. */
#ifndef RJSON_STREAM_UV_UV_HANDLE_H
#define RJSON_STREAM_UV_UV_HANDLE_H

#include "internal.h"

#include <uv.h>

typedef union rj__uv_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_tty_t tty;
} rj__uv_handle;

/* Whether libuv has a kind of stream for this descriptor. */
int rj__uv_can_open(int fd);
/* Opens the right kind of stream. The handle owns `fd` afterwards. RJ_OK, or a UV_ code, with the handle not
 * initialized or closing (uv_is_closing tells): then `closed` is called in its time. */
int rj__uv_open(uv_loop_t *loop, rj__uv_handle *handle, int fd, uv_close_cb closed);
/* Lets the loop do what is ready, without waiting, and keeps SIGPIPE from the process. */
void rj__uv_turn(uv_loop_t *loop);
/* Waits until the loop has something to do, at most until `deadline_ns` (0: no limit), with the hooks around the
 * wait, and lets it do that. RJ_OK, RJ_ETIMEOUT, or RJ_ECANCELED when the hooks asked to stop, or RJ_EPROCESS when
 * they have forked: in the child the loop does nothing, because what is on its way is the parent's to send. */
int rj__uv_wait(uv_loop_t *loop, uint64_t deadline_ns, const rj_wait_hooks *hooks);

#endif
