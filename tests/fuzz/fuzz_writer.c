/* libFuzzer on rj_writer and the sinks: the first bytes drive sizes of chunks, the sink, how much it takes and when it would block; every other byte
 * is a call, right or wrong in its place, with its arguments behind it. Oracle: the same calls into memory, at once. Each call answers the same, all
 * the same bytes come out, and after a failure of the target the beginning of them, as many as the writer says.
 *
 *     make fuzz SECONDS=600
 */
#include "rjson/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 6
#define CALLS_MAX 4096

typedef struct target {
    uint8_t *data;
    size_t length, capacity, most; /* bytes to take in a call; 0: all */
    unsigned calls, block_every, fail_at;
} target;

static ptrdiff_t
target_write(void *ctx, const uint8_t *data, size_t length)
{
    target *t = ctx;
    t->calls++;
    if (t->calls == t->fail_at)
        return -EPIPE;
    if (t->block_every && t->calls % t->block_every == 0)
        return 0;
    size_t n = t->most && t->most < length ? t->most : length;
    if (t->length + n > t->capacity) {
        t->capacity = 2 * (t->length + n);
        t->data = realloc(t->data, t->capacity);
        if (!t->data)
            abort();
    }
    memcpy(t->data + t->length, data, n);
    t->length += n;
    return (ptrdiff_t)n;
}

typedef struct script {
    const uint8_t *at, *end;
} script;

