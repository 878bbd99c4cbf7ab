/* See fd_io.h. _GNU_SOURCE for pwritev2. */
#define _GNU_SOURCE
#include "sinks/fd_io.h"

#include "platform.h"
#include "sinks/sigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#if RJ__LINUX
#include <sys/eventfd.h>
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#else
#define SEND_FLAGS MSG_DONTWAIT
#endif

static rj__fd_kind
kind_of(mode_t mode, int flags)
{
    if (S_ISSOCK(mode))
        return RJ__FD_SOCKET;
    if (S_ISREG(mode))
        return RJ__FD_FILE;
    if (flags & O_NONBLOCK)
        return RJ__FD_NONBLOCK;
    if (S_ISFIFO(mode))
        return RJ__FD_NOWAIT;
    return RJ__FD_BLOCKING;
}

/* Whether a closed peer is an error of this descriptor's writes, and no signal; where it can be asked for, that is done. */
static int
is_signal_free(int fd, rj__fd_kind kind)
{
    if (kind == RJ__FD_FILE)
        return 1;
#if RJ__LINUX
    (void)fd;
    return kind == RJ__FD_SOCKET; /* SEND_FLAGS */
#elif defined(SO_NOSIGPIPE) && defined(F_SETNOSIGPIPE)
    /* macOS, where the signal is the process's: a thread that blocks it does not keep it from the others. */
    int on = 1;
    return kind == RJ__FD_SOCKET ? setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0
                                 : fcntl(fd, F_SETNOSIGPIPE, on) == 0;
#else
    (void)fd;
    return 0;
#endif
}

int
rj__fd_io_init(rj__fd_io *io, int fd, const rj_fd_options *options)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &st) < 0)
        return RJ_EIO;
    if ((flags & O_ACCMODE) == O_RDONLY) {
        errno = EBADF; /* what write(2) would say, before anything is encoded */
        return RJ_EIO;
    }
    io->fd = fd;
    io->kind = kind_of(st.st_mode, flags);
    io->guard_sigpipe = !is_signal_free(fd, io->kind) && !rj__sigpipe_is_ignored();
    io->must_not_block = options->pause || options->timeout_ms >= 0;
    io->timeout_ms = options->timeout_ms;
    io->hooks = options->hooks;
    return RJ_OK;
}

static void
enter(const rj_wait_hooks *hooks)
{
    if (hooks->enter)
        hooks->enter(hooks->ctx);
}

/* Keeps errno: the caller looks at it after the lock is held again. */
static int
leave(const rj_wait_hooks *hooks)
{
    int saved = errno;
    int stop = hooks->leave ? hooks->leave(hooks->ctx) : 0;
    errno = saved;
    return stop;
}

static ssize_t
write_parts(int fd, const struct iovec *parts, int count)
{
    return count == 1 ? write(fd, parts->iov_base, parts->iov_len) : writev(fd, parts, count);
}

static ssize_t
send_parts(int fd, const struct iovec *parts, int count)
{
    struct msghdr message = {0};
    message.msg_iov = (struct iovec *)parts;
    message.msg_iovlen = (size_t)count;
    return sendmsg(fd, &message, SEND_FLAGS);
}

static ssize_t
write_between_hooks(rj__fd_io *io, const struct iovec *parts, int count, int *stop)
{
    enter(&io->hooks);
    ssize_t n = write_parts(io->fd, parts, count);
    *stop = leave(&io->hooks);
    return n;
}

/* POSIX: a pipe that polls as writable takes PIPE_BUF bytes without blocking. (Linux; only another writer on the same pipe
 * could get in between.) */
static ssize_t
write_to_pipe(const rj__fd_io *io, const struct iovec *parts)
{
    struct pollfd p = {io->fd, POLLOUT, 0};
    int ready = poll(&p, 1, 0);
    if (ready == 0)
        errno = EAGAIN;
    if (ready <= 0)
        return -1;
    return write(io->fd, parts->iov_base, parts->iov_len < PIPE_BUF ? parts->iov_len : PIPE_BUF);
}

