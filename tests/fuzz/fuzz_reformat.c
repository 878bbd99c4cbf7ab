/* libFuzzer on the transcoder: the first bytes drive options, sizes of pieces and windows, pauses and the instruction set; the rest is the text. Oracle: all
 * of it in one piece, on scalar code, with a sink that never pauses. Both say the same and have written the same.
 *
 *     make -C stream CC=clang ../build/stream/fuzz/fuzz_reformat && build/stream/fuzz/fuzz_reformat -max_total_time=60
 */
#include "reformat/reformat.h"
#include "text/text.h"

#include <stdlib.h>

#define HEADER 8

typedef struct fuzz_sink {
    rj_sink base;
    uint8_t window[1024];
    size_t size;           /* of the windows */
    unsigned pause, calls; /* every so many calls, if that is not 0 */
    uint8_t *out;
    size_t length, capacity;
} fuzz_sink;

static int
answer(fuzz_sink *s)
{
    return s->pause && ++s->calls % s->pause == 0 ? RJ_PAUSE : RJ_OK;
}

static int
fuzz_lend(rj_sink *base, size_t hint, rj_window *out)
{
    fuzz_sink *s = (fuzz_sink *)base;
    (void)hint;
    *out = (rj_window){s->window, s->window + s->size};
    return answer(s);
}

static int
fuzz_take(rj_sink *base, size_t used)
{
    fuzz_sink *s = (fuzz_sink *)base;
    if (s->length + used > s->capacity) {
        s->capacity = 2 * (s->length + used);
        s->out = realloc(s->out, s->capacity);
        if (!s->out)
            abort();
    }
    if (used)
        memcpy(s->out + s->length, s->window, used);
    s->length += used;
    return RJ_OK;
}

static int
fuzz_flush(rj_sink *base)
{
    return answer((fuzz_sink *)base);
}

static void
fuzz_close(rj_sink *base)
{
    free(((fuzz_sink *)base)->out);
}

static const rj_sink_ops fuzz_ops = {fuzz_lend, fuzz_take, fuzz_flush, NULL, fuzz_close};

/* Pieces are copies of their own, so that reading past one is seen. */
static rj_reformat_failure
transcode(fuzz_sink *s, const rj_reformat_options *options, const char *isa, const uint8_t *text, size_t length,
          size_t piece)
{
    rj_reformat *r;
    int rc = RJ_OK;
    if (rj_reformat_new(&r, &s->base, options, NULL) != RJ_OK)
        abort();
    r->arch = rj__reformat_arch_named(isa);
    for (size_t i = 0; i < length && rc >= 0;) {
        size_t n = piece < length - i ? piece : length - i, used = 0;
        uint8_t *copy = malloc(n);
        if (!copy)
            abort();
        memcpy(copy, text + i, n);
        rc = rj_reformat_feed(r, copy, n, &used);
        free(copy);
        i += used;
    }
    while (rc >= 0 && (rc = rj_reformat_finish(r)) == RJ_PAUSE)
        ;
    rj_reformat_failure failure = rj_reformat_error(r);
    if (rc != failure.status)
        abort();
    rj_reformat_free(r);
    return failure;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const indents[] = {NULL, "", " ", "  ", "\t", " \t ", "    ", NULL};
    if (size < HEADER)
        return 0;
    size_t archs;
    const rj__arch *list = rj__arch_list(&archs);
    rj_reformat_options options = {.indent = indents[data[0] % 8],
                                   .ascii = data[0] >> 3 & 1,
                                   .in = (rj_framing)(data[1] % 6),
                                   .out = (rj_framing)(data[1] / 6 % 6),
                                   .max_depth = data[2] & 1 ? data[2] : 0};
    if (options.out == RJ_FRAMING_LINES)
        options.indent = NULL;
    size_t length = size - HEADER, piece = 1 + data[3] + (data[4] & 3) * 256u;
    fuzz_sink plain = {.base.ops = &fuzz_ops, .size = sizeof plain.window}, cruel = plain;
    cruel.size = RJ_WINDOW_MIN + data[5];
    cruel.pause = data[6] % 4 ? data[6] % 4 + 1 : 0;
    rj_reformat_failure a = transcode(&plain, &options, "scalar", data + HEADER, length, length ? length : 1);
    rj_reformat_failure b = transcode(&cruel, &options, list[data[7] % archs].name, data + HEADER, length, piece);
    if (a.status != b.status || strcmp(a.message, b.message) != 0 || a.offset != b.offset || a.line != b.line ||
        a.column != b.column || a.character != b.character)
        abort();
    if (plain.length != cruel.length || (plain.length && memcmp(plain.out, cruel.out, plain.length) != 0))
        abort();
    rj_sink_free(&plain.base);
    rj_sink_free(&cruel.base);
    return 0;
}
