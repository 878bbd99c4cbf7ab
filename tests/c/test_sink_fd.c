/* The fd sink loses nothing and sends nothing twice: real pipes, sockets and files, blocking or not, slow readers, signals,
 * timeouts, full disks and closed peers; with and without the second thread. */
#define _GNU_SOURCE
#include "harness.h"

#include "sinks/fd_io.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TOTAL 700000u /* more than a pipe or socket buffer holds */

static uint8_t
pattern(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

/* Writes `total` bytes of the pattern. RJ_PAUSE is answered by trying again after a moment. */
static int
produce(rj_sink *sink, size_t total)
{
    size_t done = 0;
    int rc;
    while (done < total) {
        rj_window w;
        while ((rc = rj_sink_lend(sink, 0, &w)) == RJ_PAUSE)
            usleep(200);
        if (rc < 0)
            return rc;
        size_t n = (size_t)(w.end - w.cur) < total - done ? (size_t)(w.end - w.cur) : total - done;
        for (size_t i = 0; i < n; i++)
            w.cur[i] = pattern(done + i);
        done += n;
        if ((rc = rj_sink_take(sink, n)) < 0)
            return rc;
    }
    while ((rc = rj_sink_flush(sink)) == RJ_PAUSE)
        usleep(200);
    return rc;
}

/* ---- a reader on another thread */
typedef struct reader {
    int fd;
    int slow;
    size_t stop_after; /* closes its end then; 0: reads all */
    size_t length;
    int wrong;
    pthread_t thread;
} reader;

static void *
reader_main(void *arg)
{
    reader *r = arg;
    uint8_t buffer[5000];
    ssize_t n;
    while ((n = read(r->fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            r->wrong |= buffer[i] != pattern(r->length + (size_t)i);
        r->length += (size_t)n;
        if (r->stop_after && r->length >= r->stop_after)
            break;
        if (r->slow)
            usleep(300);
    }
    close(r->fd);
    return NULL;
}

static void
reader_start(reader *r)
{
    CHECK(pthread_create(&r->thread, NULL, reader_main, r) == 0);
}

static void
reader_join(reader *r)
{
    CHECK(pthread_join(r->thread, NULL) == 0);
    CHECK(!r->wrong);
}

enum channel { PIPE, SOCKET };

static void
make_channel(enum channel kind, int nonblocking, int fds[2])
{
    if (kind == PIPE) {
        CHECK(pipe(fds) == 0);
    }
    else {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        fds[0] = pair[0], fds[1] = pair[1];
    }
    if (nonblocking)
        CHECK(fcntl(fds[1], F_SETFL, fcntl(fds[1], F_GETFL) | O_NONBLOCK) == 0);
}

static rj_sink *
open_sink(int fd, rj_fd_options options)
{
    rj_sink *sink;
    CHECK(rj_fd_sink_new(&sink, fd, &options, NULL) == RJ_OK);
    return sink;
}

static void
check_channel(enum channel kind, int nonblocking, size_t chunk_size, int pause, int overlap, int slow)
{
    int fds[2];
    make_channel(kind, nonblocking, fds);
    int flags = fcntl(fds[1], F_GETFL);
    reader r = {.fd = fds[0], .slow = slow};
    reader_start(&r);
    rj_fd_options options = RJ_FD_OPTIONS_INIT;
    options.chunk_size = chunk_size;
    options.pause = pause;
    options.overlap = overlap;
    rj_sink *sink = open_sink(fds[1], options);
    CHECK(produce(sink, TOTAL) == RJ_OK);
    CHECK(sink->accepted == TOTAL);
    rj_sink_free(sink);
    CHECK(fcntl(fds[1], F_GETFL) == flags);
    close(fds[1]);
    reader_join(&r);
    CHECK(r.length == TOTAL);
}

static void
test_channels(void)
{
    for (size_t c = 0; c < COUNT(chunk_sizes); c++)
        for (int kind = PIPE; kind <= SOCKET; kind++)
            for (int nonblocking = 0; nonblocking <= 1; nonblocking++)
                for (int how = 0; how < 3; how++)
                    check_channel((enum channel)kind, nonblocking, chunk_sizes[c], how == 1, how == 2, c == 5);
}

/* ---- waiting */

/* Kernels whose pipes don't know RWF_NOWAIT: a blocking pipe is written to without blocking all the same. */
static void
test_pipe_without_nowait(void)
{
    int fds[2];
    static uint8_t zeros[10000];
    make_channel(PIPE, 0, fds);
    rj__fd_io io = {.fd = fds[1], .kind = RJ__FD_PIPE, .must_not_block = 1};
    struct iovec part = {zeros, sizeof zeros};
    int stop;
    ssize_t n, total = 0, drained = 0;
    while ((n = rj__fd_io_write(&io, &part, 1, &stop)) > 0)
        total += n;
    CHECK(n == -1 && errno == EAGAIN && total >= 4096);
    for (ssize_t got; drained < total; drained += got) {
        uint8_t buffer[5000];
        CHECK((got = read(fds[0], buffer, sizeof buffer)) > 0);
    }
    CHECK(drained == total && rj__fd_io_write(&io, &part, 1, &stop) > 0);
    close(fds[0]);
    close(fds[1]);
}

static void
test_timeout(void)
{
    for (int kind = PIPE; kind <= SOCKET; kind++)
        for (int64_t ms = 0; ms <= 60; ms += 60)
            for (int overlap = 0; overlap <= 1; overlap++) {
                int fds[2];
                make_channel((enum channel)kind, 1, fds);
                rj_fd_options options = RJ_FD_OPTIONS_INIT;
                options.timeout_ms = ms;
                options.overlap = overlap;
                rj_sink *sink = open_sink(fds[1], options);
                struct timespec before, after;
                clock_gettime(CLOCK_MONOTONIC, &before);
                CHECK(produce(sink, 3 * TOTAL) == RJ_ETIMEOUT);
                clock_gettime(CLOCK_MONOTONIC, &after);
                int64_t waited = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
                CHECK(waited >= ms - 1);
                reader r = {.fd = fds[0]};
                uint64_t accepted = sink->accepted;
                rj_sink_free(sink);
                close(fds[1]);
                reader_start(&r);
                reader_join(&r);
                CHECK(r.length == accepted); /* what it says is out is what arrives */
            }
}

/* The same where there is no room from the start. */
static void
test_timeout_without_room(void)
{
    static uint8_t zeros[4096];
    for (int kind = PIPE; kind <= SOCKET; kind++)
        for (int overlap = 0; overlap <= 1; overlap++) {
            int fds[2];
            make_channel((enum channel)kind, 1, fds);
            for (size_t size = sizeof zeros; size > 0; size /= 2)
                while (write(fds[1], zeros, size) > 0) {
                }
            rj_fd_options options = RJ_FD_OPTIONS_INIT;
            options.chunk_size = 512;
            options.timeout_ms = 30;
            options.overlap = overlap;
            rj_sink *sink = open_sink(fds[1], options);
            CHECK(produce(sink, TOTAL) == RJ_ETIMEOUT && sink->accepted == 0);
            rj_sink_free(sink);
            close(fds[0]);
            close(fds[1]);
        }
}

typedef struct hook_count {
    int enters, leaves, stop_at;
} hook_count;

static void
count_enter(void *ctx)
{
    ((hook_count *)ctx)->enters++;
}

static int
count_leave(void *ctx)
{
    hook_count *h = ctx;
    return ++h->leaves == h->stop_at;
}

static void
test_hooks(void)
{
    for (int kind = PIPE; kind <= SOCKET; kind++)
        for (int nonblocking = 0; nonblocking <= 1; nonblocking++) {
            int fds[2];
            hook_count h = {.stop_at = 3};
            make_channel((enum channel)kind, nonblocking, fds);
            reader r = {.fd = fds[0], .slow = 1};
            reader_start(&r);
            rj_fd_options options = RJ_FD_OPTIONS_INIT;
            options.hooks = (rj_wait_hooks){count_enter, count_leave, &h};
            rj_sink *sink = open_sink(fds[1], options);
            CHECK(produce(sink, 20 * TOTAL) == RJ_ECANCELED);
            CHECK(h.enters == 3 && h.leaves == 3);
            uint64_t accepted = sink->accepted;
            rj_sink_free(sink);
            close(fds[1]);
            reader_join(&r);
            CHECK(r.length == accepted);
        }
}

static void
on_alarm(int signal)
{
    (void)signal;
}

static void
test_interrupting_signals(void)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: calls return EINTR */
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (int kind = PIPE; kind <= SOCKET; kind++)
        for (int nonblocking = 0; nonblocking <= 1; nonblocking++) {
            sigset_t alarm;
            sigemptyset(&alarm);
            sigaddset(&alarm, SIGALRM);
            pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* the reader inherits this: signals are for the writer */
            int fds[2];
            make_channel((enum channel)kind, nonblocking, fds);
            reader r = {.fd = fds[0], .slow = 1};
            reader_start(&r);
            pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
            rj_fd_options options = RJ_FD_OPTIONS_INIT;
            rj_sink *sink = open_sink(fds[1], options);
            CHECK(produce(sink, TOTAL) == RJ_OK && sink->accepted == TOTAL);
            rj_sink_free(sink);
            close(fds[1]);
            reader_join(&r);
            CHECK(r.length == TOTAL);
        }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

/* ---- failures */

static void
test_closed_peer(void)
{
    /* SIGPIPE has its default action here: the test would die of it. */
    for (int kind = PIPE; kind <= SOCKET; kind++)
        for (int nonblocking = 0; nonblocking <= 1; nonblocking++)
            for (int overlap = 0; overlap <= 1; overlap++) {
                int fds[2];
                sigset_t pending;
                make_channel((enum channel)kind, nonblocking, fds);
                reader r = {.fd = fds[0], .stop_after = 100000};
                reader_start(&r);
                rj_fd_options options = RJ_FD_OPTIONS_INIT;
                options.overlap = overlap;
                rj_sink *sink = open_sink(fds[1], options);
                CHECK(produce(sink, 10 * TOTAL) == RJ_EIO);
                CHECK(sink->sys_errno == EPIPE || sink->sys_errno == ECONNRESET);
                CHECK(sink->accepted >= 100000);
                CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
                rj_sink_free(sink);
                close(fds[1]);
                reader_join(&r);
            }
}

static void
test_full_disk(void)
{
    int fd = open("/dev/full", O_WRONLY);
    CHECK(fd >= 0);
    rj_fd_options options = RJ_FD_OPTIONS_INIT;
    rj_sink *sink = open_sink(fd, options);
    CHECK(produce(sink, TOTAL) == RJ_EIO && sink->sys_errno == ENOSPC && sink->accepted == 0);
    rj_sink_free(sink);
    close(fd);
}

static void
test_bad_descriptors(void)
{
    rj_sink *sink;
    rj_fd_options options = RJ_FD_OPTIONS_INIT;
    CHECK(rj_fd_sink_new(&sink, -1, NULL, NULL) == RJ_EIO && errno == EBADF);
    int fd = open("/dev/null", O_RDONLY);
    CHECK(rj_fd_sink_new(&sink, fd, NULL, NULL) == RJ_EIO && errno == EBADF);
    close(fd);
    options.chunk_size = RJ_CHUNK_MAX + 1;
    CHECK(rj_fd_sink_new(&sink, 1, &options, NULL) == RJ_EINVAL);
}

/* ---- files */

static void
check_file(int fd, size_t from, size_t length)
{
    uint8_t buffer[4096];
    size_t at = 0;
    ssize_t n;
    CHECK(lseek(fd, (off_t)from, SEEK_SET) == (off_t)from);
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++)
            CHECK(buffer[i] == pattern(at++));
    CHECK(at == length);
}

static void
test_files(void)
{
    for (size_t c = 0; c < COUNT(chunk_sizes); c++)
        for (int overlap = 0; overlap <= 1; overlap++)
            for (int append = 0; append <= 1; append++) {
                char name[] = "/tmp/rjson-test-XXXXXX";
                int fd = mkstemp(name);
                CHECK(fd >= 0);
                unlink(name);
                CHECK(write(fd, "head", 4) == 4);
                if (append) {
                    CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
                    CHECK(lseek(fd, 0, SEEK_SET) == 0); /* O_APPEND must win */
                }
                rj_fd_options options = RJ_FD_OPTIONS_INIT;
                options.chunk_size = chunk_sizes[c];
                options.overlap = overlap;
                rj_sink *sink = open_sink(fd, options);
                CHECK(produce(sink, TOTAL) == RJ_OK && sink->accepted == TOTAL);
                CHECK(lseek(fd, 0, SEEK_CUR) == TOTAL + 4);
                rj_sink_free(sink);
                check_file(fd, 4, TOTAL);
                close(fd);
            }
}

/* Nothing is written before a chunk is full, and a sink that is dropped writes nothing more. */
static void
test_drop_without_flush(void)
{
    int fds[2];
    rj_window w;
    make_channel(PIPE, 1, fds);
    rj_fd_options options = RJ_FD_OPTIONS_INIT;
    rj_sink *sink = open_sink(fds[1], options);
    CHECK(rj_sink_lend(sink, 0, &w) == RJ_OK && rj_sink_take(sink, 100) == RJ_OK);
    rj_sink_free(sink);
    close(fds[1]);
    uint8_t byte;
    CHECK(read(fds[0], &byte, 1) == 0);
    close(fds[0]);
}

/* After an abort `accepted` is what the file has, nothing more is written, and the sink says so. */
static void
test_abort(void)
{
    for (int overlap = 0; overlap <= 1; overlap++)
        for (size_t total = 100; total < 3 * TOTAL; total = total * 3 + 1) {
            char name[] = "/tmp/rjson-test-XXXXXX";
            int fd = mkstemp(name);
            CHECK(fd >= 0);
            unlink(name);
            rj_fd_options options = RJ_FD_OPTIONS_INIT;
            options.overlap = overlap;
            rj_sink *sink = open_sink(fd, options);
            rj_window w;
            for (size_t done = 0; done < total;) {
                CHECK(rj_sink_lend(sink, 0, &w) == RJ_OK);
                size_t n = (size_t)(w.end - w.cur);
                for (size_t i = 0; i < n; i++)
                    w.cur[i] = pattern(done + i);
                CHECK(rj_sink_take(sink, n) == RJ_OK);
                done += n;
            }
            rj_sink_abort(sink);
            uint64_t accepted = sink->accepted;
            CHECK(rj_sink_lend(sink, 0, &w) == RJ_ECANCELED && rj_sink_flush(sink) == RJ_ECANCELED);
            rj_sink_free(sink);
            check_file(fd, 0, accepted);
            close(fd);
        }
}

static void
test_no_memory(void)
{
    for (int overlap = 0; overlap <= 1; overlap++)
        for (unsigned n = 1; n < 10; n++) {
            test_memory memory = {.fail_at = n};
            rj_allocator alloc = test_allocator(&memory);
            int fd = open("/dev/null", O_WRONLY);
            rj_sink *sink = NULL;
            rj_fd_options options = RJ_FD_OPTIONS_INIT;
            options.chunk_size = 512;
            options.overlap = overlap;
            int rc = rj_fd_sink_new(&sink, fd, &options, &alloc);
            if (rc == RJ_OK)
                rc = produce(sink, TOTAL);
            CHECK(rc == RJ_OK || (rc == RJ_ENOMEM && memory.calls >= n));
            CHECK(rc == RJ_ENOMEM || n > 2); /* the sink and one chunk it must have */
            rj_sink_free(sink);
            close(fd);
            CHECK(memory.live == 0);
        }
}

int
main(void)
{
    test_channels();
    test_pipe_without_nowait();
    test_timeout();
    test_timeout_without_room();
    test_hooks();
    test_interrupting_signals();
    test_closed_peer();
    test_full_disk();
    test_bad_descriptors();
    test_files();
    test_drop_without_flush();
    test_abort();
    test_no_memory();
    return 0;
}