static uint8_t
next(script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static uint64_t
next_number(script *s)
{
    uint64_t value = 0;
    unsigned bytes = next(s) % 9;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | next(s);
    return value;
}

/* A text of the script's bytes, repeated, in memory of its own, so that reading past it is seen; valid until the item is complete. */
static size_t
next_text(script *s, char **out)
{
    size_t length = next(s) % 32, times = 1 + next(s) % 64u, left = (size_t)(s->end - s->at);
    length = length < left ? length : left;
    size_t size = length * times;
    char *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    for (size_t i = 0; i < times && length; i++)
        memcpy(copy + i * length, s->at, length);
    s->at += length;
    *out = copy;
    return length * times;
}

static int
put_text(rj_writer *w, script *s, int (*put)(rj_writer *, const char *, size_t))
{
    char *text;
    size_t length = next_text(s, &text);
    int rc = put(w, text, length);
    while (rc == RJ_PAUSE)
        rc = rj_writer_resume(w);
    free(text);
    return rc;
}

static int
put_double(rj_writer *w, uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return rj_writer_put_double(w, value);
}

static int
call(rj_writer *w, script *s, unsigned which)
{
    switch (which) {
    case 0:
        return rj_writer_begin_object(w);
    case 1:
        return rj_writer_end_object(w);
    case 2:
        return rj_writer_begin_array(w);
    case 3:
        return rj_writer_end_array(w);
    case 4:
    case 5:
        return put_text(w, s, rj_writer_put_key);
    case 6:
    case 7:
        return put_text(w, s, rj_writer_put_string);
    case 8:
        return put_text(w, s, rj_writer_put_raw);
    case 9:
        return rj_writer_put_int64(w, (int64_t)next_number(s));
    case 10:
        return rj_writer_put_uint64(w, next_number(s));
    case 11:
        return put_double(w, next_number(s));
    case 12:
        return rj_writer_put_bool(w, next(s) & 1);
    default:
        return rj_writer_put_null(w);
    }
}

#define KINDS 14
#define FINISH KINDS

static int
finish(rj_writer *w)
{
    int rc;
    while ((rc = rj_writer_finish(w)) == RJ_PAUSE)
        ;
    if (rc == RJ_OK)
        rj_writer_reset(w);
    return rc;
}

/* Runs the script. A finished document is followed by another; after one that failed, some calls more are made. Returns how many calls were made:
 * all, or up to the target's failure. `*finished` afterwards: whether the last call finished a document. */
static size_t
run(rj_sink *sink, script s, int8_t answers[CALLS_MAX], int *finished)
{
    rj_writer *w;
    size_t calls = 0;
    if (rj_writer_new(&w, sink, NULL) != RJ_OK)
        abort();
    *finished = 1;
    while (s.at < s.end && calls < CALLS_MAX) {
        unsigned which = next(&s) % (KINDS + 1);
        int rc = which == FINISH ? finish(w) : call(w, &s, which);
        while (rc == RJ_PAUSE)
            rc = rj_writer_resume(w);
        answers[calls++] = (int8_t)rc;
        *finished = which == FINISH && rc == RJ_OK;
        if (sink->status != RJ_OK)
            break;
    }
    rj_writer_failure failure = rj_writer_error(w);
    if (sink->status != RJ_OK &&
        (failure.status != RJ_EIO || failure.sys_errno != EPIPE || failure.offset != sink->accepted))
        abort();
    rj_writer_free(w);
    int rc;
    while ((rc = rj_sink_flush(sink)) == RJ_PAUSE)
        ;
    if (rc != sink->status)
        abort();
    return calls;
}

static rj_sink *
make_sink(target *t, const uint8_t *header, rj_sink **inner)
{
    rj_sink *sink;
    size_t chunk_size = (size_t)header[0] << (header[1] & 7);
    if (rj_callback_sink_new(&sink, target_write, t, chunk_size ? chunk_size : 1, NULL) != RJ_OK)
        abort();
    *inner = NULL;
    if (header[1] & 8) {
        *inner = sink;
        if (rj_http_chunked_sink_new(&sink, *inner, NULL) != RJ_OK)
            abort();
    }
    return sink;
}

/* Takes HTTP's chunks apart, in place; a target that failed has the beginning of one at the end. Returns how many bytes they hold. */
static size_t
unchunk(uint8_t *data, size_t length, int is_cut)
{
    size_t i = 0, out = 0;
    while (i < length) {
        size_t size = 0, digits = 0;
        for (; i < length && data[i] != '\r'; i++, digits++) {
            const char *hex = "0123456789abcdef", *digit = memchr(hex, data[i] | (data[i] >= 'A' ? 32 : 0), 16);
            if (!digit)
                abort();
            size = size << 4 | (size_t)(digit - hex);
        }
        i += 2;
        if (i >= length && is_cut)
            break;
        if (i >= length || !digits || !size || (i + size + 2 > length && !is_cut))
            abort();
        size_t there = size < length - i ? size : length - i;
        memmove(data + out, data + i, there);
        out += there;
        i += size + 2;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int8_t expected[CALLS_MAX], answers[CALLS_MAX];
    if (size < HEADER)
        return 0;
    script s = {data + HEADER, data + size};
    rj_memory_sink memory;
    rj_memory_sink_init(&memory, NULL, 0, 0, NULL, 0);
    int finished, failed;
    size_t all = run(&memory.base, s, expected, &finished), length;
    const uint8_t *text = rj_memory_sink_data(&memory, &length);

    target t = {.most = data[2] ? data[2] * 7u : 0, .block_every = data[3] ? data[3] % 8 + 2 : 0, .fail_at = data[4]};
    rj_sink *inner, *sink = make_sink(&t, data, &inner);
    size_t calls = run(sink, s, answers, &finished);
    failed = sink->status != RJ_OK;
    if (sink->accepted != t.length)
        abort();
    size_t same = calls - (failed && calls ? 1 : 0), got = inner ? unchunk(t.data, t.length, failed) : t.length;
    if ((!failed && calls != all) || (same && memcmp(expected, answers, same) != 0))
        abort();
    /* Of a document that is not finished, each may keep some in its window. */
    if (finished && !failed && got != length)
        abort();
    size_t both = got < length ? got : length;
    if (both && memcmp(text, t.data, both) != 0)
        abort();
    rj_sink_free(sink);
    rj_sink_free(inner);
    rj_sink_free(&memory.base);
    free(t.data);
    return 0;
}
