/* The callback sink hands over every byte once and in order, however little the callback takes; pauses and failures stick as
 * documented. */
#include "harness.h"

#define TOTAL 5000

/* Produces TOTAL digits; RJ_PAUSE is answered by trying again. Returns the first failure. */
static int
produce(rj_sink *sink)
{
    size_t done = 0;
    int rc;
    while (done < TOTAL) {
        rj_window w;
        while ((rc = rj_sink_lend(sink, 0, &w)) == RJ_PAUSE) {
        }
        if (rc < 0)
            return rc;
        size_t n = (size_t)(w.end - w.cur) < 200 ? (size_t)(w.end - w.cur) : 200;
        if (n > TOTAL - done)
            n = TOTAL - done;
        for (size_t i = 0; i < n; i++)
            w.cur[i] = (uint8_t)('0' + (done + i) % 10);
        done += n;
        if ((rc = rj_sink_take(sink, n)) < 0)
            return rc;
    }
    while ((rc = rj_sink_flush(sink)) == RJ_PAUSE) {
    }
    return rc;
}

static void
check_digits(const test_target *t)
{
    for (size_t i = 0; i < t->length; i++)
        CHECK(t->data[i] == (char)('0' + i % 10));
}

static void
test_short_and_blocking(void)
{
    const size_t most[] = {0, 1, 7, 511};
    for (size_t i = 0; i < COUNT(chunk_sizes); i++)
        for (size_t j = 0; j < COUNT(most); j++)
            for (unsigned block = 0; block < 4; block++) {
                test_target t = {.most = most[j], .block_every = block == 1 ? 2 : block};
                rj_sink *sink;
                CHECK(rj_callback_sink_new(&sink, test_target_write, &t, chunk_sizes[i], NULL) == RJ_OK);
                CHECK(produce(sink) == RJ_OK);
                CHECK(t.length == TOTAL && sink->accepted == TOTAL);
                check_digits(&t);
                rj_sink_free(sink);
                test_target_reset(&t);
            }
}

static void
test_failure_sticks(void)
{
    for (unsigned n = 1; n < 12; n++) {
        test_target t = {.most = 300, .fail_at = n};
        rj_sink *sink;
        rj_window w;
        CHECK(rj_callback_sink_new(&sink, test_target_write, &t, 512, NULL) == RJ_OK);
        CHECK(produce(sink) == RJ_EIO && sink->sys_errno == EPIPE);
        CHECK(sink->accepted == t.length);
        unsigned calls = t.calls;
        CHECK(rj_sink_lend(sink, 0, &w) == RJ_EIO && rj_sink_flush(sink) == RJ_EIO);
        CHECK(t.calls == calls);
        check_digits(&t);
        rj_sink_free(sink);
        test_target_reset(&t);
    }
}

static ptrdiff_t
take_too_much(void *ctx, const uint8_t *data, size_t length)
{
    (void)ctx;
    (void)data;
    return (ptrdiff_t)length + 1;
}

static void
test_bad_callbacks(void)
{
    rj_sink *sink;
    CHECK(rj_callback_sink_new(&sink, NULL, NULL, 0, NULL) == RJ_EINVAL);
    CHECK(rj_callback_sink_new(&sink, take_too_much, NULL, RJ_CHUNK_MAX + 1, NULL) == RJ_EINVAL);
    CHECK(rj_callback_sink_new(&sink, take_too_much, NULL, 0, NULL) == RJ_OK);
    CHECK(produce(sink) == RJ_EIO && sink->sys_errno == EOVERFLOW);
    rj_sink_free(sink);
}

static void
test_no_memory(void)
{
    for (unsigned n = 1; n <= 2; n++) {
        test_memory memory = {.fail_at = n};
        rj_allocator alloc = test_allocator(&memory);
        test_target t = {0};
        rj_sink *sink = NULL;
        int rc = rj_callback_sink_new(&sink, test_target_write, &t, 0, &alloc);
        if (rc == RJ_OK)
            rc = produce(sink);
        CHECK(rc == RJ_ENOMEM && t.length == 0);
        rj_sink_free(sink);
        CHECK(memory.live == 0);
    }
}

int
main(void)
{
    test_short_and_blocking();
    test_failure_sticks();
    test_bad_callbacks();
    test_no_memory();
    return 0;
}
