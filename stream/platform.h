/*
 * What is Linux's own, and whether this build uses it. Elsewhere what POSIX has, or macOS, stands in its place, beside it:
 *
 *   sinks/fd_io.c         MSG_NOSIGNAL: SO_NOSIGPIPE, or SIGPIPE blocked. RWF_NOWAIT: poll, then PIPE_BUF bytes. eventfd: a pipe
 *   sinks/sigpipe.c       sigtimedwait: sigpending, then sigwait
 *   sinks/overlap.c       a condition on the monotonic clock: on the wall clock
 *   clock.c               the processors that this process may use: those that are there
 *
 * -DRJ_ONLY_POSIX compiles that on Linux too, for tests of it.
 */
#ifndef RJSON_STREAM_PLATFORM_H
#define RJSON_STREAM_PLATFORM_H

#if defined(__linux__) && !defined(RJ_ONLY_POSIX)
#define RJ__LINUX 1
#else
#define RJ__LINUX 0
#endif

#endif