static ssize_t
write_nowait(rj__fd_io *io, const struct iovec *parts, int count, int *stop)
{
#if RJ__LINUX && defined(RWF_NOWAIT)
    ssize_t n = pwritev2(io->fd, parts, count, -1, RWF_NOWAIT);
    if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
        return n;
#endif
    /* Pipes have it since Linux 6.4. */
    io->kind = io->must_not_block ? RJ__FD_PIPE : RJ__FD_BLOCKING;
    return io->must_not_block ? write_to_pipe(io, parts) : write_between_hooks(io, parts, count, stop);
}

static ssize_t
write_by_kind(rj__fd_io *io, const struct iovec *parts, int count, int *stop)
{
    switch (io->kind) {
    case RJ__FD_SOCKET:
        return send_parts(io->fd, parts, count);
    case RJ__FD_NONBLOCK:
        return write_parts(io->fd, parts, count);
    case RJ__FD_NOWAIT:
        return write_nowait(io, parts, count, stop);
    case RJ__FD_PIPE:
        return write_to_pipe(io, parts);
    default:
        return write_between_hooks(io, parts, count, stop);
    }
}

static ssize_t
write_without_sigpipe(rj__fd_io *io, const struct iovec *parts, int count, int *stop)
{
    rj__sigpipe guard;
    rj__sigpipe_block(&guard);
    ssize_t n = write_by_kind(io, parts, count, stop);
    rj__sigpipe_unblock(&guard);
    return n;
}

ssize_t
rj__fd_io_write(rj__fd_io *io, const struct iovec *parts, int count, int *stop)
{
    *stop = 0;
    return io->guard_sigpipe ? write_without_sigpipe(io, parts, count, stop) : write_by_kind(io, parts, count, stop);
}

/* Milliseconds until the deadline, rounded up, as poll wants them. */
static int
poll_timeout(uint64_t deadline_ns)
{
    if (deadline_ns == 0)
        return -1;
    uint64_t now = rj__monotonic_ns();
    if (now >= deadline_ns)
        return 0;
    uint64_t ms = (deadline_ns - now + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

int
rj__fd_wait(int fd, short events, uint64_t deadline_ns, const rj_wait_hooks *hooks)
{
    struct pollfd p = {fd, events, 0};
    enter(hooks);
    int n = poll(&p, 1, poll_timeout(deadline_ns));
    if (leave(hooks))
        return RJ_ECANCELED;
    if (n == 0 && deadline_ns && rj__monotonic_ns() >= deadline_ns)
        return RJ_ETIMEOUT;
    return RJ_OK; /* ready, in error, or interrupted: what comes next tells */
}

int
rj__fd_io_wait(const rj__fd_io *io, uint64_t deadline_ns)
{
    return rj__fd_wait(io->fd, POLLOUT, deadline_ns, &io->hooks);
}

ssize_t
rj__send_now(int fd, const uint8_t *data, size_t length)
{
    ssize_t n;
    rj__sigpipe guard = {0};
    if (!is_signal_free(fd, RJ__FD_SOCKET) && !rj__sigpipe_is_ignored())
        rj__sigpipe_block(&guard);
    do {
        n = send(fd, data, length, SEND_FLAGS);
    } while (n < 0 && errno == EINTR);
    if (guard.blocked)
        rj__sigpipe_unblock(&guard);
    return n;
}

/* ---- descriptors of our own */

int
rj__fd_duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void
rj__fd_close(int fd)
{
    close(fd);
}

int
rj__fd_is_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : (flags & O_NONBLOCK) != 0;
}

void
rj__fd_set_nonblocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && ((flags & O_NONBLOCK) != 0) != on)
        fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int
rj__fd_wakeup(int ends[2])
{
#if RJ__LINUX
    ends[0] = ends[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ends[0] < 0 ? -1 : 0;
#else
    if (pipe(ends) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        rj__fd_set_nonblocking(ends[i], 1);
    }
    return 0;
#endif
}

void
rj__fd_reset_connection(int fd)
{
    /* Dissolving a TCP connection sends RST at once, whoever else has the socket open (connect(2)). A Unix socket
     * refuses. */
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct linger none = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (connect(fd, &nowhere, sizeof nowhere) < 0)
        shutdown(fd, SHUT_RDWR);
}

int
rj__process_id(void)
{
    return (int)getpid();
}
