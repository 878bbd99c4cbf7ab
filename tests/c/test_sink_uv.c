/* The libuv sink, on real sockets: every byte leaves once and in order whatever the reader does, memory is bounded, failures stick,
 * and nothing is left behind however it ends. */
#define _GNU_SOURCE /* for uv.h */
#include "harness.h"
#include "rjson/uv.h"
#include "uv/uv_queue.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOTAL 3000000

typedef struct fixture {
    uv_loop_t loop;
    uv_pipe_t pipe;
    int peer;
    test_memory memory;
    rj_sink *sink;
    size_t produced, total; /* bytes */
    size_t received;
    int pause_every; /* every n-th call of the producer pauses by itself */
    int fail_at;     /* the n-th call of the producer fails */
    int calls;
    int ends, status; /* calls of `done`, and what the last told */
    int closed;
} fixture;

static void
setup(fixture *f, size_t chunk_size, unsigned max_chunks)
{
    int fds[2], size = 16384;
    *f = (fixture){.total = TOTAL};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    f->peer = fds[1];
    CHECK(uv_loop_init(&f->loop) == 0);
    CHECK(uv_pipe_init(&f->loop, &f->pipe, 0) == 0 && uv_pipe_open(&f->pipe, fds[0]) == 0);
    f->pipe.data = f;
    rj_allocator alloc = test_allocator(&f->memory);
    rj_uv_options options = {chunk_size, max_chunks};
    CHECK(rj_uv_sink_new(&f->sink, (uv_stream_t *)&f->pipe, &options, &alloc) == RJ_OK);
}

static void
on_closed(uv_handle_t *handle)
{
    fixture *f = handle->data;
    f->closed = 1;
    rj_sink_free(f->sink);
}

static void
close_stream(fixture *f)
{
    if (!uv_is_closing((uv_handle_t *)&f->pipe))
        uv_close((uv_handle_t *)&f->pipe, on_closed);
    while (!f->closed)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void
teardown(fixture *f)
{
    close_stream(f);
    close(f->peer);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&f->loop) == 0);
    CHECK(f->memory.live == 0);
}

/* Reads up to `most` bytes, and checks that they are the ones that come next. The bytes read; 0 at the end; -1 for none now. */
static ssize_t
receive(fixture *f, size_t most)
{
    static char buffer[1 << 20];
    ssize_t n = recv(f->peer, buffer, most < sizeof buffer ? most : sizeof buffer, MSG_DONTWAIT);
    for (ssize_t i = 0; i < n; i++)
        CHECK(buffer[i] == (char)('0' + (f->received + (size_t)i) % 10));
    f->received += n > 0 ? (size_t)n : 0;
    return n;
}

static void
fill(fixture *f, rj_window *w)
{
    for (; w->cur < w->end && f->produced < f->total; f->produced++)
        *w->cur++ = (uint8_t)('0' + f->produced % 10);
}

static int
produce(void *ctx)
{
    fixture *f = ctx;
    f->calls++;
    if (f->calls == f->fail_at)
        return RJ_EUTF8;
    if (f->pause_every && f->calls % f->pause_every == 0)
        return RJ_PAUSE;
    while (f->produced < f->total) {
        rj_window w;
        int rc = rj_sink_lend(f->sink, 0, &w);
        if (rc != RJ_OK)
            return rc;
        uint8_t *start = w.cur;
        fill(f, &w);
        if ((rc = rj_sink_take(f->sink, (size_t)(w.cur - start))) < 0)
            return rc;
    }
    return RJ_OK;
}

static void
done(void *ctx, int status)
{
    fixture *f = ctx;
    f->ends++;
    f->status = status;
}

static void
run_until_done(fixture *f, size_t read_size)
{
    while (f->ends == 0) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        receive(f, read_size);
        rj_uv_sink_wake(f->sink); /* for producers that pause by themselves; harmless else */
    }
    while (receive(f, read_size) > 0) {
    }
}

