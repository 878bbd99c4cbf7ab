/* rj_writer writes the document that its calls describe, on every sink, whatever the windows; refuses every other sequence; and
 * reports the first failure for good. */
#include "harness.h"

#include <math.h>

#define LONG_STRING 3000

/* Calls the writer until it has taken the item, as a program with a sink that pauses does. */
#define DO(call)                                                                                                            \
    do {                                                                                                                    \
        int rc_ = (call);                                                                                                   \
        while (rc_ == RJ_PAUSE)                                                                                             \
            rc_ = rj_writer_resume(w);                                                                                      \
        if (rc_ < 0)                                                                                                        \
            return rc_;                                                                                                     \
    } while (0)

static char long_text[LONG_STRING];

static int
write_sample(rj_writer *w)
{
    int rc;
    DO(rj_writer_begin_object(w));
    DO(rj_writer_put_key(w, "ints", 4));
    DO(rj_writer_begin_array(w));
    DO(rj_writer_put_int64(w, INT64_MIN));
    DO(rj_writer_put_uint64(w, UINT64_MAX));
    DO(rj_writer_put_int64(w, -1));
    DO(rj_writer_end_array(w));
    DO(rj_writer_put_key(w, "", 0));
    DO(rj_writer_put_double(w, 0.25));
    DO(rj_writer_put_key(w, "t\"\\\n\x01", 5));
    DO(rj_writer_put_bool(w, 1));
    DO(rj_writer_put_key(w, "long", 4));
    DO(rj_writer_put_string(w, long_text, LONG_STRING));
    DO(rj_writer_put_key(w, "nested", 6));
    for (int i = 0; i < 100; i++)
        DO(rj_writer_begin_array(w));
    for (int i = 0; i < 100; i++)
        DO(rj_writer_end_array(w));
    DO(rj_writer_put_key(w, "raw", 3));
    DO(rj_writer_put_raw(w, "{\"a\": [ ]}", 10));
    DO(rj_writer_put_key(w, "\xC3\xA9", 2));
    DO(rj_writer_begin_object(w));
    DO(rj_writer_end_object(w));
    DO(rj_writer_put_key(w, "no", 2));
    DO(rj_writer_put_null(w));
    DO(rj_writer_put_key(w, "false", 5));
    DO(rj_writer_put_bool(w, 0));
    DO(rj_writer_end_object(w));
    while ((rc = rj_writer_finish(w)) == RJ_PAUSE) {
    }
    return rc;
}

/* The same document, put together by hand. */
static char *
expected_sample(void)
{
    static char text[2 * LONG_STRING + 1000];
    char *p = text;
    p += sprintf(
        p, "{\"ints\":[-9223372036854775808,18446744073709551615,-1],\"\":0.25,\"t\\\"\\\\\\n\\u0001\":true,\"long\":\"");
    for (int i = 0; i < LONG_STRING; i++)
        p += sprintf(p, long_text[i] == '"' ? "\\\"" : "%c", long_text[i]);
    p += sprintf(p, "\",\"nested\":");
    memset(p, '[', 100), memset(p + 100, ']', 100), p += 200;
    sprintf(p, ",\"raw\":{\"a\": [ ]},\"\xC3\xA9\":{},\"no\":null,\"false\":false}");
    return text;
}

static void
test_sample_on_callback_sinks(void)
{
    const size_t most[] = {0, 1, 100};
    for (size_t i = 0; i < COUNT(chunk_sizes); i++)
        for (size_t j = 0; j < COUNT(most); j++)
            for (unsigned block = 0; block < 3; block++) {
                test_target t = {.most = most[j], .block_every = block ? block + 1 : 0};
                rj_sink *sink;
                rj_writer *w;
                CHECK(rj_callback_sink_new(&sink, test_target_write, &t, chunk_sizes[i], NULL) == RJ_OK);
                CHECK(rj_writer_new(&w, sink, NULL) == RJ_OK);
                CHECK(write_sample(w) == RJ_OK);
                CHECK(strcmp(t.data, expected_sample()) == 0);
                CHECK(rj_writer_error(w).status == RJ_OK && rj_writer_error(w).offset == t.length);
                rj_writer_reset(w);
                CHECK(write_sample(w) == RJ_OK && t.length == 2 * strlen(expected_sample()));
                rj_writer_free(w);
                rj_sink_free(sink);
                test_target_reset(&t);
            }
}

