/* For LD_PRELOAD: the nth call of the system that goes to a file, pipe or socket of the program's choice fails with an errno, or is cut short.
 *
 *     FAULT_CALLS   which: letters of w (write, writev, pwritev2), s (send, sendmsg), f (fsync), r (rename), o (open), c (close), p (poll)
 *     fault_arm(n, error, times)   from now on the nth of them and those after it, `times` in all, fail; error 0: w and s take one byte only
 *     fault_count()         how many there were since then
 *
 * Calls of all threads count. What the C library itself calls inside does not pass here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long fault_at, fault_calls;
static atomic_int fault_error, fault_times;

__attribute__((visibility("default"))) void fault_arm(long n, int error, int times);
__attribute__((visibility("default"))) long fault_count(void);

void
fault_arm(long n, int error, int times)
{
    fault_at = 0;
    fault_error = error;
    fault_times = times;
    fault_calls = 0;
    fault_at = n;
}

long
fault_count(void)
{
    return fault_calls;
}

static int
is_meant(char letter)
{
    const char *calls = getenv("FAULT_CALLS");
    return fault_at && calls && strchr(calls, letter);
}

/* Whether this call is one that is to go wrong. */
static int
goes_wrong(char letter)
{
    if (!is_meant(letter))
        return 0;
    long n = atomic_fetch_add(&fault_calls, 1) + 1;
    return n >= fault_at && n < fault_at + fault_times;
}

static int
fails(char letter)
{
    if (!goes_wrong(letter))
        return 0;
    errno = fault_error;
    return 1;
}

/* The C library's function of that name, as its own type (POSIX has pointers to functions fit into those to objects). */
#define REAL(name) (*(__typeof__(&name) *)&(void *){dlsym(RTLD_NEXT, #name)})

ssize_t
write(int fd, const void *data, size_t length)
{
    if (goes_wrong('w')) {
        errno = fault_error;
        return fault_error ? -1 : REAL(write)(fd, data, length ? 1 : 0);
    }
    return REAL(write)(fd, data, length);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    if (goes_wrong('w')) {
        errno = fault_error;
        return fault_error ? -1 : REAL(write)(fd, parts->iov_base, parts->iov_len ? 1 : 0);
    }
    return REAL(writev)(fd, parts, count);
}

ssize_t
pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    if (goes_wrong('w')) {
        errno = fault_error;
        return fault_error ? -1 : REAL(write)(fd, parts->iov_base, parts->iov_len ? 1 : 0);
    }
    return REAL(pwritev2)(fd, parts, count, offset, flags);
}

ssize_t
send(int fd, const void *data, size_t length, int flags)
{
    if (goes_wrong('s')) {
        errno = fault_error;
        return fault_error ? -1 : REAL(send)(fd, data, length ? 1 : 0, flags);
    }
    return REAL(send)(fd, data, length, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (goes_wrong('s')) {
        errno = fault_error;
        return fault_error ? -1 : REAL(send)(fd, message->msg_iov->iov_base, message->msg_iov->iov_len ? 1 : 0, flags);
    }
    return REAL(sendmsg)(fd, message, flags);
}

int
fsync(int fd)
{
    return fails('f') ? -1 : REAL(fsync)(fd);
}

int
rename(const char *from, const char *to)
{
    return fails('r') ? -1 : REAL(rename)(from, to);
}

/* As on Linux, the descriptor is gone whatever it answers. */
int
close(int fd)
{
    int saved = goes_wrong('c') ? fault_error : 0, rc = REAL(close)(fd);
    if (!saved)
        return rc;
    errno = saved;
    return -1;
}

int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return fails('p') ? -1 : REAL(poll)(fds, count, timeout);
}

static mode_t
mode_of(int flags, va_list *more)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(*more, int) : 0;
}

int
open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, &more);
    va_end(more);
    return fails('o') ? -1 : REAL(open)(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, &more);
    va_end(more);
    return fails('o') ? -1 : REAL(open64)(path, flags, mode);
}
