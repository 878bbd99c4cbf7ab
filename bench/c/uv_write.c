/*
 * What the libuv sink costs: the same 64 KiB chunks to one TCP client, by plain write(2), by the fd sink and by the libuv sink, in turns;
 * best of several rounds each. A child process reads.
 *
 *     uv_write [megabytes [rounds]]
 */
#define _GNU_SOURCE /* for uv.h */
#include <rjson/uv.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

static uint64_t total;
static char chunk[CHUNK];

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

/* Reads `total` bytes and answers with one, again and again. */
static void
read_all(int fd)
{
    static char buffer[1 << 20];
    uint64_t left = total;
    for (;;) {
        ssize_t n = read(fd, buffer, left < sizeof buffer ? left : sizeof buffer);
        if (n <= 0)
            exit(0);
        left -= (uint64_t)n;
        if (left == 0 && write(fd, ".", 1) != 1)
            exit(0);
        left = left ? left : total;
    }
}

static int
connect_reader(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&address, length) < 0 || listen(server, 1) < 0)
        die("listen");
    getsockname(server, (struct sockaddr *)&address, &length);
    if (fork() == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, length) < 0)
            die("connect");
        read_all(fd);
    }
    int fd = accept(server, NULL, NULL);
    close(server);
    return fd;
}

/* Chunks whose contents are there already: only the sending is measured. */
static int
produce(rj_sink *sink, uint64_t *left)
{
    while (*left > 0) {
        rj_window w;
        int rc = rj_sink_lend(sink, 0, &w);
        if (rc != RJ_OK)
            return rc;
        size_t n = (size_t)(w.end - w.cur) < *left ? (size_t)(w.end - w.cur) : (size_t)*left;
        rc = rj_sink_take(sink, n);
        if (rc < 0)
            return rc;
        *left -= n;
    }
    return RJ_OK;
}

static void
plain_write(int fd)
{
    for (uint64_t left = total; left > 0;) {
        ssize_t n = write(fd, chunk, left < CHUNK ? left : CHUNK);
        if (n < 0)
            die("write");
        left -= (uint64_t)n;
    }
}

static void
fd_sink(int fd)
{
    rj_sink *sink;
    uint64_t left = total;
    if (rj_fd_sink_new(&sink, fd, NULL, NULL) < 0 || produce(sink, &left) < 0 || rj_sink_flush(sink) < 0)
        die("fd sink");
    rj_sink_free(sink);
}

typedef struct job {
    rj_sink *sink;
    uint64_t left;
    uv_tcp_t tcp;
} job;

static int
produce_job(void *ctx)
{
    job *j = ctx;
    return produce(j->sink, &j->left);
}

static void
done(void *ctx, int status)
{
    job *j = ctx;
    if (status < 0)
        die("libuv sink");
    rj_sink_free(j->sink);
    uv_close((uv_handle_t *)&j->tcp, NULL);
}

static void
uv_sink(int fd)
{
    uv_loop_t loop;
    job j = {.left = total};
    uv_loop_init(&loop);
    uv_tcp_init(&loop, &j.tcp);
    uv_tcp_open(&j.tcp, dup(fd));
    rj_uv_sink_new(&j.sink, (uv_stream_t *)&j.tcp, NULL, NULL);
    rj_uv_sink_run(j.sink, produce_job, done, &j);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); /* libuv has set it */
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*send)(int fd);
    } ways[] = {{"write(2)", plain_write}, {"fd sink", fd_sink}, {"libuv sink", uv_sink}};
    enum { WAYS = sizeof ways / sizeof ways[0] };
    total = (argc > 1 ? strtoull(argv[1], NULL, 10) : 100) * 1000000;
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    double best[WAYS] = {0};
    int fds[WAYS];
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < WAYS; i++) /* each has a connection, and so a reader, of its own */
        fds[i] = connect_reader();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < WAYS; i++) {
            char answer;
            double started = now();
            ways[i].send(fds[i]);
            if (read(fds[i], &answer, 1) != 1)
                die("read");
            double seconds = now() - started;
            best[i] = best[i] == 0 || seconds < best[i] ? seconds : best[i];
        }
    for (int i = 0; i < WAYS; i++) {
        printf("%s %.0f\n", ways[i].name, (double)total / best[i] / 1e6);
        close(fds[i]);
    }
    while (wait(NULL) > 0) {
    }
    return 0;
}