static void
test_failing_target(void)
{
    for (unsigned n = 1; n < 20; n++) {
        test_target t = {.most = 300, .fail_at = n};
        rj_sink *sink;
        rj_writer *w;
        CHECK(rj_callback_sink_new(&sink, test_target_write, &t, 512, NULL) == RJ_OK);
        CHECK(rj_writer_new(&w, sink, NULL) == RJ_OK);
        int rc = write_sample(w);
        rj_writer_failure failure = rj_writer_error(w);
        if (t.calls >= n) {
            CHECK(rc == RJ_EIO && failure.status == RJ_EIO && failure.sys_errno == EPIPE);
            CHECK(rj_writer_put_null(w) == RJ_EIO && rj_writer_finish(w) == RJ_EIO);
        }
        CHECK(failure.offset == t.length && strncmp(t.data ? t.data : "", expected_sample(), t.length) == 0);
        rj_writer_free(w);
        rj_sink_free(sink);
        test_target_reset(&t);
    }
}

static void
test_no_memory(void)
{
    for (unsigned n = 1;; n++) {
        test_memory memory = {.fail_at = n};
        rj_allocator alloc = test_allocator(&memory);
        rj_memory_sink sink;
        rj_writer *w = NULL;
        rj_memory_sink_init(&sink, &alloc, 0, 0, NULL, 0);
        int rc = rj_writer_new(&w, &sink.base, &alloc);
        if (rc == RJ_OK)
            rc = write_sample(w);
        CHECK(rc == (memory.calls >= n ? RJ_ENOMEM : RJ_OK));
        rj_writer_free(w);
        rj_sink_free(&sink.base);
        CHECK(memory.live == 0);
        if (rc == RJ_OK)
            break;
    }
}

/* Sequences of calls, one letter each: o O begin/end object, a A array, k key, v value, f finish, R raw nothing. The last call must
 * fail, all before succeed. */
static int
perform(rj_writer *w, char call)
{
    switch (call) {
    case 'o':
        return rj_writer_begin_object(w);
    case 'O':
        return rj_writer_end_object(w);
    case 'a':
        return rj_writer_begin_array(w);
    case 'A':
        return rj_writer_end_array(w);
    case 'k':
        return rj_writer_put_key(w, "k", 1);
    case 'v':
        return rj_writer_put_null(w);
    case 'R':
        return rj_writer_put_raw(w, "", 0);
    case 'u':
        return rj_writer_put_string(w, "\xFF", 1);
    case 'U':
        return rj_writer_put_key(w, "\xED\xA0\x80", 3);
    case 'n':
        return rj_writer_put_double(w, NAN);
    case 'i':
        return rj_writer_put_double(w, -INFINITY);
    default:
        return rj_writer_finish(w);
    }
}

static void
test_invalid_sequences(void)
{
    static const struct {
        const char *calls;
        int status;
    } cases[] = {{"f", RJ_ESTATE},   {"O", RJ_ESTATE},   {"A", RJ_ESTATE},   {"k", RJ_ESTATE},    {"vv", RJ_ESTATE},
                 {"vo", RJ_ESTATE},  {"ov", RJ_ESTATE},  {"oa", RJ_ESTATE},  {"okk", RJ_ESTATE},  {"okO", RJ_ESTATE},
                 {"oA", RJ_ESTATE},  {"aO", RJ_ESTATE},  {"ak", RJ_ESTATE},  {"of", RJ_ESTATE},   {"af", RJ_ESTATE},
                 {"okf", RJ_ESTATE}, {"aAA", RJ_ESTATE}, {"aAa", RJ_ESTATE}, {"okvv", RJ_ESTATE}, {"R", RJ_EINVAL},
                 {"u", RJ_EUTF8},    {"oU", RJ_EUTF8},   {"an", RJ_ENUMBER}, {"i", RJ_ENUMBER}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rj_memory_sink sink;
        rj_writer *w;
        rj_memory_sink_init(&sink, NULL, 0, 0, NULL, 0);
        CHECK(rj_writer_new(&w, &sink.base, NULL) == RJ_OK);
        const char *call = cases[i].calls;
        for (; call[1]; call++)
            CHECK(perform(w, *call) == RJ_OK);
        CHECK(perform(w, *call) == cases[i].status);
        CHECK(rj_writer_error(w).status == cases[i].status);
        CHECK(rj_writer_put_null(w) == cases[i].status); /* it sticks */
        rj_writer_reset(w);
        CHECK(rj_writer_put_null(w) == RJ_OK && rj_writer_finish(w) == RJ_OK);
        rj_writer_free(w);
        rj_sink_free(&sink.base);
    }
}

