/* One write to a file descriptor, and the wait before the next: every system call of the fd sink. */
#ifndef RJSON_STREAM_SINKS_FD_IO_H
#define RJSON_STREAM_SINKS_FD_IO_H

#include "internal.h"

#include <sys/types.h>
#include <sys/uio.h>

/* How a descriptor is written to. */
typedef enum rj__fd_kind {
    RJ__FD_SOCKET,   /* send(MSG_DONTWAIT), without a signal: never blocks, whatever its flags */
    RJ__FD_NONBLOCK, /* O_NONBLOCK is set: write never blocks */
    RJ__FD_NOWAIT,   /* a blocking pipe: pwritev2(RWF_NOWAIT), which never blocks where the kernel has it for pipes */
    RJ__FD_PIPE,     /* the same where the kernel has not: poll, then at most PIPE_BUF bytes, which a writable pipe takes */
    RJ__FD_FILE,     /* a regular file: blocks, though never for a peer */
    RJ__FD_BLOCKING  /* anything else: may block for as long as the peer likes */
} rj__fd_kind;

typedef struct rj__fd_io {
    int fd;
    rj__fd_kind kind;
    int guard_sigpipe;  /* SIGPIPE must be kept from the process: it isn't ignored, and this descriptor's writes raise it */
    int must_not_block; /* writes return instead: there is a timeout to keep, or a pause to answer */
    int64_t timeout_ms;
    rj_wait_hooks hooks;
} rj__fd_io;

/* Looks at the descriptor. RJ_OK, or RJ_EIO with errno set. */
int rj__fd_io_init(rj__fd_io *io, int fd, const rj_fd_options *options);
/* Writes what the descriptor takes now: bytes written, or -1 with errno (EAGAIN and EINTR among them). Runs the
 * hooks where the call may block; *stop is set when they asked to stop. */
ssize_t rj__fd_io_write(rj__fd_io *io, const struct iovec *parts, int count, int *stop);
/* Waits until the descriptor takes bytes again, at most until `deadline_ns` (0: no limit). RJ_OK to try again (an
 * error condition shows itself there), RJ_ETIMEOUT, or RJ_ECANCELED when the hooks asked to stop. */
int rj__fd_io_wait(const rj__fd_io *io, uint64_t deadline_ns);
/* Waits for `events` of poll(2) on a descriptor, with the hooks around it. Same results. */
int rj__fd_wait(int fd, short events, uint64_t deadline_ns, const rj_wait_hooks *hooks);
/* Sends to a socket what it takes now, without waiting: bytes sent, or -1 with errno (EAGAIN among them, EINTR not). */
ssize_t rj__send_now(int fd, const uint8_t *data, size_t length);

/* ---- descriptors that are kept */
/* Another descriptor for the same file, closed on exec; -1 with errno. */
int rj__fd_duplicate(int fd);
void rj__fd_close(int fd);
/* O_NONBLOCK belongs to the open file description, so to everybody who has it open. -1 with errno. */
int rj__fd_is_nonblocking(int fd);
void rj__fd_set_nonblocking(int fd, int on);
/* Something that polls as readable, ends[0], from when eight bytes are written to ends[1]; both may be one descriptor. 0, or -1
 * with errno. */
int rj__fd_wakeup(int ends[2]);
/* Ends a connection so that the peer does not take what it got for all there is: TCP sends RST. Descriptors stay open. */
void rj__fd_reset_connection(int fd);
/* To notice a fork. */
int rj__process_id(void);

#endif