static void
test_every_byte_once_and_in_order(void)
{
    const size_t reads[] = {1 << 20, 4096, 777};
    for (size_t i = 0; i < COUNT(chunk_sizes); i++)
        for (unsigned chunks = 1; chunks <= 4; chunks++)
            for (size_t j = 0; j < COUNT(reads); j++) {
                fixture f;
                setup(&f, chunk_sizes[i], chunks);
                f.total = reads[j] < 1000 ? TOTAL / 10 : TOTAL;
                f.pause_every = (int[]){0, 2, 3}[(i + j) % 3];
                CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
                run_until_done(&f, reads[j]);
                CHECK(f.ends == 1 && f.status == RJ_OK);
                CHECK(f.received == f.total && f.sink->accepted == f.total);
                CHECK(f.memory.live <= (long)chunks + 1);
                teardown(&f);
            }
}

static void
test_memory_is_bounded_while_nobody_reads(void)
{
    fixture f;
    setup(&f, 4096, 3);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    for (int i = 0; i < 10; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    CHECK(f.ends == 0 && f.memory.live == 4); /* the sink and its chunks */
    CHECK(f.produced == f.sink->accepted + 3 * 4096 - f.sink->accepted % 4096);
    run_until_done(&f, 65536);
    CHECK(f.received == TOTAL);
    teardown(&f);
}

/* ---- fairness */

typedef struct turns {
    fixture *f;
    uint64_t before;
    uint64_t most;
    int count;
} turns;

static void
on_turn(uv_prepare_t *prepare)
{
    turns *t = prepare->data;
    uint64_t accepted = t->f->sink->accepted;
    if (accepted - t->before > t->most)
        t->most = accepted - t->before;
    t->before = accepted;
    t->count++;
}

static void
drop_everything(void *ctx)
{
    char buffer[65536];
    while (read(*(int *)ctx, buffer, sizeof buffer) > 0) {
    }
}

static void
test_a_fast_reader_does_not_keep_the_loop(void)
{
    fixture f;
    uv_thread_t reader;
    uv_prepare_t prepare;
    turns t = {.f = &f};
    setup(&f, 0, 2);
    f.total = 64 << 20;
    int large = 8 << 20;
    setsockopt(f.pipe.io_watcher.fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    CHECK(uv_thread_create(&reader, drop_everything, &f.peer) == 0);
    CHECK(uv_prepare_init(&f.loop, &prepare) == 0 && uv_prepare_start(&prepare, on_turn) == 0);
    prepare.data = &t;
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    while (f.ends == 0)
        uv_run(&f.loop, UV_RUN_ONCE);
    CHECK(f.status == RJ_OK && f.sink->accepted == f.total);
    CHECK(t.count > 5);
    /* A turn of newer versions of libuv has up to 8 rounds of callbacks that are ready at once. */
    CHECK(t.most <= 8 * (RJ__UV_BURST + 2 * RJ_CHUNK_DEFAULT));
    uv_close((uv_handle_t *)&prepare, NULL);
    close_stream(&f);
    uv_thread_join(&reader);
    teardown(&f);
}

/* ---- failures */

static void
test_peer_goes(void)
{
    for (int received = 0; received < 2; received++) {
        fixture f;
        rj_window w;
        setup(&f, 4096, 2);
        CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
        uv_run(&f.loop, UV_RUN_NOWAIT);
        if (received)
            CHECK(receive(&f, 1000) > 0);
        shutdown(f.peer, SHUT_RDWR);
        while (f.ends == 0)
            uv_run(&f.loop, UV_RUN_ONCE);
        CHECK(f.status == RJ_EIO && f.sink->sys_errno == EPIPE);
        CHECK(f.sink->accepted < f.total);
        CHECK(rj_sink_lend(f.sink, 0, &w) == RJ_EIO && rj_sink_flush(f.sink) == RJ_EIO);
        int calls = f.calls;
        rj_uv_sink_wake(f.sink);
        uv_run(&f.loop, UV_RUN_NOWAIT);
        CHECK(f.ends == 1 && f.calls == calls);
        teardown(&f);
    }
}

static void
test_stream_closed_with_chunks_in_flight(void)
{
    fixture f;
    setup(&f, 4096, 3);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    uv_close((uv_handle_t *)&f.pipe, on_closed);
    while (!f.closed)
        uv_run(&f.loop, UV_RUN_ONCE);
    CHECK(f.ends == 1 && f.status == RJ_EIO);
    teardown(&f);
}

static void
test_stream_closed_before_the_first_byte(void)
{
    fixture f;
    setup(&f, 4096, 3);
    uv_close((uv_handle_t *)&f.pipe, on_closed);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    CHECK(f.ends == 1 && f.status == RJ_EIO && f.sink->sys_errno == ECANCELED && f.sink->accepted == 0);
    teardown(&f);
}

static void
test_freed_with_chunks_in_flight(void)
{
    fixture f;
    setup(&f, 4096, 3);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    rj_sink_free(f.sink);
    f.sink = NULL;
    size_t sent = 0;
    while (f.memory.live > 0) {
        uv_run(&f.loop, UV_RUN_NOWAIT);
        sent += (size_t)(receive(&f, 4096) > 0);
    }
    CHECK(f.ends == 0 && sent > 0); /* what libuv held has left all the same */
    teardown(&f);
}

static void
test_abort_is_final(void)
{
    fixture f;
    setup(&f, 4096, 3);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    rj_sink_abort(f.sink);
    uint64_t accepted = f.sink->accepted;
    CHECK(accepted > 0);
    for (int i = 0; i < 20; i++) {
        uv_run(&f.loop, UV_RUN_NOWAIT);
        receive(&f, 65536);
    }
    CHECK(f.sink->accepted == accepted && f.ends == 1 && f.status == RJ_ECANCELED);
    teardown(&f);
}

static void
test_producer_fails(void)
{
    fixture f;
    setup(&f, 512, 1);
    f.fail_at = 3;
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    run_until_done(&f, 512);
    CHECK(f.ends == 1 && f.status == RJ_EUTF8 && f.sink->status == RJ_OK);
    teardown(&f);
}

static void
test_no_memory(void)
{
    for (unsigned n = 1; n <= 3; n++) {
        fixture f;
        setup(&f, 4096, 2);
        test_memory memory = {.fail_at = n};
        rj_allocator alloc = test_allocator(&memory);
        rj_uv_options options = {4096, 2};
        rj_sink *ours = f.sink;
        int rc = rj_uv_sink_new(&f.sink, (uv_stream_t *)&f.pipe, &options, &alloc);
        if (n == 1) {
            CHECK(rc == RJ_ENOMEM);
            f.sink = ours;
        }
        else {
            CHECK(rc == RJ_OK && rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
            run_until_done(&f, 4096);
            CHECK(f.ends == 1 && f.status == RJ_ENOMEM);
            rj_sink_free(ours);
        }
        teardown(&f);
        CHECK(memory.live == 0);
    }
}

/* ---- the interface */

static void
free_sink(void *ctx, int status)
{
    fixture *f = ctx;
    done(ctx, status);
    rj_sink_free(f->sink);
    f->sink = NULL;
}

static void
begin_again(void *ctx, int status)
{
    fixture *f = ctx;
    done(ctx, status);
    f->total += 100000;
    if (f->ends < 5)
        CHECK(rj_uv_sink_run(f->sink, produce, begin_again, f) == RJ_OK);
}

static int
free_in_the_middle(void *ctx)
{
    fixture *f = ctx;
    int rc = produce(ctx);
    if (f->calls == 3) {
        rj_sink_free(f->sink);
        f->sink = NULL;
    }
    return rc;
}

static int
wakes_itself(void *ctx)
{
    fixture *f = ctx;
    if (f->calls >= 10)
        return produce(ctx);
    f->calls++;
    rj_uv_sink_wake(f->sink);
    return RJ_PAUSE;
}

static void
test_callbacks_may_do_anything(void)
{
    fixture f;
    setup(&f, 4096, 2);
    CHECK(rj_uv_sink_run(f.sink, produce, free_sink, &f) == RJ_OK);
    while (f.ends == 0) {
        uv_run(&f.loop, UV_RUN_NOWAIT);
        receive(&f, 65536);
    }
    CHECK(f.status == RJ_OK);
    teardown(&f);

    setup(&f, 4096, 2);
    CHECK(rj_uv_sink_run(f.sink, produce, begin_again, &f) == RJ_OK);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_ESTATE);
    while (f.ends < 5) {
        uv_run(&f.loop, UV_RUN_NOWAIT);
        receive(&f, 65536);
    }
    while (receive(&f, 65536) > 0) {
    }
    CHECK(f.received == TOTAL + 400000);
    teardown(&f);

    setup(&f, 512, 1);
    CHECK(rj_uv_sink_run(f.sink, free_in_the_middle, done, &f) == RJ_OK);
    while (f.memory.live > 0) {
        uv_run(&f.loop, UV_RUN_NOWAIT);
        receive(&f, 65536);
    }
    CHECK(f.ends == 0);
    teardown(&f);

    setup(&f, 512, 2);
    CHECK(rj_uv_sink_run(f.sink, wakes_itself, done, &f) == RJ_OK);
    run_until_done(&f, 65536);
    CHECK(f.status == RJ_OK && f.received == TOTAL);
    teardown(&f);
}

static void
test_what_others_write_stays_in_order(void)
{
    fixture f;
    uv_write_t request;
    static char digits[100000];
    setup(&f, 4096, 2);
    for (size_t i = 0; i < sizeof digits; i++)
        digits[i] = (char)('0' + i % 10);
    f.produced = sizeof digits;
    uv_buf_t buf = uv_buf_init(digits, sizeof digits);
    CHECK(uv_write(&request, (uv_stream_t *)&f.pipe, &buf, 1, NULL) == 0);
    CHECK(rj_uv_sink_run(f.sink, produce, done, &f) == RJ_OK);
    run_until_done(&f, 65536);
    CHECK(f.received == TOTAL && f.sink->accepted == TOTAL - sizeof digits);
    teardown(&f);
}

static void
test_bad_arguments(void)
{
    fixture f;
    rj_sink *other;
    setup(&f, 0, 0);
    rj_uv_options too_many = {0, RJ_UV_MAX_CHUNKS + 1}, too_large = {RJ_CHUNK_MAX + 1, 1};
    CHECK(rj_uv_sink_new(&other, (uv_stream_t *)&f.pipe, &too_many, NULL) == RJ_EINVAL);
    CHECK(rj_uv_sink_new(&other, (uv_stream_t *)&f.pipe, &too_large, NULL) == RJ_EINVAL);
    CHECK(rj_uv_sink_run(f.sink, NULL, done, &f) == RJ_EINVAL);
    CHECK(rj_fd_sink_new(&other, 1, NULL, NULL) == RJ_OK);
    CHECK(rj_uv_sink_run(other, produce, done, &f) == RJ_EINVAL);
    rj_sink_free(other);
    teardown(&f);
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_every_byte_once_and_in_order();
    test_memory_is_bounded_while_nobody_reads();
    test_a_fast_reader_does_not_keep_the_loop();
    test_peer_goes();
    test_stream_closed_with_chunks_in_flight();
    test_stream_closed_before_the_first_byte();
    test_freed_with_chunks_in_flight();
    test_abort_is_final();
    test_producer_fails();
    test_no_memory();
    test_callbacks_may_do_anything();
    test_what_others_write_stays_in_order();
    test_bad_arguments();
    return 0;
}