static void
test_calls_while_paused(void)
{
    test_target t = {.block_every = 1};
    rj_sink *sink;
    rj_writer *w;
    CHECK(rj_callback_sink_new(&sink, test_target_write, &t, 512, NULL) == RJ_OK);
    CHECK(rj_writer_new(&w, sink, NULL) == RJ_OK);
    CHECK(rj_writer_put_string(w, long_text, LONG_STRING) == RJ_PAUSE);
    CHECK(rj_writer_resume(w) == RJ_PAUSE);
    CHECK(rj_writer_put_null(w) == RJ_ESTATE);
    rj_writer_free(w);
    rj_sink_free(sink);
    test_target_reset(&t);
}

static void
test_a_document_that_was_given_up_leaves_nothing(void)
{
    test_target t = {0};
    rj_sink *sink;
    rj_writer *w;
    CHECK(rj_callback_sink_new(&sink, test_target_write, &t, 512, NULL) == RJ_OK);
    CHECK(rj_writer_new(&w, sink, NULL) == RJ_OK);
    CHECK(rj_writer_begin_array(w) == RJ_OK && rj_writer_end_object(w) == RJ_ESTATE);
    rj_writer_reset(w);
    CHECK(rj_writer_put_null(w) == RJ_OK && rj_writer_finish(w) == RJ_OK);
    CHECK(strcmp(t.data, "null") == 0);
    rj_writer_free(w);
    rj_sink_free(sink);
    test_target_reset(&t);
}

/* ---- a callback that uses the writer which calls it */

enum { RESET, RESUME, FINISH, PUT, FLUSH, MISUSES };

typedef struct misuse {
    rj_writer *w;
    rj_sink *sink;
    int kind, rc;
    size_t length;
} misuse;

static ptrdiff_t
misuse_write(void *ctx, const uint8_t *data, size_t length)
{
    misuse *m = ctx;
    (void)data;
    m->rc = RJ_ESTATE;
    switch (m->kind) {
    case RESET:
        rj_writer_reset(m->w);
        break;
    case RESUME:
        m->rc = rj_writer_resume(m->w);
        break;
    case FINISH:
        m->rc = rj_writer_finish(m->w);
        break;
    case PUT:
        m->rc = rj_writer_put_null(m->w);
        break;
    default:
        m->rc = rj_sink_flush(m->sink);
    }
    m->length += length;
    return (ptrdiff_t)length;
}

static void
test_a_callback_may_not_use_the_writer(void)
{
    for (int kind = 0; kind < MISUSES; kind++)
        for (int is_long = 0; is_long < 2; is_long++) {
            misuse m = {.kind = kind};
            CHECK(rj_callback_sink_new(&m.sink, misuse_write, &m, 512, NULL) == RJ_OK);
            CHECK(rj_writer_new(&m.w, m.sink, NULL) == RJ_OK);
            static char text[2000];
            memset(text, 'x', sizeof text);
            rj_writer_put_string(m.w, text, is_long ? sizeof text : 3);
            CHECK(rj_writer_finish(m.w) == RJ_ESTATE);
            CHECK(m.rc == RJ_ESTATE && m.length > 0);
            CHECK(rj_writer_error(m.w).status == RJ_ESTATE);
            rj_writer_free(m.w);
            rj_sink_free(m.sink);
        }
}

static void
test_depth(void)
{
    rj_memory_sink sink;
    rj_writer *w;
    rj_memory_sink_init(&sink, NULL, 0, 0, NULL, 0);
    CHECK(rj_writer_new(&w, &sink.base, NULL) == RJ_OK);
    for (int i = 0; i < RJ_WRITER_MAX_DEPTH; i++)
        CHECK(rj_writer_begin_array(w) == RJ_OK);
    CHECK(rj_writer_begin_array(w) == RJ_EDEPTH);
    rj_writer_free(w);
    rj_sink_free(&sink.base);
}

static void
test_status_texts(void)
{
    for (int status = RJ_EDEPTH; status <= RJ_PAUSE; status++)
        CHECK(strcmp(rj_strerror(status), "unknown status") != 0);
    CHECK(strcmp(rj_strerror(-1000), "unknown status") == 0);
}

int
main(void)
{
    for (int i = 0; i < LONG_STRING; i++)
        long_text[i] = i % 97 == 0 ? '"' : (char)('a' + i % 26);
    test_sample_on_callback_sinks();
    test_failing_target();
    test_no_memory();
    test_invalid_sequences();
    test_calls_while_paused();
    test_a_document_that_was_given_up_leaves_nothing();
    test_a_callback_may_not_use_the_writer();
    test_depth();
    test_status_texts();
    return 0;
}
