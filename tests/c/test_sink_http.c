/* The HTTP chunked sink: what a decoder written after RFC 9112, section 7.1, finds in its output is what was written to it. */
#include "harness.h"

/* The body's content in place, or NULL if it is no complete chunked body followed by nothing. */
static char *
decode(test_target *t)
{
    char *in = t->data, *out = t->data, *end = t->data + t->length;
    for (;;) {
        char *line_end;
        size_t size = strtoull(in, &line_end, 16);
        if (line_end == in || strncmp(line_end, "\r\n", 2) != 0 || size > (size_t)(end - line_end))
            return NULL;
        in = line_end + 2;
        if (size == 0)
            break;
        memmove(out, in, size);
        out += size;
        in += size;
        if (strncmp(in, "\r\n", 2) != 0)
            return NULL;
        in += 2;
    }
    if (strcmp(in, "\r\n") != 0)
        return NULL;
    *out = '\0';
    return t->data;
}

static int
resume(rj_writer *w, int rc)
{
    while (rc == RJ_PAUSE)
        rc = rj_writer_resume(w);
    return rc;
}

static int
write_array(rj_sink *sink, unsigned count)
{
    rj_writer *w;
    CHECK(rj_writer_new(&w, sink, NULL) == RJ_OK);
    int rc = resume(w, rj_writer_begin_array(w));
    for (unsigned i = 0; i < count && rc == RJ_OK; i++)
        rc = resume(w, rj_writer_put_uint64(w, i));
    if (rc == RJ_OK)
        rc = resume(w, rj_writer_end_array(w));
    while (rc == RJ_OK && (rc = rj_writer_finish(w)) == RJ_PAUSE)
        rc = RJ_OK;
    rj_writer_free(w);
    while (rc == RJ_OK && (rc = rj_http_chunked_sink_finish(sink)) == RJ_PAUSE)
        rc = RJ_OK;
    return rc;
}

static char *
expected(unsigned count)
{
    char *text = malloc(count * 11 + 3), *p = text;
    *p++ = '[';
    for (unsigned i = 0; i < count; i++)
        p += sprintf(p, "%s%u", i ? "," : "", i);
    strcpy(p, "]");
    return text;
}

static void
test_decodes_to_what_was_written(void)
{
    const unsigned counts[] = {0, 1, 100, 20000};
    for (size_t i = 0; i < COUNT(chunk_sizes); i++)
        for (size_t j = 0; j < COUNT(counts); j++)
            for (unsigned block = 0; block < 4; block += 2) {
                test_target t = {.most = block ? 77 : 0, .block_every = block};
                rj_sink *inner, *sink;
                CHECK(rj_callback_sink_new(&inner, test_target_write, &t, chunk_sizes[i], NULL) == RJ_OK);
                CHECK(rj_http_chunked_sink_new(&sink, inner, NULL) == RJ_OK);
                CHECK(write_array(sink, counts[j]) == RJ_OK);
                CHECK(sink->accepted == t.length);
                char *text = expected(counts[j]);
                CHECK(decode(&t) && strcmp(t.data, text) == 0);
                free(text);
                rj_sink_free(sink);
                rj_sink_free(inner);
                test_target_reset(&t);
            }
}

static void
test_ends_once_and_begins_again(void)
{
    test_target t = {0};
    rj_sink *inner, *sink;
    rj_window w;
    CHECK(rj_callback_sink_new(&inner, test_target_write, &t, 0, NULL) == RJ_OK);
    CHECK(rj_http_chunked_sink_new(&sink, inner, NULL) == RJ_OK);
    CHECK(rj_sink_lend(sink, 0, &w) == RJ_OK && rj_sink_take(sink, 0) == RJ_OK); /* no chunk at all */
    CHECK(rj_http_chunked_sink_finish(sink) == RJ_OK && strcmp(t.data, "0\r\n\r\n") == 0);
    CHECK(rj_http_chunked_sink_finish(sink) == RJ_OK && t.length == 5);
    rj_http_chunked_sink_reset(sink);
    test_target_reset(&t);
    CHECK(write_array(sink, 1) == RJ_OK && strcmp(decode(&t), "[0]") == 0);
    CHECK(rj_sink_lend(sink, 0, &w) == RJ_ESTATE);
    rj_sink_free(sink);
    rj_sink_free(inner);
    test_target_reset(&t);
}

static void
test_failures_show_through(void)
{
    test_target t = {.fail_at = 2};
    rj_sink *inner, *sink;
    CHECK(rj_callback_sink_new(&inner, test_target_write, &t, 512, NULL) == RJ_OK);
    CHECK(rj_http_chunked_sink_new(&sink, inner, NULL) == RJ_OK);
    CHECK(write_array(sink, 20000) == RJ_EIO && sink->sys_errno == EPIPE && sink->accepted == t.length);
    CHECK(rj_http_chunked_sink_finish(sink) == RJ_EIO);
    rj_sink_free(sink);
    rj_sink_free(inner);
    test_target_reset(&t);

    CHECK(rj_callback_sink_new(&inner, test_target_write, &t, 512, NULL) == RJ_OK);
    CHECK(rj_http_chunked_sink_new(&sink, inner, NULL) == RJ_OK);
    rj_sink_abort(sink);
    CHECK(write_array(sink, 1) == RJ_ECANCELED && t.length == 0);
    rj_sink_free(sink);
    rj_sink_free(inner);

    test_memory memory = {.fail_at = 1};
    rj_allocator alloc = test_allocator(&memory);
    CHECK(rj_http_chunked_sink_new(&sink, NULL, &alloc) == RJ_ENOMEM);
}

int
main(void)
{
    test_decodes_to_what_was_written();
    test_ends_once_and_begins_again();
    test_failures_show_through();
    return 0;
}
