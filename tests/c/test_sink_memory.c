/* The memory sink keeps every byte while it grows, leaves room for a header, and gives its block away without a copy. */
#include "harness.h"

/* Lends, fills and gives back windows until `total` bytes of a pattern are in. */
static int
fill(rj_sink *sink, size_t total, size_t hint)
{
    size_t done = 0;
    while (done < total) {
        rj_window w;
        int rc = rj_sink_lend(sink, hint, &w);
        if (rc != RJ_OK)
            return rc;
        CHECK(w.end - w.cur >= RJ_CHUNK_MIN);
        size_t n = (size_t)(w.end - w.cur) < total - done ? (size_t)(w.end - w.cur) : total - done;
        for (size_t i = 0; i < n; i++)
            w.cur[i] = (uint8_t)((done + i) * 31);
        done += n;
        CHECK(rj_sink_take(sink, n) == RJ_OK);
    }
    return RJ_OK;
}

static void
check_pattern(const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        CHECK(data[i] == (uint8_t)(i * 31));
}

static void
test_growth(size_t total, size_t prefix, size_t hint, size_t scratch_size)
{
    test_memory memory = {0};
    rj_allocator alloc = test_allocator(&memory);
    uint8_t scratch[2048];
    rj_memory_sink s;
    size_t length;
    rj_memory_sink_init(&s, &alloc, prefix, hint, scratch_size ? scratch : NULL, scratch_size);
    CHECK(fill(&s.base, total, hint) == RJ_OK);
    CHECK(rj_sink_flush(&s.base) == RJ_OK);
    check_pattern(rj_memory_sink_data(&s, &length), total);
    CHECK(length == total && s.base.accepted == total);
    uint8_t *block = rj_memory_sink_detach(&s);
    if (scratch_size && total + prefix + 1 <= scratch_size - RJ_CHUNK_MIN)
        CHECK(block == NULL && memory.calls == 0);
    if (block) {
        check_pattern(block + prefix, total);
        block[prefix + total] = 0; /* the spare byte is there */
        test_release(&memory, block);
    }
    rj_sink_free(&s.base);
    CHECK(memory.live == 0);
}

static void
test_no_memory(void)
{
    for (unsigned n = 1; n < 8; n++) {
        test_memory memory = {.fail_at = n};
        rj_allocator alloc = test_allocator(&memory);
        rj_memory_sink s;
        rj_window w;
        rj_memory_sink_init(&s, &alloc, 16, 0, NULL, 0);
        CHECK(fill(&s.base, 200000, 0) == RJ_ENOMEM);
        CHECK(rj_sink_lend(&s.base, 0, &w) == RJ_ENOMEM); /* it sticks */
        rj_sink_free(&s.base);
        CHECK(memory.live == 0);
    }
}

static void
test_impossible_hint(void)
{
    rj_memory_sink s;
    rj_window w;
    rj_memory_sink_init(&s, NULL, 0, 0, NULL, 0);
    CHECK(rj_sink_lend(&s.base, SIZE_MAX, &w) == RJ_ENOMEM);
    rj_sink_free(&s.base);
}

int
main(void)
{
    const size_t totals[] = {0, 1, 511, 512, 513, 1500, 100000, 3000000};
    const size_t prefixes[] = {0, 1, 48};
    for (size_t i = 0; i < COUNT(totals); i++)
        for (size_t j = 0; j < COUNT(prefixes); j++) {
            test_growth(totals[i], prefixes[j], 0, 0);
            test_growth(totals[i], prefixes[j], 5000, 0);
            test_growth(totals[i], prefixes[j], 0, 2048);
        }
    test_no_memory();
    test_impossible_hint();
    return 0;
}
